"""Lost wake-ups are told as such."""

from __future__ import annotations

from typing import Any

SHARED = """
    import trio

    class Gate:
        def __init__(self):
            self.event = trio.Event()
            self.ready = False

    gate = Gate()
"""


def test_set_that_may_come_before_the_event_is_replaced(watch: Any) -> None:
    """A waiter that makes a new event for itself can miss the only set()."""
    watched = watch(
        SHARED
        + """
    async def waiter():
        gate.event = trio.Event()
        with trio.move_on_after(1):
            await gate.event.wait()

    async def setter():
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        gate.event.set()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiter)
            nursery.start_soon(setter)
    """
    )
    (finding,) = watched.findings
    assert finding.variable == "Gate.event"
    assert "can be set before it is replaced" in finding.headline
    assert "(lost wake-up)" in finding.headline


def test_event_that_may_be_replaced_before_the_wait(watch: Any) -> None:
    """Somebody who waits for a pulse can come too late for it."""
    watched = watch(
        SHARED
        + """
    async def waiter():
        with trio.move_on_after(0.01):
            await gate.event.wait()

    async def pulse():
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        gate.event.set()
        gate.event = trio.Event()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pulse)
            await trio.sleep(0.005)
            nursery.start_soon(waiter)
    """
    )
    (finding,) = watched.findings
    assert "can be replaced before it is waited for" in finding.headline


def test_event_that_is_made_once_loses_nothing(watch: Any) -> None:
    """An event that stays the same one is no finding."""
    watched = watch(
        SHARED
        + """
    async def waiter():
        await gate.event.wait()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiter)
            await trio.lowlevel.checkpoint()
            gate.event.set()
    """
    )
    assert watched.findings == []


def test_other_races_on_an_attribute_are_told_as_before(watch: Any) -> None:
    """What is set or waited for without being an event is a race like any other."""
    watched = watch(
        SHARED
        + """
    async def one():
        gate.ready = 5

    async def other():
        await trio.lowlevel.checkpoint()
        gate.ready.bit_length()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(other)
    """
    )
    (finding,) = watched.findings
    assert "lost wake-up" not in finding.headline
