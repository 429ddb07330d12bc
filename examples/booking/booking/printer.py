"""The ticket printer: one machine, and a driver that blocks."""

from __future__ import annotations

import hashlib
import math

import trio


class Printer:
    """Prints tickets one after the other, and counts how many the current roll of paper has given."""

    def __init__(self) -> None:
        self.printed = 0
        self._order, self._orders = trio.open_memory_channel[tuple[str, trio.MemorySendChannel[str]]](math.inf)

    async def run(self) -> None:
        """Print what is ordered, until cancelled."""
        async for text, reply in self._orders:
            reply.send_nowait(await self._print(text))

    async def print(self, text: str) -> str:
        """Wait until a ticket is printed, and return the code on it."""
        send, receive = trio.open_memory_channel[str](1)
        self._order.send_nowait((text, send))
        return await receive.receive()

    async def change_roll(self) -> None:
        """Note that a new roll of paper was put in."""
        self.printed = 0

    async def _print(self, text: str) -> str:
        return await trio.to_thread.run_sync(self._drive, text)

    def _drive(self, text: str) -> str:
        """Drive the printer, in a worker thread."""
        code = code_of(text)
        self.printed += 1
        return code


def code_of(text: str) -> str:
    """Return the code by which the doorkeeper tells a ticket from a forgery; slow on purpose."""
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"booking", 1000).hex()[:12]
