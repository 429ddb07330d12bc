"""What a seat costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking.errors import UnknownShow

if TYPE_CHECKING:
    from booking.store import Store


class Prices:
    """Looks prices up in the store, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, int] = {}

    async def of(self, show: str) -> int:
        """Return the price of a seat, in cents."""
        price = self._known.get(show)
        if price is None:
            price = await self._look_up(show)
            self._known[show] = price
        return price

    async def _look_up(self, show: str) -> int:
        price = await self._store.get_number(f"price:{show}")
        if price is None:
            raise UnknownShow(show)
        return price
