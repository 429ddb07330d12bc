"""How many seats are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking.errors import SoldOut, UnknownShow

if TYPE_CHECKING:
    from booking.store import Store


class Inventory:
    """Keeps the number of seats left for each show, in memory and in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seats: dict[str, int] = {}

    async def load(self) -> None:
        """Read all shows from the store; before anything is sold."""
        for show in await self._store.names("seats:"):
            number = await self._store.get_number(f"seats:{show}")
            if number is not None:
                self.seats[show] = number

    async def left(self, show: str) -> int:
        """Return how many seats are left for a show."""
        try:
            return self.seats[show]
        except KeyError:
            raise UnknownShow(show) from None

    async def reserve(self, show: str, quantity: int) -> None:
        """Take seats for a show out of the inventory."""
        try:
            left = self.seats[show]
        except KeyError:
            raise UnknownShow(show) from None
        if left < quantity:
            raise SoldOut(show, left)
        await self._save(show, left - quantity)
        self.seats[show] = left - quantity

    async def give_back(self, show: str, quantity: int) -> None:
        """Put seats that were reserved back into the inventory."""
        self.seats[show] += quantity
        await self._save(show, self.seats[show])

    async def _save(self, show: str, number: int) -> None:
        await self._store.put(f"seats:{show}", number)
