"""Other processes, and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import trio

from .common import Box, idle, together

ECHO = [
    sys.executable,
    "-c",
    "import sys; sys.stdout.write(sys.stdin.readline()); sys.stdout.flush(); sys.stdin.read()",
]
WAIT = [sys.executable, "-c", "import sys; sys.stdin.read()"]


async def _open(command: list[str], **options: Any) -> trio.Process:
    return await trio.lowlevel.open_process(command, **options)


async def through_another_process(ordered: bool) -> None:
    """What a process is told comes before what it says: how it gets from one to the other can't be seen."""
    box = Box()
    process = await _open(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def sends() -> None:
        if ordered:
            box.value = 1
        await stdin.send_all(b"data\n")
        if not ordered:
            await idle()
            box.value = 1
        await idle()

    async def receives() -> None:
        assert await stdout.receive_some()
        print(box.value)

    await together(sends, receives)
    await stdin.aclose()
    await stdout.aclose()
    await process.wait()


async def end_of_a_process(ordered: bool) -> None:
    """What makes a process end comes before whoever has waited for the end."""
    box = Box()
    process = await _open(WAIT, stdin=subprocess.PIPE)
    assert process.stdin is not None
    stdin = process.stdin

    async def closes() -> None:
        if ordered:
            box.value = 1
        await stdin.aclose()
        if not ordered:
            box.value = 1

    async def waits() -> None:
        await process.wait()
        print(box.value)

    await together(closes, waits)


async def killed_process(ordered: bool) -> None:
    box = Box()
    process = await _open(WAIT, stdin=subprocess.PIPE)

    async def kills() -> None:
        await idle()
        if ordered:
            box.value = 1
        process.kill()
        if not ordered:
            await idle()
            box.value = 1

    async def waits() -> None:
        await process.wait()
        print(box.value)

    await together(kills, waits)
    assert process.stdin is not None
    await process.stdin.aclose()


async def run_process(ordered: bool) -> None:
    """The tasks that feed a process and collect what it says are the call's own."""
    box = Box()

    async def runs() -> None:
        if ordered:
            box.value = 1
        done = await trio.run_process(ECHO, stdin=b"data\n", capture_stdout=True)
        assert done.stdout == b"data\n"
        if not ordered:
            box.value = 1
        else:
            print(box.value)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await together(runs, other)


async def signal_received(ordered: bool) -> None:
    """Who sends a signal to its own process comes before whoever receives it."""
    box = Box()

    async with trio.open_nursery() as nursery:

        async def receives(*, task_status: Any) -> None:
            with trio.open_signal_receiver(signal.SIGUSR1) as signals:
                task_status.started()
                async for _ in signals:
                    print(box.value)
                    break

        await nursery.start(receives)
        if ordered:
            box.value = 1
        os.kill(os.getpid(), signal.SIGUSR1)
        if not ordered:
            await idle()
            box.value = 1


async def signal_raised(ordered: bool) -> None:
    box = Box()

    async with trio.open_nursery() as nursery:

        async def receives(*, task_status: Any) -> None:
            with trio.open_signal_receiver(signal.SIGUSR1) as signals:
                task_status.started()
                async for _ in signals:
                    print(box.value)
                    break

        await nursery.start(receives)
        if ordered:
            box.value = 1
        signal.raise_signal(signal.SIGUSR1)
        if not ordered:
            box.value = 1


async def signal_from_a_thread(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        if ordered:
            box.value = 1
        os.kill(os.getpid(), signal.SIGUSR1)
        if not ordered:
            box.value = 1

    async with trio.open_nursery() as nursery:

        async def receives(*, task_status: Any) -> None:
            with trio.open_signal_receiver(signal.SIGUSR1) as signals:
                task_status.started()
                async for _ in signals:
                    print(box.value)
                    break

        await nursery.start(receives)
        nursery.start_soon(trio.to_thread.run_sync, work)


async def signal_handler(ordered: bool) -> None:
    """A handler that wakes somebody by the run's token."""
    box, event = Box(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def handler(*_: object) -> None:
        token.run_sync_soon(event.set)

    async def sends() -> None:
        await idle()
        if ordered:
            box.value = 1
        signal.raise_signal(signal.SIGUSR1)
        if not ordered:
            box.value = 1

    async def waits() -> None:
        await event.wait()
        print(box.value)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        await together(sends, waits)
    finally:
        signal.signal(signal.SIGUSR1, before)
