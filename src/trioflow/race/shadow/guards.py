"""Flags by which tasks exclude each other: a variable that is checked and set in one step is a try-lock.

PYTEST_DONT_REWRITE

`if busy: raise Busy` and `busy = True` in one step let nobody else in until whoever set the flag resets it. So
does a placeholder that is put under a key. From the set to the next write by its setter the flag counts as a lock that
the setter holds. It is one only if nobody else ever writes it in between; whether that is so is known when
the test is over, which is when locksets are compared.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.shadow.containers import WRITE, Effects, Part

if TYPE_CHECKING:
    from trioflow.race.shadow.identity import ObjectShadow

FLAG = "flag"
"""The kind of lock that such a variable stands for."""


@final
class Guard:
    """A flag and who has set it."""

    __slots__ = ("holder", "lock", "step")

    def __init__(self, name: str) -> None:
        self.lock = LockIdentity(FLAG, name=name)
        self.holder: Actor | None = None
        self.step = 0


@final
class Guards:
    """Keeps the flags of all objects up to date."""

    def checked_and_set(self, shadow: ObjectShadow, written: list[Hashable], actor: Actor) -> None:
        """`actor` has written variables because of what it found in them in the same step."""
        for where in written:
            if isinstance(where, Part):
                continue
            guard = shadow.guards.get(where)
            if guard is None:
                guard = Guard(f"flag {shadow.label}.{where}")
                shadow.keep_guard(where, guard)
            if guard.holder is None:
                guard.holder = actor
                guard.step = actor.step
                actor.hold(guard.lock)

    def written(self, shadow: ObjectShadow, effects: Effects, actor: Actor) -> None:
        """Variables of which some are flags are written."""
        for where, kind in effects:
            guard = shadow.guards.get(where) if kind & WRITE else None
            if guard is None or guard.holder is None:
                continue
            if guard.holder is not actor:
                guard.lock.exclusive = False
            elif guard.step != actor.step:
                guard.holder = None
                actor.drop(guard.lock)
