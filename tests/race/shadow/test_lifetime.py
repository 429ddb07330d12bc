"""The detector keeps no object alive in a way that the program could notice."""

from __future__ import annotations

import gc
from typing import Any

from trioflow.race.model.configuration import Level

TWO_TASKS = """
import gc
import weakref

import trio
import trio.testing


class Thing:
    def __init__(self):
        self.value = 0


async def touch(thing):
    thing.value += 1


died = []
"""


def test_shared_object_dies_when_its_last_user_lets_go(watch: Any) -> None:
    """An object that allows weak references is held weakly, shared or not."""
    watched = watch(
        TWO_TASKS
        + """
async def main():
    thing = Thing()
    weakref.finalize(thing, died.append, "thing")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(touch, thing)
        nursery.start_soon(touch, thing)
    assert not died
    del thing
    assert died == ["thing"]
"""
    )
    assert watched.module.died == ["thing"]


def test_what_a_container_holds_dies_at_the_end_of_the_step(watch: Any) -> None:
    """A list can't be held weakly; it is let go at the next checkpoint after everybody else has let it go."""
    watched = watch(
        TWO_TASKS
        + """
async def main():
    things = [Thing()]
    weakref.finalize(things[0], died.append, "thing")
    things.append(1)
    await trio.lowlevel.checkpoint()
    assert not died
    things = [len(things)]
    await trio.lowlevel.checkpoint()
    died.append("checkpoint")
"""
    )
    assert watched.module.died == ["thing", "checkpoint"]


def test_object_without_weak_references_is_let_go(watch: Any) -> None:
    """Classes with slots forbid weak references."""
    watched = watch(
        TWO_TASKS
        + """
class Slotted:
    __slots__ = ("thing",)


async def main():
    slotted = Slotted()
    slotted.thing = Thing()
    weakref.finalize(slotted.thing, died.append, "thing")
    slotted = None
    await trio.lowlevel.checkpoint()
    died.append("checkpoint")
"""
    )
    assert watched.module.died == ["thing", "checkpoint"]


def test_address_used_again_is_another_object(watch: Any) -> None:
    """Objects that follow each other at one address are not taken for one that tasks share."""
    watched = watch(
        """
import trio


async def work(number):
    for _ in range(20):
        numbers = [number]
        numbers.append(number)
        await trio.lowlevel.checkpoint()
        numbers = None


async def main():
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(work, number)
"""
    )
    assert watched.findings == []


def test_cycle_through_a_container_is_collected(watch: Any) -> None:
    """A list that is held for its shadow does not keep a cycle alive when the garbage collector comes."""
    watched = watch(
        TWO_TASKS
        + """
class Node:
    def __init__(self):
        self.children = []


async def main():
    root = Node()
    child = Node()
    child.parent = root
    root.children.append(child)
    weakref.finalize(root, died.append, "root")
    await trio.lowlevel.checkpoint()
    del root, child
    gc.collect()
    assert died == ["root"]
"""
    )
    assert watched.module.died == ["root"]


def test_containers_that_live_keep_their_history_when_garbage_is_collected(watch: Any) -> None:
    """What is remembered of a list is not lost with a collection."""
    watched = watch(
        TWO_TASKS
        + """
shared = [Thing()]


async def write():
    shared[0] = 1
    gc.collect()


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        nursery.start_soon(write)
        await trio.testing.wait_all_tasks_blocked()
""",
        level=Level.STRICT,
    )
    assert [finding.variable for finding in watched.findings] == ["shared[0]"]


def test_referrers_are_those_of_the_program(watch: Any) -> None:
    """A list that was replaced in the same step refers to nothing any more."""
    watch(
        TWO_TASKS
        + """
async def main():
    things = [Thing()]
    things.append(1)
    first = things[0]
    things = []
    assert gc.get_referrers(first) == [], gc.get_referrers(first)
    assert gc.get_referrers.__name__ == "get_referrers"
"""
    )
    assert type(gc.get_referrers) is type(len)


def test_zip_longest_may_have_iterators_that_have_ended(watch: Any) -> None:
    """It drops them from within, and leaves a tuple with holes in it."""
    watched = watch(
        TWO_TASKS
        + """
import itertools

short = [1]
long = [1, 2, 3]


async def main():
    zipped = itertools.zip_longest(short, long)
    for pair in zipped:
        await trio.lowlevel.checkpoint()
        died.append(pair)
    ended = itertools.zip_longest(short, long)
    next(ended), next(ended)
    died.append(next(ended))
"""
    )
    assert watched.module.died == [(1, 1), (None, 2), (None, 3), (None, 3)]
