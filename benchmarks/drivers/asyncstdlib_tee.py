"""asyncstdlib: iterators that share a source fetch its next item when they have none left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import trio
from asyncstdlib.itertools import tee


async def numbers() -> AsyncIterator[int]:
    for number in range(3):
        await trio.sleep(0.1)
        yield number


async def test_two_iterators(autojump_clock: trio.abc.Clock) -> None:
    """Two tasks consume a source at different speeds; now one is ahead, now the other."""
    seen: tuple[list[int], list[int]] = ([], [])

    async def consume(source: AsyncIterator[int], into: list[int], pauses: tuple[int, ...]) -> None:
        for pause in pauses:
            await trio.sleep(pause)
            into.append(await anext(source))

    async with tee(numbers(), 2) as (one, other):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume, one, seen[0], (1, 4, 4))
            nursery.start_soon(consume, other, seen[1], (2, 1, 4))
    assert seen == ([0, 1, 2], [0, 1, 2])
