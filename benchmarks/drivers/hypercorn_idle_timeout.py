"""Hypercorn: the timer that closes an idle connection is replaced by whoever reads or writes."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_one_request(nursery: trio.Nursery) -> None:
    """A client asks once, reads the answer and leaves."""

    async def serve(stream: trio.SocketStream) -> None:
        await TCPServer(application, Config(), stream)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, [listener])
    client = await trio.open_tcp_stream(*listener.socket.getsockname())
    await client.send_all(b"GET / HTTP/1.1\r\nhost: example.org\r\n\r\n")
    answer = b""
    while not answer.endswith(b"hello"):
        answer += await client.receive_some()
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    nursery.cancel_scope.cancel()
