"""One customer, one request after the other."""

from __future__ import annotations

import pytest

from booking.client import Booking, Refused, open_session
from booking.errors import BadRequest, SoldOut, UnknownShow
from booking.messages import MessageError, connect


async def test_booking_takes_seats(port: int) -> None:
    """What was booked is no longer for sale."""
    async with open_session(port) as customer:
        assert await customer.left("concert") == 10
        await customer.book("concert", 4)
        assert await customer.left("concert") == 6


async def test_cancelling_gives_the_seats_back(port: int) -> None:
    """Seats of a cancelled booking are for sale again, and it can't be cancelled twice."""
    async with open_session(port) as customer:
        booking = await customer.book("play", 4)
        await customer.cancel(booking)
        assert await customer.left("play") == 4
        with pytest.raises(Refused, match="no booking 1") as caught:
            await customer.cancel(booking)
    assert caught.value.kind is BadRequest


async def test_a_booking_belongs_to_its_session(port: int) -> None:
    """Nobody cancels what another customer booked."""
    async with open_session(port) as alice, open_session(port) as bob:
        booking = await alice.book("play")
        with pytest.raises(Refused, match="this session has no booking"):
            await bob.cancel(booking)


async def test_no_more_seats_are_sold_than_there_are(port: int) -> None:
    """The last seats go to who asked first."""
    async with open_session(port) as customer:
        await customer.book("play", 3)
        with pytest.raises(Refused, match="only 1 seats are left for 'play'") as caught:
            await customer.book("play", 2)
        assert caught.value.kind is SoldOut
        assert await customer.left("play") == 1


async def test_a_price_is_quoted(port: int) -> None:
    """The price is the store's, at the first look and at the second."""
    async with open_session(port) as customer:
        assert await customer.quote("play") == 3000
        assert await customer.quote("play") == 3000


@pytest.mark.parametrize("request_name", ["left", "quote", "book"])
async def test_unknown_shows_are_refused(port: int, request_name: str) -> None:
    """A show that the store does not know is an error of the customer's."""
    async with open_session(port) as customer:
        with pytest.raises(Refused, match="no show called 'opera'") as caught:
            await getattr(customer, request_name)("opera")
    assert caught.value.kind is UnknownShow


async def test_a_new_roll_does_not_disturb_the_next_ticket(port: int) -> None:
    """Tickets are printed on it as before."""
    async with open_session(port) as customer:
        first = await customer.book("concert")
        await customer.change_roll()
        second = await customer.book("concert")
    assert first == Booking(1, first.code)
    assert second == Booking(2, second.code)


async def test_nonsense_is_refused_and_the_session_goes_on(port: int) -> None:
    """A request that makes no sense costs the customer nothing but an error."""
    connection = await connect(port)
    try:
        assert await connection.receive() == {"service": "booking"}
        assert (await connection.request({"do": "fly"}))["kind"] == "BadRequest"
        assert (await connection.request({"do": "book", "show": "play", "quantity": 0}))["kind"] == "BadRequest"
        assert await connection.request({"do": "left", "show": "play"}) == {"left": 4}
    finally:
        connection.close()


async def test_a_broken_message_ends_the_session_only(port: int) -> None:
    """The server closes that connection, and serves the next customer."""
    connection = await connect(port)
    try:
        await connection.receive()
        await connection._stream.send_all(b"hello\n")
        with pytest.raises(MessageError, match="closed before the answer"):
            await connection.request({"do": "headline"})
    finally:
        connection.close()
    async with open_session(port) as customer:
        assert await customer.left("play") == 4
