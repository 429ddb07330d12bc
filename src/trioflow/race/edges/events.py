"""Events and cancellation: what was set or cancelled happens before whoever sees it.

PYTEST_DONT_REWRITE

Tasks that are blocked are woken by `reschedule`. What is left are those that only look. `Event.wait`
looks at the flag without calling anything, so the flag's slot itself is watched: that adds no frame to
a coroutine.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.jobs import name_of
from trioflow.race.edges.session import Session, local, watching
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context


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
                session = watching.session
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    actor.acquire(session.shadows.get(event))
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        return value

    def __set__(self, event: Any, value: Any) -> None:
        if value:
            try:
                session = watching.session
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    session.shadows.set(event, actor.release())
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        self._member.__set__(event, value)

    def __delete__(self, event: Any) -> None:
        self._member.__delete__(event)


def _watching_cancel(original: Callable[..., Any]) -> Callable[..., Any]:
    """A scope is cancelled, by a task or because its deadline has come."""

    def cancel(self: trio.CancelScope, *arguments: Any, **options: Any) -> None:
        session = watching.session
        if session is not None and not _trio.is_cancel_called(self):
            try:
                # Between steps only the clock cancels: whoever set the deadline is the cause.
                actor = session.actor() if local.hosting or _trio.running_task() is not None else None
                cause = session.deadlines.get(self) if actor is None else actor.release()
                if cause is not None:
                    session.shadows.set(self, cause)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        original(self, *arguments, **options)

    return cancel


def _causes(session: Session, status: _trio.CancelStatusParts | None) -> Iterator[Release]:
    """Who has cancelled what is cancelled here, and who took away the shields that kept it off."""
    while status is not None and status.effectively_cancelled:
        scope = status._scope
        for cause in (session.shadows.get(scope), session.unshielded.get(scope)):
            if cause is not None:
                yield cause
        if scope.shield:
            break
        status = status._parent


def _watching_abort(original: Callable[..., Any]) -> Callable[..., Any]:
    """A cancellation is delivered; the task may have been running or runnable when it was made."""

    def attempt_abort(self: trio.lowlevel.Task, raise_cancel: Any) -> None:
        session = watching.session
        actor = None if session is None else session.tasks.get(self)
        if session is not None and actor is not None:
            try:
                causes = list(_causes(session, _trio.cancel_status(self)))
                for cause in causes:
                    actor.wake(cause)
                if causes and _trio.waits_for_thread(self):
                    session.aborted[actor] = causes
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
            canceller = session.actor()
            function = _trio.foreign_abort_function(self)
            if function is not None and canceller is not None and canceller is not actor:
                job = _begin_abort(session, canceller, actor, function)
                try:
                    original(self, raise_cancel)
                finally:
                    _end_abort(session, canceller, actor, job)
                return
        original(self, raise_cancel)

    return attempt_abort


def _begin_abort(session: Session, canceller: Actor, parked: Actor, function: Callable[..., object]) -> Actor | None:
    """A function of the program undoes what a task did before it was parked.

    It runs within the step of whoever cancels, after all that the parked task did; but what the canceller does next
    is not after that. So it is an actor of its own.
    """
    try:
        job = session.spawn(canceller, name_of(function), None, kind="job", release=canceller.release_now())
        job.begin_step()
        job.acquire(parked.release_now())
        context.actor = job
    except Exception as error:  # noqa: BLE001
        faults.report("edges.events", error)
        return None
    return job


def _end_abort(session: Session, canceller: Actor, parked: Actor, job: Actor | None) -> None:
    context.actor = canceller
    if job is None:
        return
    try:
        parked.wake(job.release())
        parked.wake(canceller.release())
        job.end_step()
        session.registry.ended(job)
    except Exception as error:  # noqa: BLE001
        faults.report("edges.events", error)


def _watched_deadline(original: property) -> property:
    getter, setter = original.fget, original.fset
    assert setter is not None

    def set_deadline(scope: trio.CancelScope, value: float) -> None:
        session = watching.session
        if session is not None:
            try:
                actor = session.actor()
                if actor is not None:
                    session.deadlines.set(scope, actor.release())
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        setter(scope, value)

    return property(getter, set_deadline, original.fdel, original.__doc__)


def _watched_cancel_called(original: property) -> property:
    getter = original.fget
    assert getter is not None
    own_look = _trio.code_of(_trio.part("trio._core._run", "CancelStatus").recalculate)

    def cancel_called(scope: trio.CancelScope) -> bool:
        known = _trio.is_cancel_called(scope)
        called: bool = getter(scope)
        if called and sys._getframe(1).f_code is not own_look:
            try:
                session = watching.session
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    # Who finds that the deadline has passed cancels the scope, but whoever set it is the cause.
                    cause = session.shadows.get(scope) if known else session.deadlines.get(scope)
                    if not known and cause is not None:
                        session.shadows.set(scope, cause)
                    actor.acquire(cause)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        return called

    return property(cancel_called, original.fset, original.fdel, original.__doc__)


def _watched_shield(original: property) -> property:
    getter, setter = original.fget, original.fset
    assert getter is not None
    assert setter is not None

    def set_shield(scope: trio.CancelScope, value: bool) -> None:
        session = watching.session
        if session is not None and value is False:
            try:
                actor = session.actor()
                if actor is not None and getter(scope):
                    session.unshielded.set(scope, actor.release())
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        setter(scope, value)

    return property(getter, set_shield, original.fdel, original.__doc__)


def _watching_effective_deadline(original: Callable[..., Any]) -> Callable[..., Any]:
    """`current_effective_deadline`, which tells a task that it is cancelled."""

    def effective_deadline(self: Any) -> float:
        deadline: float = original(self)
        if deadline == -math.inf:
            try:
                session = watching.session
                actor = None if session is None else session.actor()
                if session is not None and actor is not None:
                    for cause in _causes(session, self):
                        actor.acquire(cause)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.events", error)
        return deadline

    return effective_deadline


@final
class _CheckWatch(Watch):
    """`from_thread.check_cancelled`, where it raises: the task that waits for the thread was cancelled."""

    def failed(self, note: object, error: BaseException) -> None:  # noqa: ARG002
        session = watching.session
        actor = None if session is None else session.actor()
        if session is not None and actor is not None and actor.parent is not None:
            for cause in session.aborted.get(actor.parent, ()):
                actor.acquire(cause)


def install(patches: Patches) -> None:
    """Watch events and cancel scopes."""
    patches.replace(trio.Event, "_flag", _Flag(vars(trio.Event)["_flag"]))
    scope = trio.CancelScope
    patches.wrap(scope, _trio.cancelling_method(), _watching_cancel, protect=True)
    for name in ("deadline", "relative_deadline"):
        if name in vars(scope):
            patches.replace(scope, name, _watched_deadline(vars(scope)[name]))
    patches.replace(scope, "shield", _watched_shield(vars(scope)["shield"]))
    status = _trio.part("trio._core._run", "CancelStatus")
    patches.wrap(status, "effective_deadline", _watching_effective_deadline)
    if hasattr(trio.from_thread, "check_cancelled"):
        patches.watch(trio.from_thread, "check_cancelled", _CheckWatch())
    patches.replace(scope, "cancel_called", _watched_cancel_called(vars(scope)["cancel_called"]))
    patches.wrap(trio.lowlevel.Task, "_attempt_abort", _watching_abort)
