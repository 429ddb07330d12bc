"""Tasks: how they start and end, and who wakes them."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import trio
import trio.testing

from .common import Box, idle, together


async def start_soon(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        print(box.value)

    async with trio.open_nursery() as nursery:
        if ordered:
            box.value = 1
        nursery.start_soon(child)
        if not ordered:
            await idle()
            box.value = 1


async def whole_step(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        print(box.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        if not ordered:
            await idle()
        box.value = 1


async def start_soon_by_a_sibling(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        print(box.value)

    async with trio.open_nursery() as nursery:

        async def sibling() -> None:
            if ordered:
                box.value = 1
            nursery.start_soon(child)
            await idle()
            if not ordered:
                box.value = 1

        nursery.start_soon(sibling)


async def nursery_exit(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        box.value = 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        if not ordered:
            await idle()
            print(box.value)
    print(box.value)


async def nursery_exit_after_an_error(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        box.value = 1
        raise ValueError

    async def sibling() -> None:
        if not ordered:
            print(box.value)

    with suppress(BaseException):
        await together(child, sibling)
    print(box.value)


async def start(ordered: bool) -> None:
    box = Box()

    async def child(*, task_status: Any) -> None:
        if ordered:
            box.value = 1
        task_status.started()
        await idle()
        if not ordered:
            box.value = 1

    async with trio.open_nursery() as nursery:
        await nursery.start(child)
        print(box.value)


async def start_that_fails(ordered: bool) -> None:
    box, other = Box(), Box()

    async def child(*, task_status: Any) -> None:
        box.value = 1
        raise ValueError

    async def bystander() -> None:
        if not ordered:
            await idle(20)
            print(box.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bystander)
        with suppress(ValueError):
            await nursery.start(child)
        other.value = box.value


async def reschedule(ordered: bool) -> None:
    box = Box()

    async def waiter() -> None:
        if ordered:
            await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        else:
            await idle()
        print(box.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        await idle()
        box.value = 1
        if ordered:
            for task in nursery.child_tasks:
                trio.lowlevel.reschedule(task)


async def abort_function(ordered: bool) -> None:
    box = Box()

    def abort(_: object) -> trio.lowlevel.Abort:
        box.value += 1
        return trio.lowlevel.Abort.SUCCEEDED

    async def waiter() -> None:
        box.value = 1
        if ordered:
            await trio.lowlevel.wait_task_rescheduled(abort)
        else:
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        await idle()
        if not ordered:
            box.value = 2
        nursery.cancel_scope.cancel()


async def system_task(ordered: bool) -> None:
    box = Box()
    done = trio.Event()

    async def system() -> None:
        print(box.value)
        done.set()

    if ordered:
        box.value = 1
    trio.lowlevel.spawn_system_task(system)
    await idle()
    if not ordered:
        box.value = 1
    await done.wait()


async def wait_all_tasks_blocked(ordered: bool) -> None:
    box = Box()

    async def other() -> None:
        box.value = 1
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        if ordered:
            await trio.testing.wait_all_tasks_blocked()
        else:
            await idle()
        print(box.value)
        nursery.cancel_scope.cancel()


async def sequencer(ordered: bool) -> None:
    box = Box()
    sequence = trio.testing.Sequencer()

    async def first() -> None:
        async with sequence(0):
            box.value = 1

    async def second() -> None:
        if ordered:
            async with sequence(1):
                print(box.value)
        else:
            await idle()
            print(box.value)

    await together(first, second)


async def child_tasks_seen(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        box.value = 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        if ordered:
            while nursery.child_tasks:
                await trio.lowlevel.checkpoint()
        else:
            await idle()
        print(box.value)


async def finalizer_of_an_asynchronous_generator(ordered: bool) -> None:
    box = Box()
    closed = trio.Event()

    async def generate() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            print(box.value)
            closed.set()

    async def use() -> None:
        iterator = generate()
        async for _ in iterator:
            break
        if ordered:
            box.value = 1
        del iterator
        gc.collect()
        await idle()
        if not ordered:
            box.value = 1
        with trio.move_on_after(1):
            await closed.wait()

    await together(use, idle)
