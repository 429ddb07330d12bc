"""AnyIO 4.16.0: `anyio.functools.lru_cache` throws out what another task is still computing.

A call that finds nothing puts a placeholder with a lock under its key and computes. A call with another key that
finds the cache full removes the oldest entry, which may be that placeholder. Two things follow: who waits for the
same key gets a KeyError if the computation fails, and the cache grows beyond its size, for good, by what is stored
after its placeholder has gone.

    python benchmarks/found/anyio_lru_cache.py                                              shows both
    pytest benchmarks/found/anyio_lru_cache.py --detect-races --race-packages anyio         tells where

The test goes well in every order; the detector tells what can go wrong.
"""

from __future__ import annotations

import trio
import trio.testing
from anyio.functools import lru_cache


@lru_cache(maxsize=1)
async def fetch(key: str) -> str:
    """Look something up, which takes a while."""
    await trio.sleep(0.01)
    if key == "broken":
        raise ConnectionError(key)
    return key


async def tell(key: str) -> None:
    """Say what comes of a look-up."""
    try:
        print(f"{key}: {await fetch(key)}")
    except ConnectionError as error:
        print(f"{key}: {error!r}, as it should be")
    except KeyError as error:
        print(f"{key}: {error!r}, which nobody expects")


async def main() -> None:
    """Look up something that fails twice at once, and something else meanwhile."""
    async with trio.open_nursery() as nursery:
        for key in ("broken", "broken", "good"):
            nursery.start_soon(tell, key)
            await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        for key in "abcde":
            nursery.start_soon(fetch, key)
    before = fetch.cache_info().hits
    for key in "abcde":
        await fetch(key)
    print(f"{fetch.cache_info().hits - before} values are in a cache for {fetch.cache_info().maxsize}")


def test_two_keys_at_once() -> None:
    """Two tasks look up different keys; each gets what it asked for."""

    async def ask(key: str) -> None:
        assert await fetch(key) == key

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "one")
            nursery.start_soon(ask, "other")

    trio.run(both)


if __name__ == "__main__":
    trio.run(main)
