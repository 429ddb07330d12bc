"""Critical blocks: what one task or thread accesses in such a block is one unit, and nobody may come in between.

PYTEST_DONT_REWRITE

A unit is broken if the whole has no place in the order of everybody else's steps: if somebody else can come after one
access of the unit that the two conflict in, and before another one. That is the conflict serialisability of databases
(Papadimitriou, Journal of the ACM 26, 1979) for cycles of two parties; the other party's accesses count in the
order in which it makes them, or in any order if they are of one step or of one unit. So:

- on one variable: whatever the other side writes between the first and the last access of the unit, and what it
  reads between two writes;
- on two: it writes both after the one was used and before the other is; it reads both after the one is written and
  before the other is.

Units are judged when they are over, against all accesses known by then; and each later access against the
units that are over. Both are bounded: the last two accesses of each actor and place, the last unit of each actor
and name.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable
from typing import TYPE_CHECKING, final

from trioflow.race.model.sites import Operation
from trioflow.race.shadow.breaches import BrokenUnit
from trioflow.race.shadow.containers import WRITE, Part
from trioflow.race.shadow.declared_variables import DeclaredVariable, Seen
from trioflow.race.shadow.kinds import Container
from trioflow.race.shadow.variables import Access, Sink

if TYPE_CHECKING:
    from trioflow.race.clocks.actor import Actor, Moment
    from trioflow.race.clocks.places import Place
    from trioflow.race.shadow.identity import ObjectShadow

_PAIRED = 64
"""How many variables of a unit, and accesses of one other actor, are judged in pairs."""
_WITH_KEY = frozenset({"add", "discard", "remove", "__contains__"})


@final
class Touched:
    """What a unit did to one of its variables."""

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first: dict[bool, Seen] = {}
        """The first read and the first write, by whether it writes."""
        self.last: dict[bool, Seen] = {}

    def add(self, seen: Seen) -> None:
        """The unit accesses the variable."""
        writes = bool(seen.access.kind & WRITE)
        first, last = self.first.get(writes), self.last.get(writes)
        if first is None or seen.precedes(first):
            self.first[writes] = seen
        if last is None or last.precedes(seen):
            self.last[writes] = seen


@final
class Unit:
    """What one actor accesses in one critical block."""

    __slots__ = ("actor", "entered", "last", "made", "name", "touched")

    def __init__(self, name: str, actor: Actor, entered: Place | None) -> None:
        self.name = name
        self.actor = actor
        self.entered = entered
        self.touched: dict[DeclaredVariable, Touched] = {}
        self.made: dict[ObjectShadow, list[tuple[Hashable, Seen]]] = {}
        """What it did to objects in the step that made them, as long as nobody else knows of these."""
        self.last: Moment | None = None

    def add(self, variable: DeclaredVariable, seen: Seen) -> None:
        """An access is part of this unit."""
        touched = self.touched.get(variable)
        if touched is None:
            touched = self.touched[variable] = Touched()
        touched.add(seen)
        if self.last is None or self.last.serial < seen.access.moment.serial:
            self.last = seen.access.moment


@final
class Units:
    """The units of one test."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._numbers = itertools.count()
        self.open: dict[Actor, tuple[Unit, ...]] = {}

    def of(self, actor: Actor) -> tuple[Unit, ...]:
        """The units in which an actor is."""
        return self.open.get(actor, ())

    def seen(self, access: Access, *, inside: bool = True) -> Seen:
        """An access, as part of the units in which its actor is now, if it is made inside of them."""
        return Seen(access, self.of(access.moment.actor) if inside else (), next(self._numbers))

    def arrived(self, variable: DeclaredVariable, seen: Seen) -> None:
        """A variable that is or was part of a unit is accessed."""
        for unit in seen.units:
            unit.add(variable, seen)
        moment = seen.access.moment
        for unit in variable.units:
            last = unit.last
            if unit.actor is moment.actor or last is None or last.before_without_locks(moment):
                continue
            self._judge_one(unit, variable, seen)
            if len(unit.touched) <= _PAIRED:
                for other in unit.touched:
                    if other is not variable:
                        for earlier in other.seen_of(moment.actor):
                            self._judge_pair(unit, (variable, seen), (other, earlier))

    def over(self, unit: Unit) -> None:
        """A unit is complete."""
        by_actor: dict[Actor, list[tuple[DeclaredVariable, Seen]]] = defaultdict(list)
        for variable in unit.touched:
            for seen in variable.seen():
                if seen.access.moment.actor is not unit.actor:
                    self._judge_one(unit, variable, seen)
                    by_actor[seen.access.moment.actor].append((variable, seen))
            variable.keep(unit)
        for accesses in by_actor.values():
            some = accesses[-_PAIRED:]
            for index, one in enumerate(some):
                for other in some[index + 1 :]:
                    if one[0] is not other[0]:
                        self._judge_pair(unit, one, other)

    def _judge_one(self, unit: Unit, variable: DeclaredVariable, seen: Seen) -> None:
        self._judge(unit, (variable, seen), (variable, seen))

    def _judge_pair(self, unit: Unit, one: tuple[DeclaredVariable, Seen], other: tuple[DeclaredVariable, Seen]) -> None:
        for (first, earlier), (last, later) in ((one, other), (other, one)):
            if _in_this_order(earlier, later):
                self._judge(unit, (first, earlier), (last, later))

    def _judge(self, unit: Unit, first: tuple[DeclaredVariable, Seen], last: tuple[DeclaredVariable, Seen]) -> None:
        """Report whether somebody's first access can come after the unit's, and its last before the unit's."""
        other_first, other_last = first[1].access, last[1].access
        start = _conflicting(first[0], unit.touched[first[0]].first, other_first, latest=False)
        end = _conflicting(last[0], unit.touched[last[0]].last, other_last, latest=True)
        if start is None or end is None or not start.precedes(end):
            return
        if _comes_between(start.access, other_first, other_last, end.access):
            self._sink.declared(
                BrokenUnit(
                    name=unit.name,
                    entered=unit.entered,
                    first_variable=first[0],
                    first=start.access,
                    other_first=other_first,
                    other_last=other_last,
                    last_variable=last[0],
                    last=end.access,
                )
            )


