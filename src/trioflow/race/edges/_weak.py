"""A dictionary that goes by identity and keeps no key alive.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar, final

_Value = TypeVar("_Value")


@final
class IdentityMap(Generic[_Value]):
    """Values by objects, whether these can be hashed or not; an entry goes with its object."""

    __slots__ = ("__weakref__", "_entries")

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[object], _Value]] = {}

    def get(self, key: object) -> _Value | None:
        """The value of `key`, or None."""
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]

    def set(self, key: object, value: _Value) -> None:
        """Set the value of `key`."""
        identity = id(key)
        entry = self._entries.get(identity)
        if entry is not None:
            self._entries[identity] = (entry[0], value)
            return
        entries = self._entries

        def forget(_: weakref.ref[object]) -> None:
            entries.pop(identity, None)

        entries[identity] = (weakref.ref(key, forget), value)

    def __len__(self) -> int:
        return len(self._entries)
