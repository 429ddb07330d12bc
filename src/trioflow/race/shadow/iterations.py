"""Iterations that go on across a checkpoint: each is a critical section of its own.

PYTEST_DONT_REWRITE

Each step of an iteration relies on what the container was when it began: whoever adds, removes or moves
elements in between makes it fail (`dictionary changed size during iteration`), or skip and repeat elements. So
an iteration is a section from its beginning to its last advance, on the variable that says which elements
there are. Only loops with a checkpoint from which they come back have these probes; an iterator that is kept
is remembered from its making.
"""

# What is iterated over may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, Final, final

from trioflow.race.clocks.actor import Actor, Moment
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow import faults
from trioflow.race.shadow.containers import ABSENT, READ, Effects, Part, effects_of
from trioflow.race.shadow.context import context
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.indirect import ShadowOf, Touch
from trioflow.race.shadow.kinds import Container, container_of, containers_in
from trioflow.race.shadow.memory import INDIRECT, Memory
from trioflow.race.shadow.reliance import Reliance
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.sources import indirect_effects, looks_through
from trioflow.race.shadow.variables import Access

_MANY: Final = 2048
_EXTENT: Final[dict[Container, tuple[Part, ...]]] = {
    Container.DICT: (Part.SHAPE,),
    Container.LIST: (Part.SHAPE, Part.ARRANGEMENT),
    Container.SET: (Part.CONTENTS,),
    Container.SEQUENCE: (Part.CONTENTS,),
}
"""The variables that must stay as they are while a container is iterated over."""
_COMPREHENSIONS: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})


_Parts = list[tuple[ObjectShadow, Container, Effects]]


@final
class Iteration:
    """One run of a loop, or one iterator that was kept."""

    __slots__ = ("actor", "indirect", "parts", "site", "start")

    def __init__(self, site: Site, start: Moment, actor: Actor, parts: _Parts, *, indirect: bool) -> None:
        self.site = site
        self.start = start
        self.actor = actor
        self.parts = parts
        """The containers it goes through, and what each advance reads of them."""
        self.indirect = indirect
        """Whether it goes through them by way of a view or another iterator."""


@final
class Iterations:
    """The iterations of one test that are under way."""

    def __init__(
        self,
        tables: SiteTables,
        memory: Memory,
        reliance: Reliance,
        shadow_of: ShadowOf,
        touch: Touch,
        lock: AbstractContextManager[Any],
    ) -> None:
        self._tables = tables
        self._memory = memory
        self._reliance = reliance
        self._shadow_of = shadow_of
        self._touch = touch
        self._lock = lock
        self._loops: dict[tuple[int, int], Iteration] = {}
        """By frame and site."""
        self._made: dict[int, Iteration] = {}
        """By the address of the iterator."""

    def clear(self) -> None:
        """Forget everything."""
        self._loops.clear()
        self._made.clear()

    def loop(self, value: Any, number: int, actor: Actor) -> None:
        """A loop with a checkpoint in it is about to begin."""
        key = (id(_owner(sys._getframe(2))), number)
        self._loops.pop(key, None)
        iteration = self._begin(value, number, actor, sys._getframe(2))
        if iteration is not None:
            self._loops[key] = self._known(value, iteration)
            _bound(self._loops)

    def make(self, value: Any, number: int, actor: Actor) -> None:
        """An iterator has been made, and is kept."""
        self._made.pop(id(value), None)
        iteration = self._begin(value, number, actor, None)
        if iteration is not None:
            self._made[id(value)] = iteration
            _bound(self._made)

    def step(self, value: Any, number: int, actor: Actor) -> None:
        """One element is taken from an iterator."""
        frame = sys._getframe(2)
        iteration = self._begin(value, number, actor, frame)
        if iteration is not None:
            known = self._known(value, iteration)
            if known is not iteration:
                self._advance(known, number, actor, frame)

    def advance(self, number: int, actor: Actor) -> None:
        """A loop has got its next element, or has come to its end."""
        frame = sys._getframe(2)
        iteration = self._loops.get((id(_owner(frame)), number))
        if iteration is not None and iteration.start.step != actor.step:
            self._advance(iteration, number, actor, frame)

    def _begin(self, value: Any, number: int, actor: Actor, frame: FrameType | None) -> Iteration | None:
        """What a value goes through; read, if a frame is given."""
        if context.recording or actor.ended:
            return None
        kind = container_of(type(value))
        if kind is None and not looks_through(type(value)) and not containers_in(value):
            return None
        context.recording = True
        try:
            with self._lock:
                if kind is None:
                    found = indirect_effects(value, Operation.ITERATE, None, ABSENT) or []
                else:
                    found = [(value, kind, effects_of(kind, value, Operation.ITERATE, None, ABSENT))]
                site = self._site(number, indirect=kind is None)
                parts: _Parts = [(self._shadow_of(each, of, actor), of, effects) for each, of, effects in found]
                if frame is not None:
                    for shadow, _, effects in parts:
                        self._touch(shadow, (number, INDIRECT) if kind is None else number, site, effects, actor, frame)
                return Iteration(site, actor.moment, actor, parts, indirect=kind is None) if parts else None
        except Exception as error:
            faults.report("iteration", error)
            return None
        finally:
            context.recording = False

    def _site(self, number: int, *, indirect: bool) -> Site:
        return self._memory.indirect(number) if indirect else self._tables.sites[number]

    def _known(self, value: Any, new: Iteration) -> Iteration:
        """The iteration of an iterator, which may have begun when it was made."""
        made = self._made.get(id(value))
        if made is None or made.actor is not new.actor:
            return new
        same = [part[0] for part in made.parts] == [part[0] for part in new.parts]
        return made if same else new

    def _advance(self, iteration: Iteration, number: int, actor: Actor, frame: FrameType) -> None:
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                if iteration.actor is not actor:
                    # A generator that somebody else goes on with.
                    iteration.start, iteration.actor = actor.moment, actor
                site = self._site(number, indirect=iteration.indirect)
                recent = (number, INDIRECT) if iteration.indirect else number
                for shadow, kind, effects in iteration.parts:
                    accesses = self._touch(shadow, recent, site, effects, actor, frame) or {}
                    if iteration.start.step == actor.step:
                        continue
                    for where in _EXTENT[kind]:
                        end = accesses.get(where) or Access(READ, site, actor.moment)
                        self._reliance.complete(shadow, where, iteration.start, iteration.site, site, end, actor)
        except Exception as error:
            faults.report("advance", error)
        finally:
            context.recording = False


def _owner(frame: FrameType) -> FrameType:
    """The frame of the function in which a frame's code stands: before Python 3.12 comprehensions have their own."""
    while frame.f_code.co_name in _COMPREHENSIONS and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _bound(table: dict[Any, Iteration]) -> None:
    """Let the oldest go where there are too many: a loop that is left is not told of."""
    if len(table) > _MANY:
        for old in list(table)[: _MANY // 2]:
            del table[old]
