"""Hishel: the first request to a cache opens its database."""

from __future__ import annotations

from pathlib import Path

import trio
from hishel import AsyncSqliteStorage


async def test_two_look_ups(tmp_path: Path) -> None:
    """A cache is asked twice; the second time its database is open already."""
    storage = AsyncSqliteStorage(database_path=tmp_path / "cache.db")

    async def look_up(after: float) -> None:
        await trio.sleep(after)
        assert await storage.get_entries("key") == []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_up, 0)
        nursery.start_soon(look_up, 0.2)
    await storage.close()
