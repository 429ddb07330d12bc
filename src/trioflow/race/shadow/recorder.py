"""The recorder: what becomes of an access that a probe could not dismiss at a glance.

PYTEST_DONT_REWRITE

This is the reference recorder, in Python. What it does for an access, in this order: find out whether there
is a variable at all, find its shadow, and unless the same site did the same in this epoch already,
note the access (`memory`) and see what relies on it, or on what it relies (`reliance`).
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

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
from trioflow.race.shadow import annotated, faults
from trioflow.race.shadow.annotated import declared_by_type, declared_of, is_declared
from trioflow.race.shadow.blocks import Blocks
from trioflow.race.shadow.containers import ABSENT, KEYED, READ, UPDATE, WRITE, Effects, effects_of, key_of
from trioflow.race.shadow.context import context
from trioflow.race.shadow.generated import SPELT
from trioflow.race.shadow.guarded import Guarded
from trioflow.race.shadow.handed import Handed
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.indirect import Indirect
from trioflow.race.shadow.iterations import Iterations
from trioflow.race.shadow.kinds import (
    Attribute,
    Container,
    TypeTable,
    attribute_of,
    class_variable,
    container_of,
    forget_local_types,
    is_a,
    is_module_variable,
    lookup,
    name_of,
    name_of_module,
)
from trioflow.race.shadow.memory import Memory
from trioflow.race.shadow.reliance import Reliance
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.values import Scope, content, digest
from trioflow.race.shadow.variables import Access, Sink


@final
class Recorder:
    """Everything that is remembered of one test; emptied at its end."""

    def __init__(self, tables: SiteTables, sink: Sink) -> None:
        self.tables = tables
        self.memory = Memory(tables, sink)
        self.shadows = self.memory.shadows
        self.reliance = Reliance(tables, self.memory)
        self.computed: TypeTable[int, type] = TypeTable()
        """By site, a type on which its attribute is no variable; or on which its method is no container's."""
        self.variables: TypeTable[int, type] = TypeTable()
        """By site, a type on whose instances its attribute is a variable."""
        self._lock = allocate_lock()
        self.blocks = Blocks(self.memory, self._lock)
        self.guarded = Guarded(self.shadows, sink)
        self.indirect = Indirect(tables, self.memory, self._shadow, self._touch, self._lock)
        self.handed = Handed(self.memory, self._shadow, self._touch, self._attribute, self._lock)
        self.iterations = Iterations(tables, self.memory, self.reliance, self._shadow, self._touch, self._lock)
        self._modules: dict[str, Scope] = {}
        self._suspended_calls: dict[tuple[int, int], tuple[Any, object]] = {}
        self._suspended: dict[tuple[int, int], tuple[ObjectShadow, Effects, Moment]] = {}

    def begin(self, registry: Registry) -> None:
        """Forget everything; a new test starts."""
        self.memory.clear()
        self.blocks.clear()
        self.guarded.clear()
        self.reliance.clear()
        self.iterations.clear()
        self.handed.clear()
        self.computed.forget_local_types()
        self.variables.forget_local_types()
        forget_local_types()
        annotated.forget_local_types()
        self._modules.clear()
        self._suspended.clear()
        self._suspended_calls.clear()
        registry.on_spawn = self._watch

    def _watch(self, actor: Actor) -> None:
        actor.on_step_end = self.step_ended
        if actor.parent is not None:
            self.reliance.activations.started(actor, actor.parent, sys._getframe(2))

    def step_ended(self, actor: Actor) -> None:
        """A task reaches a checkpoint."""
        self.reliance.step_ended(actor)
        self.memory.step_ended()
        if context.pending:
            context.pending.clear()

    def forked(self) -> None:
        """Go on in the child of a fork, in which nobody is left who would release the lock."""
        if self._lock.locked():
            self._lock.release()

    # What the probes call. Each has been called by a probe, which has been called by the code under test.

    def attribute(self, value: Any, number: int, actor: Actor) -> None:
        """An attribute is read, written, updated or deleted."""
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                tables = self.tables
                site = tables.sites[number]
                if self.variables.get(number) is not type(value):
                    self._attribute(value, site, tables.kinds[number], actor, sys._getframe(2))
                    return
                # Of a type that is no container's, so that its address alone is the key.
                shadow = self.shadows.by_id.get(id(value))
                if shadow is None:
                    shadow = self._shadow(value, None, actor)
                plain = number in tables.plain
                if plain and shadow.shared is not None and self.memory.reads_again(shadow, site, actor.moment):
                    return
                effects = tables.effects[number]
                accesses = self.memory.record(shadow, number, site, effects, actor)
                if not plain:
                    self.reliance.follow(shadow, site, effects, accesses, actor, sys._getframe(2))
        except Exception as error:
            faults.report("attribute", error)
        finally:
            context.recording = False

    def named(self, value: Any, number: int, name: str, actor: Actor) -> None:
        """An attribute is accessed whose name only the running program knows."""
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.memory.renamed(number, name)
                self._attribute(value, site, self.tables.kinds[number], actor, sys._getframe(2), (number, name))
        except Exception as error:
            faults.report("named", error)
        finally:
            context.recording = False

    def contents(self, value: Any, number: int, key: object, actor: Actor) -> None:
        """The contents of something are accessed, which may be a container."""
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                kind = container_of(type(value))
                if site.name in SPELT and self.indirect.generated(value, site, actor, sys._getframe(2)):
                    return
                if kind is not None:
                    self._contents(value, kind, site, key, actor, sys._getframe(2))
                elif self.indirect.delegated(value, site, key, actor, sys._getframe(2)):
                    return
                elif site.operation is Operation.CALL:
                    self._attribute(value, site, READ, actor, sys._getframe(2))
                else:
                    self.computed.learn(number, type(value), type(value))
        except Exception as error:
            faults.report("contents", error)
        finally:
            context.recording = False

    def held(self, value: Any, number: int, key: object, inside: int, actor: Actor) -> None:
        """What an attribute or a key holds is about to be changed in place, if it is a container."""
        if context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                where = self.tables.sites[number].name if key is ABSENT else key_of(key)
                if where is not None and where is not ABSENT:
                    self._held(value, where, inside, actor, sys._getframe(2))
        except Exception as error:
            faults.report("held", error)
        finally:
            context.recording = False

    def name(self, scope: Scope | None, number: int, actor: Actor, value: object) -> None:
        """A global name or closure variable, whose value is now `value`, is accessed."""
        if context.recording or actor.ended:
            return
        context.recording = True
        try:
            with self._lock:
                site = self.tables.sites[number]
                if scope is None:
                    scope = self.module(site.module)
                assert site.name is not None
                shadow = self._shadow(scope, None, actor)
                kind = self.tables.kinds[number]
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
        self.reliance.activations.enter(sys._getframe(2))

    def suspend(self, value: Any, number: int, key: object, actor: Actor) -> None:
        """An augmented assignment with a checkpoint in its value has read its target."""
        if context.recording or actor.ended:
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

    def resume(self, number: int, actor: Actor, inside: int = 0) -> None:
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
                    end = None if accesses is None else accesses.get(where)
                    self.reliance.complete(shadow, where, moment, site, site, end, actor)
                if inside:
                    self._held(shadow.object(), writes[0][0], inside, actor, frame)
        except Exception as error:
            faults.report("resume", error)
        finally:
            context.recording = False

    def suspend_call(self, value: Any, number: int, key: object) -> None:
        """The receiver of a method call has been evaluated; there is a checkpoint in the call's arguments."""
        self._suspended_calls[id(sys._getframe(2)), number] = (value, key)

    def resume_call(self, number: int, actor: Actor, last: object) -> None:
        """The last argument with a checkpoint has been evaluated: now the method is called, or that is the key."""
        frame = sys._getframe(2)
        suspended = self._suspended_calls.pop((id(frame), number), None)
        if suspended is None or context.recording:
            return
        context.recording = True
        try:
            with self._lock:
                value, key = suspended
                site = self.tables.sites[number]
                kind = container_of(type(value))
                if number in self.tables.kinds:
                    recent = None
                    if site.name is None:
                        if type(last) is not str:
                            return
                        site, recent = self.memory.renamed(number, last), (number, last)
                    self._attribute(value, site, self.tables.kinds[number], actor, frame, recent)
                    if recent is not None:
                        self.computed.pop(number, None)  # that one name is computed says nothing of others
                elif kind is not None:
                    if site.operation is not Operation.CALL and key is ABSENT:
                        key = last
                    self._contents(value, kind, site, key, actor, frame)
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
            if is_a(value, type) or attribute_of(type(value), site.name) is Attribute.COMPUTED:
                return None
            return self._shadow(value, None, actor), ((site.name, UPDATE),), site.number
        kind = container_of(type(value))
        if kind is None:
            return None
        effects = effects_of(kind, value, site.operation, site.name, key)
        return self._shadow(value, kind, actor), effects, (site.number, key_of(key))

    def _attribute(self, value: Any, site: Site, kind: int, actor: Actor, frame: FrameType, recent: Any = None) -> None:
        name = site.name
        assert name is not None
        cls = type(value)
        if is_a(value, types.ModuleType):
            if kind == READ and not is_module_variable(value, name):
                self.computed.learn(site.number, cls, cls)
                return
            value = self.module(name_of_module(value))
        elif is_a(value, type):
            owner = class_variable(value, name, written=kind != READ)
            if owner is None:
                if site.operation is Operation.CALL:
                    self.computed.learn(site.number, cls, cls)
                return
            value = owner
        else:
            found = attribute_of(cls, name)
            if found is Attribute.COMPUTED:
                self.computed.learn(site.number, cls, cls)
                return
            if found is Attribute.INSTANCE:
                if site.operation is not Operation.CALL and container_of(cls) is None and not is_declared(cls, name):
                    self.variables.learn(site.number, cls, cls)
            elif kind == READ and not self._is_set(value, cls, name, site, actor, frame):
                return
        shadow = self._shadow(value, None, actor)
        self._touch(shadow, recent or site.number, site, ((name, kind),), actor, frame)

    def _is_set(self, value: Any, cls: type, name: str, site: Site, actor: Actor, frame: FrameType) -> bool:
        """Whether a read finds a variable on the instance; one that finds the class's default reads both."""
        try:
            raw = object.__getattribute__(value, name)
        except Exception:
            return False
        found = lookup(cls, name)
        if found is not None and found[1] is raw:
            shadow = self._shadow(found[0], None, actor)
            self._touch(shadow, (site.number, name), site, ((name, READ),), actor, frame)
        return True

    def module(self, name: str) -> Scope:
        """What stands for the globals of a module."""
        scope = self._modules.get(name)
        if scope is None:
            scope = self._modules[name] = Scope(name)
        return scope

    def _contents(
        self, value: Any, kind: Container, site: Site, key: object, actor: Actor, frame: FrameType, recent: Any = None
    ) -> None:
        effects = effects_of(kind, value, site.operation, site.name, key)
        if effects:
            if not recent:
                recent = site.number
                keyed = site.operation is not Operation.CALL or site.name in KEYED
                if keyed and not site.constant_key and key is not ABSENT:
                    recent = (site.number, key_of(key))
            self._touch(self._shadow(value, kind, actor), recent, site, effects, actor, frame)

    def _held(self, value: Any, where: Hashable, inside: int, actor: Actor, frame: FrameType) -> None:
        held = content(value, where)
        kind = container_of(type(held))
        if kind is None:
            self.computed.learn(inside, type(value), type(value))
        else:
            self._contents(held, kind, self.tables.sites[inside], ABSENT, actor, frame)

    def _shadow(self, value: Any, kind: Container | None, actor: Actor) -> ObjectShadow:
        """The shadow of an object's attributes, or of a container's contents if `kind` says that it is one."""
        key = id(value)
        if kind is None and container_of(type(value)) is not None:
            key = ~key  # one of a class derived from a container's: its attributes are no keys
        shadow = self.shadows.by_id.get(key)
        if shadow is None:
            label = name_of(value if is_a(value, type) else type(value))
            shadow = self.shadows.make(value, key, kind, actor, label)
            if kind is None:
                # Most types have been met, and nothing is declared of them.
                if declared_by_type.get(type(value), self) is not None:
                    shadow.declared = declared_of(value)
            elif self.guarded.expected:
                shadow.declared = self.guarded.expected.pop(key, None)
        return shadow

    def _touch(
        self, shadow: ObjectShadow, recent: Any, site: Site, effects: Effects, actor: Actor, frame: FrameType
    ) -> dict[Hashable, Access] | None:
        """Note an access, and what relies on it or on what it relies."""
        accesses = self.memory.record(shadow, recent, site, effects, actor)
        if shadow.declared is not None:
            self.guarded.check(shadow, site, effects, actor, frame)
        if site.number not in self.tables.plain:
            self.reliance.follow(shadow, site, effects, accesses, actor, frame)
        return accesses
