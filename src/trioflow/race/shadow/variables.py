"""The shadow of one variable that several actors touch.

PYTEST_DONT_REWRITE

For data races it is enough to keep the last accesses that are not ordered before a later one of
the same sort (FastTrack: Flanagan and Freund, PLDI 2009, sections 3 and 4). Critical sections are judged
when their other side arrives, which may be before, during or after, so the variable also keeps
its completed sections and its writes, the latest of each actor and place, a bounded number of both.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol, final

from trioflow.race.clocks.vector import time_of
from trioflow.race.shadow.containers import READ, WRITE, Part
from trioflow.race.shadow.kinds import Container

if TYPE_CHECKING:
    from trioflow.race.clocks.actor import Moment
    from trioflow.race.model.sites import Site
    from trioflow.race.shadow.breaches import Breach
    from trioflow.race.shadow.identity import ObjectShadow

_BOUND = 32
_references = sys.getrefcount
_ONE_REFERENCE = 3
"""What is counted of an object that one dictionary holds: that one, a local variable's, and the count's own."""


@final
class Access:
    """One access to one variable."""

    __slots__ = ("before", "kind", "moment", "silent", "site", "value")

    def __init__(self, kind: int, site: Site, moment: Moment) -> None:
        self.kind = kind
        self.site = site
        self.moment = moment
        self.before: object = None
        """For a write: a digest of the value that it replaced."""
        self.value: object = None
        """For a write: a digest of the value stored, known when the step is over."""
        self.silent = False
        """Whether the write is known to have stored the value that was there already."""


@final
class Section:
    """A critical section: two accesses of which the second relies on the first."""

    __slots__ = ("by_control", "end", "start", "start_site")

    def __init__(self, start_site: Site, start: Moment, end: Access, by_control: bool) -> None:
        self.start_site = start_site
        self.start = start
        self.end = end
        self.by_control = by_control


class Sink(Protocol):
    """Who judges what the shadow memory finds."""

    def race(self, variable: Variable, earlier: Access, later: Access) -> None:
        """Two accesses that nothing orders."""

    def section(self, variable: Variable, section: Section, write: Access) -> None:
        """A section into which a write may fall."""

    def declared(self, breach: Breach) -> None:
        """Something is not as the code under test has declared it to be."""


class Variable:
    """What is remembered of one variable."""

    __slots__ = (
        "_judges_races",
        "_judges_writes",
        "_section_writes",
        "_sections",
        "_writes",
        "reads",
        "shadow",
        "where",
    )

    def __init__(self, shadow: ObjectShadow, where: Hashable) -> None:
        self.shadow = shadow
        self.where = where
        self._judges_races = shadow.container is not Container.SET or where is Part.CONTENTS
        # Two stores to different keys are no race, though each writes something of all elements.
        self._judges_writes = self._judges_races and where is not Part.ELEMENTS
        self._writes: list[Access] = []
        self.reads: dict[int, Access] = {}
        """By actor, the last read since the writes that it precedes."""
        self._section_writes: dict[tuple[int, int], Access] = {}
        self._sections: dict[tuple[int, int, int], Section] = {}

    def access(self, access: Access, sink: Sink) -> None:
        """Take note of an access, and report what it is unordered with."""
        if access.kind & WRITE:
            self._write(access, sink)
        else:
            self._read(access, sink)

    def read_again(self, site: Site, moment: Moment) -> Access | None:
        """Take note of a read by somebody who has read it before, if nothing but the time is new; return it then."""
        known = self.reads.get(moment.slot)
        if known is None:
            return None
        if known.moment is moment and known.site is site:
            return known
        if known.kind != READ or _references(known) > _ONE_REFERENCE:
            return None  # what somebody else has kept, such as a finding, stays as it is
        actor = moment.actor
        for write in self._writes:
            earlier = write.moment
            if earlier.actor is not actor and time_of(moment.full, earlier.slot) < earlier.time:
                return None
        known.site = site
        known.moment = moment
        return known

    def last_write(self) -> Access | None:
        """The write seen last."""
        return self._writes[-1] if self._writes else None

    def _read(self, access: Access, sink: Sink) -> None:
        moment = access.moment
        if self._judges_races:
            for write in self._writes:
                earlier = write.moment
                if earlier.actor is not moment.actor and time_of(moment.full, earlier.slot) < earlier.time:
                    sink.race(self, write, access)
        self.reads[moment.slot] = access

    def _write(self, access: Access, sink: Sink) -> None:
        moment = access.moment
        actor = moment.actor
        full = moment.full
        unordered: dict[int, Access] = {}
        for slot, read in self.reads.items():
            earlier = read.moment
            if earlier.actor is not actor and time_of(full, earlier.slot) < earlier.time:
                if self._judges_races:
                    sink.race(self, read, access)
                if len(unordered) < _BOUND:
                    unordered[slot] = read
        if access.kind & READ:
            unordered[moment.slot] = access
        self.reads = unordered
        writes: list[Access] = []
        for write in self._writes:
            earlier = write.moment
            if earlier.actor is not actor and time_of(full, earlier.slot) < earlier.time:
                if self._judges_writes:
                    sink.race(self, write, access)
                writes.append(write)
        writes.append(access)
        self._writes = writes[-_BOUND:] if len(writes) > _BOUND else writes
        for section in self._sections.values():
            if not self._same_side(section, moment) and not section.end.moment.before_without_locks(moment):
                sink.section(self, section, access)
        section_writes = self._section_writes
        key = (moment.slot, access.site.number)
        if key not in section_writes and len(section_writes) >= _BOUND:
            del section_writes[next(iter(section_writes))]
        section_writes[key] = access

    def complete(self, section: Section, sink: Sink) -> None:
        """Take note of a section that has just been completed, and report the writes that may fall into it."""
        start = section.start
        for write in self._section_writes.values():
            if not self._same_side(section, write.moment) and not write.moment.before_without_locks(start):
                sink.section(self, section, write)
        key = (section.end.moment.slot, section.start_site.number, section.end.site.number)
        self._sections.pop(key, None)
        self._sections[key] = section
        if len(self._sections) > _BOUND:
            del self._sections[next(iter(self._sections))]

    def compare(self, access: Access, sink: Sink) -> None:
        """Report what an access is unordered with, and take no note of it."""
        before = self.reads.copy(), self._writes, self._section_writes.copy()
        Variable.access(self, access, sink)
        self.reads, self._writes, self._section_writes = before

    def compare_section(self, section: Section, sink: Sink) -> None:
        """Report the writes that may fall into a section, and take no note of it."""
        before = self._sections.copy()
        Variable.complete(self, section, sink)
        self._sections = before

    def take_over(self, other: Variable) -> None:
        """Remember what another remembers, in whose place this one steps."""
        self.reads, self._writes = other.reads, other._writes
        self._section_writes, self._sections = other._section_writes, other._sections

    def remembered(self) -> list[Access]:
        """The accesses that are still known."""
        found = [*self._section_writes.values(), *self._writes, *self.reads.values()]
        return list({id(access): access for access in found}.values())

    @staticmethod
    def _same_side(section: Section, moment: Moment) -> bool:
        return moment.actor is section.end.moment.actor or moment.actor is section.start.actor
