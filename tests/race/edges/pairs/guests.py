"""Guest mode: what the host's loop does between the turns of Trio's."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from .common import Box, idle, together


def _as_guest(main: Callable[[Callable[..., object]], Awaitable[Any]]) -> None:
    """Run `main` as the guest of a small loop, and give it a function that has others called by the host."""
    todo: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    done: list[object] = []
    trio.lowlevel.start_guest_run(
        main,
        todo.put,
        run_sync_soon_threadsafe=todo.put,
        done_callback=done.append,
    )
    while not done:
        todo.get()()


def host_wakes(ordered: bool) -> None:
    """A task asks the host to call something, and that wakes another task."""
    box = Box()

    async def main(call_soon: Callable[..., object]) -> None:
        event = trio.Event()

        async def writer() -> None:
            await idle()
            if ordered:
                box.value = 1
            call_soon(event.set)
            if not ordered:
                await event.wait()
                await idle()
                box.value = 1

        async def reader() -> None:
            await event.wait()
            print(box.value)

        await together(writer, reader)

    _as_guest(main)


def host_calls_back_soon(ordered: bool) -> None:
    box = Box()

    async def main(call_soon: Callable[..., object]) -> None:
        event = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def soon() -> None:
            token.run_sync_soon(event.set)

        async def writer() -> None:
            await idle()
            if ordered:
                box.value = 1
            call_soon(soon)
            if not ordered:
                await event.wait()
                await idle()
                box.value = 1

        async def reader() -> None:
            await event.wait()
            print(box.value)

        await together(writer, reader)

    _as_guest(main)


def guest_of_asyncio(ordered: bool) -> None:
    box = Box()

    async def host() -> None:
        loop = asyncio.get_running_loop()
        finished: asyncio.Future[None] = loop.create_future()

        async def main() -> None:
            send, receive = trio.open_memory_channel[int](1)

            async def writer() -> None:
                await idle()
                if ordered:
                    box.value = 1
                loop.call_soon(send.send_nowait, 1)
                if not ordered:
                    await trio.sleep(0.01)
                    box.value = 1

            async def reader() -> None:
                await receive.receive()
                print(box.value)

            await together(writer, reader)

        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=lambda _: finished.set_result(None),
        )
        await finished

    asyncio.run(host())


def tasks_of_a_guest(ordered: bool) -> None:
    """That they share a host orders nothing between tasks."""
    box = Box()

    async def main(_: object) -> None:
        event = trio.Event()

        async def writer() -> None:
            box.value = 1
            event.set()

        async def reader() -> None:
            if ordered:
                await event.wait()
            else:
                await trio.sleep(0.01)
            print(box.value)

        await together(writer, reader)

    _as_guest(main)
