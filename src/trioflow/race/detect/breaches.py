"""Judges what is not as declared: critical blocks that are broken, accesses without their lock.

PYTEST_DONT_REWRITE

One finding is made of each pair of places on one variable. What is seen of two variables in one block is one more
way to say that the block is not whole: it is told where nothing is told of either alone, and once for
each part of the program on the other side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import final

import attrs

from trioflow.race.clocks.holds import common_locks
from trioflow.race.detect.acceptance import reason_of
from trioflow.race.detect.filters import commute
from trioflow.race.model.sites import Site
from trioflow.race.shadow.breaches import Breach, BrokenUnit, UnguardedAccess, WrongDeclaration
from trioflow.race.shadow.containers import WRITE

_KEPT = 4


@final
@attrs.frozen(eq=False)
class Judged:
    """A breach that is to be told."""

    breach: Breach
    count: int
    accepted: str
    """Why the code itself accepts it; empty where it does not."""


@final
class Breaches:
    """The breaches of one test."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, list[Breach]] = {}
        self._counts: Counter[Hashable] = Counter()

    def add(self, breach: Breach) -> None:
        """Something is not as declared."""
        if isinstance(breach, BrokenUnit) and _excused(breach):
            return
        key = _key(breach)
        self._counts[key] += 1
        kept = self._kept.setdefault(key, [])
        if len(kept) < _KEPT:
            kept.append(breach)
        elif _rank(breach) < _rank(kept[-1]):
            kept[-1] = breach
        kept.sort(key=_rank)

    def judged(self) -> list[Judged]:
        """What is to be told."""
        found: list[Judged] = []
        pairs: list[Judged] = []
        for key, kept in self._kept.items():
            breach = next((each for each in kept if not (isinstance(each, BrokenUnit) and _excused(each))), None)
            if breach is not None:
                judged = Judged(breach, self._counts[key], accepted_of(breach))
                (pairs if isinstance(breach, BrokenUnit) and not _is_single(breach) else found).append(judged)
        told = {_sides(each.breach) for each in found if isinstance(each.breach, BrokenUnit) and not each.accepted}
        for pair in pairs:
            assert isinstance(pair.breach, BrokenUnit)
            sides = _sides(pair.breach)
            if sides not in told:
                if not pair.accepted:
                    told.add(sides)
                found.append(pair)
        return found

    def broken(self) -> list[BrokenUnit]:
        """All units that are broken and not accepted, also those that are not told one by one."""
        return [
            breach
            for kept in self._kept.values()
            for breach in kept
            if isinstance(breach, BrokenUnit) and not _excused(breach) and not accepted_of(breach)
        ]

    def unguarded_places(self) -> set[tuple[int, Site]]:
        """The objects, and places, with accesses that lack a lock and are not accepted."""
        return {
            (id(breach.shadow), breach.access.site)
            for kept in self._kept.values()
            for breach in kept
            if isinstance(breach, UnguardedAccess) and not accepted_of(breach)
        }


def accepted_of(breach: Breach) -> str:
    """Why a breach is accepted; empty if it is not."""
    if isinstance(breach, WrongDeclaration):
        return ""
    if isinstance(breach, UnguardedAccess):
        return reason_of(breach.shadow, breach.where, breach.access.moment)
    accesses = (breach.first, breach.other_first, breach.other_last, breach.last)
    moments = [access.moment for access in accesses]
    first, last = breach.first_variable, breach.last_variable
    return reason_of(first.shadow, first.where, *moments) or reason_of(last.shadow, last.where)


def _excused(breach: BrokenUnit) -> bool:
    """Whether a lock held throughout keeps the other side out, or it makes no difference who comes first."""
    unbroken = [hold for hold in breach.first.moment.holds if hold in breach.last.moment.holds]
    if any(common_locks(unbroken, other.moment.holds) for other in (breach.other_first, breach.other_last)):
        return True
    if _is_single(breach):
        return False
    return commute(breach.first, breach.other_first) or commute(breach.last, breach.other_last)


def _is_single(breach: BrokenUnit) -> bool:
    return breach.first_variable is breach.last_variable


def _key(breach: Breach) -> Hashable:
    if isinstance(breach, WrongDeclaration):
        return breach.variable, breach.text
    if isinstance(breach, UnguardedAccess):
        site = breach.access.site
        return breach.variable, site.path, site.line
    single = _is_single(breach)
    names = (breach.first_variable.where, breach.last_variable.where) if not single else ()
    return breach.first.site.number, breach.last.site.number, single, *map(str, names)


def _rank(breach: Breach) -> tuple[bool, ...]:
    """What is told first: what nobody accepts, what has happened, what is written."""
    if isinstance(breach, BrokenUnit):
        written = breach.other_first.kind | breach.other_last.kind
        return bool(accepted_of(breach)), not breach.happened, not written & WRITE
    if isinstance(breach, UnguardedAccess):
        return bool(accepted_of(breach)), not breach.access.kind & WRITE
    return (False,)


def _sides(breach: Breach) -> Hashable:
    """Which block is broken by which part of the program."""
    assert isinstance(breach, BrokenUnit)
    one, other = breach.other_first.site, breach.other_last.site
    return breach.name, one.path, one.function, other.path, other.function
