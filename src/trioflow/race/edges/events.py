"""Events and cancellation: what was set or cancelled happens before whoever sees it.

PYTEST_DONT_REWRITE

Tasks that are blocked are woken by `reschedule`. What is left are those that only look. `Event.wait`
looks at the flag without calling anything, so the flag's slot itself is watched: that adds no frame to
a coroutine.
"""

from __future__ import annotations

import sys
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Release
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.shadow import faults


@final
class _Flag:
    """The slot of an event's flag: set it is a release, seen set an acquisition."""

    def __init__(self, member: Any) -> None:
        self._member = member
        self._set_code = _trio.code_of(trio.Event.set)
        self.__doc__ = member.__doc__

    def __get__(self, event: Any, owner: Any = None) -> Any:
        if event is None:
            return self
        value = self._member.__get__(event, owner)
        # `set` looks whether there is anything left to do, which nobody sees.
        if value and sys._getframe(1).f_code is not self._set_code:
            try:
                session = sessions.current()
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    actor.acquire(session.shadows.get(event))
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        return value

    def __set__(self, event: Any, value: Any) -> None:
        if value:
            try:
                session = sessions.current()
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    session.shadows.set(event, actor.release())
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        self._member.__set__(event, value)

    def __delete__(self, event: Any) -> None:
        self._member.__delete__(event)


@final
class _ScopeShadow:
    """Who cancelled a scope, or set its deadline."""

    __slots__ = ("cancelled", "deadline")

    def __init__(self) -> None:
        self.cancelled: Release | None = None
        self.deadline: Release | None = None


def _shadow(session: sessions.Session, scope: trio.CancelScope) -> _ScopeShadow:
    shadow = session.shadows.get(scope)
    if shadow is None:
        shadow = _ScopeShadow()
        session.shadows.set(scope, shadow)
    return shadow


@final
class _CancelWatch(Watch):
    """A scope is cancelled, by a task or because its deadline has come."""

    def before(self, scope: trio.CancelScope, *_: Any, **__: Any) -> None:
        session = sessions.current()
        if session is None or _trio.is_cancel_called(scope):
            return
        actor = session.actor()
        if actor is not None:
            _shadow(session, scope).cancelled = actor.release()
        else:
            # Between steps only the clock cancels: whoever set the deadline is the cause.
            shadow = session.shadows.get(scope)
            if shadow is not None:
                shadow.cancelled = shadow.deadline


@final
class _AbortWatch(Watch):
    """A cancellation is delivered; the task may have been running or runnable when it was made."""

    def before(self, task: trio.lowlevel.Task, *_: Any) -> None:
        session = sessions.current()
        actor = None if session is None else session.tasks.get(task)
        if session is None or actor is None:
            return
        status = _trio.cancel_status(task)
        while status is not None and status.effectively_cancelled:
            scope = status._scope
            shadow = session.shadows.get(scope)
            if shadow is not None and shadow.cancelled is not None:
                actor.wake(shadow.cancelled)
            if scope.shield:
                break
            status = status._parent


def _watched_deadline(original: property) -> property:
    getter, setter = original.fget, original.fset
    assert setter is not None

    def set_deadline(scope: trio.CancelScope, value: float) -> None:
        session = sessions.current()
        if session is not None:
            try:
                actor = session.actor()
                if actor is not None:
                    _shadow(session, scope).deadline = actor.release()
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        setter(scope, value)

    return property(getter, set_deadline, original.fdel, original.__doc__)


def _watched_cancel_called(original: property) -> property:
    getter = original.fget
    assert getter is not None
    own_look = _trio.code_of(_trio.part("trio._core._run", "CancelStatus").recalculate)

    def cancel_called(scope: trio.CancelScope) -> bool:
        called: bool = getter(scope)
        if called and sys._getframe(1).f_code is not own_look:
            try:
                session = sessions.current()
                actor = None if session is None else session.actor()
                shadow = None if session is None else session.shadows.get(scope)
                if actor is not None and shadow is not None:
                    actor.acquire(shadow.cancelled)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        return called

    return property(cancel_called, original.fset, original.fdel, original.__doc__)


def install(patches: Patches) -> None:
    """Watch events and cancel scopes."""
    patches.replace(trio.Event, "_flag", _Flag(vars(trio.Event)["_flag"]))
    scope = trio.CancelScope
    patches.watch(scope, _trio.cancelling_method(), _CancelWatch(), protect=True)
    for name in ("deadline", "relative_deadline"):
        if name in vars(scope):
            patches.replace(scope, name, _watched_deadline(vars(scope)[name]))
    patches.replace(scope, "cancel_called", _watched_cancel_called(vars(scope)["cancel_called"]))
    patches.watch(trio.lowlevel.Task, "_attempt_abort", _AbortWatch())
