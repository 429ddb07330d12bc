"""Critical sections: which accesses rely on an earlier one, with a checkpoint in between.

PYTEST_DONT_REWRITE

A write that depends on a read of the same variable ends a section that the *latest* such read began. If that
was in the same step, there is no section: the condition was checked again, or checked and acted on at
once. What is checked and set in one step may be a flag by which tasks exclude each other (see `guards`).
"""

from __future__ import annotations

from collections.abc import Hashable
from types import FrameType
from typing import final

from trioflow.race.clocks.actor import Actor, Moment
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.activations import Activations, Entry, origin_of
from trioflow.race.shadow.containers import READ, REMOVALS, WRITE, Effects, Part
from trioflow.race.shadow.guards import Guards
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.kinds import Container
from trioflow.race.shadow.memory import Memory
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.variables import Access, Section

_SUMMARIES = frozenset({"sum", "max", "min", "any", "all"})
"""Functions whose result is no element of what they are given, or need not be."""
_ELEMENTS = frozenset({"get", "popleft", "pop", "popitem", "__getitem__"})
"""Methods that return an element."""


@final
class Reliance:
    """Follows what relies on what in one test."""

    def __init__(self, tables: SiteTables, memory: Memory) -> None:
        self.activations = Activations(tables)
        self._tables = tables
        self._memory = memory
        self._guards = Guards()
        self._read_backs: list[tuple[ObjectShadow, Hashable, Site, Entry, Access | None]] = []

    def clear(self) -> None:
        """Forget everything."""
        self.activations.close()
        self.activations = Activations(self._tables)
        self._read_backs.clear()

    def follow(
        self,
        shadow: ObjectShadow,
        site: Site,
        effects: Effects,
        accesses: dict[Hashable, Access] | None,
        actor: Actor,
        frame: FrameType,
    ) -> None:
        """An access was made: something may rely on it later, and it may rely on something itself."""
        number = site.number
        tables = self._tables
        if number in tables.noted:
            variables = (effects[0][0],) if len(effects) == 1 else tuple([where for where, _ in effects])
            self.activations.note(frame, Entry(site, shadow, variables, actor.moment))
            if not shadow.noted.issuperset(variables):
                shadow.noted |= frozenset(variables)
        if number in tables.reading:
            written: list[Hashable] = []
        else:
            written = [where for where, kind in effects if kind & WRITE]
        if written:
            if shadow.guards:
                self._guards.written(shadow, effects, actor)
            if number in tables.carrying:
                self.activations.carry(frame, shadow, written[0], site, actor.moment)
            if number in tables.checks and self._checked_in_step(shadow, site, written, actor):
                shadow.relied |= {(actor.slot, number)}
                self._guards.checked_and_set(shadow, written, actor)
            elif not shadow.noted.isdisjoint(written):
                self._act(shadow, site, written, accesses, actor, frame)
        elif number in tables.reads_back:
            self._read_back(shadow, site, effects[0][0], accesses, actor, frame)

    def complete(
        self,
        shadow: ObjectShadow,
        where: Hashable,
        start: Moment,
        start_site: Site,
        site: Site,
        end: Access | None,
        actor: Actor,
        *,
        by_control: bool = False,
    ) -> None:
        """A section has been completed by an access at `site`."""
        variable = self._memory.variable(shadow, where, actor)
        if end is None:
            last = variable.last_write()
            if last is not None and last.site is site and last.moment is actor.moment:
                end = last
            else:
                end = Access(READ if site.number in self._tables.reads_back else WRITE, site, actor.moment)
        section = Section(start_site, start, end, by_control)
        variable.complete(section, self._memory.sink)
        if shadow.container is not None and not isinstance(where, Part):
            # Whoever writes all elements, or moves them, writes this one.
            whole = Part.CONTENTS if shadow.container is Container.SET else Part.ARRANGEMENT
            self._memory.variable(shadow, whole, actor).complete(section, self._memory.sink)

    def step_ended(self, actor: Actor) -> None:
        """What was read back and written again in one step was not taken to be unchanged."""
        if not self._read_backs:
            return
        waiting, self._read_backs = self._read_backs, []
        for shadow, where, site, latest, access in waiting:
            if shadow.object() is None:
                continue  # it has gone, and what was remembered of it
            if not self._memory.wrote_in_step(shadow, where, actor):
                self.complete(shadow, where, latest.moment, latest.site, site, access, actor)

    def _checked_in_step(self, shadow: ObjectShadow, site: Site, written: list[Hashable], actor: Actor) -> bool:
        """Whether the function itself has just checked what it writes; plain functions have no activation for that."""
        found = False
        recent = shadow.recent
        for number in self._tables.checks.get(site.number, ()):
            moments = [recent.get(number)]
            if number not in self._tables.wholes:
                moments += [recent.get((number, where)) for where in written]
            for moment in moments:
                if moment is not None and moment.actor is actor and moment.step == actor.step:
                    found = True
                    self.activations.act_on(number, actor)
        return found

    def _act(
        self,
        shadow: ObjectShadow,
        site: Site,
        written: list[Hashable],
        accesses: dict[Hashable, Access] | None,
        actor: Actor,
        frame: FrameType,
    ) -> None:
        """Look whether a write relies on something that was read in an earlier step."""
        best: Entry | None = None
        best_control = False
        decided: Entry | None = None
        for entry, control in self.activations.relied_on(frame, site, actor):
            if entry.shadow is not shadow or entry.site is site:
                continue
            mine = entry.moment.actor is actor
            if not mine and not _reaches(entry, actor):
                continue
            if not any(where in written for where in entry.variables):
                continue
            if entry.acted_on and (control or entry.site.condition):
                continue
            if control and site.name == "setdefault":
                continue  # which checks again by itself
            if not control and _moves_an_element(shadow, site, entry.site):
                continue
            if entry.site.operation is Operation.CALL and entry.site.name in REMOVALS:
                continue
            if best is None or _later(entry, best, actor):
                best, best_control = entry, control
            elif entry.moment is best.moment or not _later(best, entry, actor):
                best_control = best_control or control
            if control and mine and entry.moment.step == actor.step:
                entry.acted_on = True
            if control and (decided is None or _later(entry, decided, actor)):
                decided = entry
        if best is None:
            return
        shadow.relied |= {(actor.slot, site.number)}
        relied = [(best, best_control)]
        if decided is not None and not best_control and not (best.site.condition or best.site.chosen):
            # To read in order to update (`n = n - 1`) is not to check again.
            relied.append((decided, True))
        for entry, by_control in relied:
            if entry.moment.actor is not actor or entry.moment.step != actor.step:
                self._act_on(entry, by_control, shadow, site, written, accesses, actor)
            elif by_control:
                self._guards.checked_and_set(shadow, written, actor)

    def _act_on(
        self,
        entry: Entry,
        by_control: bool,
        shadow: ObjectShadow,
        site: Site,
        written: list[Hashable],
        accesses: dict[Hashable, Access] | None,
        actor: Actor,
    ) -> None:
        """A write relies on a look in an earlier step: between the two is a critical section."""
        common = [where for where in written if where in entry.variables]
        # A set has both, its elements and all of its contents: where an element is meant, that is it.
        where = next((where for where in common if not isinstance(where, Part)), common[0])
        if where is Part.ARRANGEMENT:
            # What was read is one element, and it is lost with all the others.
            where = next((each for each in entry.variables if not isinstance(each, Part)), where)
        end = None if accesses is None else accesses.get(where)
        self.complete(shadow, where, entry.moment, entry.site, site, end, actor, by_control=by_control)

    def _read_back(
        self,
        shadow: ObjectShadow,
        site: Site,
        where: Hashable,
        accesses: dict[Hashable, Access] | None,
        actor: Actor,
        frame: FrameType,
    ) -> None:
        """Look whether a read finds what the same activation wrote in an earlier step."""
        latest: Entry | None = None
        for number in self._tables.reads_back[site.number]:
            for entry in self.activations.entries_of(frame, number):
                matches = entry.shadow is shadow and where in entry.variables
                if matches and (latest is None or entry.moment.time > latest.moment.time):
                    latest = entry
        if latest is not None and latest.moment.actor is actor and latest.moment.step != actor.step:
            access = None if accesses is None else accesses.get(where)
            self._read_backs.append((shadow, where, site, latest, access))


def _reaches(entry: Entry, actor: Actor) -> bool:
    """Whether what somebody else looked at was known when `actor` was started."""
    origin = origin_of(actor)
    if origin is None:
        return False
    if entry.moment.actor is actor.parent:
        return entry.moment.time <= origin.time
    return any(entry is each for each, _ in origin.entries)


def _later(one: Entry, other: Entry, actor: Actor) -> bool:
    """Whether one look came after the other: what a task looks at itself comes after all that led to its start."""
    mine, others = one.moment.actor is actor, other.moment.actor is actor
    return mine if mine is not others else one.moment.time > other.moment.time


def _moves_an_element(shadow: ObjectShadow, site: Site, start: Site) -> bool:
    """Whether what was read is an element that the write only puts back."""
    if site.operation is not Operation.CALL or shadow.container is Container.DICT:
        return False
    if start.condition:
        return True  # `c = pool.pop() if pool else make()`: which of the two it was is nothing to the pool
    if start.operation is Operation.ITERATE:
        return start.name not in _SUMMARIES
    if start.operation is Operation.ITEM_READ:
        return True
    return start.operation is Operation.CALL and start.name in _ELEMENTS
