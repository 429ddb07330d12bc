"""What can go wrong, as the customer is told."""

from __future__ import annotations


class BookingError(Exception):
    """A request could not be carried out; the text is for the customer."""


class UnknownShow(BookingError):
    """There is no such show."""

    def __init__(self, show: str) -> None:
        super().__init__(f"there is no show called {show!r}")


class SoldOut(BookingError):
    """Not enough seats are left."""

    def __init__(self, show: str, left: int) -> None:
        super().__init__(f"only {left} seats are left for {show!r}")


class BadRequest(BookingError):
    """The request makes no sense."""
