"""What iterators and views look into: the containers behind them.

PYTEST_DONT_REWRITE

An iterator or view reads when it is used, which may be long after it was made, and it knows itself
what it reads. Its containers are found by asking the garbage collector what it refers to, which runs
no code of the program. Only types of the interpreter are looked through, so that what is
found is never an element that happens to be a container.
"""

# Containers hold anything: pyright's strict mode does not know what, and need not.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import array
import collections
import collections.abc
import gc
import itertools
import types
from collections.abc import Iterator
from typing import Any, Final

from trioflow.race.model.sites import Operation
from trioflow.race.shadow.containers import READ, Effects, effects_of
from trioflow.race.shadow.kinds import Container, container_of, containers_in, is_a

_DEPTH: Final = 8


def _types_of(*values: Any) -> frozenset[type]:
    return frozenset(map(type, values))


def _of_mapping(mapping: Any) -> tuple[Any, ...]:
    views = (mapping.values(), mapping.items())
    return (*views, *map(iter, views), *map(reversed, views))


_ordered: Final[Any] = collections.OrderedDict[int, int]()
_sequences: Final[tuple[Any, ...]] = ([], collections.deque[int](), bytearray(), array.array("b"))

_KEYS: Final = _types_of(*({}.keys(), iter({}), reversed({})), *(_ordered.keys(), iter(_ordered), reversed(_ordered)))
"""Views and iterators that read which keys there are, and no values."""
_DIRECT: Final = (
    _KEYS
    | _types_of(*_of_mapping({}), *_of_mapping(_ordered))
    | _types_of(*map(iter, _sequences), *map(reversed, _sequences), iter(set[int]()), iter(memoryview(b"")))
    | {types.MappingProxyType, memoryview}
)
"""What refers to its container itself."""
_SEVERAL: Final = frozenset({zip, map, itertools.zip_longest})
"""What refers to a tuple of iterators."""
_AROUND: Final = _SEVERAL | {
    enumerate,
    filter,
    itertools.accumulate,
    itertools.chain,
    itertools.compress,
    itertools.cycle,
    itertools.dropwhile,
    itertools.filterfalse,
    itertools.groupby,
    itertools.islice,
    itertools.pairwise,
    itertools.starmap,
    itertools.takewhile,
    getattr(itertools, "batched", enumerate),
}
"""What refers to other iterators."""
_EXPRESSIONS: Final = (types.GeneratorType, types.AsyncGeneratorType)
_VIEWS: Final = frozenset({collections.abc.KeysView, collections.abc.ItemsView, collections.abc.ValuesView})
"""Views of mappings that are written in Python."""
_LOOKING: Final = frozenset({"__next__", "__iter__", "isdisjoint", "tobytes", "tolist", "hex", "get", "copy"})
"""Methods of iterators and views that look into containers."""


def looks_through(cls: type) -> bool:
    """Whether the instances of a type look into containers which they do not own."""
    return cls in _DIRECT or cls in _AROUND or cls in _EXPRESSIONS or cls in _VIEWS


def sources_of(value: Any, depth: int = _DEPTH) -> Iterator[tuple[Any, bool]]:
    """The containers that an iterator or view looks into, each with whether it reads its keys alone."""
    cls = type(value)
    if depth == 0:
        return
    if cls in _DIRECT:
        for each in gc.get_referents(value):
            if container_of(type(each)) is not None:
                yield each, cls in _KEYS
                return
            if type(each) in _DIRECT:
                yield from sources_of(each, depth - 1)
                return
            yield from ((inner, False) for inner in containers_in(each))
        if cls is memoryview and container_of(type(viewed := _viewed(value))) is not None:
            yield viewed, False
    elif cls is itertools.chain:
        for each in gc.get_referents(value):
            yield from _chained(each, depth - 1)
    elif cls in _AROUND:
        yield from _around(value, cls, depth - 1)
    elif cls in _EXPRESSIONS:
        yield from _in_expression(value, depth - 1)
    elif cls in _VIEWS:
        yield from ((each, cls is collections.abc.KeysView) for each in containers_in(value._mapping))


def _viewed(view: memoryview) -> Any:
    try:
        return view.obj
    except ValueError:
        return None  # it has been released


def _around(value: Any, cls: type, depth: int) -> Iterator[tuple[Any, bool]]:
    for each in gc.get_referents(value):
        if cls in _SEVERAL and type(each) is tuple:
            # Asked for itself, the tuple would crash the interpreter: `zip_longest` leaves holes where iterators end.
            for iterator in gc.get_referents(each):
                yield from sources_of(iterator, depth)
            return
        if looks_through(type(each)):
            yield from sources_of(each, depth)
            return


def _chained(value: Any, depth: int) -> Iterator[tuple[Any, bool]]:
    """What is chained: the iterator that is used now, and what an iterator over a tuple comes to later."""
    if type(value) is not type(iter(())):
        yield from sources_of(value, depth)
        return
    for waiting in gc.get_referents(value):
        for each in waiting if type(waiting) is tuple else ():
            kind = container_of(type(each))
            if kind is None:
                yield from sources_of(each, depth)
            else:
                yield each, kind is Container.DICT


def _in_expression(value: Any, depth: int) -> Iterator[tuple[Any, bool]]:
    """What a generator expression iterates over; a generator function tells of itself."""
    running = value.gi_running if is_a(value, types.GeneratorType) else value.ag_running
    code = value.gi_code if is_a(value, types.GeneratorType) else value.ag_code
    if running or code.co_name != "<genexpr>":
        return
    for each in gc.get_referents(value):
        if looks_through(type(each)):
            yield from sources_of(each, depth)
            return


def indirect_effects(
    value: Any, operation: Operation, name: str | None, key: object
) -> list[tuple[Any, Container, Effects]] | None:
    """What is done to which containers by an operation on what looks into them; None if it is nothing of the sort."""
    inner = containers_in(value)
    if inner:
        return [
            # A chain of dictionaries reads all of them and stores in the first.
            (each, kind, _reads(effects) if index else effects)
            for index, each in enumerate(inner)
            if (kind := container_of(type(each))) is not None
            if (effects := effects_of(kind, each, operation, name, key))
        ]
    if not looks_through(type(value)):
        return None
    found: list[tuple[Any, Container, Effects]] = []
    for each, keys_alone in sources_of(value):
        kind = container_of(type(each))
        effects = () if kind is None else _looked_through(value, each, kind, keys_alone, operation, name, key)
        if kind is not None and effects:
            found.append((each, kind, effects))
    return found


def _reads(effects: Effects) -> Effects:
    return tuple((where, READ) for where, kind in effects if kind & READ)


def _looked_through(
    value: Any, container: Any, kind: Container, keys_alone: bool, operation: Operation, name: str | None, key: object
) -> Effects:
    if type(value) is types.MappingProxyType:
        return _reads(effects_of(kind, container, operation, name, key))
    if type(value) is memoryview:
        return effects_of(kind, container, operation, name, key)
    if operation is Operation.CALL:
        if name == "__len__":
            operation = Operation.SHAPE
        elif name not in _LOOKING:
            return ()
    if operation is Operation.SHAPE:
        # An iterator has no length, and is true whatever it has to give.
        return effects_of(kind, container, operation, None, key) if hasattr(type(value), "__len__") else ()
    if operation is Operation.MEMBER and keys_alone:
        return effects_of(kind, container, operation, None, key)
    return effects_of(kind, container, Operation.ITERATE if keys_alone else Operation.CONTENTS_READ, None, key)
