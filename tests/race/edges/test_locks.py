"""Locks, semaphores, limiters and conditions: order and locksets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


def together(*functions: Callable[[], Any]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)

    trio.run(main)


LOCKS = [trio.Lock, trio.StrictFIFOLock, lambda: trio.Semaphore(1), lambda: trio.CapacityLimiter(1), trio.Condition]


@pytest.mark.parametrize("make", LOCKS)
@pytest.mark.parametrize("contended", [True, False])
def test_a_lock_orders_its_holders_in_the_first_order_only(
    mark: Marks, make: Callable[[], Any], contended: bool
) -> None:
    lock = make()

    async def first() -> None:
        async with lock:
            mark("held")
            await idle(5 if contended else 0)
            mark("still held")
        mark("same step")
        await checkpoint()
        mark("out")

    async def second() -> None:
        await idle(2 if contended else 5)
        async with lock:
            mark("held later")

    together(first, second)
    assert mark.ordered("held", "held later")
    assert mark.ordered("still held", "held later")
    assert not mark.ordered_without_locks("still held", "held later")
    assert len(mark.locks("held")) == 1
    assert len(mark.locks("held later")) == 1
    assert len(mark.locks("same step")) == 1
    assert mark.locks("out") == []
    assert mark.same_hold("held", "still held")
    assert not mark.same_hold("held", "held later")


def test_acquire_nowait_counts(mark: Marks) -> None:
    lock = trio.Lock()

    async def main() -> None:
        mark("before")
        lock.acquire_nowait()
        mark("held")
        with pytest.raises(RuntimeError):
            lock.acquire_nowait()
        lock.release()
        with pytest.raises(RuntimeError):
            lock.release()
        await checkpoint()
        mark("after")

    trio.run(main)
    assert mark.locks("before") == []
    assert mark.locks("held") == ["trio.Lock"]
    assert mark.locks("after") == []


def test_a_lock_that_is_busy_orders_nothing(mark: Marks) -> None:
    lock = trio.Lock()

    async def holds() -> None:
        async with lock:
            mark("held")
            await idle(10)

    async def tries() -> None:
        await idle()
        with pytest.raises(trio.WouldBlock):
            lock.acquire_nowait()
        mark("tried")

    together(holds, tries)
    assert mark.concurrent("held", "tried")
    assert mark.locks("tried") == []


def test_a_lock_released_and_taken_again_is_another_hold(mark: Marks) -> None:
    lock = trio.Lock()

    async def main() -> None:
        async with lock:
            mark("one")
        async with lock:
            mark("two")

    trio.run(main)
    assert not mark.same_hold("one", "two")


def test_a_semaphore_of_two_is_no_lock(mark: Marks) -> None:
    semaphore = trio.Semaphore(2)

    def work(name: str, steps: int) -> Callable[[], Any]:
        async def run() -> None:
            await idle(steps)
            async with semaphore:
                mark(name)

        return run

    together(work("one", 0), work("two", 5), work("three", 10))
    assert mark.locks("one") == []
    assert mark.concurrent("one", "two")
    assert mark.ordered("one", "three")
    assert mark.concurrent("two", "three")


def test_a_semaphore_as_a_signal_orders_without_locks(mark: Marks) -> None:
    semaphore = trio.Semaphore(0)

    def waits(name: str, steps: int) -> Callable[[], Any]:
        async def run() -> None:
            await idle(steps)
            await semaphore.acquire()
            mark(name)

        return run

    async def signals() -> None:
        await idle()
        mark("one")
        semaphore.release()
        await idle(3)
        mark("two")
        semaphore.release()

    together(waits("waited", 0), waits("looked", 15), signals)
    assert mark.ordered_without_locks("one", "waited")
    assert mark.ordered_without_locks("two", "looked")
    assert mark.concurrent("two", "waited")


def test_a_semaphore_released_by_another_is_no_lock(mark: Marks) -> None:
    semaphore = trio.Semaphore(1)

    async def holds() -> None:
        await semaphore.acquire()
        mark("held")
        await idle(10)

    async def releases() -> None:
        await idle()
        mark("signal")
        semaphore.release()
        await idle(1)

    async def next_one() -> None:
        await idle(2)
        await semaphore.acquire()
        mark("next")

    together(holds, releases, next_one)
    assert mark.locks("held") == []
    assert mark.ordered_without_locks("signal", "next")


def test_a_limiter_of_two_is_no_lock_and_more_tokens_are_a_signal(mark: Marks) -> None:
    limiter = trio.CapacityLimiter(1)

    async def holds() -> None:
        async with limiter:
            mark("held")
            await idle(10)

    async def waits() -> None:
        await idle(2)
        async with limiter:
            mark("woken")

    async def raises() -> None:
        await idle(5)
        mark("raises")
        limiter.total_tokens = 2

    together(holds, waits, raises)
    assert mark.locks("held") == []
    assert mark.ordered_without_locks("raises", "woken")
    assert mark.concurrent("held", "woken")


def test_a_limiter_on_behalf_of_somebody(mark: Marks) -> None:
    limiter = trio.CapacityLimiter(1)

    async def first() -> None:
        await limiter.acquire_on_behalf_of("one")
        mark("held")
        await idle(5)
        limiter.release_on_behalf_of("one")

    async def second() -> None:
        await idle(2)
        await limiter.acquire_on_behalf_of("two")
        mark("next")
        limiter.release_on_behalf_of("two")

    together(first, second)
    assert mark.ordered("held", "next")
    assert not mark.ordered_without_locks("held", "next")
    assert mark.locks("held") == ["trio.CapacityLimiter"]
    assert mark.locks("next") == ["trio.CapacityLimiter"]


def test_waiting_for_a_condition_breaks_the_hold_and_notify_orders(mark: Marks) -> None:
    condition = trio.Condition()

    async def waits() -> None:
        async with condition:
            mark("before")
            await condition.wait()
            mark("woken")

    async def notifies() -> None:
        await idle()
        async with condition:
            mark("notifies")
            condition.notify()
            mark("same step")
            await checkpoint()
            mark("still held")

    together(waits, notifies)
    assert mark.ordered_without_locks("notifies", "woken")
    assert mark.ordered_without_locks("same step", "woken")
    assert mark.ordered("still held", "woken")
    assert not mark.ordered_without_locks("still held", "woken")
    assert mark.locks("before") == mark.locks("woken") == ["trio.Lock"]
    assert not mark.same_hold("before", "woken")


def test_where_a_lock_was_made(mark: Marks) -> None:
    lock = trio.Lock()

    async def main() -> None:
        async with lock:
            mark("held")

    trio.run(main)
    (hold,) = mark.moment("held").holds
    assert hold.lock.made is not None
    assert hold.lock.made.path == __file__
