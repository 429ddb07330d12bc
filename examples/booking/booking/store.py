"""The store: a server that keeps values by name, and the client through which the booking server uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from booking.messages import Connection, Message, MessageError, listen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking.pool import Pool

Value = int | str


class StoreError(Exception):
    """The store could not do what it was asked."""


class StoreServer:
    """Keeps values in memory and serves them over TCP."""

    def __init__(self, values: Mapping[str, Value], *, turns: int = 0) -> None:
        """Start out with these values.

        Args:
            values: what is stored at first.
            turns: how many turns of the run loop each request takes, in place of the time that a disk would need.
        """
        self._values = dict(values)
        self._lock = trio.Lock()
        self._turns = turns

    async def serve(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started with the port."""
        async with trio.open_nursery() as nursery:
            task_status.started(await listen(nursery, self._serve_client))

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        async with stream:
            connection = Connection(stream)
            async for request in connection:
                await connection.send(await self._answer(request))

    async def _answer(self, request: Message) -> Message:
        async with self._lock:
            for _ in range(self._turns):
                await trio.lowlevel.checkpoint()
            match request:
                case {"do": "get", "name": str(name)}:
                    return {"value": self._values.get(name)}
                case {"do": "put", "name": str(name), "value": int() | str() as value}:
                    self._values[name] = value
                    return {}
                case {"do": "names", "prefix": str(prefix)}:
                    return {"names": sorted(name for name in self._values if name.startswith(prefix))}
                case _:
                    return {"error": f"unknown request: {request}"}


class Store:
    """The store as the booking server sees it. Any number of tasks may use it at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get_number(self, name: str) -> int | None:
        """Return the number stored under a name, or None where there is none."""
        answer = await self._request({"do": "get", "name": name})
        value: Value | None = answer["value"]
        if value is None or isinstance(value, int):
            return value
        raise StoreError(f"{name} is {value!r}, which is no number")

    async def put(self, name: str, value: Value) -> None:
        """Store a value under a name."""
        await self._request({"do": "put", "name": name, "value": value})

    async def names(self, prefix: str) -> list[str]:
        """Return the names that start with a prefix, without it, in order."""
        answer = await self._request({"do": "names", "prefix": prefix})
        names: list[str] = answer["names"]
        return [name.removeprefix(prefix) for name in names]

    async def _request(self, request: Message) -> Message:
        async with self._pool.borrow() as connection:
            try:
                answer = await connection.request(request)
            except (MessageError, trio.BrokenResourceError) as error:
                raise StoreError("the store does not answer") from error
        if "error" in answer:
            raise StoreError(answer["error"])
        return answer
