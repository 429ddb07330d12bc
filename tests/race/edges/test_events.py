"""Events and cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


@pytest.mark.parametrize("early", [True, False])
def test_set_precedes_the_return_of_wait(mark: Marks, early: bool) -> None:
    event = trio.Event()

    async def setter() -> None:
        await idle(0 if early else 5)
        mark("before")
        event.set()
        mark("same step")
        await checkpoint()
        mark("later")

    async def waiter() -> None:
        await idle(5 if early else 0)
        await event.wait()
        mark("woken")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(setter)
            nursery.start_soon(waiter)

    trio.run(main)
    assert mark.ordered("before", "woken")
    assert mark.ordered("same step", "woken")
    assert not mark.ordered("later", "woken")


def test_is_set_orders_only_when_true(mark: Marks) -> None:
    event = trio.Event()

    async def setter() -> None:
        mark("early")
        await idle()
        mark("set")
        event.set()

    async def looks() -> None:
        await idle(2)
        assert not event.is_set()
        mark("not yet")
        await idle()
        assert event.is_set()
        mark("seen")

    async def does_not_look() -> None:
        await idle(7)
        event.set()
        mark("blind")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(setter)
            nursery.start_soon(looks)
            nursery.start_soon(does_not_look)

    trio.run(main)
    assert mark.concurrent("early", "not yet")
    assert mark.ordered("set", "seen")
    assert mark.concurrent("set", "blind")


@pytest.mark.parametrize("blocked", [True, False])
def test_cancel_precedes_cancelled(mark: Marks, blocked: bool) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()

            async def worker() -> None:
                with scope:
                    if blocked:
                        await trio.sleep_forever()
                    else:
                        while True:
                            await checkpoint()
                mark("cancelled")

            nursery.start_soon(worker)
            await idle()
            mark("before")
            scope.cancel()
            await checkpoint()
            mark("later")

    trio.run(main)
    assert mark.ordered("before", "cancelled")
    assert not mark.ordered("later", "cancelled")


def test_cancelling_an_outer_scope_or_a_nursery_counts(mark: Marks) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as inner:

                async def worker() -> None:
                    with trio.CancelScope():
                        try:
                            while True:
                                await checkpoint()
                        finally:
                            mark("cancelled")

                async def canceller() -> None:
                    await idle()
                    mark("cancels")
                    inner.cancel_scope.cancel()

                nursery.start_soon(canceller)
                inner.start_soon(worker)

    trio.run(main)
    assert mark.ordered("cancels", "cancelled")


def test_a_deadline_that_somebody_set_orders_and_time_does_not(mark: Marks) -> None:
    async def main() -> None:
        scope = trio.CancelScope()

        async def worker() -> None:
            with scope:
                await trio.sleep_forever()
            mark("timed out")

        async def own() -> None:
            with trio.move_on_after(3):
                await trio.sleep_forever()
            mark("own deadline")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker)
            nursery.start_soon(own)
            await idle()
            mark("sets")
            scope.deadline = trio.current_time() + 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert mark.ordered("sets", "timed out")
    assert mark.concurrent("sets", "own deadline")


def test_cancel_called_seen_true_orders(mark: Marks) -> None:
    scope = trio.CancelScope()

    async def canceller() -> None:
        mark("cancels")
        scope.cancel()

    async def looks() -> None:
        await idle()
        mark("blind")
        assert scope.cancel_called
        mark("seen")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(canceller)
            nursery.start_soon(looks)

    trio.run(main)
    assert mark.concurrent("cancels", "blind")
    assert mark.ordered("cancels", "seen")


def test_a_failing_sibling_precedes_the_cancellation_it_causes(mark: Marks) -> None:
    async def fails() -> None:
        await idle()
        mark("fails")
        raise KeyError

    async def sibling() -> None:
        try:
            await trio.sleep_forever()
        finally:
            mark("cancelled")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            nursery.start_soon(fails)

    with pytest.raises(ExceptionGroup):
        trio.run(main, strict_exception_groups=True)
    assert mark.ordered("fails", "cancelled")


def test_parking_lots_order(mark: Marks) -> None:
    lot = trio.lowlevel.ParkingLot()

    async def sleeper() -> None:
        await lot.park()
        mark("woken")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeper)
            await idle()
            mark("wakes")
            lot.unpark()

    trio.run(main)
    assert mark.ordered("wakes", "woken")
