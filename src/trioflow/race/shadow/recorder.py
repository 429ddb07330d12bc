"""The recorder: what becomes of an access that a probe could not dismiss at a glance.

PYTEST_DONT_REWRITE

This is the reference recorder, in Python. What it does for an access, in this order: find out whether there
is a variable at all, find its shadow, and unless the same site did the same in this epoch already,
note the access. While an object has one owner that is all. When a second actor comes, the
owner's accesses either precede it, and the object changes hands, or the object is shared from then on and
each of its variables gets a shadow of its own. Writes are also looked at as the end of critical sections.
"""

from __future__ import annotations

import sys
import types
from _thread import allocate_lock
from collections.abc import Hashable
from types import FrameType
from typing import Any, final

from trioflow.race.clocks.actor import Actor, Moment
from trioflow.race.clocks.registry import Registry
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow import faults
from trioflow.race.shadow.activations import Activations, Entry
from trioflow.race.shadow.containers import (
    ABSENT,
    KEYED,
    READ,
    REMOVALS,
    UPDATE,
    WRITE,
    Effects,
    effects_of,
    key_of,
)
from trioflow.race.shadow.context import context
from trioflow.race.shadow.guards import Guards
from trioflow.race.shadow.identity import ObjectShadow, Shadows
from trioflow.race.shadow.kinds import Attribute, Container, attribute_of, container_of, is_descriptor, lookup
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.values import UNKNOWN, Scope, digest, is_plain, look
from trioflow.race.shadow.variables import Access, Section, Sink, Variable

_KIND = {
    Operation.READ: READ,
    Operation.WRITE: WRITE,
    Operation.DELETE: WRITE,
    Operation.UPDATE: UPDATE,
    Operation.NAME_READ: READ,
    Operation.NAME_WRITE: WRITE,
    Operation.NAME_UPDATE: UPDATE,
}
_SWEEP = 64
_SUMMARIES = frozenset({"sum", "max", "min", "any", "all"})
"""Functions whose result is no element of what they are given, or need not be."""


