"""A dictionary that goes by identity and keeps no key alive.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar, final

from trioflow.race.shadow.uninterrupted import uninterrupted

_Value = TypeVar("_Value")


class _Entry(weakref.ref[object], Generic[_Value]):
    """A key, with what belongs to it."""

    __slots__ = ("entries", "identity", "value")

    entries: dict[int, _Entry[_Value]]
    identity: int
    value: _Value


@uninterrupted
def _forget(entry: Any) -> None:
    entry.entries.pop(entry.identity, None)


@final
class IdentityMap(Generic[_Value]):
    """Values by objects, whether these can be hashed or not; an entry goes with its object."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, _Entry[_Value]] = {}

    def get(self, key: object) -> _Value | None:
        """The value of `key`, or None."""
        entry = self._entries.get(id(key))
        return None if entry is None else entry.value

    def set(self, key: object, value: _Value) -> None:
        """Set the value of `key`."""
        identity = id(key)
        entry: _Entry[_Value] | None = self._entries.get(identity)
        if entry is None:
            entry = _Entry(key, _forget)
            entry.entries = self._entries
            entry.identity = identity
            self._entries[identity] = entry
        entry.value = value

    def clear(self) -> None:
        """Forget all, and leave no cycles behind."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
