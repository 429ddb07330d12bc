"""Lost wake-ups: an event that is replaced by one task while another one sets it, or waits for it.

PYTEST_DONT_REWRITE

An event can't be cleared, so programs replace it. Nothing orders that and the `set()`: if the `set()` comes first, it
reaches the old event, and whoever waits for the new one waits for ever. As a race it is one on the variable in which
the event is kept; what is told is what becomes of it.
"""

from __future__ import annotations

import linecache
from typing import cast, final

import attrs

from trioflow.race.shadow.containers import READ, WRITE
from trioflow.race.shadow.variables import Access


@final
@attrs.frozen
class WakeUp:
    """What is said of a wake-up that can be lost."""

    headline: str
    advice: str


def lost_wake_up(one: Access, other: Access, variable: str) -> WakeUp | None:
    """What to say of two unordered accesses, if one replaces an event that the other sets or waits for."""
    write, read = (one, other) if one.kind & WRITE else (other, one)
    if read.kind != READ or not _stores_event(write):
        return None
    used_for = _used_for(read)
    if used_for == "set":
        return WakeUp(
            f"{variable} can be set before it is replaced; whoever waits for the new event is not woken (lost wake-up)",
            "make the event before anybody can set it, or let the waiter check what set() tells when it waits",
        )
    if used_for == "wait":
        return WakeUp(
            f"{variable} can be replaced before it is waited for; a set() of the old event is then missed"
            " (lost wake-up)",
            "let the waiter check in the step of its wait what set() tells, or use a trio.Condition",
        )
    return None


def _stores_event(access: Access) -> bool:
    """Whether a write is known to have stored an event."""
    value = access.value
    if not isinstance(value, tuple):
        return False
    digest = cast("tuple[object, ...]", value)
    return len(digest) == 3 and digest[0] == "Event"


def _used_for(access: Access) -> str:
    """The method that is called on what was read, as the source has it."""
    site = access.site
    line = linecache.getline(site.path, site.end_line)
    name, bracket, _ = line[site.end_column - 1 :].strip().removeprefix(".").partition("(")
    return name if bracket else ""
