"""Threads: worker threads and what they call back, `threading.Thread`, and pools of threads.

PYTEST_DONT_REWRITE

Worker threads are used again, so a clock belongs to the job and not to the thread.
"""

from __future__ import annotations

import _thread
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pools
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.registry import Group
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.jobs import Job, start_job
from trioflow.race.shadow import faults

_WORKERS = frozenset({"trio._core._thread_cache", "concurrent.futures.thread"})
"""Threads that only run jobs have no clock of their own."""


# to_thread.run_sync


def _watching_start(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start_thread_soon(
        self: Any, fn: Callable[[], Any], deliver: Callable[[Any], object], *name: Any, **options: Any
    ) -> None:
        job = None
        try:
            session = sessions.current()
            parent = None if session is None else session.actor()
            job = start_job(session, parent, _trio.function_of_worker(fn))
            if job is not None and session is not None and parent is not None:
                limiter = session.entering.pop(parent, None)
                if limiter is not None:
                    job.actor.hold(limiter)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        if job is None:
            original(self, fn, deliver, *name, **options)
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

        original(self, work, hand_over, *name, **options)

    return start_thread_soon


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
        parent = session.actor_or_host()
        if parent is None:
            return None
        job = Job(session, parent, target, thread.name if target is None else "")
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
class _Finished:
    """What the jobs of a pool have done, for whoever waits for its shutdown."""

    def __init__(self) -> None:
        # Not one of `threading`, which may be watched.
        self._lock = _thread.allocate_lock()
        self._group = Group()

    def add(self, job: Job) -> None:
        """A job has ended."""
        with self._lock:
            self._group.add(job.actor)

    def join_into(self, actor: Actor) -> None:
        """All jobs have ended."""
        with self._lock:
            self._group.join_into(actor)


@final
class _Submitted:
    """The function of a work item, with its job."""

    def __init__(self, job: Job, function: Callable[..., Any], finished: _Finished) -> None:
        self.job = job
        self.function = function
        self.finished = finished

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.job.run(self.function, *arguments, **options)


def _watching_submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        session = sessions.current()
        function = fn
        try:
            parent = None if session is None else session.actor_or_host()
            job = start_job(session, parent, fn)
            if session is not None and job is not None:
                finished = session.shadows.get(self)
                if finished is None:
                    finished = _Finished()
                    session.shadows.set(self, finished)
                function = _Submitted(job, fn, finished)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        return original(self, function, *args, **kwargs)

    return submit


def _watching_item(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(self: Any) -> None:
        submitted = getattr(self, "fn", None)
        if not isinstance(submitted, _Submitted):
            original(self)
            return
        # The result is set, and callbacks are called, as part of the job.
        job = submitted.job
        try:
            job.run(original, self)
        finally:
            job.finish()
            submitted.finished.add(job)

    return run


@final
class _ShutdownWatch(Watch):
    """`shutdown`, where it has waited for the threads."""

    def before(self, pool: ThreadPoolExecutor, wait: bool = True, **_: Any) -> tuple[ThreadPoolExecutor, bool]:
        return pool, wait

    def after(self, note: tuple[ThreadPoolExecutor, bool] | None, result: object) -> None:  # noqa: ARG002
        session = sessions.current()
        if session is None or note is None or not note[1]:
            return
        finished: _Finished | None = session.shadows.get(note[0])
        actor = session.actor_or_host()
        if finished is not None and actor is not None:
            finished.join_into(actor)


def install(patches: Patches) -> None:
    """Watch threads."""
    cache = _trio.part("trio._core._thread_cache", "ThreadCache")
    patches.replace(cache, "start_thread_soon", _watching_start(cache.start_thread_soon))
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
    patches.watch(ThreadPoolExecutor, "shutdown", _ShutdownWatch())
    item = getattr(pools, "_WorkItem")  # noqa: B009
    patches.replace(item, "run", _watching_item(item.run))
