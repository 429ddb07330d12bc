"""Collects what the shadow memory finds in one test, and judges it at the test's end.

PYTEST_DONT_REWRITE

Judging waits for the end because some answers are known only then: whether a write stored what was there
already, and whether a semaphore has excluded everybody all the time. One thing can't wait: a task that *reads*
what an unordered write stored, and can tell by the value that the write has been, is after everything before
that write. The race is on the variable that carried the news; whatever else the writer did before is
ordered by it. (Race coverage: Raychev, Vechev, Sridharan, OOPSLA 2013, section 4.) The edge goes into the order
of races only: in the order of sections it would hide a check-then-act in a run in which nothing went wrong.
"""

from __future__ import annotations

import collections
from collections import Counter
from collections.abc import Callable, Hashable
from typing import final

import attrs

from trioflow.race.clocks.actor import Moment, Release
from trioflow.race.clocks.holds import common_locks
from trioflow.race.clocks.knowledge import Snapshot
from trioflow.race.detect.acceptance import reason_of
from trioflow.race.detect.assertions import is_asserted
from trioflow.race.detect.breaches import Breaches
from trioflow.race.detect.filters import agree, commute
from trioflow.race.model.configuration import Level
from trioflow.race.model.findings import Kind, Severity
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.breaches import Breach, BrokenUnit, UnguardedAccess, WrongDeclaration
from trioflow.race.shadow.containers import READ, WRITE, Part
from trioflow.race.shadow.guards import FLAG
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.kinds import Container
from trioflow.race.shadow.values import UNKNOWN, look
from trioflow.race.shadow.variables import Access, Section, Variable

_KEPT = 4
_OF_ONE_ELEMENT = ("add", "discard", "remove")
_BUILT_IN = frozenset({"list", "deque", "set", "dict"})
_SINGLE = frozenset({"append", "appendleft", "add"})
_KINDS: dict[type[Breach], Kind] = {
    BrokenUnit: Kind.UNGUARDED_SECTION,
    UnguardedAccess: Kind.UNGUARDED_ACCESS,
    WrongDeclaration: Kind.WRONG_DECLARATION,
}
_BY_POSITION = frozenset({Container.LIST, Container.SEQUENCE})
_EXTENDING = frozenset({"append", "extend", "__iadd__"})
_REPLACING = frozenset({Operation.ITEM_WRITE, Operation.ITEM_UPDATE})


@final
@attrs.frozen(eq=False)
class Race:
    """Two unordered accesses."""

    shadow: ObjectShadow
    where: Hashable
    earlier: Access
    later: Access

    @property
    def accepted(self) -> str:
        """Why the code itself accepts it; empty where it does not."""
        return reason_of(self.shadow, self.where, self.earlier.moment, self.later.moment)


@final
@attrs.frozen(eq=False)
class Cut:
    """A critical section and a write that may fall into it."""

    shadow: ObjectShadow
    where: Hashable
    section: Section
    write: Access

    @property
    def happened(self) -> bool:
        """Whether the write fell into the section in this run."""
        return self.section.start.serial < self.write.moment.serial < self.section.end.moment.serial

    @property
    def accepted(self) -> str:
        """Why the code itself accepts it; empty where it does not."""
        section = self.section
        return reason_of(self.shadow, self.where, section.start, section.end.moment, self.write.moment)


@final
@attrs.frozen(eq=False)
class Verdict:
    """What is reported: one race or section, and how often it was seen."""

    kind: Kind
    severity: Severity
    occurrence: Race | Cut | Breach
    count: int
    accepted: str = ""
    """Why the code itself accepts it; empty where it does not."""


