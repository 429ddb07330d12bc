"""The shadow of a variable that was accessed in a block of which something is declared.

PYTEST_DONT_REWRITE

For most variables the last accesses are enough. Where a block accepts what is found in it this is not so:
the accepted access must not hide an earlier one that nobody has accepted. So what is accepted is remembered apart,
and each side is compared with the other without taking its place. And a critical block is a unit of many
variables, of which each remembers who accessed it (see `units`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, NamedTuple, final

from trioflow.race.shadow.variables import Access, Section, Sink, Variable

if TYPE_CHECKING:
    from trioflow.race.clocks.actor import Actor, Moment
    from trioflow.race.model.sites import Site
    from trioflow.race.shadow.identity import ObjectShadow
    from trioflow.race.shadow.units import Unit, Units

_PLACES = 64
_UNITS = 16


class Seen(NamedTuple):
    """An access, and the units of which it was part."""

    access: Access
    units: tuple[Unit, ...]
    number: int
    """Tells the accesses of one moment apart, which in a thread is more than a step."""

    def precedes(self, other: Seen) -> bool:
        """Whether this access came before another in this run."""
        mine, its = self.access.moment.serial, other.access.moment.serial
        return mine < its or (mine == its and self.number < other.number)


@final
class DeclaredVariable(Variable):
    """What is remembered of one variable that was accessed in a block."""

    __slots__ = ("_accepted", "_seen", "_units", "units")

    def __init__(self, shadow: ObjectShadow, where: Hashable, units: Units) -> None:
        super().__init__(shadow, where)
        self._units = units
        self._accepted: Variable | None = None
        self._seen: dict[tuple[Actor, int], tuple[Seen, ...]] = {}
        self.units: list[Unit] = []
        """Units of which this variable is part and that are over, the last of each place and actor."""

    def remember(self, variable: Variable) -> None:
        """Take the place of another shadow, with all that it remembers."""
        self.take_over(variable)
        for access in sorted(variable.remembered(), key=lambda access: access.moment.serial):
            self._see(self._units.seen(access, inside=False))

    def access(self, access: Access, sink: Sink) -> None:
        """Take note of an access, and report what it is unordered with."""
        if access.moment.accepted is None:
            super().access(access, sink)
            if self._accepted is not None:
                self._accepted.compare(access, sink)
        else:
            self.compare(access, sink)
            self._aside().access(access, sink)
        seen = self._units.seen(access)
        self._see(seen)
        self._units.arrived(self, seen)

    def read_again(self, site: Site, moment: Moment) -> Access | None:  # noqa: ARG002
        """Take note of nothing by itself: each access counts."""
        return None

    def complete(self, section: Section, sink: Sink) -> None:
        """Take note of a section that has just been completed, and report the writes that may fall into it."""
        if section.start.accepted is None and section.end.moment.accepted is None:
            super().complete(section, sink)
            if self._accepted is not None:
                self._accepted.compare_section(section, sink)
        else:
            self.compare_section(section, sink)
            self._aside().complete(section, sink)

    def last_write(self) -> Access | None:
        """The write seen last."""
        mine = super().last_write()
        other = None if self._accepted is None else self._accepted.last_write()
        if mine is None or (other is not None and other.moment.serial > mine.moment.serial):
            return other
        return mine

    def seen(self) -> Iterator[Seen]:
        """The accesses that are remembered, of whomever."""
        for entries in list(self._seen.values()):
            yield from entries

    def seen_of(self, actor: Actor) -> Iterator[Seen]:
        """The accesses of one actor that are remembered."""
        for (other, _), entries in list(self._seen.items()):
            if other is actor:
                yield from entries

    def keep(self, unit: Unit) -> None:
        """Remember a unit that is over."""
        same = [each for each in self.units if each.actor is unit.actor and each.name == unit.name]
        if same:
            self.units.remove(same[0])
        self.units = [*self.units[1 - _UNITS :], unit]

    def _see(self, seen: Seen) -> None:
        key = (seen.access.moment.actor, seen.access.site.number)
        before = self._seen.pop(key, ())
        if before and before[-1].access.moment is seen.access.moment:
            before = before[:-1]
        # Two of each place, as an earlier part of what somebody does may belong to the one before the last.
        self._seen[key] = (*before[-1:], seen)
        if len(self._seen) > _PLACES:
            del self._seen[next(iter(self._seen))]

    def _aside(self) -> Variable:
        if self._accepted is None:
            self._accepted = Variable(self.shadow, self.where)
        return self._accepted
