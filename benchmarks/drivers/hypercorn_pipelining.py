"""Hypercorn: who reads a connection clears an event and waits until the last answer has been sent."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await trio.sleep(0.2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_two_requests_at_once(nursery: trio.Nursery) -> None:
    """A client sends two requests at once, and the first takes a while to answer."""

    async def serve(stream: trio.SocketStream) -> None:
        await TCPServer(application, Config(), stream)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, [listener])
    client = await trio.open_tcp_stream(*listener.socket.getsockname())
    await client.send_all(b"".join(b"GET /%s HTTP/1.1\r\nhost: example.org\r\n\r\n" % path for path in (b"slow", b"")))
    answer = b""
    while answer.count(b"hello") < 2:
        answer += await client.receive_some()
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    nursery.cancel_scope.cancel()
