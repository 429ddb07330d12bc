"""Runs a booking server with a store of its own: `python -m booking [PORT]`."""

from __future__ import annotations

import sys

import trio

from booking.server import BookingServer, Parts
from booking.store import StoreServer

SHOWS = {"seats:concert": 200, "price:concert": 4500, "seats:play": 80, "price:play": 3000}


async def main(port: int) -> None:
    """Serve until interrupted."""
    async with trio.open_nursery() as nursery:
        store_port: int = await nursery.start(StoreServer(SHOWS).serve)
        port = await nursery.start(BookingServer(store_port, Parts()).serve, port)
        print(f"serving on port {port}", flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
