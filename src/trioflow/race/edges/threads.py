"""Threads: worker threads and what they call back, `threading.Thread`, and pools of threads.

PYTEST_DONT_REWRITE

Worker threads are used again, so a clock belongs to the job and not to the thread. The same holds for the
task that runs the callbacks of `TrioToken.run_sync_soon`: each is a job of its own, after whoever asked
for it and before whomever it wakes, and nothing orders one and the next.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pools
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context

_WORKERS = frozenset({"trio._core._thread_cache", "concurrent.futures.thread"})
"""Threads that only run jobs have no clock of their own."""


def _name(function: object) -> str:
    if isinstance(function, functools.partial):
        function = function.func
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return f"{module}.{name}" if module and name else repr(type(function))


@final
class Job:
    """A function that runs in a thread, with a clock of its own."""

    def __init__(self, session: Session, parent: Actor, name: str) -> None:
        self.session = session
        self.actor = session.spawn(parent, name, session.place(), kind="thread", release=parent.release_now())
        if parent.free_slots:
            # For the callback that will report its end.
            self.actor.free_slots.append(parent.free_slots.pop())
        self.end: Release | None = None

    def run(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Run something as this job."""
        outer, context.actor = context.actor, self.actor
        try:
            return function(*arguments, **options)
        finally:
            context.actor = outer

    def finish(self) -> Release | None:
        """The job will do nothing more."""
        try:
            if self.end is None:
                self.end = self.actor.release_now()
                self.session.registry.ended(self.actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        return self.end


def _start(session: Session | None, parent: Actor | None, function: object) -> Job | None:
    if session is None or parent is None:
        return None
    return Job(session, parent, _name(function))


# to_thread.run_sync


def _watching_start(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start_thread_soon(
        self: Any, fn: Callable[[], Any], deliver: Callable[[Any], object], name: str | None = None
    ) -> None:
        job = None
        try:
            session = sessions.current()
            parent = None if session is None else session.actor()
            job = _start(session, parent, _trio.function_of_worker(fn))
            if job is not None and session is not None and parent is not None:
                limiter = session.entering.pop(parent, None)
                if limiter is not None:
                    job.actor.hold(limiter)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        if job is None:
            original(self, fn, deliver, name)
            return

        def work() -> Any:
            return job.run(fn)

        def hand_over(result: Any) -> None:
            # The job is over: what the callback carries back is all of it.
            outer, sessions.local.finished = sessions.local.finished, job
            try:
                job.finish()
                deliver(result)
            finally:
                sessions.local.finished = outer

        original(self, work, hand_over, name)

    return start_thread_soon


# run_sync_soon


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
        job = self.session.spawn(self.by, _name(function), self.session.place(), kind="job", release=self.release)
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


# from_thread.run and run_sync


@final
class _ReturnQueue:
    """The queue through which a thread gets its answer: what precedes the answer precedes its use."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.release: Release | None = None

    def put_nowait(self, result: object) -> None:
        """The answer is given."""
        try:
            session = sessions.current()
            actor = None if session is None else session.actor()
            if actor is not None:
                self.release = actor.release_now()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        self._queue.put_nowait(result)

    put = put_nowait

    def get(self) -> Any:
        """Wait for the answer."""
        result = self._queue.get()
        self.acquire()
        return result

    def acquire(self) -> None:
        """What precedes the answer precedes what this thread does from now on."""
        try:
            session = sessions.current()
            actor = None if session is None else session.actor_or_host()
            if actor is not None:
                actor.acquire(self.release)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)


def _watching_message(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def send_message(trio_token: Any, message: Any) -> Any:
        if sessions.current() is not None:
            # The message is frozen for its users, not for us.
            object.__setattr__(message, "queue", _ReturnQueue(message.queue))
        return original(trio_token, message)

    return send_message


def _watching_system_task(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same for Trio 0.22, where the queue is made inside."""

    @functools.wraps(original)
    def run_as_system_task(cb: Callable[..., object], fn: Any, *args: Any, **options: Any) -> Any:
        session = sessions.current()
        if session is None:
            return original(cb, fn, *args, **options)
        queues: list[_ReturnQueue] = []

        def answering(queue: Any, function: Any, arguments: Any) -> object:
            queues.append(_ReturnQueue(queue))
            return cb(queues[0], function, arguments)

        try:
            return original(answering, fn, *args, **options)
        finally:
            for answered in queues:
                answered.acquire()

    return run_as_system_task


# threading.Thread


@final
class _StartWatch(Watch):
    """`Thread.start`."""

    def before(self, thread: threading.Thread) -> Any:
        session = sessions.current()
        target = getattr(thread, "_target", None)
        if session is None or thread.ident is not None or getattr(target, "__module__", None) in _WORKERS:
            return None
        name = thread.name if target is None else _name(target)
        parent = session.actor_or_host()
        if parent is None:
            return None
        job = Job(session, parent, name)
        session.shadows.set(thread, job)
        return job

    def failed(self, note: Job | None, error: BaseException) -> None:  # noqa: ARG002
        if note is not None:
            note.finish()


def _watching_bootstrap(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def bootstrap(self: threading.Thread) -> None:
        session = sessions.current()
        job = None if session is None else session.shadows.get(self)
        if job is None:
            sessions.local.unwatched = session is not None
            original(self)
            return
        try:
            job.run(original, self)
        finally:
            job.finish()

    return bootstrap


@final
class _JoinWatch(Watch):
    """`Thread.join` and `is_alive`: a thread that is seen to be over happened before."""

    def before(self, thread: threading.Thread, *_: Any, **__: Any) -> threading.Thread:
        return thread

    def after(self, note: threading.Thread, result: object) -> None:
        session = sessions.current()
        job = None if session is None or result else session.shadows.get(note)
        if session is not None and job is not None and job.end is not None:
            actor = session.actor_or_host()
            if actor is not None:
                actor.acquire(job.end)


# Pools of threads


@final
class _Submitted:
    """The function of a work item, with its job."""

    def __init__(self, job: Job, function: Callable[..., Any]) -> None:
        self.job = job
        self.function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.job.run(self.function, *arguments, **options)


def _watching_submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        session = sessions.current()
        job = None
        try:
            parent = None if session is None else session.actor_or_host()
            job = _start(session, parent, fn)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        return original(self, fn if job is None else _Submitted(job, fn), *args, **kwargs)

    return submit


def _watching_item(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(self: Any) -> None:
        job = self.fn.job if isinstance(getattr(self, "fn", None), _Submitted) else None
        if job is None:
            original(self)
            return
        # The result is set, and callbacks are called, as part of the job.
        try:
            job.run(original, self)
        finally:
            job.finish()

    return run


def install(patches: Patches) -> None:
    """Watch threads."""
    cache = _trio.part("trio._core._thread_cache", "ThreadCache")
    patches.replace(cache, "start_thread_soon", _watching_start(cache.start_thread_soon))
    queue = _trio.part("trio._core._entry_queue", "EntryQueue")
    patches.replace(queue, "run_sync_soon", _watching_soon(queue.run_sync_soon))
    threads = _trio.module("trio._threads")
    sender = _trio.message_sender()
    assert sender is not None
    watching = _watching_message if sender == "_send_message_to_trio" else _watching_system_task
    patches.replace(threads, sender, watching(getattr(threads, sender)))
    patches.watch(threading.Thread, "start", _StartWatch())
    bootstrap = "_bootstrap_inner"
    patches.replace(threading.Thread, bootstrap, _watching_bootstrap(getattr(threading.Thread, bootstrap)))
    patches.watch(threading.Thread, "join", _JoinWatch())
    patches.watch(threading.Thread, "is_alive", _JoinWatch())
    patches.replace(ThreadPoolExecutor, "submit", _watching_submit(ThreadPoolExecutor.submit))
    item = getattr(pools, "_WorkItem")  # noqa: B009
    patches.replace(item, "run", _watching_item(item.run))
