"""trio-websocket: a message is sent while the connection is being closed."""

from __future__ import annotations

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, connect_websocket, serve_websocket


async def echo(request: WebSocketRequest) -> None:
    connection = await request.accept()
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed:
        pass


async def test_send_and_close(nursery: trio.Nursery) -> None:
    """A message is sent before the connection is closed, and another one afterwards."""
    server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
    async with trio.open_nursery() as tasks:
        connection = await connect_websocket(tasks, "127.0.0.1", server.port, "/", use_ssl=False)

        async def send() -> None:
            await connection.send_message("first")
            await trio.sleep(0.5)
            try:
                await connection.send_message("second")
            except ConnectionClosed:
                return
            raise AssertionError

        async def close() -> None:
            await trio.sleep(0.1)
            await connection.aclose()

        tasks.start_soon(send)
        tasks.start_soon(close)
    nursery.cancel_scope.cancel()
