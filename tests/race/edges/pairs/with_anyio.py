"""AnyIO on Trio."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from typing import Any

import anyio
import anyio.abc
import anyio.from_thread
import anyio.to_thread

from .common import Box, idle


async def _together(*functions: Any) -> None:
    async with anyio.create_task_group() as group:
        for function in functions:
            group.start_soon(function)


async def task_group(ordered: bool) -> None:
    box = Box()

    async def child() -> None:
        box.value = 1

    async with anyio.create_task_group() as group:
        group.start_soon(child)
        if not ordered:
            await idle()
            print(box.value)
    print(box.value)


async def task_group_start(ordered: bool) -> None:
    box = Box()

    async def child(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        if ordered:
            box.value = 1
        task_status.started()
        await idle()
        if not ordered:
            box.value = 1

    async with anyio.create_task_group() as group:
        await group.start(child)
        print(box.value)


async def event(ordered: bool) -> None:
    box, flag = Box(), anyio.Event()

    async def writer() -> None:
        box.value = 1
        flag.set()

    async def reader() -> None:
        await (flag.wait() if ordered else idle())
        print(box.value)

    await _together(writer, reader)


async def event_seen_set(ordered: bool) -> None:
    box, flag = Box(), anyio.Event()

    async def writer() -> None:
        box.value = 1
        flag.set()

    async def reader() -> None:
        await idle()
        if not ordered or flag.is_set():
            print(box.value)

    await _together(writer, reader)


async def lock(ordered: bool) -> None:
    box = Box()
    one, other = anyio.Lock(), anyio.Lock()

    async def first() -> None:
        async with one:
            await idle(2)
            box.value = box.value + 1

    async def second() -> None:
        async with one if ordered else other:
            await idle(2)
            box.value = box.value + 1

    await _together(first, second)


async def semaphore(ordered: bool) -> None:
    box = Box()
    tokens = anyio.Semaphore(1 if ordered else 2)

    async def updates() -> None:
        async with tokens:
            await idle(2)
            box.value = box.value + 1

    await _together(updates, updates)


async def semaphore_as_a_signal(ordered: bool) -> None:
    box = Box()
    tokens = anyio.Semaphore(0 if ordered else 1)

    async def writer() -> None:
        await idle()
        box.value = 1
        tokens.release()

    async def reader() -> None:
        await tokens.acquire()
        print(box.value)

    await _together(writer, reader)


async def limiter(ordered: bool) -> None:
    box = Box()
    tokens = anyio.CapacityLimiter(1 if ordered else 2)

    async def updates() -> None:
        async with tokens:
            await idle(2)
            box.value = box.value + 1

    await _together(updates, updates)


async def condition(ordered: bool) -> None:
    box = Box()
    turn = anyio.Condition()

    async def waiter() -> None:
        async with turn:
            await turn.wait()
        print(box.value)

    async def notifier() -> None:
        await idle()
        async with turn:
            if ordered:
                box.value = 1
            turn.notify_all()
        await idle()
        if not ordered:
            box.value = 1

    await _together(waiter, notifier)


async def memory_stream(ordered: bool) -> None:
    box = Box()
    send, receive = anyio.create_memory_object_stream(0)

    async def sender() -> None:
        if ordered:
            box.value = 1
        await send.send(1)
        if not ordered:
            await idle()
            box.value = 1
        send.close()

    async def receiver() -> None:
        await receive.receive()
        await idle(2)
        print(box.value)
        receive.close()

    await _together(sender, receiver)


async def memory_stream_with_a_buffer(ordered: bool) -> None:
    box = Box()
    send, receive = anyio.create_memory_object_stream(math.inf)

    async def sender() -> None:
        if ordered:
            box.value = 1
        send.send_nowait(1)
        await idle(20)
        if not ordered:
            box.value = 1
        send.close()

    async def receiver() -> None:
        await idle()
        receive.receive_nowait()
        print(box.value)
        receive.close()

    await _together(sender, receiver)


async def end_of_a_memory_stream(ordered: bool) -> None:
    box = Box()
    send, receive = anyio.create_memory_object_stream(1)

    async def sender() -> None:
        async with send:
            if ordered:
                box.value = 1
        if not ordered:
            await idle()
            box.value = 1

    async def receiver() -> None:
        async with receive:
            async for _ in receive:
                pass
        print(box.value)

    await _together(sender, receiver)


async def cancel_scope(ordered: bool) -> None:
    box, scope = Box(), anyio.CancelScope()

    async def victim() -> None:
        with scope:
            await anyio.sleep_forever()
        print(box.value)

    async def canceller() -> None:
        await idle()
        if ordered:
            box.value = 1
        scope.cancel()
        await idle()
        if not ordered:
            box.value = 1

    await _together(victim, canceller)


async def to_thread(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    async def calls() -> None:
        await anyio.to_thread.run_sync(work)
        if ordered:
            print(box.value)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await _together(calls, other)


async def from_thread(ordered: bool) -> None:
    box = Box()

    async def in_trio() -> None:
        await idle()
        box.value = 1

    def work() -> None:
        anyio.from_thread.run(in_trio)
        if ordered:
            print(box.value)

    async def calls() -> None:
        await anyio.to_thread.run_sync(work)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await _together(calls, other)


async def blocking_portal(ordered: bool) -> None:
    box = Box()

    async def in_trio() -> None:
        print(box.value)

    async with anyio.from_thread.BlockingPortal() as portal:

        def work() -> None:
            if ordered:
                box.value = 1
            portal.call(in_trio)

        async def other() -> None:
            if not ordered:
                box.value = 1

        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, work)
            group.start_soon(other)


async def portal_in_a_thread(ordered: bool) -> None:
    """`start_blocking_portal` runs a loop of its own in another thread."""
    box = Box()

    async def in_trio() -> None:
        box.value = 1

    def work() -> None:
        with anyio.from_thread.start_blocking_portal("trio") as portal:
            future = portal.start_task_soon(in_trio)
            if ordered:
                future.result()
            print(box.value)

    await anyio.to_thread.run_sync(work)


async def tcp(ordered: bool) -> None:
    box = Box()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)

    async def handle(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            assert await stream.receive()
            print(box.value)

    async with anyio.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            if ordered:
                box.value = 1
            await client.send(b"data")
            if not ordered:
                await idle()
                box.value = 1
            with contextlib.suppress(anyio.EndOfStream):
                await client.receive()
        group.cancel_scope.cancel()
    await listener.aclose()


async def process(ordered: bool) -> None:
    box = Box()
    echo = "import sys; sys.stdout.write(sys.stdin.readline()); sys.stdout.flush(); sys.stdin.read()"
    async with await anyio.open_process([sys.executable, "-c", echo], stderr=subprocess.DEVNULL) as opened:
        assert opened.stdin is not None
        assert opened.stdout is not None
        stdin, stdout = opened.stdin, opened.stdout

        async def sends() -> None:
            if ordered:
                box.value = 1
            await stdin.send(b"data\n")
            if not ordered:
                await idle()
                box.value = 1

        async def receives() -> None:
            assert await stdout.receive()
            print(box.value)

        await _together(sends, receives)
        await stdin.aclose()
