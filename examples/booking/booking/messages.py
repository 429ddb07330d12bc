"""Messages over TCP: one JSON object a line, in both directions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Message = dict[str, Any]

MAXIMUM = 64 * 1024
"""The longest line that is accepted, so that a peer can't fill the memory."""


class MessageError(Exception):
    """The peer sent something that is no message."""


class Connection:
    """Sends and receives messages over a stream. One task at a time may use it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._received = bytearray()

    async def send(self, message: Message) -> None:
        """Send one message."""
        await self._stream.send_all(json.dumps(message).encode() + b"\n")

    async def receive(self) -> Message | None:
        """Return the next message, or None where the peer has closed the connection."""
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if newline:
                self._received = rest
                return self._decode(line)
            if len(self._received) > MAXIMUM:
                raise MessageError(f"a line is longer than {MAXIMUM} bytes")
            chunk = await self._stream.receive_some()
            if not chunk:
                return None
            self._received += chunk

    async def request(self, message: Message) -> Message:
        """Send a message and return the answer to it."""
        await self.send(message)
        answer = await self.receive()
        if answer is None:
            raise MessageError("the connection was closed before the answer came")
        return answer

    def __aiter__(self) -> Connection:
        """Go through what the peer sends, until it closes the connection."""
        return self

    async def __anext__(self) -> Message:
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    def close(self) -> None:
        """Close the connection. Unlike the stream's `aclose` this is no checkpoint, so it can't be cancelled."""
        self._stream.socket.close()

    @staticmethod
    def _decode(line: bytearray) -> Message:
        try:
            message: object = json.loads(line)
        except ValueError as error:
            raise MessageError(f"not JSON: {bytes(line[:40])!r}") from error
        if not isinstance(message, dict):
            raise MessageError(f"not an object: {bytes(line[:40])!r}")
        return cast("Message", message)


async def connect(port: int) -> Connection:
    """Open a connection to a server on this machine."""
    return Connection(await trio.open_tcp_stream("127.0.0.1", port))


async def listen(
    nursery: trio.Nursery, handler: Callable[[trio.SocketStream], Awaitable[object]], port: int = 0
) -> int:
    """Serve connections from this machine in a nursery, each with a task of its own, and return the port."""
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handler, listeners)
    number: int = listeners[0].socket.getsockname()[1]
    return number
