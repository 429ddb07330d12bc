"""What is on tonight, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from booking.store import Store


class Newsletter:
    """Is written once, soon after the server starts, and read by customers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.headline = ""

    async def write(self) -> None:
        """Write the headline."""
        self.headline = await self._compose()

    async def read(self) -> str:
        """Return the headline."""
        await trio.sleep(0.01)  # by now it has been written
        return self.headline

    async def _compose(self) -> str:
        shows = await self._store.names("seats:")
        return f"Tonight: {', '.join(shows)}" if shows else "Nothing on tonight"
