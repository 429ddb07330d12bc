"""Which blocks are open: `race.critical` and `race.ok`.

PYTEST_DONT_REWRITE

While no block is open, which is nearly always, an access costs nothing more for them. What is accessed in a block
is treated as shared from then on, and the probes that dismiss an only owner's reads at a glance are
replaced by attentive ones for as long as a block is open anywhere.
"""

from __future__ import annotations

from _thread import LockType
from collections.abc import Callable, Hashable
from typing import NamedTuple, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.places import place
from trioflow.race.model.declarations import Acceptance, Block, Critical
from trioflow.race.model.sites import Site
from trioflow.race.shadow import faults
from trioflow.race.shadow.containers import Effects
from trioflow.race.shadow.context import context
from trioflow.race.shadow.declared_variables import DeclaredVariable
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.memory import Memory
from trioflow.race.shadow.units import Unit, Units
from trioflow.race.shadow.variables import Access


class _Entry(NamedTuple):
    """A block that is open, and the unit to which its accesses belong."""

    block: Block
    unit: Unit | None


def _nobody(attentive: bool) -> None:
    """Stand in for whoever wants to know whether a block is open."""


@final
class Blocks:
    """The blocks that are open in one test."""

    def __init__(self, memory: Memory, lock: LockType) -> None:
        self._memory = memory
        self._lock = lock
        self._units = Units(memory.sink)
        self._open: dict[Actor, list[_Entry]] = {}
        self.attend: Callable[[bool], None] = _nobody
        """Told when the first block is opened and the last is closed."""

    def clear(self) -> None:
        """Forget everything."""
        if self._open:
            self._open.clear()
            self._watch(False)
        self._units = Units(self._memory.sink)

    # What blocks call

    def opened(self, block: Block) -> None:
        """Whoever runs now has entered a block."""
        actor = context.actor
        if actor is None or context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                self._enter(block, actor)
        except Exception as error:
            faults.report("opened", error)
        finally:
            context.recording = False

    def closed(self, block: Block) -> None:
        """Whoever runs now has left a block, which may have been entered elsewhere."""
        if context.recording or not self._open:
            return
        context.recording = True
        try:
            with self._lock:
                self._leave(block, context.actor)
        except Exception as error:
            faults.report("closed", error)
        finally:
            context.recording = False

    def _enter(self, block: Block, actor: Actor) -> None:
        if not self._open:
            self._watch(True)
        entries = self._open.setdefault(actor, [])
        unit: Unit | None = None
        if isinstance(block, Critical):
            outer = (entry.unit for entry in entries if entry.unit is not None and entry.unit.name == block.name)
            unit = next(outer, None) or Unit(block.name, actor, place())
        entries.append(_Entry(block, unit))
        self._arrange(actor, entries)

    def _leave(self, block: Block, actor: Actor | None) -> None:
        # A generator may be closed by somebody else than whoever has begun it.
        for owner in ([] if actor is None else [actor], list(self._open)):
            for each in owner:
                entries = self._open.get(each, [])
                entry = next((entry for entry in reversed(entries) if entry.block is block), None)
                if entry is not None:
                    entries.remove(entry)
                    self._left(entry, each, entries)
                    return

    def _left(self, entry: _Entry, actor: Actor, entries: list[_Entry]) -> None:
        if not entries:
            del self._open[actor]
        self._arrange(actor, entries)
        unit = entry.unit
        if unit is not None and unit not in self._units.of(actor):
            for shadow in [shadow for shadow in unit.made if shadow.shared is not None]:
                self._add_made(unit, shadow)
            self._units.over(unit)
        if not self._open:
            self._watch(False)

    def _arrange(self, actor: Actor, entries: list[_Entry]) -> None:
        """Make the actor's accesses belong to what is open now."""
        units = tuple(dict.fromkeys(entry.unit for entry in entries if entry.unit is not None))
        self._units.open[actor] = units
        if not units:
            del self._units.open[actor]
        reasons = [entry.block.reason for entry in entries if isinstance(entry.block, Acceptance)]
        if not actor.ended:
            actor.accept(reasons[-1] if reasons else None)

    def _watch(self, attentive: bool) -> None:
        self._memory.blocks = self if attentive else None
        self.attend(attentive)

    # What the memory calls

    def prepare(self, shadow: ObjectShadow, site: Site, effects: Effects, actor: Actor) -> None:
        """An access is about to be recorded while blocks are open."""
        if actor not in self._open:
            return
        units = self._units.of(actor)
        if not self._memory.share_declared(shadow, site, actor):
            # Nobody else knows of it yet. It is part of the unit all the same, should it be shared later.
            for unit in units:
                made = unit.made.setdefault(shadow, [])
                made.extend((where, self._units.seen(Access(kind, site, actor.moment))) for where, kind in effects)
            return
        for where, _ in effects:
            self._declare(shadow, where)
        for unit in units:
            if shadow in unit.made:
                self._add_made(unit, shadow)

    def _declare(self, shadow: ObjectShadow, where: Hashable) -> DeclaredVariable:
        """The shadow of a variable that was accessed in a block."""
        shared = shadow.shared
        assert shared is not None
        variable = shared.get(where)
        if isinstance(variable, DeclaredVariable):
            return variable
        declared = DeclaredVariable(shadow, where, self._units)
        if variable is not None:
            declared.remember(variable)
        shared[where] = declared
        return declared

    def _add_made(self, unit: Unit, shadow: ObjectShadow) -> None:
        """An object that was made in a unit is shared now."""
        for where, seen in unit.made.pop(shadow):
            unit.add(self._declare(shadow, where), seen)
