"""The detector keeps no object alive in a way that the program could notice."""

from __future__ import annotations

from typing import Any

TWO_TASKS = """
import gc
import weakref

import trio


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
