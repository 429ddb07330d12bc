"""Whatever the objects of a program do, the detector neither changes it nor raises into it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from trioflow.race.model.configuration import Level

pytestmark = pytest.mark.filterwarnings("error")

BOTH = """
import trio


async def both(one, other):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        nursery.start_soon(other)
"""


@pytest.mark.parametrize("method", ["__hash__", "__eq__"])
def test_key_whose_methods_raise(watch: Any, method: str) -> None:
    """The program meets the error of its own key, and no other; the detector asks no key twice in vain."""
    watched = watch(
        BOTH
        + f"""
class Key:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self is other

    def {method}(self, *other):
        raise ValueError("the key's own")


caught = []


async def use():
    table = {{}}
    try:
        table[Key()] = 1
        table[Key()] = 2
    except ValueError as error:
        caught.append(str(error))


async def main():
    await both(use, use)
"""
    )
    assert watched.module.caught == ["the key's own"] * 2


def test_unhashable_key(watch: Any) -> None:
    """The program gets the interpreter's own error."""
    watched = watch(
        BOTH
        + """
texts = []


async def use():
    try:
        {}[[]] = 1
    except TypeError as error:
        texts.append(str(error))


async def main():
    await both(use, use)
"""
    )
    assert watched.module.texts == ["unhashable type: 'list'"] * 2


def test_getattr_that_raises_and_counts(watch: Any) -> None:
    """`__getattr__` and `__getattribute__` run as often as without the detector."""
    watched = watch(
        BOTH
        + """
class Odd:
    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        self.seen.append(name)
        raise LookupError(name)


class Strict:
    calls = 0

    def __getattribute__(self, name):
        Strict.calls += 1
        return object.__getattribute__(self, name)


odd = Odd()
strict = Strict()


async def use():
    try:
        odd.missing
    except LookupError:
        pass
    strict.value = 1
    strict.value


async def main():
    await both(use, use)
"""
    )
    assert watched.module.odd.seen == ["missing", "missing"]
    assert watched.module.Strict.calls == 2


def test_deep_recursion_ends_as_ever(watch: Any) -> None:
    """A RecursionError of the program reaches the program, and the detector recovers from it."""
    watched = watch(
        BOTH
        + """
class Node:
    def __init__(self):
        self.depth = 0

    def dive(self):
        self.depth += 1
        self.dive()


ends = []


async def use():
    node = Node()
    try:
        node.dive()
    except RecursionError:
        ends.append(node.depth > 100)
    node.depth = 0
    await trio.lowlevel.checkpoint()
    ends.append(node.depth)


async def main():
    await both(use, use)
"""
    )
    assert sorted(watched.module.ends) == [0, 0, True, True]


def test_subclasses_of_containers_keep_keys_and_attributes_apart(watch: Any) -> None:
    """A key and an attribute of the same name are two variables."""
    watched = watch(
        BOTH
        + """
class Table(dict):
    pass


table = Table(name=1)
table.name = 2


async def write_key():
    table["name"] = 3


async def read_attribute():
    table.name


async def main():
    await both(write_key, read_attribute)
""",
        level=Level.STRICT,
    )
    assert watched.findings == []


def test_cancelled_in_mid_section_is_no_fault(watch: Any) -> None:
    """A task that is cancelled between a read and the write that would follow leaves nothing behind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watched = watch(
            BOTH
            + """
class Account:
    balance = 0


account = Account()


async def spend():
    with trio.move_on_after(0):
        seen = account.balance
        await trio.sleep_forever()
        account.balance = seen - 1


async def main():
    await both(spend, spend)
"""
        )
    assert watched.findings == []


def test_what_abstract_base_classes_are_asked(watch: Any) -> None:
    """To find out what kind of container an object is calls no hook of the program's."""
    watched = watch(
        BOTH
        + """
from collections import ChainMap, UserDict, UserList

asked = []


class Hook:
    @classmethod
    def __subclasshook__(cls, other):
        asked.append(other)
        return NotImplemented


class Dict(Hook, UserDict): pass
class List(Hook, UserList): pass
class Chain(Hook, ChainMap): pass
class Plain:
    def __iter__(self):
        return iter([1])


async def use():
    things = Plain()
    assert [1 in things for thing in things] == [True]


async def main():
    await both(use, use)
"""
    )
    assert watched.module.asked == []


def test_what_names_of_modules_and_classes_are_asked(watch: Any) -> None:
    """A class derived from that of modules and a metaclass may follow every access to an attribute; ours is none."""
    watched = watch(
        BOTH
        + """
import types

asked = []


class Module(types.ModuleType):
    def __getattribute__(self, name):
        asked.append(name)
        return super().__getattribute__(name)


class Meta(type):
    def __getattribute__(cls, name):
        asked.append(name)
        return super().__getattribute__(name)


class Class(metaclass=Meta): pass


async def use():
    module.level = module.level + 1
    Class.level = Class.level + 1
    thing.level = 1


module = Module("settings")
thing = Class()
Class.level = module.level = 0
asked.clear()


async def main():
    await both(use, use)
"""
    )
    assert watched.module.asked == ["level"] * 4
    assert [finding.kind.value for finding in watched.findings]


def test_object_is_finalized_once(watch: Any) -> None:
    """An object that can't be held weakly is not brought back to life by a look at it in its finalizer."""
    watched = watch(
        BOTH
        + """
finalized = []


class Slotted:
    __slots__ = ("number",)

    def __del__(self):
        finalized.append(self.number)


async def use():
    slotted = Slotted()
    slotted.number = 1
    await trio.lowlevel.checkpoint()
    del slotted
    await trio.lowlevel.checkpoint()


async def main():
    await both(use, use)
"""
    )
    assert watched.module.finalized == [1, 1]


def test_iterators_that_are_used_up_and_views_that_are_released(watch: Any) -> None:
    """`zip_longest` leaves holes behind, and a released view has no object any more."""
    watched = watch(
        BOTH
        + """
import itertools

seen = []


async def use():
    pairs = itertools.zip_longest([1], [2, 3])
    next(pairs), next(pairs)
    seen.append(list(pairs))
    view = memoryview(bytearray(b"a"))
    view.release()
    try:
        list(view)
    except ValueError as error:
        seen.append(str(error))


async def main():
    await both(use, use)
"""
    )
    assert watched.module.seen == [[], "operation forbidden on released memoryview object"] * 2


@pytest.mark.filterwarnings("ignore:the race detector failed")
def test_builtin_function_that_the_program_replaces(watch: Any) -> None:
    """Where the detector can't work any more, it can't even say why; the program goes on."""
    watched = watch(
        BOTH
        + """
import builtins

seen = []


def refuse(_):
    raise LookupError


async def use():
    things = {"a": [1]}
    before = builtins.len
    try:
        builtins.len = refuse
        things["a"].append(2)
        things["b"] = list(things)
    finally:
        builtins.len = before
    seen.append(things)


async def main():
    await both(use, use)
"""
    )
    assert watched.module.seen == [{"a": [1, 2], "b": ["a"]}] * 2
