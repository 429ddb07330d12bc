"""Hypercorn: when an HTTP/2 connection is closed, each of its streams is told, while applications end theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import h2.config
import h2.connection
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.protocol import ProtocolWrapper

try:
    from hypercorn.trio.spawn_app import spawn_app
except ImportError:
    from hypercorn.trio.server import spawn_app


class Event:
    """An event that can be cleared, which Trio's own no longer can."""

    def __init__(self) -> None:
        self._event = trio.Event()

    async def clear(self) -> None:
        self._event = trio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    async def set(self) -> None:
        self._event.set()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["path"] == "/wait":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_close(autojump_clock: trio.abc.Clock) -> None:
    """One of two requests has been answered when the connection is closed."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    for number, path in ((1, "/"), (3, "/wait")):
        names = {":method": "GET", ":scheme": "http", ":authority": "example.org", ":path": path}
        client.send_headers(number, list(names.items()), end_stream=True)

    async def send(event: object) -> None:
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        spawn = partial(spawn_app, nursery, partial(application), Config())
        protocol = ProtocolWrapper(Config(), False, None, None, send, spawn, Event, "h2")
        await protocol.initiate()
        if hasattr(protocol, "send_task"):
            nursery.start_soon(protocol.send_task)
        await protocol.handle(RawData(client.data_to_send()))
        await trio.sleep(1)
        await protocol.handle(Closed())
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
