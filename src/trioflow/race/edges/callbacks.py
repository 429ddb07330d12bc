"""Callbacks of `TrioToken.run_sync_soon`: jobs in the thread of the run loop.

PYTEST_DONT_REWRITE

One system task runs them all, and orders nothing between them: each comes after whoever asked for it and
before whomever it wakes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.places import place
from trioflow.race.clocks.threads import this_thread
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.jobs import Job, name_of
from trioflow.race.edges.session import Session
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context
from trioflow.race.shadow.handed import about_to_call


@final
class _Callback:
    """A callback of the entry queue: equal to another if the functions are, so that repeated ones are found."""

    __slots__ = ("finished", "function", "job", "pending", "session")

    def __init__(self, session: Session, function: Callable[..., object], job: Actor | None) -> None:
        self.session = session
        self.function = function
        self.job = job
        self.finished: Job | None = None
        self.pending: dict[object, list[Release]] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Callback) and bool(self.function == other.function)

    def __hash__(self) -> int:
        return hash(self.function)

    def __call__(self, *arguments: object) -> object:
        job = self.job
        if job is None or self.session is not sessions.current():
            return self.function(*arguments)
        outer, context.actor = context.actor, job
        woken, sessions.local.woken = sessions.local.woken, []
        try:
            self._begin(job, arguments)
            about_to_call(self.function)
            return self.function(*arguments)
        finally:
            context.actor = outer
            self._end(job, sessions.local.woken)
            sessions.local.woken = woken

    def drop(self) -> None:
        """It is not going to be called."""
        if self.job is not None:
            self.session.registry.ended(self.job)
            self.job = None

    def _begin(self, job: Actor, arguments: tuple[object, ...]) -> None:
        try:
            job.thread = this_thread()
            job.begin_step()
            if self.pending is not None:
                for release in self.pending.pop((self.function, arguments), ()):
                    job.acquire(release)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)

    def _end(self, job: Actor, woken: list[Actor] | None) -> None:
        try:
            job.end_step()
            self.session.registry.ended(job)
            if woken:
                # Whom it wakes knows that it is over, and may use its place in the clocks again.
                woken[0].free_slots.append(job.slot)
                if self.finished is not None:
                    woken[0].free_slots.append(self.finished.actor.slot)
            else:
                task = _trio.running_task()
                if task is not None and task.parent_nursery is not None:
                    self.session.group(task.parent_nursery).add(job)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)


def _is_interrupt(function: object) -> bool:
    """Whether this is how Trio reports a KeyboardInterrupt from its signal handler."""
    return getattr(function, "__name__", "") == "_deliver_ki_cb"


@final
class _Request:
    """Who asks for a callback now, and what happened before."""

    def __init__(self, session: Session) -> None:
        self.session = session
        finished: Job | None = sessions.local.finished
        self.finished = finished if finished is not None and finished.session is session else None
        self.by = session.actor_or_host() if self.finished is None else self.finished.actor
        self.release: Release | None
        if self.finished is not None:
            self.release = self.finished.finish()
        else:
            self.release = None if self.by is None else self.by.release_now()

    def callback(self, function: Callable[..., object]) -> _Callback:
        """The callback, with its job."""
        # What reports the end of a job counts as started where the job was.
        started = place() if self.finished is None else None
        job = self.session.spawn(self.by, name_of(function), started, kind="job", release=self.release)
        callback = _Callback(self.session, function, job)
        callback.finished = self.finished
        return callback


def _watching_soon(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run_sync_soon(self: Any, sync_fn: Callable[..., object], *args: object, idempotent: bool = False) -> None:
        session = sessions.current()
        # The detector is not re-entrant, but a signal handler or a finalizer may come at any time.
        if session is None or context.recording or sessions.local.spawning or _is_interrupt(sync_fn):
            original(self, sync_fn, *args, idempotent=idempotent)
            return
        try:
            request = _Request(session)
            callback = request.callback(sync_fn)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
            original(self, sync_fn, *args, idempotent=idempotent)
            return
        if not idempotent:
            try:
                original(self, callback, *args)
            except BaseException:
                callback.drop()
                raise
            return
        with self.lock:
            pending: dict[object, list[Release]] | None = session.shadows.get(self)
            if pending is None:
                pending = {}
                session.shadows.set(self, pending)
            waiting = pending.get((sync_fn, args))
            if waiting is not None:
                if request.release is not None:
                    waiting.append(request.release)
                # Trio drops it, as it is equal to the one that waits.
                callback.drop()
                original(self, callback, *args, idempotent=True)
                return
            callback.pending = pending
            pending[sync_fn, args] = []
            try:
                original(self, callback, *args, idempotent=True)
            except BaseException:
                del pending[sync_fn, args]
                callback.drop()
                raise

    return run_sync_soon


def install(patches: Patches) -> None:
    """Watch the entry queue."""
    queue = _trio.part("trio._core._entry_queue", "EntryQueue")
    patches.replace(queue, "run_sync_soon", _watching_soon(queue.run_sync_soon))
