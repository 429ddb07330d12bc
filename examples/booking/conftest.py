"""A store and a booking server for each test, on real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import booking_fixed
from booking.server import BookingServer, Parts
from booking.store import StoreServer

if TYPE_CHECKING:
    import trio

SHOWS = {
    "seats:concert": 10,
    "price:concert": 4500,
    "seats:play": 4,
    "price:play": 3000,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the same tests run against the corrected parts."""
    parser.addoption("--fixed", action="store_true", help="test the booking server without its four bugs")


@pytest.fixture
async def port(request: pytest.FixtureRequest, nursery: trio.Nursery) -> int:
    """Start a store and a booking server, and return the server's port."""
    parts = booking_fixed.PARTS if request.config.getoption("--fixed") else Parts()
    store_port: int = await nursery.start(StoreServer(SHOWS, turns=10).serve)
    server_port: int = await nursery.start(BookingServer(store_port, parts).serve)
    return server_port