def _in_this_order(earlier: Seen, later: Seen) -> bool:
    """Whether one access of an actor counts as coming before another."""
    one, other = earlier.access.moment, later.access.moment
    if earlier.precedes(later) or (one.step == other.step and one.actor.kind != "thread"):
        return True
    return any(unit in later.units for unit in earlier.units)


def _conflicting(variable: DeclaredVariable, accesses: dict[bool, Seen], other: Access, *, latest: bool) -> Seen | None:
    """The first or the last of these accesses with which `other` conflicts."""
    found: Seen | None = None
    for seen in accesses.values():
        if _conflict(variable, seen.access, other) and (found is None or found.precedes(seen) == latest):
            found = seen
    return found


def _conflict(variable: DeclaredVariable, one: Access, other: Access) -> bool:
    """Whether it makes a difference which of two accesses to a variable comes first."""
    writes = bool(one.kind & WRITE), bool(other.kind & WRITE)
    if not any(writes):
        return False
    container = variable.shadow.container
    if variable.where is Part.ELEMENTS or (variable.where is Part.SHAPE and container is Container.DICT):
        return not all(writes)  # two stores under different keys
    if variable.where is Part.CONTENTS and container is Container.SET:
        return not (_has_key(one) and _has_key(other))
    return True


def _has_key(access: Access) -> bool:
    """Whether an access to a set is to a single element of it, which is a variable of its own."""
    return access.site.operation is Operation.MEMBER or access.site.name in _WITH_KEY


def _comes_between(start: Access, first: Access, last: Access, end: Access) -> bool:
    """Whether what somebody else does can come between two accesses of a unit, and only by chance."""
    one, other = start.moment, end.moment
    threads = "thread" in (one.actor.kind, first.moment.actor.kind)
    if one.step == other.step and not threads:
        return False
    if first.moment.before_without_locks(one) or other.before_without_locks(last.moment):
        return False
    return not (one.before_without_locks(first.moment) and last.moment.before_without_locks(other))
