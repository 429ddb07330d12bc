"""trio-util: a value composed of others is made of their values, and then follows them."""

from __future__ import annotations

import trio
from trio_util import AsyncValue, compose_values


async def test_compose_and_change(autojump_clock: trio.abc.Clock) -> None:
    """One of the values changes when the composed value has been made."""
    x, y = AsyncValue(1), AsyncValue(2)

    async def change() -> None:
        await trio.sleep(1)
        x.value = 3

    async with trio.open_nursery() as nursery:
        nursery.start_soon(change)
        async with compose_values(x=x, y=y) as both:
            await trio.sleep(2)
            assert both.value == (3, 2)
