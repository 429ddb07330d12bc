"""Which variables an operation on a container reads and writes.

PYTEST_DONT_REWRITE

A dict or list has a variable for each key or index, and three for all of it:

- `SHAPE`: which keys there are, how many and in which order. Read by `len` and iteration,
  written by whatever adds or removes.
- `ELEMENTS`: read by those who look at all values, written by those who store any of them.
- `ARRANGEMENT`: read by those who use one element, written by those who replace or move all of them.

Of the last two the first is written and the second read with every single element, so a look at
everything meets the store of one thing, and a sort meets the look at one thing, while stores to different
keys don't meet. A set has keys for the sake of critical sections (`if k not in seen: ...; seen.add(k)`)
and `CONTENTS`, the one variable on which its races are judged; deques, bytearrays and arrays have `CONTENTS` alone.
"""

# Containers hold anything: pyright's strict mode does not know what, and need not.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import array
import collections
import enum
from collections.abc import Hashable
from typing import Any, TypeAlias

from trioflow.race.model.members import store_plainly
from trioflow.race.model.sites import Operation
from trioflow.race.shadow.kinds import Container, is_a

READ = 1
WRITE = 2
UPDATE = 3


class Part(enum.Enum):
    """The variables of a container that are not single elements."""

    __hash__ = object.__hash__  # not the one of `Enum`, which is written in Python

    SHAPE = "shape"
    ELEMENTS = "elements"
    ARRANGEMENT = "arrangement"
    CONTENTS = "contents"


