"""The booking server."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from booking.errors import BadRequest, BookingError
from booking.inventory import Inventory
from booking.messages import Connection, Message, MessageError, listen
from booking.newsletter import Newsletter
from booking.pool import Pool
from booking.prices import Prices
from booking.printer import Printer
from booking.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

STORE_CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The classes of which a server is made."""

    inventory: type[Inventory] = Inventory
    prices: type[Prices] = Prices
    printer: type[Printer] = Printer
    newsletter: type[Newsletter] = Newsletter


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the sessions of one server share."""

    inventory: Inventory
    prices: Prices
    printer: Printer
    newsletter: Newsletter
    numbers: Iterator[int]


class BookingServer:
    """Sells seats over TCP, one session for each customer."""

    def __init__(self, store_port: int, parts: Parts) -> None:
        self._store_port = store_port
        self._parts = parts

    async def serve(self, port: int = 0, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started with the port."""
        pool = Pool(self._store_port, STORE_CONNECTIONS)
        store = Store(pool)
        services = Services(
            inventory=self._parts.inventory(store),
            prices=self._parts.prices(store),
            printer=self._parts.printer(),
            newsletter=self._parts.newsletter(store),
            numbers=itertools.count(1),
        )

        async def serve_customer(stream: trio.SocketStream) -> None:
            async with stream:
                await Session(Connection(stream), services).run()

        try:
            await services.inventory.load()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(services.printer.run)
                nursery.start_soon(services.newsletter.write)
                task_status.started(await listen(nursery, serve_customer, port))
        finally:
            logger.info("%d tickets were printed on the last roll", services.printer.printed)
            pool.close()


class Session:
    """Answers one customer's requests, one after the other."""

    def __init__(self, connection: Connection, services: Services) -> None:
        self._connection = connection
        self._services = services
        self._booked: dict[int, tuple[str, int]] = {}

    async def run(self) -> None:
        """Greet the customer, and answer until the connection is closed."""
        try:
            await self._connection.send({"service": "booking"})
            async for request in self._connection:
                await self._connection.send(await self._answer(request))
        except (MessageError, trio.BrokenResourceError) as error:
            logger.warning("a session ended early: %s", error)

    async def _answer(self, request: Message) -> Message:
        try:
            match request:
                case {"do": "left", "show": str(show)}:
                    return {"left": await self._services.inventory.left(show)}
                case {"do": "quote", "show": str(show)}:
                    return {"price": await self._services.prices.of(show)}
                case {"do": "book", "show": str(show), "quantity": int(quantity)} if quantity > 0:
                    return await self._book(show, quantity)
                case {"do": "cancel", "booking": int(number)}:
                    return await self._cancel(number)
                case {"do": "headline"}:
                    return {"headline": await self._services.newsletter.read()}
                case {"do": "change roll"}:
                    await self._services.printer.change_roll()
                    return {}
                case _:
                    raise BadRequest("no such request")
        except BookingError as error:
            return {"error": str(error), "kind": type(error).__name__}

    async def _book(self, show: str, quantity: int) -> Message:
        await self._services.inventory.reserve(show, quantity)
        number = next(self._services.numbers)
        self._booked[number] = (show, quantity)
        code = await self._services.printer.print(f"{number}: {quantity} x {show}")
        return {"booking": number, "code": code}

    async def _cancel(self, number: int) -> Message:
        try:
            show, quantity = self._booked.pop(number)
        except KeyError:
            raise BadRequest(f"this session has no booking {number}") from None
        await self._services.inventory.give_back(show, quantity)
        return {}
