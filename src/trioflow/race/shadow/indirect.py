"""Accesses that no source code names: through views and iterators, and by code of the standard library.

PYTEST_DONT_REWRITE

What is accessed is found out by `sources` and `generated`; here it is noted.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from collections.abc import Hashable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, Protocol, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.model.sites import VIEW, Operation, Site
from trioflow.race.shadow import faults
from trioflow.race.shadow.containers import Effects, key_of
from trioflow.race.shadow.context import context
from trioflow.race.shadow.generated import DUMPING, SPELT, reached
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.kinds import Container
from trioflow.race.shadow.memory import INDIRECT, Memory
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.sources import indirect_effects
from trioflow.race.shadow.variables import Access


class Touch(Protocol):
    """Notes an access."""

    def __call__(
        self, shadow: ObjectShadow, recent: Any, site: Site, effects: Effects, actor: Actor, frame: FrameType
    ) -> dict[Hashable, Access] | None:
        """Note it; return the accesses made to variables that are shared, or None if none is."""


class ShadowOf(Protocol):
    """Finds the shadow of an object."""

    def __call__(self, value: Any, kind: Container | None, actor: Actor) -> ObjectShadow:
        """The shadow; made, if there is none."""
        raise NotImplementedError


@final
class Indirect:
    """Notes what is accessed by way of something else."""

    def __init__(
        self,
        tables: SiteTables,
        memory: Memory,
        shadow_of: ShadowOf,
        touch: Touch,
        lock: AbstractContextManager[Any],
    ) -> None:
        self._tables = tables
        self._memory = memory
        self._shadow_of = shadow_of
        self._touch = touch
        self._lock = lock

    def delegated(self, value: Any, site: Site, key: object, actor: Actor, frame: FrameType) -> bool:
        """Whether a value looks into containers which it keeps or came from; these then are what is accessed."""
        if site.name == VIEW:
            return False
        found = indirect_effects(value, site.operation, site.name, key)
        if found:
            site = self._memory.indirect(site.number)
        for container, kind, effects in found or ():
            recent = (site.number, INDIRECT, key_of(key))
            self._touch(self._shadow_of(container, kind, actor), recent, site, effects, actor, frame)
        return found is not None

    def generated(self, value: Any, site: Site, actor: Actor, frame: FrameType, without: tuple[str, ...] = ()) -> bool:
        """Whether code without probes reads contents and fields, which then are what is accessed."""
        name = site.name
        if name not in SPELT or (site.operation is not Operation.CONTENTS_READ and name not in DUMPING):
            return False
        found = False
        for each, kind, effects in reached(value, name, without):
            recent: Any = (site.number, name)
            at = site
            if kind is not None:
                recent, at = (site.number, site) if each is value else self._inside(site.number)
            self._touch(self._shadow_of(each, kind, actor), recent, at, effects, actor, frame)
            found = True
        return found

    def _inside(self, number: int) -> tuple[tuple[int, str], Site]:
        """For a container inside what a site names: what its access is remembered under, and its site."""
        return (number, INDIRECT), self._memory.indirect(number)

    def fields(self, value: Any, number: int, without: tuple[str, ...], actor: Actor) -> None:
        """The fields of something are read, but for some."""
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                self.generated(value, self._tables.sites[number], actor, sys._getframe(2), without)
        except Exception as error:
            faults.report("fields", error)
        finally:
            context.recording = False
