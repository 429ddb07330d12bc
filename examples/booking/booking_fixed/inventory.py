"""An inventory from which no seat is sold twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from booking.inventory import Inventory

if TYPE_CHECKING:
    from booking.store import Store


class FixedInventory(Inventory):
    """Holds a lock from the look at the number to the new number, so that two customers can't act on the same one."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._lock = trio.Lock()

    async def left(self, show: str) -> int:
        """Return how many seats are left for a show."""
        async with self._lock:
            return await super().left(show)

    async def reserve(self, show: str, quantity: int) -> None:
        """Take seats for a show out of the inventory."""
        async with self._lock:
            await super().reserve(show, quantity)

    async def give_back(self, show: str, quantity: int) -> None:
        """Put seats that were reserved back into the inventory."""
        async with self._lock:
            await super().give_back(show, quantity)
