"""Activations of coroutine functions: which reads and calls each has made, for the linking of critical sections.

PYTEST_DONT_REWRITE

The rewriter knows on which reads, calls and parameters of its function a write depends. What these
were in one activation is remembered here, and linked across functions: a value that a helper returns is
followed through the call to the reads on which it depends, a parameter to what the caller passed.

An activation is found by the address of its frame. Addresses are used again, so every coroutine
function starts with a probe that makes a new one. Plain functions have none: nothing can happen
between their first line and their last, so what they read and write counts for the call in the
innermost coroutine below which they run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple, cast, final

from trioflow.race.model.sites import Dependence, Operation, Site
from trioflow.race.shadow.context import context

if TYPE_CHECKING:
    from trioflow.race.clocks.actor import Actor, Moment
    from trioflow.race.shadow.identity import ObjectShadow
    from trioflow.race.shadow.sites import SiteTables

_DEPTH = 32
_LINKS = 8
_MANY = 4096
_PER_CALL = 32
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})


@final
class Entry:
    """An access on which something later may rely."""

    __slots__ = ("acted_on", "moment", "shadow", "site", "variables")

    def __init__(self, site: Site, shadow: ObjectShadow, variables: tuple[Hashable, ...], moment: Moment) -> None:
        self.site = site
        self.shadow = shadow
        self.variables = variables
        self.moment = moment
        self.acted_on = False
        """Whether a write in the same step was decided by it: what it said was made use of at once."""


@final
class _Carried(NamedTuple):
    """A variable in which somebody has stored what was read elsewhere."""

    shadow: ObjectShadow
    activation: Activation
    site: Site
    moment: Moment


@final
class Origin:
    """Where a task or job was started, and on what that relied."""

    __slots__ = ("activation", "entries", "time")

    def __init__(self, entries: tuple[tuple[Entry, bool], ...], activation: Activation | None, time: int) -> None:
        self.entries = entries
        """Each with whether it was relied on by control."""
        self.activation = activation
        """What started it, whose locals an inner function may read."""
        self.time = time


def origin_of(actor: Actor | None) -> Origin | None:
    """Where a task or job was started, if that is known."""
    return None if actor is None else cast("Origin | None", actor.origin)


def _handed_down(actor: Actor) -> Iterator[tuple[Entry, bool]]:
    origin = origin_of(actor)
    return iter(() if origin is None else origin.entries)


@final
class Activation:
    """One run of a coroutine function."""

    __slots__ = ("call", "children", "code", "entries", "number", "origin", "parent", "returned")

    def __init__(self, number: int, code: CodeType, parent: Activation | None, call: int | None) -> None:
        self.number = number
        self.code = code
        self.parent = parent
        self.call = call
        self.origin: Origin | None = None
        """For the first of a task, where that was started."""
        self.entries: dict[int, list[Entry]] = {}
        """By site, the last access to each variable."""
        self.children: dict[int, Activation] = {}
        self.returned: dict[int, dict[int, Entry]] = {}
        """By call, what plain functions read during it."""


@final
class Activations:
    """All activations of one test, by the addresses of their frames."""

    def __init__(self, tables: SiteTables) -> None:
        self._tables = tables
        self._by_frame: dict[int, Activation] = {}
        self._latest: dict[int, Entry] = {}
        self._carried: dict[tuple[int, Hashable], _Carried] = {}
        self._count = 0

    def close(self) -> None:
        """Leave no cycles to the garbage collector."""
        for activation in list(self._by_frame.values()):
            activation.children.clear()
        self._carried.clear()

    def enter(self, frame: FrameType) -> None:
        """A coroutine function starts in `frame`."""
        self._count += 1
        parent, call = self._find(frame.f_back)
        activation = Activation(self._count, frame.f_code, parent, call)
        if parent is None:
            activation.origin = origin_of(context.actor)
        elif call is not None:
            parent.children[call] = activation
        table = self._by_frame
        table.pop(id(frame), None)
        table[id(frame)] = activation
        if len(table) > _MANY:
            for old in list(table)[: _MANY // 2]:
                del table[old]

    def _find(self, frame: FrameType | None) -> tuple[Activation | None, int | None]:
        """The innermost activation at or below `frame`, and the call at which it stands."""
        table = self._by_frame
        for _ in range(_DEPTH):
            if frame is None:
                break
            activation = table.get(id(frame))
            if activation is not None and activation.code is frame.f_code:
                return activation, self._tables.call_at(frame.f_code, frame.f_lasti)
            frame = frame.f_back
        return None, None

    def started(self, actor: Actor, parent: Actor, frame: FrameType | None) -> None:
        """`parent` starts a task or a job somewhere below `frame`: what that relied on is handed down to it."""
        found: list[tuple[Entry, bool]] = []
        plain: int | None = None
        starter: Activation | None = None
        for _ in range(_DEPTH):
            if frame is None:
                break
            activation = self._by_frame.get(id(frame))
            if activation is not None and activation.code is frame.f_code:
                starter = activation
                call = self._tables.call_at(frame.f_code, frame.f_lasti)
                if plain is not None:
                    found += self._in_plain_function(plain, parent)
                if call is not None and (plain is None or self._tables.takes_parameters(plain)):
                    found += self._follow(activation, self._tables.depends_of(call), False, _LINKS)
                    found += self._by_callers(activation)
                break
            if plain is None and self._tables.function(frame.f_code) is not None:
                plain = self._tables.call_at(frame.f_code, frame.f_lasti)
            frame = frame.f_back
        if found or starter is not None:
            step = parent.step
            entries = tuple(
                [
                    (entry, control)
                    for entry, control in found
                    if not control or (entry.moment.step == step and entry.site.operation is not Operation.ITERATE)
                ]
            )
            actor.origin = Origin(entries, starter, parent.time)

    def _in_plain_function(self, call: int, actor: Actor) -> Iterator[tuple[Entry, bool]]:
        """What a call in a plain function relies on, which must have been read in this step."""
        depends = self._tables.depends_of(call)
        for numbers, control in ((depends.data, False), (depends.control, True)):
            for number in numbers:
                entry = self._latest.get(number) if isinstance(number, int) else None
                if entry is not None and entry.moment.actor is actor and entry.moment.step == actor.step:
                    yield entry, control

    def note(self, frame: FrameType, entry: Entry) -> None:
        """An access in `frame` on which something may depend."""
        self._latest[entry.site.number] = entry
        activation = self._by_frame.get(id(frame))
        if activation is not None and activation.code is frame.f_code:
            known = activation.entries.get(entry.site.number)
            if known is None:
                activation.entries[entry.site.number] = [entry]
            else:
                _replace(known, entry)
            return
        if frame.f_code.co_name in _COMPREHENSIONS and frame.f_back is not None:
            self.note(frame.f_back, entry)
            return
        activation, call = self._find(frame.f_back)
        if activation is not None and call is not None:
            entries = activation.returned.setdefault(call, {})
            entries[entry.site.number] = entry
            if len(entries) > _PER_CALL:
                del entries[next(iter(entries))]

    def act_on(self, site: int, actor: Actor) -> None:
        """What `actor` read at a site in this step has been made use of at once."""
        entry = self._latest.get(site)
        if entry is not None and entry.moment.actor is actor and entry.moment.step == actor.step:
            entry.acted_on = True

    def relied_on(self, frame: FrameType, site: Site, actor: Actor) -> Iterator[tuple[Entry, bool]]:
        """What an act at `site` in `frame` relies on: entries, each with whether it does so by control."""
        activation = self._by_frame.get(id(frame))
        if activation is not None and activation.code is frame.f_code:
            yield from self._follow(activation, site.depends, False, _LINKS)
        else:
            activation, call = self._find(frame.f_back)
            if activation is None:
                # A function that was started itself, in a thread or as a callback.
                yield from _handed_down(actor)
                return
            if call is not None:
                yield from self._follow(activation, self._tables.depends_of(call), False, _LINKS)
            for number in site.depends.data:
                if number in self._tables.captured:
                    yield from self._follow_captured(activation, number, False, _LINKS)
        yield from self._by_callers(activation)
        for entry, control in _handed_down(actor):
            if control:
                yield entry, True

    def _by_callers(self, activation: Activation) -> Iterator[tuple[Entry, bool]]:
        """What the callers had to find for the call to be made at all."""
        for _ in range(_LINKS):
            parent, call = activation.parent, activation.call
            if parent is None or call is None:
                return
            control = self._tables.depends_of(call).control
            yield from self._follow(parent, Dependence(control=control), True, _LINKS)
            activation = parent

    def _follow(
        self, activation: Activation, depends: Dependence, control: bool, links: int
    ) -> Iterator[tuple[Entry, bool]]:
        if links == 0:
            return
        for numbers, by_control in ((depends.data, control), (depends.control, True)):
            for number in numbers:
                if isinstance(number, str):
                    parent, call = activation.parent, activation.call
                    if parent is not None and call is not None:
                        data = Dependence(data=self._tables.depends_of(call).data)
                        yield from self._follow(parent, data, by_control, links - 1)
                    elif activation.origin is not None:
                        for entry, control_of_start in activation.origin.entries:
                            if not control_of_start:
                                yield entry, by_control
                    continue
                if number in self._tables.captured:
                    yield from self._follow_captured(activation, number, by_control, links - 1)
                    continue
                for entry in (*activation.entries.get(number, ()), *activation.returned.get(number, {}).values()):
                    yield entry, by_control
                    if self._carried:
                        yield from self._follow_carried(entry, by_control, links - 1)
                child = activation.children.get(number)
                if child is None:
                    if self._tables.passes_on(number, activation.code.co_filename):
                        given = Dependence(data=self._tables.depends_of(number).data)
                        yield from self._follow(activation, given, by_control, links - 1)
                else:
                    table = self._tables.function(child.code)
                    if table is not None:
                        yield from self._follow(child, table.returns, by_control, links - 1)

    def carry(self, frame: FrameType, shadow: ObjectShadow, where: Hashable, site: Site, moment: Moment) -> None:
        """A coroutine function in `frame` stores what it has read in a variable."""
        activation = self._by_frame.get(id(frame))
        if activation is None or activation.code is not frame.f_code:
            return
        carried = self._carried
        carried.pop((id(shadow), where), None)
        carried[id(shadow), where] = _Carried(shadow, activation, site, moment)
        if len(carried) > _MANY:
            for old in list(carried)[: _MANY // 2]:
                del carried[old]

    def _follow_carried(self, entry: Entry, control: bool, links: int) -> Iterator[tuple[Entry, bool]]:
        """What flowed into what was read there, if the same actor has stored it: fields carry values, too."""
        carried = self._carried.get((id(entry.shadow), entry.variables[0]))
        if carried is None or carried.moment.actor is not entry.moment.actor:
            return
        if carried.moment.time > entry.moment.time:
            return
        data = Dependence(data=carried.site.depends.data)
        for source, by_control in self._follow(carried.activation, data, control, links):
            other = source.shadow is not entry.shadow or source.variables != entry.variables
            if other and source.moment.time <= carried.moment.time:
                yield source, by_control

    def _follow_captured(
        self, activation: Activation | None, number: int, control: bool, links: int
    ) -> Iterator[tuple[Entry, bool]]:
        """What flows into a local of a function around, which has called or started this one, or its caller."""
        owner = self._tables.captured[number]
        for _ in range(_LINKS):
            if activation is None:
                return
            if activation.code.co_qualname == owner:
                data = Dependence(data=self._tables.depends_of(number).data)
                yield from self._follow(activation, data, control, links)
                return
            origin = activation.origin
            activation = activation.parent if origin is None else origin.activation

    def entries_of(self, frame: FrameType, site: int) -> list[Entry]:
        """What the activation in `frame` did last at one of its sites."""
        activation = self._by_frame.get(id(frame))
        if activation is None or activation.code is not frame.f_code:
            return []
        return activation.entries.get(site, [])


def _replace(entries: list[Entry], new: Entry) -> None:
    """Keep one entry for each variable, the last; and not too many."""
    for index, entry in enumerate(entries):
        if entry.shadow is new.shadow and entry.variables == new.variables:
            entries[index] = new
            return
    if len(entries) >= _PER_CALL:
        del entries[0]
    entries.append(new)
