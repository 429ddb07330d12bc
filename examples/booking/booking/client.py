"""The customer's side."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking import errors
from booking.messages import Connection, Message, MessageError, connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KINDS = {kind.__name__: kind for kind in (errors.UnknownShow, errors.SoldOut, errors.BadRequest)}


class Refused(Exception):
    """The server refused a request."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = KINDS.get(kind, errors.BookingError)


@dataclass(frozen=True)
class Booking:
    """Seats that were booked."""

    number: int
    code: str


class Customer:
    """Talks to a booking server. One task at a time may use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def left(self, show: str) -> int:
        """Return how many seats are left."""
        number: int = (await self._request({"do": "left", "show": show}))["left"]
        return number

    async def quote(self, show: str) -> int:
        """Return the price of a seat, in cents."""
        price: int = (await self._request({"do": "quote", "show": show}))["price"]
        return price

    async def book(self, show: str, quantity: int = 1) -> Booking:
        """Book seats and get a ticket."""
        answer = await self._request({"do": "book", "show": show, "quantity": quantity})
        return Booking(answer["booking"], answer["code"])

    async def cancel(self, booking: Booking) -> None:
        """Give seats back that were booked in this session."""
        await self._request({"do": "cancel", "booking": booking.number})

    async def headline(self) -> str:
        """Return what is on tonight; empty before it is known."""
        headline: str = (await self._request({"do": "headline"}))["headline"]
        return headline

    async def change_roll(self) -> None:
        """Tell the printer that it has a new roll of paper."""
        await self._request({"do": "change roll"})

    async def _request(self, request: Message) -> Message:
        answer = await self._connection.request(request)
        if "error" in answer:
            raise Refused(answer["kind"], answer["error"])
        return answer


@asynccontextmanager
async def open_session(port: int) -> AsyncGenerator[Customer, None]:
    """Connect to a server and wait for its greeting."""
    connection = await connect(port)
    try:
        if await connection.receive() != {"service": "booking"}:
            raise MessageError("this is no booking server")
        yield Customer(connection)
    finally:
        connection.close()
