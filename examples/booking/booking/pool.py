"""A pool of connections to one server."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import trio

from booking.messages import Connection, connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Pool:
    """Lends out at most `size` connections, each opened when it is first needed.

    The free ones wait in a channel, which hands each to one borrower, the longest waiting first. A None there stands
    for a connection that is yet to be opened.
    """

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._give_back, self._free = trio.open_memory_channel[Connection | None](size)
        for _ in range(size):
            self._give_back.send_nowait(None)

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[Connection, None]:
        """Lend a connection for the time of the block; after an error it is not used again."""
        connection = await self._free.receive()
        try:
            if connection is None:
                connection = await connect(self._port)
            yield connection
        except BaseException:
            if connection is not None:
                connection.close()
                connection = None
            raise
        finally:
            self._give_back.send_nowait(connection)

    def close(self) -> None:
        """Close the connections; none may be out."""
        with suppress(trio.WouldBlock):
            while True:
                connection = self._free.receive_nowait()
                if connection is not None:
                    connection.close()