@final
class Analysis:
    """The findings of one test."""

    def __init__(self, level: Level, is_suppressed: Callable[[Kind, Site, Site], bool]) -> None:
        self._strict = level is Level.STRICT
        self._is_suppressed = is_suppressed
        self._races: dict[Hashable, list[Race]] = {}
        self._cuts: dict[tuple[int, int, bool, bool], list[Cut]] = {}
        self._counts: Counter[Hashable] = Counter()
        self._breaches = Breaches()
        self.candidates = 0
        """How many pairs were handed over so far."""
        self.withheld: Counter[str] = Counter()
        """How many pairs of places were left out, by reason."""

    # What the shadow memory calls

    def race(self, variable: Variable, earlier: Access, later: Access) -> None:
        """Two accesses that nothing orders."""
        self.candidates += 1
        one, other = earlier.site.number, later.site.number
        key = (min(one, other), max(one, other))
        self._counts[key] += 1
        races = self._races.setdefault(key, [])
        race = Race(variable.shadow, variable.where, earlier, later)
        if len(races) < _KEPT:
            races.append(race)
        elif not race.accepted and races[-1].accepted:
            races[-1] = race
        if not self._strict:
            self._cover(variable, earlier, later)

    def section(self, variable: Variable, section: Section, write: Access) -> None:
        """A section into which a write may fall."""
        if _guarded(section, write.moment) or _always_between(section, write.moment) or _of_siblings(section, write):
            return
        if is_iteration(section) and _replaces(variable.shadow, write):
            return
        if variable.where is Part.CONTENTS and _of_elements(variable.shadow, section, write):
            return
        self.candidates += 1
        added = is_iteration(section) and extends(variable.shadow, write)
        key = (section.start_site.number, section.end.site.number, variable.shadow.container is None, added)
        self._counts[key] += 1
        cuts = self._cuts.setdefault(key, [])
        cut = Cut(variable.shadow, variable.where, section, write)
        if len(cuts) < _KEPT:
            cuts.append(cut)
        elif not cut.accepted and (cuts[-1].accepted or (cut.happened and not any(kept.happened for kept in cuts))):
            cuts[-1] = cut

    def declared(self, breach: Breach) -> None:
        """Something is not as the code under test has declared it to be."""
        self.candidates += 1
        self._breaches.add(breach)

    def _cover(self, variable: Variable, write: Access, read: Access) -> None:
        """Let a value that proves that a write has been order what came before the write."""
        if read.kind != READ or not write.kind & WRITE or write.silent or write.before in (None, UNKNOWN):
            return
        reader, writer = read.moment.actor, write.moment.actor
        if reader.kind != "task" or writer.kind != "task" or reader.moment.step != read.moment.step:
            return
        if reader.apart(writer):
            return
        now = look(variable.shadow.object(), variable.where)
        if now is UNKNOWN or now == write.before or self._is_suppressed(Kind.DATA_RACE, write.site, read.site):
            return
        if reason_of(variable.shadow, variable.where, write.moment, read.moment):
            return
        self.withheld["covered"] += 1
        reader.acquire(_release_of(write.moment), lock=True)

    # Judging

    def verdicts(self) -> list[Verdict]:
        """What is to be reported; the worst first."""
        self.withheld["commuting"] = 0
        verdicts = [
            Verdict(_KINDS[type(judged.breach)], Severity.ERROR, judged.breach, judged.count, judged.accepted)
            for judged in self._breaches.judged()
        ]
        units = self._breaches.broken()
        cut_places = {(*place, False) for unit in units for place in _places(unit)}
        broken: set[tuple[int, int]] = set()
        for key, cuts in sorted(self._cuts.items(), key=lambda item: item[0][-1]):
            unguarded = [
                cut
                for cut in cuts
                if not _guarded(cut.section, cut.write.moment)
                and not _is_latch(cut)
                and not (cut.section.by_control and is_asserted(cut.section.start_site))
                and not any(_is_within(cut, unit) for unit in units)
            ]
            if not unguarded:
                continue
            unguarded = [cut for cut in unguarded if not cut.accepted] or unguarded
            cut = next((cut for cut in unguarded if cut.happened), unguarded[0])
            added = key[-1]
            if added and key[:2] in broken:
                continue  # it is enough to be told of those who break the iteration
            broken.add(key[:2])
            dependent = cut.section.end.kind & WRITE or (is_iteration(cut.section) and not added)
            if dependent and not cut.section.by_control and cut.section.end.silent and not cut.happened:
                continue  # it stores what is there, and not only because the other side has been faster
            severity = Severity.ERROR if dependent else Severity.WARNING
            verdicts.append(Verdict(Kind.UNGUARDED_SECTION, severity, cut, self._counts[key], cut.accepted))
            places = frozenset({cut.section.start_site.number, cut.section.end.site.number, cut.write.site.number})
            cut_places.add((id(cut.shadow), places, bool(cut.accepted)))
        unguarded_places = self._breaches.unguarded_places()
        for pair, races in self._races.items():
            verdict = self._judge_race(pair, races, cut_places, unguarded_places)
            if verdict is not None:
                verdicts.append(verdict)
        verdicts.sort(key=lambda verdict: verdict.severity is not Severity.ERROR)
        return verdicts

    def _judge_race(
        self,
        key: Hashable,
        races: list[Race],
        cut_places: set[tuple[int, frozenset[int], bool]],
        unguarded: set[tuple[int, Site]],
    ) -> Verdict | None:
        commuting = False
        accepted: Verdict | None = None
        for race in races:
            one, other = race.earlier, race.later
            locks = common_locks(one.moment.holds, other.moment.holds)
            if any(lock.kind != FLAG or not self._strict for lock in locks):
                # Flags that tasks set and check are reported themselves; what they protect follows from them.
                continue
            if one.moment.actor.apart(other.moment.actor) and not self._strict and _are_single_additions(race):
                commuting = True
                continue
            if one.moment.actor.apart(other.moment.actor) or self._strict:
                severity = Severity.ERROR
            elif any(place in unguarded for place in ((id(race.shadow), one.site), (id(race.shadow), other.site))):
                # That the lock is missing says the same, and more.
                return None
            elif any(
                shadow == id(race.shadow)
                and {one.site.number, other.site.number} <= places
                and (race.accepted or not accepted_cut)
                for shadow, places, accepted_cut in cut_places
            ):
                # A section of the same places says the same, and more; one that is accepted, if this is, too.
                return None
            elif commute(one, other) or _only_adds(race):
                commuting = True
                continue
            else:
                severity = Severity.WARNING
            verdict = Verdict(Kind.DATA_RACE, severity, race, self._counts[key], race.accepted)
            if not verdict.accepted:
                return verdict
            accepted = accepted or verdict
        if commuting and accepted is None:
            self.withheld["commuting"] += 1
        return accepted


