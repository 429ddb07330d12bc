"""What code that nobody wrote reads: comparison, printing and copying of data classes and plain objects.

PYTEST_DONT_REWRITE

`==` of two data classes, `repr`, `replace`, `asdict` and `copy.copy` read fields in code that is generated or
belongs to the standard library, and so has no probes. Which fields they read is known from the class. What they
find there they compare, print or copy likewise, so they are followed for a bounded number of objects.
No code of the program is run, and whatever it wrote itself (an `__eq__` of its own) speaks for itself.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import collections
import dataclasses
import types
from collections.abc import Iterable, Iterator
from typing import Any, Final

from trioflow.race.model.sites import Operation
from trioflow.race.shadow.containers import ABSENT, READ, Effects, effects_of
from trioflow.race.shadow.kinds import Container, container_of, is_a, lookup

_MOST: Final = 64
_SIMPLE: Final = frozenset({str, int, float, bool, bytes, complex, type(None), type, types.FunctionType, range})

_PRINTING: Final = frozenset({"repr", "str", "print", "format", "pprint", "pformat"})
_CONVERTING: Final = frozenset({"replace", "evolve", "asdict", "astuple"})
_COPYING: Final = frozenset({"copy", "deepcopy"})
_STORING: Final = frozenset({"dump", "dumps"})
DUMPING: Final = frozenset({"model_dump", "model_dump_json", "model_copy"})
"""Methods of models that read all their fields."""
DEEP: Final = _PRINTING | _STORING | {"deepcopy", "asdict", "astuple", "__eq__"}
"""What reads not only what it is given, but also what it finds there."""
SPELT: Final = DEEP | _CONVERTING | _COPYING | DUMPING | {"__dict__", "hash"}
"""Everything by which fields are read that no source code names."""


def reached(value: Any, by: str, without: Iterable[str] = ()) -> Iterator[tuple[Any, Container | None, Effects]]:
    """What an operation of that name reads: objects, with the effects on each.

    Args:
        value: What it is given.
        by: The name of a function, a method, or an operator's method.
        without: Fields that are not read, as they get another value.
    """
    waiting: collections.deque[Any] = collections.deque([value])
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        each = waiting.popleft()
        if type(each) in _SIMPLE or id(each) in seen:
            continue
        seen.add(id(each))
        kind = container_of(type(each))
        if kind is not None:
            yield each, kind, effects_of(kind, each, Operation.CONTENTS_READ, None, ABSENT)
            found = _elements(each, kind)
        elif is_a(each, tuple):
            found = list(tuple.__iter__(each))
        else:
            names = [name for name in fields_of(each, by) if name not in without]
            if names:
                yield each, None, tuple((name, READ) for name in names)
            found = [_held(each, name) for name in names]
        if by in DEEP:
            waiting.extend(found[:_MOST])


def fields_of(value: Any, by: str) -> list[str]:
    """The fields of an object that an operation reads in code without probes."""
    cls = type(value)
    if by == "__dict__":
        return _own(value)
    if by in DUMPING:
        return _own(value) if lookup(cls, "__pydantic_fields__") or lookup(cls, "model_fields") else []
    if by in _CONVERTING:
        return _declared(cls, None)
    if by in ("__eq__", "hash"):
        by = f"__{by.strip('_')}__"
        return _own(value) if cls is types.SimpleNamespace else _declared(cls, "eq") if _generated(cls, by) else []
    if by in _PRINTING:
        if not _inherits(cls, "__str__") or not _inherits(cls, "__format__"):
            return []
        if cls is types.SimpleNamespace:
            return _own(value)
        return _declared(cls, "repr") if _generated(cls, "__repr__") else []
    return _copied(value, cls, by)


def _copied(value: Any, cls: type, by: str) -> list[str]:
    """What `copy` and `pickle` read: everything, unless the class says how it is to be done."""
    special = "__copy__" if by == "copy" else "__deepcopy__" if by == "deepcopy" else "__reduce__"
    if lookup(cls, special) is not None and special != "__reduce__":
        return []
    if not _inherits(cls, "__reduce_ex__") or (not _inherits(cls, "__reduce__") and cls is not types.SimpleNamespace):
        return []
    state = lookup(cls, "__getstate__")
    if state is not None and state[0] is not object and not _declared(cls, None):
        return []
    return _own(value)


def _generated(cls: type, method: str) -> bool:
    """Whether a method of a class was made from text that is in no file."""
    found = lookup(cls, method)
    function = None if found is None else found[1]
    function = getattr(function, "__wrapped__", function) if type(function) is types.FunctionType else function
    return type(function) is types.FunctionType and function.__code__.co_filename.startswith("<")


def _inherits(cls: type, method: str) -> bool:
    """Whether a method is that of every object."""
    found = lookup(cls, method)
    return found is None or found[0] is object


def _declared(cls: type, use: str | None) -> list[str]:
    """The fields of a data class, or of a class made by attrs; those that have a part in a method of it, if given."""
    found = lookup(cls, "__attrs_attrs__")
    if found is not None:
        return [each.name for each in found[1] if use is None or getattr(each, use)]
    found = lookup(cls, "__dataclass_fields__")
    if found is None:
        return []
    flag = "compare" if use == "eq" else use
    return [each.name for each in dataclasses.fields(cls) if flag is None or getattr(each, flag)]


def _own(value: Any) -> list[str]:
    """All attributes that an instance has."""
    try:
        names = list(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        names = []
    for base in type.__dict__["__mro__"].__get__(type(value)):
        namespace = type.__dict__["__dict__"].__get__(base)
        names += [name for name, each in namespace.items() if is_a(each, types.MemberDescriptorType)]
    return [name for name in names if is_a(name, str) and not name.startswith("__")]


def _held(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except Exception:
        return None


def _elements(value: Any, kind: Container) -> list[Any]:
    if kind is Container.DICT:
        return list(dict.values(value))
    if kind is Container.LIST:
        return list(list.__iter__(value))
    return list(collections.deque.__iter__(value)) if is_a(value, collections.deque) else []
