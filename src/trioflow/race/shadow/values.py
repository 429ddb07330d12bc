"""Looking at values without running code of the program, and remembering them without keeping them.

PYTEST_DONT_REWRITE
"""

# Containers hold anything: pyright's strict mode does not know what, and need not.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import collections
import enum
from collections.abc import Hashable
from typing import Any, final

from trioflow.race.shadow.containers import Part
from trioflow.race.shadow.kinds import is_a, name_of

_PLAIN = frozenset({str, int, bytes, bool, float, type(None), complex})
_LONGEST = 256


class Unknown(enum.Enum):
    """Stands for a value that can't be looked at."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@final
class Absence:
    """Stands for there being no value."""


ABSENCE = Absence()


@final
class Scope:
    """Stands for the variables of one activation that inner functions capture, or for a module's globals."""

    __slots__ = ("__weakref__", "name", "values")

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.values: dict[Hashable, object] = {}
        """The digests of the values seen last."""


def digest(value: object) -> object:
    """What tells a value from others: plain data itself, anything else by type and address."""
    cls = type(value)
    if cls in _PLAIN and not (cls in (str, bytes) and len(value) > _LONGEST):  # type: ignore[arg-type]
        return (cls, value)
    if value is ABSENCE:
        return ABSENCE
    return (name_of(cls), id(value), None)


def is_plain(remembered: object) -> bool:
    """Whether a digest is the value itself, so that equal digests mean equal values."""
    return remembered is ABSENCE or (type(remembered) is tuple and len(remembered) == 2)


def show(remembered: object) -> str | None:
    """A digest as a report shows it; None if it says nothing."""
    if type(remembered) is tuple and len(remembered) == 2:
        text = repr(remembered[1])
        return text if len(text) <= 40 else None
    return None


def _extent(value: Any) -> object:
    """How much is in a container: tells two states of it apart, but not that they are the same."""
    bases: tuple[Any, ...] = (dict, list, set, collections.deque, bytearray)
    for base in bases:
        if is_a(value, base):
            return (base.__name__, base.__len__(value), None)
    return UNKNOWN


def look(value: Any, where: Hashable) -> object:
    """The digest of what an attribute or key holds now."""
    if isinstance(where, Part):
        return _extent(value)
    if type(value) is Scope:
        return value.values.get(where, UNKNOWN)
    held = content(value, where)
    return UNKNOWN if held is UNKNOWN else digest(held)


def content(value: Any, where: Hashable) -> object:
    """What an attribute or key holds now."""
    try:
        if not is_a(value, dict, list, type):
            return object.__getattribute__(value, where) if isinstance(where, str) else UNKNOWN
        if is_a(value, dict):
            if type(where) is tuple:
                return UNKNOWN
            return dict.get(value, where, ABSENCE)
        if is_a(value, list):
            return list.__getitem__(value, where) if isinstance(where, int) else UNKNOWN
        return type.__getattribute__(value, where) if isinstance(where, str) else UNKNOWN
    except (AttributeError, IndexError, KeyError):
        return ABSENCE
    except Exception:
        return UNKNOWN
