"""Several customers at once."""

from __future__ import annotations

import trio

from booking.client import Booking, Customer, open_session


async def test_two_customers_book_the_same_show(port: int) -> None:
    """Both get seats, under different numbers and with different tickets."""
    bookings: trio.MemorySendChannel[Booking]
    bookings, booked = trio.open_memory_channel[Booking](2)

    async def book(customer: Customer) -> None:
        await bookings.send(await customer.book("concert", 2))

    async with open_session(port) as alice, open_session(port) as bob:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(book, alice)
            nursery.start_soon(book, bob)
    first, second = booked.receive_nowait(), booked.receive_nowait()
    assert first.number != second.number
    assert first.code != second.code


async def test_two_customers_book_different_shows(port: int) -> None:
    """Neither sees anything of the other."""
    async with open_session(port) as alice, open_session(port) as bob:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(alice.book, "concert", 3)
            nursery.start_soon(bob.book, "play", 1)
        assert await alice.left("concert") == 7
        assert await alice.left("play") == 3


async def test_two_customers_ask_for_the_same_price(port: int) -> None:
    """Both are told the same, and so is who asks later."""

    async def ask(customer: Customer) -> None:
        assert await customer.quote("concert") == 4500

    async with open_session(port) as alice, open_session(port) as bob:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, alice)
            nursery.start_soon(ask, bob)
        assert await alice.quote("concert") == 4500


async def test_the_roll_is_changed_while_a_ticket_is_printed(port: int) -> None:
    """The ticket comes all the same."""

    async def book(customer: Customer) -> None:
        assert (await customer.book("play")).code

    async with open_session(port) as customer, open_session(port) as operator:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(book, customer)
            nursery.start_soon(operator.change_roll)


async def test_the_headline_appears_soon_after_the_start(port: int) -> None:
    """It names what is on."""
    async with open_session(port) as customer:
        with trio.fail_after(30):
            while not (headline := await customer.headline()):
                await trio.sleep(0.01)
    assert headline == "Tonight: concert, play"
