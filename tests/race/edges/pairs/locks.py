"""Locks, semaphores, limiters, conditions and parking lots."""

from __future__ import annotations

import trio
import trio.testing

from .common import Box, idle, together


async def lock(ordered: bool) -> None:
    box = Box()
    mutex = trio.Lock()

    async def writer() -> None:
        async with mutex if ordered else trio.Lock():
            box.value = 1
            await idle()

    async def reader() -> None:
        async with mutex:
            print(box.value)

    await together(writer, reader)


async def strict_lock(ordered: bool) -> None:
    box = Box()
    mutex = trio.StrictFIFOLock()

    async def writer() -> None:
        async with mutex if ordered else trio.StrictFIFOLock():
            box.value = 1
            await idle()

    async def reader() -> None:
        await mutex.acquire()
        print(box.value)
        mutex.release()

    await together(writer, reader)


async def lock_handed_on(ordered: bool) -> None:
    """Several wait, and each comes after the one before."""
    box = Box()
    mutex = trio.Lock()

    async def updates() -> None:
        async with mutex:
            await idle(2)
            box.value = box.value + 1
        if not ordered:
            await idle(2)
            box.value = box.value + 1

    await together(updates, updates, updates)


async def lock_seen_locked(ordered: bool) -> None:
    box = Box()
    mutex = trio.Lock()

    async def holder() -> None:
        box.value = 1
        async with mutex:
            await idle(30)

    async def looks() -> None:
        if ordered:
            while not mutex.locked():
                await trio.lowlevel.checkpoint()
        else:
            await idle()
        print(box.value)

    await together(holder, looks)


async def waiters_of_a_lock_seen(ordered: bool) -> None:
    box = Box()
    mutex = trio.Lock()
    await mutex.acquire()

    async def waiter() -> None:
        box.value = 1
        async with mutex:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        if ordered:
            while not mutex.statistics().tasks_waiting:
                await trio.lowlevel.checkpoint()
        else:
            await idle()
        print(box.value)
        mutex.release()


async def semaphore_of_one(ordered: bool) -> None:
    box = Box()
    semaphore = trio.Semaphore(1 if ordered else 2)

    async def updates() -> None:
        async with semaphore:
            await idle(2)
            box.value = box.value + 1

    await together(updates, updates)


async def semaphore_as_a_signal(ordered: bool) -> None:
    box = Box()
    semaphore = trio.Semaphore(0 if ordered else 1)

    async def writer() -> None:
        await idle()
        box.value = 1
        semaphore.release()

    async def reader() -> None:
        await semaphore.acquire()
        print(box.value)

    await together(writer, reader)


async def limiter_of_one(ordered: bool) -> None:
    box = Box()
    limiter = trio.CapacityLimiter(1 if ordered else 2)

    async def updates() -> None:
        async with limiter:
            await idle(2)
            box.value = box.value + 1

    await together(updates, updates)


async def limiter_on_behalf_of_another(ordered: bool) -> None:
    box = Box()
    limiter = trio.CapacityLimiter(1 if ordered else 2)
    await limiter.acquire_on_behalf_of("them")

    async def writer() -> None:
        await idle()
        box.value = 1
        limiter.release_on_behalf_of("them")

    async def reader() -> None:
        await limiter.acquire_on_behalf_of("us")
        print(box.value)

    await together(writer, reader)


async def limiter_given_more_tokens(ordered: bool) -> None:
    box = Box()
    limiter = trio.CapacityLimiter(1)
    await limiter.acquire_on_behalf_of("somebody")

    async def writer() -> None:
        await idle()
        if ordered:
            box.value = 1
        limiter.total_tokens = 2
        await idle()
        if not ordered:
            box.value = 1

    async def reader() -> None:
        async with limiter:
            print(box.value)

    await together(writer, reader)


async def limiter_seen_unused(ordered: bool) -> None:
    box = Box()
    limiter = trio.CapacityLimiter(2)
    begun = trio.Event()

    async def writer() -> None:
        async with limiter:
            begun.set()
            await idle()
            if ordered:
                box.value = 1
        await idle()
        if not ordered:
            box.value = 1

    async def reader() -> None:
        await begun.wait()
        while limiter.borrowed_tokens:
            await idle()
        print(box.value)

    await together(writer, reader)


async def condition_notify(ordered: bool) -> None:
    box = Box()
    condition = trio.Condition()

    async def waiter() -> None:
        async with condition:
            await condition.wait()
        print(box.value)

    async def notifier() -> None:
        await idle()
        async with condition:
            if ordered:
                box.value = 1
            condition.notify()
        await idle()
        if not ordered:
            box.value = 1

    await together(waiter, notifier)


async def condition_notify_all(ordered: bool) -> None:
    box = Box()
    condition = trio.Condition()

    async def waiter() -> None:
        async with condition:
            await condition.wait()
        print(box.value)

    async def notifier() -> None:
        await idle()
        async with condition:
            if ordered:
                box.value = 1
            condition.notify_all()
        await idle()
        if not ordered:
            box.value = 1

    await together(waiter, waiter, notifier)


async def parking_lot(ordered: bool) -> None:
    box = Box()
    lot = trio.lowlevel.ParkingLot()

    async def waiter() -> None:
        await lot.park()
        print(box.value)

    async def unparks() -> None:
        await idle()
        if ordered:
            box.value = 1
        lot.unpark(count=1)
        lot.unpark_all()
        if not ordered:
            await idle()
            box.value = 1

    await together(waiter, waiter, unparks)


async def parking_lot_repark(ordered: bool) -> None:
    """Who moves a task to another lot comes before it goes on, and so does who wakes it there."""
    box = Box()
    lot, other = trio.lowlevel.ParkingLot(), trio.lowlevel.ParkingLot()

    async def waiter() -> None:
        await lot.park()
        print(box.value)

    async def moves() -> None:
        await idle(5)
        if ordered:
            box.value = 1
        lot.repark(other)
        if not ordered:
            await idle(20)
            box.value = 1

    async def wakes() -> None:
        await idle(10)
        other.unpark()

    await together(waiter, moves, wakes)
