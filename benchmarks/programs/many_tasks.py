"""Many tasks in one nursery, all alive at once: `many_tasks.py NUMBER` prints the seconds of CPU time it took.

Each task reads one variable, takes one lock and sends on one channel; one of them also writes the variable.
"""

from __future__ import annotations

import math
import sys
import time

import trio


class Settings:
    """What all of them read and one writes."""

    def __init__(self) -> None:
        self.limit = 1


async def main(number: int) -> None:
    """Start the tasks, let them all go, and collect what they send."""
    settings = Settings()
    lock = trio.Lock()
    go = trio.Event()
    send, receive = trio.open_memory_channel[int](math.inf)

    async def task(index: int) -> None:
        await go.wait()
        if index == number // 2:
            settings.limit = 2
        limit = settings.limit
        async with lock:
            await trio.lowlevel.checkpoint()
        await send.send(limit)

    async with trio.open_nursery() as nursery:
        for index in range(number):
            nursery.start_soon(task, index)
        await trio.lowlevel.checkpoint()
        go.set()
        for _ in range(number):
            await receive.receive()


started = time.process_time()
trio.run(main, int(sys.argv[1]))
print(f"seconds {time.process_time() - started:.4f}", flush=True)