class Absent(enum.Enum):
    """Marks a key that was not given."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

store_plainly(Part, Absent)

Effect: TypeAlias = tuple[Hashable, int]
Effects: TypeAlias = tuple[Effect, ...]

_ALL_READ: Effects = ((Part.ELEMENTS, READ), (Part.SHAPE, READ))
_ALL_WRITE: Effects = ((Part.ELEMENTS, WRITE), (Part.ARRANGEMENT, WRITE), (Part.SHAPE, WRITE))
_REPLACED: Effects = ((Part.ELEMENTS, WRITE), (Part.ARRANGEMENT, WRITE))
_SHAPE_READ: Effects = ((Part.SHAPE, READ),)
_SHAPE_WRITE: Effects = ((Part.SHAPE, WRITE),)
_CONTENTS_READ: Effects = ((Part.CONTENTS, READ),)
_CONTENTS_WRITE: Effects = ((Part.CONTENTS, WRITE),)
_NOTHING: Effects = ()

_SIMPLE = frozenset({str, int, bytes, bool, float, type(None), complex})

_WHOLE_READS = (
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __add__ __radd__ __mul__ __rmul__ __sub__ __rsub__ "
    "__or__ __ror__ __and__ __rand__ __xor__ __rxor__ __repr__ __str__ __format__ __reduce__ __reduce_ex__ __copy__"
).split()
"""Methods of operators and protocols that look at everything, whatever the container."""

_DICT_READS = {
    "keys": _SHAPE_READ,
    "__iter__": _SHAPE_READ,
    "__reversed__": _SHAPE_READ,
    "__len__": _SHAPE_READ,
    **dict.fromkeys(_WHOLE_READS, _ALL_READ),
    "values": _ALL_READ,
    "items": _ALL_READ,
    "copy": _ALL_READ,
    "elements": _ALL_READ,
    "most_common": _ALL_READ,
    "total": _ALL_READ,
}
_DICT_WRITES = {
    "clear": _ALL_WRITE,
    "popitem": _ALL_WRITE,
    "update": _ALL_WRITE,
    "subtract": _ALL_WRITE,
    "__ior__": _ALL_WRITE,
    "__iadd__": _ALL_WRITE,
    "__isub__": _ALL_WRITE,
    "__iand__": _ALL_WRITE,
    "move_to_end": _SHAPE_WRITE,
}
_LIST_METHODS = {
    "extend": _SHAPE_WRITE,
    "__iadd__": _SHAPE_WRITE,
    "__imul__": _SHAPE_WRITE,
    "insert": _ALL_WRITE,
    "remove": _ALL_WRITE,
    "pop": _ALL_WRITE,
    "clear": _ALL_WRITE,
    "sort": _REPLACED,
    "reverse": _REPLACED,
    "copy": _ALL_READ,
    "count": _ALL_READ,
    "index": _ALL_READ,
    "__iter__": _ALL_READ,
    "__reversed__": _ALL_READ,
    "__len__": _SHAPE_READ,
    "__contains__": _ALL_READ,
    **dict.fromkeys(_WHOLE_READS, _ALL_READ),
}
_SET_READS = frozenset(
    "copy difference intersection isdisjoint issubset issuperset symmetric_difference union __iter__ __len__".split()
).union(_WHOLE_READS)
_SET_WRITES = frozenset(
    "clear pop update difference_update intersection_update symmetric_difference_update "
    "__ior__ __iand__ __isub__ __ixor__".split()
)
_SEQUENCE_WRITES = frozenset(
    "append appendleft extend extendleft insert pop popleft remove reverse rotate clear resize __iadd__ __imul__ "
    "__setitem__ __delitem__ frombytes fromlist fromfile fromunicode byteswap".split()
)
_SEQUENCE_READS = (
    frozenset(
        name
        for cls in (collections.deque, bytearray, array.array)
        for name in dir(cls)
        if not name.startswith("_")
        and name not in ("fromhex", "maketrans", "buffer_info", "itemsize", "typecode", "maxlen")
    )
    .difference(_SEQUENCE_WRITES)
    .union(_WHOLE_READS, ("__iter__", "__reversed__", "__len__", "__getitem__", "__contains__"))
)
REMOVALS = frozenset({"pop", "popleft", "popitem", "remove", "discard", "__delitem__", "clear"})
"""Methods that take something out: what they return is owned by whoever took it."""
ADDITIONS = frozenset({"append", "appendleft", "extend", "extendleft", "add"})
"""Methods of which two in either order leave the same things in the container."""
KEYED = frozenset(
    "get pop setdefault __getitem__ __setitem__ __delitem__ __contains__ add discard remove move_to_end".split()
)

_WITH_A_KEY_READ = frozenset({"get", "__getitem__", "__contains__"})


def key_of(key: object) -> Hashable:
    """What stands for a key: itself if it is plain data, else its type and hash; ABSENT if it has none.

    No key of a user's class is kept, nor compared, so that neither its life nor its `__eq__` is touched.
    """
    cls = type(key)
    if cls in _SIMPLE:
        return key
    if cls is tuple and all(type(part) in _SIMPLE for part in key):  # type: ignore[attr-defined]
        return key
    try:
        return (cls.__qualname__, hash(key))
    except Exception:
        return ABSENT


def effects_of(kind: Container, value: Any, operation: Operation, name: str | None, key: object) -> Effects:
    """What an operation does to which variables of a container.

    Args:
        kind: The kind of container.
        value: The container, before the operation.
        operation: What stands at the site.
        name: The method, for `Operation.CALL`; for `CONTENTS_WRITE` that of an operator, if it is one.
        key: The key or first argument, or ABSENT.
    """
    if operation is Operation.CONTENTS_WRITE and name is not None:
        operation = Operation.CALL  # an operator that changes it in place
    if kind is Container.DICT:
        return _dict_effects(value, operation, name, key)
    if kind is Container.LIST:
        return _list_effects(value, operation, name, key)
    if kind is Container.SET:
        return _set_effects(operation, name, key)
    return _sequence_effects(operation, name)


def whole_effects(kind: Container, name: str) -> Effects:
    """What a method that needs a key does, where the key is not known."""
    if name in _WITH_A_KEY_READ:
        return _ALL_READ if kind in (Container.DICT, Container.LIST) else _CONTENTS_READ
    if name in KEYED:
        return _ALL_WRITE if kind in (Container.DICT, Container.LIST) else _CONTENTS_WRITE
    return _NOTHING


def _dict_effects(value: dict[Any, Any], operation: Operation, name: str | None, key: Any) -> Effects:
    if operation is Operation.CALL:
        assert name is not None
        if name in _DICT_READS:
            return _DICT_READS[name]
        if name in _DICT_WRITES:
            if name == "update" and is_a(key, dict) and dict.__len__(key) <= 64:
                return tuple(effect for each in list(dict.keys(key)) for effect in _dict_store(value, each))
            return _DICT_WRITES[name]
        if key is ABSENT:
            return _NOTHING
        if name in ("get", "__getitem__", "__contains__"):
            return _dict_load(value, key, name == "__getitem__")
        if name == "setdefault":
            return _dict_load(value, key, False) if _has(value, key) else _dict_store(value, key)
        if name == "__setitem__":
            return _dict_store(value, key)
        if name in ("pop", "__delitem__"):
            return _dict_remove(key) if _has(value, key) else _dict_load(value, key, False)
        return _NOTHING
    if operation in (Operation.SHAPE, Operation.ITERATE):
        return _SHAPE_READ
    if operation is Operation.CONTENTS_READ:
        return _ALL_READ
    if operation is Operation.CONTENTS_WRITE:
        return _ALL_WRITE
    if key is ABSENT:
        return _NOTHING
    if operation is Operation.MEMBER:
        return _dict_load(value, key, False)
    if operation is Operation.ITEM_READ:
        return _dict_load(value, key, True)
    if operation is Operation.ITEM_WRITE:
        return _dict_store(value, key)
    if operation is Operation.ITEM_DELETE:
        return _dict_remove(key)
    stored = _dict_store(value, key)
    return ((stored[0][0], UPDATE), *stored[1:])


def _has(value: dict[Any, Any], key: object) -> bool:
    try:
        return dict.__contains__(value, key)
    except Exception:
        return False


def _dict_load(value: dict[Any, Any], key: object, may_make: bool) -> Effects:
    if may_make and is_a(value, collections.defaultdict) and not _has(value, key):
        return _dict_store(value, key)
    return ((key_of(key), READ), (Part.ARRANGEMENT, READ))


def _dict_store(value: dict[Any, Any], key: object) -> Effects:
    effects = ((key_of(key), WRITE), (Part.ELEMENTS, WRITE), (Part.ARRANGEMENT, READ))
    return effects if _has(value, key) else (*effects, *_SHAPE_WRITE)


def _dict_remove(key: object) -> Effects:
    return ((key_of(key), WRITE), (Part.ELEMENTS, WRITE), (Part.ARRANGEMENT, READ), *_SHAPE_WRITE)


def _list_effects(value: list[Any], operation: Operation, name: str | None, key: object) -> Effects:
    if operation is Operation.CALL:
        assert name is not None
        if name == "append":
            return ((list.__len__(value), WRITE), (Part.ELEMENTS, WRITE), *_SHAPE_WRITE)
        if name == "pop" and key in (ABSENT, -1):
            return (*_element(value, -1, WRITE), (Part.ELEMENTS, WRITE), *_SHAPE_WRITE)
        if name == "__getitem__":
            return _element(value, key, READ)
        if name == "__setitem__":
            return (*_element(value, key, WRITE), (Part.ELEMENTS, WRITE)) if is_a(key, int) else _ALL_WRITE
        if name == "__delitem__":
            return _ALL_WRITE
        return _LIST_METHODS.get(name, _NOTHING)
    if operation is Operation.SHAPE:
        return _SHAPE_READ
    if operation in (Operation.ITERATE, Operation.CONTENTS_READ, Operation.MEMBER):
        return _ALL_READ
    if operation is Operation.CONTENTS_WRITE:
        return _ALL_WRITE
    if operation is Operation.ITEM_READ:
        return _element(value, key, READ)
    if operation is Operation.ITEM_WRITE:
        return (*_element(value, key, WRITE), (Part.ELEMENTS, WRITE))
    if operation is Operation.ITEM_DELETE:
        return _ALL_WRITE
    return (*_element(value, key, UPDATE), (Part.ELEMENTS, WRITE))


def _element(value: list[Any], key: Any, access: int) -> Effects:
    if not is_a(key, int):
        return _NOTHING
    if access == READ and key >= list.__len__(value):
        # What is found out is that the list is not that long.
        return ((key, READ), (Part.ARRANGEMENT, READ), (Part.SHAPE, READ))
    if key < 0:
        # Counted from the end, so the length decides which element is meant.
        return ((key + list.__len__(value), access), (Part.ARRANGEMENT, READ), (Part.SHAPE, READ))
    return ((key, access), (Part.ARRANGEMENT, READ))


def _set_effects(operation: Operation, name: str | None, key: object) -> Effects:
    if operation is Operation.CALL:
        assert name is not None
        if name in ("add", "discard", "remove"):
            return _CONTENTS_WRITE if key is ABSENT else (*_CONTENTS_WRITE, (key_of(key), WRITE))
        if name == "__contains__" and key is not ABSENT:
            return (*_CONTENTS_READ, (key_of(key), READ))
        if name in _SET_WRITES:
            return _CONTENTS_WRITE
        return _CONTENTS_READ if name in _SET_READS else _NOTHING
    if operation is Operation.MEMBER:
        return _CONTENTS_READ if key is ABSENT else (*_CONTENTS_READ, (key_of(key), READ))
    return _CONTENTS_WRITE if operation in (Operation.CONTENTS_WRITE, Operation.ITEM_WRITE) else _CONTENTS_READ


def _sequence_effects(operation: Operation, name: str | None) -> Effects:
    if operation is Operation.CALL:
        if name in _SEQUENCE_WRITES:
            return _CONTENTS_WRITE
        return _CONTENTS_READ if name in _SEQUENCE_READS else _NOTHING
    if operation in (Operation.ITEM_WRITE, Operation.ITEM_DELETE, Operation.CONTENTS_WRITE):
        return _CONTENTS_WRITE
    if operation in (Operation.ITEM_UPDATE, Operation.SUSPENDED_ITEM_UPDATE):
        return ((Part.CONTENTS, UPDATE),)
    return _CONTENTS_READ
