"""A price list that asks once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from booking.prices import Prices

if TYPE_CHECKING:
    from booking.store import Store


class FixedPrices(Prices):
    """Looks each price up once, however many ask for it at the same time."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._lock = trio.Lock()

    async def of(self, show: str) -> int:
        """Return the price of a seat, in cents."""
        async with self._lock:
            return await super().of(show)
