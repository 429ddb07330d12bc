"""Methods and getters that somebody else calls: `to_thread.run_sync(xs.append, 1)`, `operator.attrgetter("a")`.

PYTEST_DONT_REWRITE

A method of a container is written in C, so a thread or a callback that calls it runs no probe. Where the method is
handed over there is one, which remembers the place; whoever starts the thread's job tells what it calls.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import BuiltinMethodType, FrameType
from typing import Any, Final, Protocol, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow import faults
from trioflow.race.shadow.containers import ABSENT, KEYED, READ, effects_of, key_of, whole_effects
from trioflow.race.shadow.context import context
from trioflow.race.shadow.indirect import ShadowOf, Touch
from trioflow.race.shadow.kinds import container_of
from trioflow.race.shadow.memory import INDIRECT, Memory

CALLED: Final = frozenset({BuiltinMethodType, operator.attrgetter, operator.itemgetter})
"""Types of what may be called by any name, and accesses something without a probe."""
_MANY: Final = 1024


class OfAttribute(Protocol):
    """Notes an access to an attribute."""

    def __call__(self, value: Any, site: Site, kind: int, actor: Actor, frame: FrameType, recent: Any = None) -> None:
        """Note it."""


@final
class Handed:
    """What was handed over in one test, to be called by somebody else."""

    def __init__(
        self,
        memory: Memory,
        shadow_of: ShadowOf,
        touch: Touch,
        attribute: OfAttribute,
        lock: AbstractContextManager[Any],
    ) -> None:
        self._memory = memory
        self._shadow_of = shadow_of
        self._touch = touch
        self._attribute = attribute
        self._lock = lock
        self._sites: dict[tuple[int, str], int] = {}
        """By the address of a container and the name of a method."""

    def clear(self) -> None:
        """Forget everything."""
        self._sites.clear()

    def over(self, value: Any, number: int) -> None:
        """A method of a container is handed over."""
        if container_of(type(value)) is None:
            return
        if len(self._sites) > _MANY:
            self._sites.clear()
        name = self._memory.site(number).name
        if name is not None:
            self._sites[id(value), name] = number

    def used(self, value: Any, number: int, actor: Actor) -> None:
        """A method of a container is handed to a function that calls it at once."""
        if container_of(type(value)) is not None:
            self._note(lambda: self._whole(value, number, actor, sys._getframe()), actor)

    def called(self, function: Any) -> None:
        """Something that may have been handed over is about to be called."""
        actor = context.actor
        if type(function) is functools.partial:
            function = function.func
        if type(function) is not BuiltinMethodType or actor is None:
            return
        number = self._sites.get((id(function.__self__), function.__name__))
        if number is not None:
            self._note(lambda: self._whole(function.__self__, number, actor, sys._getframe()), actor)

    def call(self, function: Any, number: int, key: object, actor: Actor) -> None:
        """Something is called that accesses what it is called on, or with, in code without probes."""
        frame = sys._getframe(2)
        if type(function) is BuiltinMethodType:
            if container_of(type(function.__self__)) is not None:
                self._note(lambda: self._method(function, number, key, actor, frame), actor)
        elif key is not ABSENT:
            self._note(lambda: self._getter(function, number, key, actor, frame), actor)

    def _note(self, what: Callable[[], None], actor: Actor) -> None:
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                what()
        except Exception as error:
            faults.report("called", error)
        finally:
            context.recording = False

    def _whole(self, value: Any, number: int, actor: Actor, frame: FrameType) -> None:
        kind = container_of(type(value))
        site = self._memory.site(number)
        if kind is None or site.name is None:
            return
        effects = effects_of(kind, value, Operation.CALL, site.name, ABSENT) or whole_effects(kind, site.name)
        if effects:
            self._touch(self._shadow_of(value, kind, actor), number, site, effects, actor, frame)

    def _method(self, method: Any, number: int, key: object, actor: Actor, frame: FrameType) -> None:
        value, name = method.__self__, method.__name__
        kind = container_of(type(value))
        site = self._memory.site(number)
        recent: Any = number
        if site.name is None:
            site = self._memory.renamed(number, name)
            recent = (number, name, key_of(key)) if name in KEYED else (number, name)
        elif name in KEYED and key is not ABSENT:
            recent = (number, key_of(key))
        effects = () if kind is None else effects_of(kind, value, Operation.CALL, name, key)
        if effects:
            self._touch(self._shadow_of(value, kind, actor), recent, site, effects, actor, frame)

    def _getter(self, getter: Any, number: int, value: object, actor: Actor, frame: FrameType) -> None:
        wanted = getter.__reduce__()[1]
        for each in wanted:
            if type(getter) is operator.attrgetter:
                first = each.partition(".")[0]
                self._attribute(value, self._memory.renamed(number, first), READ, actor, frame, (number, first))
                continue
            kind = container_of(type(value))
            if kind is not None:
                effects = effects_of(kind, value, Operation.ITEM_READ, None, each)
                recent = (number, INDIRECT, key_of(each))
                if effects:
                    site = self._memory.indirect(number)
                    self._touch(self._shadow_of(value, kind, actor), recent, site, effects, actor, frame)


_current: list[Handed] = []


def watch(handed: Handed | None) -> None:
    """Be told of what is called from now on, or no longer."""
    _current[:] = [] if handed is None else [handed]


def about_to_call(function: object) -> None:
    """Tell that a job or a callback is going to call something."""
    for handed in _current:
        handed.called(function)
