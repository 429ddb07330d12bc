"""What orders nothing: each of these is racy, however it looks."""

from __future__ import annotations

import contextvars
import threading
import time

import trio
import trio.testing

from .common import Box, idle, together


async def _apart(first: object, second: object) -> None:
    """Write in one task, and read in another, each after what it waits for."""
    box = Box()

    async def writer() -> None:
        await first()  # type: ignore[operator]
        box.value = 1

    async def reader() -> None:
        await second()  # type: ignore[operator]
        print(box.value)

    await together(writer, reader)


async def checkpoints() -> None:
    await _apart(trio.lowlevel.checkpoint, idle)


async def sleeping() -> None:
    async def long() -> None:
        await trio.sleep(0.02)

    await _apart(trio.lowlevel.checkpoint, long)


async def a_deadline_of_ones_own() -> None:
    async def limited() -> None:
        with trio.move_on_after(0.02):
            await trio.sleep_forever()

    await _apart(trio.lowlevel.checkpoint, limited)


async def an_event_of_another() -> None:
    box, event, other = Box(), trio.Event(), trio.Event()

    async def writer() -> None:
        box.value = 1
        other.set()

    async def sets() -> None:
        event.set()

    async def reader() -> None:
        await event.wait()
        print(box.value)

    await together(writer, sets, reader)


async def an_event_seen_unset() -> None:
    box, event = Box(), trio.Event()

    async def writer() -> None:
        await idle()
        box.value = 1
        event.set()

    async def reader() -> None:
        assert not event.is_set()
        print(box.value)

    await together(writer, reader)


async def a_lock_found_busy() -> None:
    box, mutex = Box(), trio.Lock()

    async def holder() -> None:
        async with mutex:
            box.value = 1
            await idle(20)

    async def reader() -> None:
        await idle()
        try:
            mutex.acquire_nowait()
        except trio.WouldBlock:
            print(box.value)

    await together(holder, reader)


async def an_empty_channel() -> None:
    box = Box()
    _send, receive = trio.open_memory_channel[int](1)

    async def writer() -> None:
        box.value = 1

    async def reader() -> None:
        await idle()
        try:
            receive.receive_nowait()
        except trio.WouldBlock:
            print(box.value)

    await together(writer, reader)


async def items_in_a_channel_counted() -> None:
    box = Box()
    send, _receive = trio.open_memory_channel[int](1)

    async def sender() -> None:
        box.value = 1
        send.send_nowait(1)

    async def looks() -> None:
        while not send.statistics().current_buffer_used:
            await trio.lowlevel.checkpoint()
        print(box.value)

    await together(sender, looks)


async def a_semaphore_with_units_left() -> None:
    box, semaphore = Box(), trio.Semaphore(2)

    async def writer() -> None:
        async with semaphore:
            box.value = 1

    async def reader() -> None:
        await idle()
        async with semaphore:
            print(box.value)

    await together(writer, reader)


async def one_worker_thread_for_two_jobs() -> None:
    box = Box()

    def write() -> None:
        box.value = 1

    def read() -> None:
        print(box.value)

    async def first() -> None:
        await trio.to_thread.run_sync(write)

    async def second() -> None:
        await trio.sleep(0.02)
        await trio.to_thread.run_sync(read)

    await together(first, second)


async def two_callbacks_of_a_token() -> None:
    """The entry queue keeps the order of one thread's requests alone."""
    box = Box()
    token = trio.lowlevel.current_trio_token()
    done = [trio.Event(), trio.Event()]

    def write() -> None:
        box.value = 1
        done[0].set()

    def read() -> None:
        print(box.value)
        done[1].set()

    async def first() -> None:
        token.run_sync_soon(write)
        await done[0].wait()

    async def second() -> None:
        await idle()
        token.run_sync_soon(read)
        await done[1].wait()

    await together(first, second)


async def context_variables() -> None:
    """Each task has a copy of its own."""
    box = Box()
    current: contextvars.ContextVar[int] = contextvars.ContextVar("current", default=0)

    async def writer() -> None:
        box.value = 1
        current.set(1)

    async def reader() -> None:
        await idle()
        assert current.get() == 0
        print(box.value)

    await together(writer, reader)


async def daemon_threads_that_slept() -> None:
    box = Box()

    def work() -> None:
        time.sleep(0.02)
        print(box.value)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    box.value = 1
    await trio.to_thread.run_sync(thread.join)


async def shielding_and_cancelling_oneself() -> None:
    async def cancelled() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await trio.sleep_forever()

    await _apart(cancelled, idle)
