"""Litestar: the rate limiter reads a client's history and stores a longer one."""

from __future__ import annotations

from typing import Any

import trio
from litestar import Litestar, get
from litestar.middleware.rate_limit import RateLimitConfig


@get("/", sync_to_thread=False)
def index() -> str:
    return "hello"


async def request(application: Litestar, statuses: list[int]) -> None:
    """Call the application as a server does."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
        "extensions": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application(scope, receive, send)  # type: ignore[arg-type]


async def test_two_requests(nursery: trio.Nursery, autojump_clock: Any) -> None:
    """One client asks twice; the second request comes when the first has been answered."""
    application = Litestar(route_handlers=[index], middleware=[RateLimitConfig(rate_limit=("minute", 10)).middleware])
    statuses: list[int] = []

    async def later() -> None:
        await trio.sleep(1)
        await request(application, statuses)

    async with trio.open_nursery() as requests:
        requests.start_soon(request, application, statuses)
        requests.start_soon(later)
    assert statuses == [200, 200]
