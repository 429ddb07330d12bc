"""A printer whose count is right."""

from __future__ import annotations

import trio

from booking.printer import Printer, code_of

NEW_ROLL = ""
"""Ordered in place of a ticket: a new roll was put in."""


class FixedPrinter(Printer):
    """Leaves the count to one task: the one that prints. Neither the driver's thread nor a session touches it."""

    async def change_roll(self) -> None:
        """Note that a new roll of paper was put in."""
        await self.print(NEW_ROLL)

    async def _print(self, text: str) -> str:
        if text == NEW_ROLL:
            self.printed = 0
            return ""
        code = await trio.to_thread.run_sync(code_of, text)
        self.printed += 1
        return code
