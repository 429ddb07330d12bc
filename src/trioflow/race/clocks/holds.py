"""Locks and who holds them, as far as the order of a run is concerned.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import attrs

from trioflow.race.clocks.places import Place


@final
@attrs.define(eq=False)
class LockIdentity:
    """What the detector knows of a lock."""

    kind: str
    """Such as `trio.Lock`."""
    made: Place | None = None
    exclusive: bool = True
    """Whether it has kept everybody else out all the time: false for a semaphore that reached two."""
    name: str = ""
    """The variable that holds it, where that is known."""

    def describe(self) -> str:
        """The lock's name in a report."""
        if self.name:
            return self.name
        if self.made is None:
            return self.kind
        return f"{self.kind} made at {self.made.path}:{self.made.line}"


@final
@attrs.define(eq=False)
class Hold:
    """One acquisition of a lock, from its acquisition to its release."""

    lock: LockIdentity
    over: bool = False
    """Whether it has been released."""


def common_locks(one: Iterable[Hold], other: Iterable[Hold]) -> list[LockIdentity]:
    """The locks of which both sides hold an acquisition of their own, if they exclude."""
    theirs = tuple(other)
    return [
        hold.lock
        for hold in one
        if hold.lock.exclusive and any(each.lock is hold.lock and each is not hold for each in theirs)
    ]
