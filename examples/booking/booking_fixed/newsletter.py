"""A newsletter that is read after it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from booking.newsletter import Newsletter

if TYPE_CHECKING:
    from booking.store import Store


class FixedNewsletter(Newsletter):
    """Makes readers wait for the writer, not for the clock."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._written = trio.Event()

    async def write(self) -> None:
        """Write the headline."""
        await super().write()
        self._written.set()

    async def read(self) -> str:
        """Return the headline."""
        await self._written.wait()
        return self.headline
