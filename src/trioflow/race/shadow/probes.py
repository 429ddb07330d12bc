"""The probes: what rewritten code calls.

PYTEST_DONT_REWRITE

A probe returns its first argument, whatever happens. Its fast path is written out in each, since it
is what an instrumented program spends most of its time on: nobody is watched in this thread, or the
same site did the same to the same object in this epoch. All else is the recorder's.

Probes live in `builtins` under names that are no identifiers, so that no namespace of the program
shows them. Rewritten modules outlive the detector, therefore the names stay, and stand for functions
that do nothing but return their argument while no detector is active.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from typing import Any

from trioflow.race.model.declarations import listening
from trioflow.race.shadow.containers import ABSENT
from trioflow.race.shadow.context import context
from trioflow.race.shadow.handed import CALLED, watch
from trioflow.race.shadow.kinds import positional_attributes
from trioflow.race.shadow.recorder import Recorder
from trioflow.race.shadow.values import Scope

_PLAIN = frozenset({str, int, bytes, bool, float, type(None)})
_MANY = 256
_at_work: list[Recorder] = []
"""The recorder of the detector that runs, if one does."""


def _through(value: Any = None, *_: Any) -> Any:
    """Stand in for a probe while no detector is active."""
    return value


def attribute_probes(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """The probes for attributes."""
    by_id = recorder.shadows.by_id
    plain = recorder.tables.plain
    making = recorder.tables.making
    silent = recorder.tables.constancy.silent
    births = recorder.tables.constancy.births
    born = recorder.memory.births
    variables = recorder.variables
    computed = recorder.computed

    def read(value: Any, site: int) -> Any:
        if site in silent:
            return value
        actor = context.actor
        if actor is None:
            return value
        shadow = by_id.get(id(value))
        if shadow is not None:
            moment = actor.moment
            if shadow.recent.get(site) is moment:
                return value
            if shadow.shared is None and shadow.owner is actor:
                if site in plain and variables.get(site) is type(value):
                    # Read by its only owner: nothing but the time is new.
                    shadow.recent[site] = moment
                    return value
                if shadow.born is moment and site in making:
                    return value  # nobody else can know of it yet
        elif site in births:
            born[id(value)] = actor.moment
            return value
        if computed.get(site) is not type(value):
            recorder.attribute(value, site, actor)
        return value

    def write(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is None:
            return value
        shadow = by_id.get(id(value))
        if shadow is not None:
            moment = actor.moment
            if shadow.recent.get(site) is moment:
                return value
            if shadow.shared is None and shadow.owner is actor:
                if site in plain and variables.get(site) is type(value):
                    # Read by its only owner: nothing but the time is new.
                    shadow.recent[site] = moment
                    return value
                if shadow.born is moment and site in making:
                    return value  # nobody else can know of it yet
        elif site in births:
            born[id(value)] = actor.moment
            return value
        if computed.get(site) is not type(value):
            recorder.attribute(value, site, actor)
        return value

    def update(value: Any, site: int, inside: int = 0) -> Any:
        actor = context.actor
        if actor is None:
            return value
        shadow = by_id.get(id(value))
        if shadow is not None and shadow.recent.get(site) is actor.moment:
            return value
        if computed.get(site) is not type(value):
            recorder.attribute(value, site, actor)
            if inside and computed.get(inside) is not type(value) and computed.get(site) is not type(value):
                recorder.held(value, site, ABSENT, inside, actor)
        return value

    def named(value: Any, site: int, name: object) -> Any:
        actor = context.actor
        if actor is not None and type(name) is str:
            shadow = by_id.get(id(value))
            if shadow is None or shadow.recent.get((site, name)) is not actor.moment:
                recorder.named(value, site, name, actor)
        return value

    def on(name: Any, site: int, value: Any) -> Any:
        actor = context.actor
        if actor is not None and type(name) is str:
            shadow = by_id.get(id(value))
            if shadow is None or not recorder.memory.wrote_in_step(shadow, name, actor):
                recorder.named(value, site, name, actor)
        return name

    def imported(site: int, module: str) -> None:
        actor = context.actor
        if actor is not None and module in sys.modules:
            recorder.attribute(sys.modules[module], site, actor)

    def matched(value: Any, site: int, count: int) -> Any:
        actor = context.actor
        if actor is not None:
            for name in positional_attributes(value)[:count]:
                recorder.named(value, site, name, actor)
        return value

    def begin(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            recorder.suspend(value, site, ABSENT, actor)
        return value

    def finish(site: int, inside: int = 0) -> None:
        actor = context.actor
        if actor is not None:
            recorder.resume(site, actor, inside)

    return {
        "read": read,
        "write": write,
        "update": update,
        "named": named,
        "on": on,
        "imported": imported,
        "matched": matched,
        "begin": begin,
        "finish": finish,
    }


def attentive_probes(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """The probes for attributes while a block is open: now an only owner's reads count as well."""
    by_id = recorder.shadows.by_id
    computed = recorder.computed

    def attentive(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is None:
            return value
        shadow = by_id.get(id(value))
        known = shadow is not None and shadow.recent.get(site) is actor.moment
        if not known and computed.get(site) is not type(value):
            recorder.attribute(value, site, actor)
        return value

    return {"read": attentive, "write": attentive}


def content_probes(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """The probes for the contents of containers."""
    by_id = recorder.shadows.by_id
    computed = recorder.computed

    def keyed(value: Any, site: int, key: Any = ABSENT) -> Any:
        actor = context.actor
        if actor is None or computed.get(site) is type(value):
            return value
        shadow = by_id.get(id(value))
        if shadow is not None:
            moment = actor.moment
            recent = shadow.recent
            if (type(key) in _PLAIN and recent.get((site, key)) is moment) or recent.get(site) is moment:
                return value
        recorder.contents(value, site, key, actor)
        return value

    def item_update(value: Any, site: int, key: object, inside: int = 0) -> Any:
        actor = context.actor
        if actor is None or computed.get(site) is type(value):
            return value
        shadow = by_id.get(id(value))
        if shadow is not None:
            moment = actor.moment
            recent = shadow.recent
            if (type(key) in _PLAIN and recent.get((site, key)) is moment) or recent.get(site) is moment:
                return value
        recorder.contents(value, site, key, actor)
        if inside and computed.get(inside) is not type(value):
            recorder.held(value, site, key, inside, actor)
        return value

    def whole(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is None or computed.get(site) is type(value):
            return value
        shadow = by_id.get(id(value))
        if shadow is None or shadow.recent.get(site) is not actor.moment:
            recorder.contents(value, site, ABSENT, actor)
        return value

    def item_begin(value: Any, site: int, key: Any) -> Any:
        actor = context.actor
        if actor is not None:
            recorder.suspend(value, site, key, actor)
        return value

    def base(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None and computed.get(site) is not type(value):
            pending = context.pending
            if pending and pending[-1][0] == site and pending[-1][2]:
                key = pending.pop()[1]
                recorder.contents(value, site, key, actor)
            else:
                _push(pending, (site, value, False))
        return value

    def key(value: Any, site: int, inside: int = 0) -> Any:
        actor = context.actor
        if actor is not None:
            pending = context.pending
            if pending and pending[-1][0] == site and not pending[-1][2]:
                container = pending.pop()[1]
                recorder.contents(container, site, value, actor)
                if inside and computed.get(inside) is not type(container):
                    recorder.held(container, site, value, inside, actor)
            elif recorder.tables.sites[site].name is None:
                _push(pending, (site, value, True))
        return value

    def call_begin(value: Any, site: int, key: Any = ABSENT) -> Any:
        if context.actor is not None and computed.get(site) is not type(value):
            recorder.suspend_call(value, site, key)
        return value

    def call_end(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            recorder.resume_call(site, actor, value)
        return value

    def bound(method: Any, site: int, key: Any = ABSENT) -> Any:
        actor = context.actor
        if actor is not None and type(method) in CALLED:
            recorder.handed.call(method, site, key, actor)
        return method

    def handed(value: Any, site: int) -> Any:
        if context.actor is not None:
            recorder.handed.over(value, site)
        return value

    def used(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            recorder.handed.used(value, site, actor)
        return value

    def fields(value: Any, site: int, *without: str) -> Any:
        actor = context.actor
        if actor is not None:
            recorder.indirect.fields(value, site, without, actor)
        return value

    names = "call item_read item_write member"
    probes: dict[str, Callable[..., Any]] = dict.fromkeys(names.split(), keyed)
    probes |= dict.fromkeys("shape iterate contents contents_write".split(), whole)
    probes |= {"item_update": item_update, "item_begin": item_begin, "base": base, "key": key}
    probes |= {"fields": fields, "handed": handed, "used": used}
    return probes | {"call_begin": call_begin, "call_end": call_end, "bound": bound}


def _push(pending: list[tuple[int, Any, bool]], entry: tuple[int, Any, bool]) -> None:
    """Keep the first half of a pair of probes; halves that an exception left behind are dropped."""
    if len(pending) > _MANY:
        pending.clear()
    pending.append(entry)


def iteration_probes(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """The probes for loops that go on across a checkpoint, and for iterators that are kept."""
    iterations = recorder.iterations

    def loop(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            iterations.loop(value, site, actor)
        return value

    def made(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            iterations.make(value, site, actor)
        return value

    def taken(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            iterations.step(value, site, actor)
        return value

    def advance(site: int) -> int:
        actor = context.actor
        if actor is not None:
            iterations.advance(site, actor)
        return site  # as a condition of a comprehension it is true

    def ended(value: Any, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            iterations.advance(site, actor)
        return value

    return {"loop": loop, "made": made, "taken": taken, "advance": advance, "ended": ended}


def name_probes(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """The probes for global names and closure variables."""
    by_id = recorder.shadows.by_id

    def name(value: Any, scope: Scope | None, site: int) -> Any:
        actor = context.actor
        if actor is not None:
            shadow = None if scope is None else by_id.get(id(scope))
            if shadow is None or shadow.recent.get(site) is not actor.moment:
                recorder.name(scope, site, actor, value)
        return value

    def name_written(scope: Scope | None, site: int, value: Any = ABSENT) -> None:
        actor = context.actor
        if actor is not None:
            recorder.name(scope, site, actor, value)

    def enter(_site: int) -> None:
        if context.actor is not None:
            recorder.enter()

    return {"name_read": name, "name_write": name, "name_written": name_written, "enter": enter}


def install(recorder: Recorder) -> None:
    """Make the probes record."""
    probes = attribute_probes(recorder) | content_probes(recorder) | name_probes(recorder)
    probes |= iteration_probes(recorder)
    for name, probe in probes.items():
        builtins.__dict__["@" + name] = probe
    plain = {name: probes[name] for name in ("read", "write")}
    attentive = attentive_probes(recorder)

    def attend(attentively: bool) -> None:
        for name, probe in (attentive if attentively else plain).items():
            builtins.__dict__["@" + name] = probe

    recorder.blocks.attend = attend
    listening.listener = recorder.blocks
    _at_work.append(recorder)
    builtins.__dict__["@scope"] = Scope
    watch(recorder.handed)


def uninstall() -> None:
    """Make the probes do nothing."""
    watch(None)
    listening.listener = None
    _at_work.clear()
    for name in builtins.__dict__:
        if name.startswith("@") and name not in ("@scope", "@locals") and not name.startswith("@py"):
            builtins.__dict__[name] = _through


def _forked() -> None:
    """This is the child of a fork, in which no thread is left but this one."""
    for recorder in _at_work:
        recorder.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
