"""Runs of Trio, one after the other; each program starts them itself."""

from __future__ import annotations

import trio
import trio.testing

from .common import Box, idle, together


def end_of_run(ordered: bool) -> None:
    """A system task has ended when the run has, and what comes after the run comes after it."""
    box = Box()

    async def system() -> None:
        box.value = 1

    async def main() -> None:
        trio.lowlevel.spawn_system_task(system)
        if not ordered:
            await idle()
            print(box.value)

    async def after() -> None:
        print(box.value)

    trio.run(main)
    trio.run(after)


def one_run_after_another(ordered: bool) -> None:
    box = Box()

    async def write() -> None:
        box.value = 1

    async def read() -> None:
        print(box.value)

    async def both() -> None:
        await together(write, read)

    if ordered:
        trio.run(write)
        trio.run(read)
    else:
        trio.run(both)


def mocked_time() -> None:
    """A clock that jumps when nobody runs is a clock all the same."""
    box = Box()

    async def write() -> None:
        await trio.sleep(1)
        box.value = 1

    async def read() -> None:
        await trio.sleep(2)
        print(box.value)

    async def both() -> None:
        await together(write, read)

    trio.run(both, clock=trio.testing.MockClock(autojump_threshold=0))
