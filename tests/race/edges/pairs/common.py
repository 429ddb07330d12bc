"""What the programs share: a variable, and waiting that orders nothing."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio


class Box:
    """Holds the one variable that a program is about."""

    def __init__(self) -> None:
        self.value = 0


async def idle(steps: int = 10) -> None:
    """Let others run; this orders nothing."""
    for _ in range(steps):
        await trio.lowlevel.checkpoint()


async def together(*functions: Callable[[], Awaitable[Any]]) -> None:
    """Run each in a task of its own."""
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(function)


def dawdle() -> None:
    """Let others run while a thread does nothing; this orders nothing."""
    time.sleep(0.01)
