"""HTTP Core: a request takes a connection of the pool, or adds one."""

from __future__ import annotations

import trio
from httpcore import AsyncConnectionPool


async def answer(stream: trio.SocketStream) -> None:
    """Say hello to whoever asks."""
    async with stream:
        request = b""
        async for data in stream:
            request += data
            if request.endswith(b"\r\n\r\n"):
                await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
                request = b""


async def test_two_requests(nursery: trio.Nursery) -> None:
    """The second request comes when the first has been answered and its connection closed."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, answer, [listener])
    host, port = listener.socket.getsockname()

    async def ask(pool: AsyncConnectionPool, after: float) -> None:
        await trio.sleep(after)
        url = (b"http", host.encode(), port, b"/")
        _, status, _, _, body = await pool.request(b"GET", url, headers=[(b"host", b"example.org")])
        assert status == 200
        assert b"".join([chunk async for chunk in body]) == b"hello"
        await body.aclose()

    async with AsyncConnectionPool(max_connections=2) as pool:
        async with trio.open_nursery() as requests:
            requests.start_soon(ask, pool, 0)
            requests.start_soon(ask, pool, 0.1)
    nursery.cancel_scope.cancel()