@final
class Recorder:
    """Everything that is remembered of one test; emptied at its end."""

    def __init__(self, tables: SiteTables, sink: Sink) -> None:
        self.tables = tables
        self.sink = sink
        self.shadows = Shadows()
        self.activations = Activations(tables)
        self.computed: dict[int, type] = {}
        """By site, a type on which its attribute is no variable; or on which its method is no container's."""
        self._lock = allocate_lock()
        self._modules: dict[str, Scope] = {}
        self._written: list[tuple[ObjectShadow, Hashable, Access]] = []
        self._read_backs: list[tuple[ObjectShadow, Hashable, Site, Entry, Access | None]] = []
        self._guards = Guards()
        self._suspended_calls: dict[tuple[int, int], tuple[Any, object]] = {}
        self._suspended: dict[tuple[int, int], tuple[ObjectShadow, Effects, Moment]] = {}

    def begin(self, registry: Registry) -> None:
        """Forget everything; a new test starts."""
        self.shadows.clear()
        self.activations = Activations(self.tables)
        self.computed.clear()
        self._modules.clear()
        self._written.clear()
        self._suspended.clear()
        self._suspended_calls.clear()
        self._read_backs.clear()
        registry.on_spawn = self._watch

    def _watch(self, actor: Actor) -> None:
        actor.on_step_end = self.step_ended

    def step_ended(self, actor: Actor) -> None:
        """A task reaches a checkpoint: what it wrote is looked at, what it let go of is let go."""
        if self._read_backs:
            self._settle_read_backs(actor)
        if self._written:
            written, self._written = self._written, []
            for shadow, where, access in written:
                self._settle(shadow, where, access)
        context.pending.clear()
        if self.shadows.held():
            self.shadows.let_go(_SWEEP)

    @staticmethod
    def _settle(shadow: ObjectShadow, where: Hashable, access: Access) -> None:
        access.value = look(shadow.object(), where)
        access.silent = is_plain(access.value) and access.value == access.before

    # What the probes call. Each has been called by a probe, which has been called by the code under test.

    def attribute(self, value: Any, number: int, actor: Actor) -> None:
        """An attribute is read, written, updated or deleted."""
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                self._attribute(value, site, _KIND[site.operation], actor, sys._getframe(2))
        except Exception as error:
            faults.report("attribute", error)
        finally:
            context.recording = False

    def contents(self, value: Any, number: int, key: object, actor: Actor) -> None:
        """The contents of something are accessed, which may be a container."""
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                kind = container_of(type(value))
                if kind is not None:
                    self._contents(value, kind, site, key, actor, sys._getframe(2))
                elif site.operation is Operation.CALL:
                    self._attribute(value, site, READ, actor, sys._getframe(2))
                else:
                    self.computed[number] = type(value)
        except Exception as error:
            faults.report("contents", error)
        finally:
            context.recording = False

    def name(self, scope: Scope | None, number: int, actor: Actor, value: object) -> None:
        """A global name or closure variable, whose value is now `value`, is accessed."""
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                if scope is None:
                    scope = self.module(site.module)
                assert site.name is not None
                shadow = self._shadow(scope, None, actor)
                kind = _KIND[site.operation]
                if kind == READ:
                    scope.values[site.name] = digest(value)
                self._touch(shadow, number, site, ((site.name, kind),), actor, sys._getframe(2))
                scope.values[site.name] = digest(value)
        except Exception as error:
            faults.report("name", error)
        finally:
            context.recording = False

    def enter(self) -> None:
        """A coroutine function starts."""
        self.activations.enter(sys._getframe(2))

    def suspend(self, value: Any, number: int, key: object, actor: Actor) -> None:
        """An augmented assignment with a checkpoint in its value has read its target."""
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                frame = sys._getframe(2)
                found = self._variables_of(value, site, key, actor)
                if found is not None:
                    shadow, effects, recent = found
                    reads: Effects = tuple((where, READ) for where, kind in effects if kind & READ)
                    self._touch(shadow, recent, site, reads, actor, frame)
                    self._suspended[id(frame), number] = (shadow, effects, actor.moment)
        except Exception as error:
            faults.report("suspend", error)
        finally:
            context.recording = False

    def resume(self, number: int, actor: Actor) -> None:
        """An augmented assignment with a checkpoint in its value has stored its result."""
        frame = sys._getframe(2)
        suspended = self._suspended.pop((id(frame), number), None)
        if suspended is None or context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                shadow, effects, moment = suspended
                site = self.tables.sites[number]
                writes: Effects = tuple((where, WRITE) for where, kind in effects if kind & WRITE)
                accesses = self._touch(shadow, (number, "stored"), site, writes, actor, frame)
                if moment.actor is actor and moment.step != actor.step:
                    where = writes[0][0]
                    self._complete(shadow, where, site, moment, accesses.get(where), actor, by_control=False)
        except Exception as error:
            faults.report("resume", error)
        finally:
            context.recording = False

    def suspend_call(self, value: Any, number: int, key: object) -> None:
        """The receiver of a method call has been evaluated; there is a checkpoint in the call's arguments."""
        self._suspended_calls[id(sys._getframe(2)), number] = (value, key)

    def resume_call(self, number: int, actor: Actor) -> None:
        """The last argument with a checkpoint has been evaluated: now the method is called."""
        frame = sys._getframe(2)
        value, key = self._suspended_calls.pop((id(frame), number), (None, ABSENT))
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                kind = container_of(type(value))
                if kind is not None:
                    self._contents(value, kind, self.tables.sites[number], key, actor, frame)
        except Exception as error:
            faults.report("resume_call", error)
        finally:
            context.recording = False

    # Which variable

    def _variables_of(
        self, value: Any, site: Site, key: object, actor: Actor
    ) -> tuple[ObjectShadow, Effects, Any] | None:
        """The variable of a suspended update."""
        if site.operation is Operation.SUSPENDED_UPDATE:
            assert site.name is not None
            if isinstance(value, type) or attribute_of(type(value), site.name) is Attribute.COMPUTED:
                return None
            return self._shadow(value, None, actor), ((site.name, UPDATE),), site.number
        kind = container_of(type(value))
        if kind is None:
            return None
        effects = effects_of(kind, value, site.operation, site.name, key)
        return self._shadow(value, kind, actor), effects, (site.number, key_of(key))

    def _attribute(self, value: Any, site: Site, kind: int, actor: Actor, frame: FrameType) -> None:
        name = site.name
        assert name is not None
        cls = type(value)
        if isinstance(value, types.ModuleType):
            if kind == READ and not self._is_module_variable(value, name):
                self.computed[site.number] = cls
                return
            value = self.module(value.__name__)
        elif isinstance(value, type):
            owner = self._class_variable(value, name, kind)
            if owner is None:
                if site.operation is Operation.CALL:
                    self.computed[site.number] = cls
                return
            value = owner
        else:
            found = attribute_of(cls, name)
            if found is Attribute.COMPUTED:
                self.computed[site.number] = cls
                return
            if kind == READ and found is not Attribute.INSTANCE and not self._is_set(value, cls, name, site, actor, frame):
                return
        shadow = self._shadow(value, None, actor)
        self._touch(shadow, site.number, site, ((name, kind),), actor, frame)

    def _is_set(self, value: Any, cls: type, name: str, site: Site, actor: Actor, frame: FrameType) -> bool:
        """Whether a read finds a variable on the instance; one that finds the class's default reads both."""
        try:
            raw = object.__getattribute__(value, name)
        except Exception:
            return False
        found = lookup(cls, name)
        if found is not None and found[1] is raw:
            shadow = self._shadow(found[0], None, actor)
            self._touch(shadow, site.number, site, ((name, READ),), actor, frame)
        return True

    @staticmethod
    def _class_variable(value: type, name: str, kind: int) -> type | None:
        if name.startswith("__") and name.endswith("__"):
            return None
        if kind != READ:
            return value
        found = lookup(value, name)
        if found is None or is_descriptor(found[1]) or isinstance(found[1], type):
            return None
        return found[0]

    @staticmethod
    def _is_module_variable(value: types.ModuleType, name: str) -> bool:
        found = types.ModuleType.__getattribute__(value, "__dict__").get(name, ABSENT)
        if found is ABSENT or name.startswith("__"):
            return False
        return not isinstance(found, (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType))

    def module(self, name: str) -> Scope:
        """What stands for the globals of a module."""
        scope = self._modules.get(name)
        if scope is None:
            scope = self._modules[name] = Scope(name)
        return scope

    def _contents(
        self, value: Any, kind: Container, site: Site, key: object, actor: Actor, frame: FrameType
    ) -> None:
        effects = effects_of(kind, value, site.operation, site.name, key)
        if effects:
            shadow = self._shadow(value, kind, actor)
            recent: Any = site.number
            if not site.constant_key and key is not ABSENT:
                if site.operation is not Operation.CALL or site.name in KEYED:
                    recent = (site.number, key_of(key))
            self._touch(shadow, recent, site, effects, actor, frame)

    def _shadow(self, value: Any, kind: Container | None, actor: Actor) -> ObjectShadow:
        shadow = self.shadows.by_id.get(id(value))
        if shadow is None:
            label = value.__name__ if isinstance(value, type) else type(value).__name__
            shadow = self.shadows.make(value, kind, actor, label)
        return shadow

    # What is remembered of it

    def _touch(
        self, shadow: ObjectShadow, recent: Any, site: Site, effects: Effects, actor: Actor, frame: FrameType
    ) -> dict[Hashable, Access]:
        """Note an access; returns the accesses made to shared variables."""
        moment = actor.moment
        if shadow.shared is None:
            if not shadow.recent:
                shadow.born = moment if self._makes(site) else None
            elif shadow.owner is not actor:
                self._second_actor(shadow, actor)
        shadow.note(recent, moment)
        accesses: dict[Hashable, Access] = {}
        writes = False
        shared = shadow.shared
        if shared is None:
            if shadow.container is not None:
                shadow.effects[recent] = effects
            for where, kind in effects:
                if kind & WRITE:
                    writes = True
                    before = shadow.before.get(where)
                    if before is None or before[0].step != moment.step:
                        shadow.before[where] = (moment, self._replaced(shadow, where, site))
        else:
            for where, kind in effects:
                variable = shared.get(where)
                if variable is None:
                    variable = shared[where] = Variable(shadow, where)
                access = Access(kind, site, moment)
                accesses[where] = access
                if kind & WRITE:
                    writes = True
                    self._store(shadow, variable, access, moment)
                variable.access(access, self.sink)
        number = site.number
        if site.source or number in self.tables.written_back:
            self.activations.note(frame, Entry(site, shadow, tuple(where for where, _ in effects), moment))
            shadow.noted.update(where for where, _ in effects)
        if writes:
            if shadow.guards:
                self._guards.written(shadow, effects, actor)
            if any(where in shadow.noted for where, _ in effects):
                self._act(shadow, site, effects, accesses, actor, frame)
        elif number in self.tables.reads_back:
            self._read_back(shadow, site, effects, accesses, actor, frame)
        return accesses

    @staticmethod
    def _makes(site: Site) -> bool:
        """Whether what is accessed at a site is an object that is being made there."""
        return site.expression == "self" and site.function.endswith(".__init__")

    def _store(self, shadow: ObjectShadow, variable: Variable, access: Access, moment: Moment) -> None:
        """Remember what a write replaces; several writes of one step are one."""
        last = variable.last_write()
        if last is not None and last.moment.actor is moment.actor and last.moment.step == moment.step:
            access.before = last.before
        else:
            access.before = self._replaced(shadow, variable.where, access.site)
        if access.before is not UNKNOWN:
            self._written.append((shadow, variable.where, access))

    @staticmethod
    def _replaced(shadow: ObjectShadow, where: Hashable, site: Site) -> object:
        """A digest of the value that a write is about to replace."""
        if site.operation in (Operation.SUSPENDED_UPDATE, Operation.SUSPENDED_ITEM_UPDATE):
            return UNKNOWN  # its probe comes after the store
        return look(shadow.object(), where)

    def _second_actor(self, shadow: ObjectShadow, actor: Actor) -> None:
        """An object that had one owner is met by somebody else."""
        self._forget_making(shadow)
        moments = shadow.recent.values()
        last = max(moments, key=lambda moment: moment.time, default=None)
        if last is None or last.before_without_locks(actor.moment):
            shadow.owner = actor
            shadow.recent.clear()
            shadow.effects.clear()
            shadow.before.clear()
            shadow.born = None
        else:
            self._share(shadow, actor)

    def _forget_making(self, shadow: ObjectShadow) -> None:
        """Drop what was done to an object before anybody else could know of it.

        Whoever meets an object has got it from somewhere, and so after it was made. Nobody runs in the midst of
        a task's step, so this holds for all of the step; in a thread it holds for the making alone.
        """
        born = shadow.born
        if born is None:
            return
        sites = self.tables.sites
        for recent, moment in list(shadow.recent.items()):
            if moment.actor is born.actor and moment.step == born.step:
                number = recent if isinstance(recent, int) else recent[0]
                if born.actor.kind != "thread" or self._makes(sites[number]):
                    del shadow.recent[recent]
                    shadow.effects.pop(recent, None)

    def _share(self, shadow: ObjectShadow, actor: Actor) -> None:
        """Give each variable of an object a shadow of its own; what `actor` does now is not over yet."""
        shared: dict[Hashable, Variable] = {}
        for recent, moment in sorted(shadow.recent.items(), key=lambda item: item[1].time):
            site = self.tables.sites[recent if isinstance(recent, int) else recent[0]]
            effects = shadow.effects.get(recent)
            if effects is None:
                assert site.name is not None
                stored = not isinstance(recent, int)
                kind = WRITE if stored else _KIND.get(site.operation, READ)
                effects = ((site.name, kind),)
            for where, kind in effects:
                variable = shared.get(where)
                if variable is None:
                    variable = shared[where] = Variable(shadow, where)
                access = Access(kind, site, moment)
                if kind & WRITE:
                    before = shadow.before.get(where)
                    if before is not None and before[0].actor is moment.actor and before[0].step == moment.step:
                        access.before = before[1]
                        if moment.actor is actor and moment.step == actor.step:
                            self._written.append((shadow, where, access))
                        else:
                            self._settle(shadow, where, access)
                variable.access(access, self.sink)
        shadow.effects.clear()
        shadow.before.clear()
        shadow.shared = shared

    # Critical sections

    def _act(
        self,
        shadow: ObjectShadow,
        site: Site,
        effects: Effects,
        accesses: dict[Hashable, Access],
        actor: Actor,
        frame: FrameType,
    ) -> None:
        """Look whether a write relies on something that was read in an earlier step."""
        written = {where for where, kind in effects if kind & WRITE}
        best: Entry | None = None
        best_control = False
        for entry, control in self.activations.relied_on(frame, site):
            if entry.shadow is not shadow or entry.site is site or entry.moment.actor is not actor:
                continue
            if not any(where in written for where in entry.variables):
                continue
            if entry.acted_on and (control or entry.site.condition):
                continue
            if not control and self._moves_an_element(shadow, site, entry.site):
                continue
            if entry.site.operation is Operation.CALL and entry.site.name in REMOVALS:
                continue
            if best is None or entry.moment.time > best.moment.time:
                best, best_control = entry, control
            elif entry.moment.time == best.moment.time:
                best_control = best_control or control
            if control and entry.moment.step == actor.step:
                entry.acted_on = True
        if best is None:
            return
        shadow.relied.add((actor.slot, site.number))
        if best.moment.step == actor.step:
            if best_control:
                self._guards.checked_and_set(shadow, written, actor)
            return
        where = next(where for where, kind in effects if kind & WRITE and where in best.variables)
        self._complete(shadow, where, site, best.moment, accesses.get(where), actor, best_control, best.site)

    @staticmethod
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
        return start.operation is Operation.CALL and start.name in {"get", "popleft", "pop", "popitem", "__getitem__"}

    def _read_back(
        self,
        shadow: ObjectShadow,
        site: Site,
        effects: Effects,
        accesses: dict[Hashable, Access],
        actor: Actor,
        frame: FrameType,
    ) -> None:
        """Look whether a read finds what the same activation wrote in an earlier step."""
        where = effects[0][0]
        latest: Entry | None = None
        for number in self.tables.reads_back[site.number]:
            entry = self.activations.entry_of(frame, number)
            if entry is not None and entry.shadow is shadow and where in entry.variables:
                if latest is None or entry.moment.time > latest.moment.time:
                    latest = entry
        if latest is not None and latest.moment.actor is actor and latest.moment.step != actor.step:
            self._read_backs.append((shadow, where, site, latest, accesses.get(where)))

    def _settle_read_backs(self, actor: Actor) -> None:
        """What was read and written again in one step was not taken to be unchanged."""
        waiting, self._read_backs = self._read_backs, []
        for shadow, where, site, latest, access in waiting:
            if shadow.shared is None:
                noted = shadow.before.get(where)
                rewritten = noted is not None and noted[0].actor is actor and noted[0].step == actor.step
            else:
                last = shadow.shared[where].last_write() if where in shadow.shared else None
                rewritten = last is not None and last.moment.actor is actor and last.moment.step == actor.step
            if not rewritten:
                self._complete(shadow, where, site, latest.moment, access, actor, False, latest.site)

    def _complete(
        self,
        shadow: ObjectShadow,
        where: Hashable,
        site: Site,
        start: Moment,
        end: Access | None,
        actor: Actor,
        by_control: bool,
        start_site: Site | None = None,
    ) -> None:
        if shadow.shared is None:
            self._share(shadow, actor)
        assert shadow.shared is not None
        variable = shadow.shared.get(where)
        if variable is None:
            variable = shadow.shared[where] = Variable(shadow, where)
        if end is None:
            last = variable.last_write()
            if last is not None and last.site is site and last.moment is actor.moment:
                end = last
            else:
                end = Access(READ if site.number in self.tables.reads_back else WRITE, site, actor.moment)
        variable.complete(Section(start_site or site, start, end, by_control), self.sink)
