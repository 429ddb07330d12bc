"""Events and cancellation."""

from __future__ import annotations

from contextlib import suppress

import trio
import trio.testing

from .common import Box, idle, together


async def event_wait(ordered: bool) -> None:
    box, event = Box(), trio.Event()

    async def writer() -> None:
        await idle()
        box.value = 1
        event.set()

    async def reader() -> None:
        if ordered:
            await event.wait()
        else:
            await idle()
        print(box.value)

    await together(writer, reader)


async def event_set_before_the_wait(ordered: bool) -> None:
    box, event = Box(), trio.Event()

    async def writer() -> None:
        event.set()
        if not ordered:
            await idle(20)
        box.value = 1

    async def reader() -> None:
        await idle()
        await event.wait()
        print(box.value)

    await together(writer, reader)


async def event_seen_set(ordered: bool) -> None:
    box, event = Box(), trio.Event()

    async def writer() -> None:
        box.value = 1
        event.set()

    async def reader() -> None:
        await idle()
        if (ordered and event.is_set()) or not ordered:
            print(box.value)

    await together(writer, reader)


async def event_set_by_a_cancelled_task(ordered: bool) -> None:
    box, event = Box(), trio.Event()

    async def writer() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            finally:
                box.value = 1
                if ordered:
                    event.set()

    async def reader() -> None:
        with trio.move_on_after(0.01):
            await event.wait()
        print(box.value)

    await together(writer, reader)


async def waiters_seen(ordered: bool) -> None:
    box, event = Box(), trio.Event()

    async def waiter() -> None:
        box.value = 1
        await event.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        if ordered:
            while not event.statistics().tasks_waiting:
                await trio.lowlevel.checkpoint()
        else:
            await idle()
        print(box.value)
        event.set()


async def cancel(ordered: bool) -> None:
    box = Box()

    async def victim() -> None:
        try:
            await trio.sleep_forever()
        finally:
            print(box.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(victim)
        await idle()
        if ordered:
            box.value = 1
        nursery.cancel_scope.cancel()
        if not ordered:
            with trio.CancelScope(shield=True):
                await idle()
            box.value = 1


async def cancel_of_a_task_that_runs(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope()

    async def victim() -> None:
        with scope:
            await idle(1000)
        print(box.value)

    async def canceller() -> None:
        await idle()
        if ordered:
            box.value = 1
        scope.cancel()
        await idle()
        if not ordered:
            box.value = 1

    await together(victim, canceller)


async def cancel_of_an_outer_scope(ordered: bool) -> None:
    box = Box()

    async def victim() -> None:
        with trio.CancelScope():
            try:
                await idle(1000)
            finally:
                print(box.value)

    async with trio.open_nursery() as outer:
        async with trio.open_nursery() as inner:
            inner.start_soon(victim)
            await idle()
            if ordered:
                box.value = 1
            outer.cancel_scope.cancel()
            if not ordered:
                with trio.CancelScope(shield=True):
                    await idle()
                box.value = 1


async def cancel_by_a_failing_sibling(ordered: bool) -> None:
    box = Box()

    async def victim() -> None:
        try:
            await trio.sleep_forever()
        finally:
            print(box.value)

    async def fails() -> None:
        await idle()
        if ordered:
            box.value = 1
        raise ValueError

    async def bystander() -> None:
        if not ordered:
            box.value = 1

    with suppress(ValueError, ExceptionGroup):
        await together(victim, fails, bystander)


async def deadline_set_by_somebody(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope()

    async def victim() -> None:
        with scope:
            await trio.sleep_forever()
        print(box.value)

    async def sets() -> None:
        await idle()
        if ordered:
            box.value = 1
        scope.deadline = trio.current_time() + 0.001
        await idle()
        if not ordered:
            box.value = 1

    await together(victim, sets)


async def deadline_seen_to_have_passed(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope()

    async def sets() -> None:
        if ordered:
            box.value = 1
        scope.deadline = trio.current_time() - 1
        await idle(20)
        if not ordered:
            box.value = 1

    async def looks() -> None:
        await idle()
        assert scope.cancel_called
        print(box.value)

    await together(sets, looks)


async def cancellation_seen(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope()

    async def canceller() -> None:
        box.value = 1
        scope.cancel()

    async def looks() -> None:
        await idle()
        if (ordered and scope.cancel_called) or not ordered:
            print(box.value)

    await together(canceller, looks)


async def shield_taken_away(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope(shield=True)

    async with trio.open_nursery() as nursery:

        async def victim() -> None:
            with scope:
                try:
                    await idle(1000)
                finally:
                    print(box.value)

        async def takes_away() -> None:
            with trio.CancelScope(shield=True):
                await idle(20)
                if ordered:
                    box.value = 1
                scope.shield = False
                await idle()
                if not ordered:
                    box.value = 1

        nursery.start_soon(victim)
        nursery.start_soon(takes_away)
        await idle()
        nursery.cancel_scope.cancel()


async def cancellation_seen_from_inside(ordered: bool) -> None:
    box, scope = Box(), trio.CancelScope()

    async def canceller() -> None:
        if ordered:
            box.value = 1
        scope.cancel()
        await idle(20)
        if not ordered:
            box.value = 1

    async def looks() -> None:
        with scope:
            with trio.CancelScope(shield=True):
                await idle()
            if trio.current_effective_deadline() < 0:
                print(box.value)

    await together(canceller, looks)