def _guarded(section: Section, write: Moment) -> bool:
    """Whether one acquisition of a lock covers the whole section, and the write is made under the same lock."""
    unbroken = [hold for hold in section.start.holds if hold in section.end.moment.holds]
    return bool(common_locks(unbroken, write.holds))


def _is_within(cut: Cut, unit: BrokenUnit) -> bool:
    """Whether a section is part of what is told of a critical block."""
    shadows = (unit.first_variable.shadow, unit.last_variable.shadow)
    if cut.shadow not in shadows or cut.section.end.moment.actor is not unit.first.moment.actor:
        return False
    start, end = cut.section.start.serial, cut.section.end.moment.serial
    return unit.first.moment.serial <= start and end <= unit.last.moment.serial


def _places(unit: BrokenUnit) -> list[tuple[int, frozenset[int]]]:
    """The objects of a broken unit with the places at which they are accessed."""
    accesses = (unit.first, unit.other_first, unit.other_last, unit.last)
    places = frozenset(access.site.number for access in accesses)
    return [(id(variable.shadow), places) for variable in (unit.first_variable, unit.last_variable)]


def _of_elements(shadow: ObjectShadow, section: Section, write: Access) -> bool:
    """Whether section and write are each about one element of a set: if it is the same, its own variable tells."""
    looked_up = section.start_site.operation is Operation.MEMBER
    return shadow.container is Container.SET and looked_up and write.site.name in _OF_ONE_ELEMENT


def _only_adds(race: Race) -> bool:
    """Whether two tasks only add or remove different keys of a dictionary."""
    both_write = race.earlier.kind & race.later.kind & WRITE
    return bool(both_write) and race.where is Part.SHAPE and race.shadow.container is Container.DICT


def _are_single_additions(race: Race) -> bool:
    """Whether two threads only put something into a built-in container, by one operation of the interpreter each.

    These are whole to other threads, with the interpreter's lock and without it, where containers have locks of their
    own; what is left of the order is that of the elements.
    """
    one, other = race.earlier.site, race.later.site
    # By its name, for the container itself may be gone.
    if race.shadow.container is None or race.shadow.label not in _BUILT_IN:
        return False
    if one.operation is other.operation is Operation.ITEM_WRITE:
        return _only_adds(race)
    return one.operation is other.operation is Operation.CALL and one.name in _SINGLE and one.name == other.name


def _is_latch(cut: Cut) -> bool:
    """Whether both writes set a flag to the same value, and the other side does so unconditionally.

    `while running: ... running = False` loses nothing if somebody else has set the flag already. But where the other
    side relies on a check of its own (`if not started: await connect(); started = True`), both do the work.
    """
    write = cut.write
    return agree(cut.section.end, write) and (write.moment.slot, write.site.number) not in cut.shadow.relied


def _always_between(section: Section, write: Moment) -> bool:
    """Whether the program itself puts the write there, whatever the scheduler does: a child's work, say."""
    end = section.end.moment
    if is_read_back(section):
        # Whoever waits for the other side before reading does not expect to find its own value.
        return write.before(end)
    return section.start.before_without_locks(write) and write.before_without_locks(end)


def _of_siblings(section: Section, write: Access) -> bool:
    """Whether somebody looked how many tasks were to be started, and all of these act: they are meant to."""
    starter = section.start.actor
    return section.by_control and starter is not section.end.moment.actor and write.moment.actor.parent is starter


def _release_of(moment: Moment) -> Release:
    """What happened before a write that has been recorded, as something to acquire."""
    release = Release(None, moment.slot, moment.time)
    snapshot = Snapshot.of_unknown_origin(moment.full, moment.slot, moment.time)
    release.fill(snapshot, snapshot)
    return release


def is_read_back(section: Section) -> bool:
    """Whether a section is a write that is read back and taken to be unchanged."""
    return not section.end.kind & WRITE and not is_iteration(section)


def is_iteration(section: Section) -> bool:
    """Whether a section is an iteration over a container that goes on after a checkpoint."""
    return section.end.kind == READ and section.end.site.operation is Operation.ITERATE


def _replaces(shadow: ObjectShadow, write: Access) -> bool:
    """Whether one element takes the place of another in a container that is watched as a whole."""
    return shadow.container is Container.SEQUENCE and write.site.operation in _REPLACING


def extends(shadow: ObjectShadow, write: Access) -> bool:
    """Whether a write adds to the end of what is gone through by position, so that it is met or not, but no harm."""
    if isinstance(shadow.object(), collections.deque):
        return False
    return shadow.container in _BY_POSITION and write.site.name in _EXTENDING


def is_suspended(section: Section) -> bool:
    """Whether a section is a single augmented assignment with a checkpoint in its value."""
    return section.end.site.operation in (Operation.SUSPENDED_UPDATE, Operation.SUSPENDED_ITEM_UPDATE)
