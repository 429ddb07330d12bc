"""What is remembered of the accesses to each object, from one owner to many actors.

PYTEST_DONT_REWRITE

While an object has one owner, the last access at each site is all there is to know of it. When a
second actor comes, either all the owner did precedes it, and the object changes hands, or the object is
shared from then on and each of its variables gets a shadow of its own.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable
from types import FrameType
from typing import TYPE_CHECKING, Any, final

import attrs

from trioflow.race.clocks.actor import Actor, Moment
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.containers import READ, WRITE, Effects, Part
from trioflow.race.shadow.identity import ObjectShadow, OwnerHistory, Shadows
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.values import UNKNOWN, is_plain, look
from trioflow.race.shadow.variables import Access, Sink, Variable

if TYPE_CHECKING:
    from trioflow.race.shadow.blocks import Blocks

_DEPTH = 8
"""How many calls there may be between a constructor and the recording of what it does."""
_MANY = 4096
"""How many variables of one object are remembered when it is shared."""
_SUSPENDED = (Operation.SUSPENDED_UPDATE, Operation.SUSPENDED_ITEM_UPDATE)

INDIRECT = "@indirect"
"""Stands in the place of a name where something is reached through a view or an iterator."""


@final
class Memory:
    """The shadows of one test."""

    def __init__(self, tables: SiteTables, sink: Sink) -> None:
        self.shadows = Shadows()
        self.sink = sink
        self.blocks: Blocks | None = None
        """Who wants to know of accesses while a block of which something is declared is open."""
        self.births: dict[int, Moment] = {}
        """The objects whose making was seen in this step, by their addresses: an address may be used again, but then
        what is there now is just as new."""
        self.made: Counter[str] = Counter()
        """How many objects of each class were seen in their making."""
        self._tables = tables
        self._renamed: dict[tuple[int, str], Site] = {}
        self._written: list[tuple[ObjectShadow, Hashable, Access]] = []

    def clear(self) -> None:
        """Forget everything."""
        self.shadows.clear()
        self.made.clear()
        self.births.clear()
        self._renamed.clear()
        self._written.clear()

    def site(self, number: int) -> Site:
        """The site of that number."""
        return self._tables.sites[number]

    def renamed(self, number: int, name: str) -> Site:
        """A site where the name of the attribute or method is not written, with a name that was met there."""
        site = self._renamed.get((number, name))
        if site is None:
            site = self._renamed[number, name] = attrs.evolve(self._tables.sites[number], name=name)
        return site

    def indirect(self, number: int) -> Site:
        """A site at which something is reached through a view or an iterator, with a note of that."""
        site = self._renamed.get((number, INDIRECT))
        if site is None:
            site = self._renamed[number, INDIRECT] = attrs.evolve(self._tables.sites[number], indirect=True)
        return site

    def record(
        self, shadow: ObjectShadow, recent: Any, site: Site, effects: Effects, actor: Actor
    ) -> dict[Hashable, Access] | None:
        """Note an access; return the accesses made to variables that are shared, or None if none is."""
        moment = actor.moment
        if self.blocks is not None:
            self.blocks.prepare(shadow, site, effects, actor)
        if shadow.shared is None:
            if not shadow.recent:
                making = site.number in self._tables.making
                shadow.born = moment if making or self.births.get(shadow.key) is moment else None
                if making:
                    self._note_making(shadow)
            elif shadow.owner is not actor:
                self._second_actor(shadow, actor)
        shadow.note(recent, moment)
        shared = shadow.shared
        if shared is None:
            if shadow.container is not None or type(recent) is tuple:
                shadow.keep_effects(recent, effects)
            if site.number in self._tables.making:
                return None
            for where, kind in effects:
                if kind & WRITE:
                    before = shadow.before.get(where)
                    if before is None or before[0].step != moment.step:
                        shadow.keep_before(where, moment, _replaced(shadow, where, site))
            return None
        accesses: dict[Hashable, Access] = {}
        for where, kind in effects:
            variable = shared.get(where)
            if variable is None:
                variable = shared[where] = Variable(shadow, where)
                if len(shared) > _MANY:
                    _forget_elements(shared)
            elif kind & WRITE:
                # Many elements have one shape: what a site did to it in this epoch it need not do again.
                known = variable.last_write()
                if known is not None and known.moment is moment and known.site is site:
                    accesses[where] = known
                    continue
            else:
                known = variable.read_again(site, moment)
                if known is not None:
                    accesses[where] = known
                    continue
            access = accesses[where] = Access(kind, site, moment)
            if kind & WRITE:
                self._store(shadow, variable, access, moment)
            variable.access(access, self.sink)
        return accesses

    def _note_making(self, shadow: ObjectShadow) -> None:
        """Remember which instruction makes an object; this has been called in its `__init__`."""
        frame: FrameType | None = sys._getframe(2)
        for _ in range(_DEPTH):
            if frame is None or frame.f_code.co_name == "__init__":
                break
            frame = frame.f_back
        while frame is not None and frame.f_code.co_name == "__init__":
            frame = frame.f_back
        if frame is not None:
            shadow.made = (frame.f_code, frame.f_lasti)
            self.made[shadow.label] += 1

    def reads_again(self, shadow: ObjectShadow, site: Site, moment: Moment) -> bool:
        """Note a read by somebody who has read the same shared variable before, if nothing but the time is new."""
        if self.blocks is not None or shadow.shared is None:
            return False
        variable = shadow.shared.get(site.name)
        if variable is None or variable.read_again(site, moment) is None:
            return False
        shadow.recent[site.number] = moment
        return True

    def variable(self, shadow: ObjectShadow, where: Hashable, actor: Actor) -> Variable:
        """The shadow of one variable, which is treated as shared from now on."""
        if shadow.shared is None:
            self._share(shadow, actor)
        assert shadow.shared is not None
        variable = shadow.shared.get(where)
        if variable is None:
            variable = shadow.shared[where] = Variable(shadow, where)
        return variable

    def share_declared(self, shadow: ObjectShadow, site: Site, actor: Actor) -> bool:
        """Treat an object as shared because of what is declared of an access that is about to be recorded.

        Returns:
            Whether it is; not in the step in which the object is made, where nobody else knows of it.
        """
        if shadow.shared is None:
            if not shadow.recent:
                if site.number in self._tables.making:
                    return False
            elif shadow.owner is not actor:
                self._second_actor(shadow, actor)
            elif shadow.born is not None and shadow.born.step == actor.step and actor.kind != "thread":
                return False
            else:
                self._forget_making(shadow, actor)
        if shadow.shared is None:
            self._share(shadow, actor)
        return True

    def wrote_in_step(self, shadow: ObjectShadow, where: Hashable, actor: Actor) -> bool:
        """Whether `actor` has written a variable in the step in which it is."""
        if shadow.shared is None:
            noted = shadow.before.get(where)
            moment = None if noted is None else noted[0]
        else:
            last = shadow.shared[where].last_write() if where in shadow.shared else None
            moment = None if last is None else last.moment
        return moment is not None and moment.actor is actor and moment.step == actor.step

    def step_ended(self) -> None:
        """A task reaches a checkpoint: what it wrote is looked at, what nobody else holds is let go."""
        if self.births:
            self.births.clear()
        if self._written:
            written, self._written = self._written, []
            for shadow, where, access in written:
                _settle(shadow, where, access)
        if self.shadows.fresh:
            self.shadows.let_go()

    def _store(self, shadow: ObjectShadow, variable: Variable, access: Access, moment: Moment) -> None:
        """Remember what a write replaces; several writes of one step are one."""
        last = variable.last_write()
        if last is not None and last.moment.actor is moment.actor and last.moment.step == moment.step:
            access.before = last.before
        else:
            access.before = _replaced(shadow, variable.where, access.site)
        if access.before is not UNKNOWN:
            self._written.append((shadow, variable.where, access))

    def _second_actor(self, shadow: ObjectShadow, actor: Actor) -> None:
        """An object that had one owner is met by somebody else."""
        self._forget_making(shadow, actor)
        last: Moment | None = None
        for moment in shadow.recent.values():
            if last is None or moment.time > last.time:
                last = moment
        if last is None or last.before_without_locks(actor.moment):
            shadow.change_owner(actor)
        else:
            self._share(shadow, actor)

    def _forget_making(self, shadow: ObjectShadow, met_by: Actor) -> None:
        """Drop what was done to an object before anybody else could know of it.

        Whoever meets an object has got it from somewhere, and so after it was made. Nobody runs in the midst of
        a task's step, so this holds for all of the step; where a thread is at either end it holds for the making alone.
        """
        born = shadow.born
        if born is None:
            return
        making = self._tables.making
        apart = born.actor.apart(met_by)
        for recent, moment in list(shadow.recent.items()):
            if moment.actor is born.actor and moment.step == born.step:
                number = recent if isinstance(recent, int) else recent[0]
                if not apart or number in making:
                    del shadow.recent[recent]
                    shadow.effects.pop(recent, None)

    def _share(self, shadow: ObjectShadow, actor: Actor) -> None:
        """Give each variable of an object a shadow of its own; what `actor` does now is not over yet."""
        shared: dict[Hashable, Variable] = {}
        for history in (*shadow.past, shadow.history()):
            for recent, moment in sorted(history.recent.items(), key=lambda item: item[1].time):
                site, effects = self._what(recent, history)
                for where, kind in effects:
                    variable = shared.get(where)
                    if variable is None:
                        variable = shared[where] = Variable(shadow, where)
                    access = Access(kind, site, moment)
                    before = history.before.get(where) if kind & WRITE else None
                    if before is not None and before[0].actor is moment.actor and before[0].step == moment.step:
                        access.before = before[1]
                        if moment.actor is actor and moment.step == actor.step:
                            self._written.append((shadow, where, access))
                        elif history.recent is shadow.recent:
                            _settle(shadow, where, access)
                    variable.access(access, self.sink)
        shadow.share(shared)

    def _what(self, recent: Any, history: OwnerHistory) -> tuple[Site, Effects]:
        """What was done under an entry of an owner's history."""
        number = recent if isinstance(recent, int) else recent[0]
        site = self._tables.sites[number]
        if not isinstance(recent, int):
            site = self._renamed.get(recent[:2], site)
        effects = history.effects.get(recent)
        if effects is None:
            assert site.name is not None
            stored = not isinstance(recent, int)
            effects = ((site.name, WRITE if stored else self._tables.kinds.get(number, READ)),)
        return site, effects


def _forget_elements(shared: dict[Hashable, Variable]) -> None:
    """Forget the elements of a container that were met first: keys come and go, and nobody says when."""
    elements = [where for where in shared if not isinstance(where, Part)]
    for where in elements[: _MANY // 2]:
        del shared[where]


def _replaced(shadow: ObjectShadow, where: Hashable, site: Site) -> object:
    """A digest of the value that a write is about to replace."""
    if site.operation in _SUSPENDED:
        return UNKNOWN  # its probe comes after the store
    return look(shadow.object(), where)


def _settle(shadow: ObjectShadow, where: Hashable, access: Access) -> None:
    """See what a write has stored, once its step is over."""
    access.value = look(shadow.object(), where)
    access.silent = is_plain(access.value) and access.value == access.before
