"""`threading.Lock` and `threading.RLock` as classes that order what they guard.

PYTEST_DONT_REWRITE

They take the place of the factories in `threading`, so that what is made of them afterwards is ordered by its
own mutex: conditions, events, semaphores, barriers, queues, futures. A thread runs inside steps, so a
release is a point, for tasks as well.
"""

from __future__ import annotations

import _thread
import threading
from types import TracebackType
from typing import Any, final

from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.clocks.places import place
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches
from trioflow.race.shadow import faults


class _Mutex:
    """What both kinds have in common: the lock inside, and what was released last."""

    __slots__ = ("__weakref__", "_holder", "_identity", "_inner", "_released", "_session")

    _kind = ""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._identity: LockIdentity | None = None
        self._session: sessions.Session | None = None
        self._released: tuple[Release, bool] | None = None
        self._holder: Actor | None = None
        session = sessions.current()
        if session is not None:
            made = place()
            self._identity = LockIdentity(kind=self._kind, made=made)
            session.note_made(self, made)

    def identity(self, session: sessions.Session) -> LockIdentity:
        """What stands for this lock among those that an actor holds."""
        return self._renew(session)

    def _renew(self, session: sessions.Session) -> LockIdentity:
        """Forget what an earlier detector left behind."""
        if self._session is not session:
            self._session, self._released, self._holder = session, None, None
        if self._identity is None:
            self._identity = LockIdentity(kind=self._kind)
        return self._identity

    def _taken(self) -> None:
        session = sessions.current()
        if session is None or sessions.local.unseen:
            return
        try:
            identity = self._renew(session)
            actor = session.actor_or_host()
            if actor is None:
                return
            if self._released is not None:
                release, lock = self._released
                actor.acquire(release, lock=lock)
            self._holder = actor
            actor.hold(identity)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.mutexes", error)

    def _leaving(self) -> None:
        session = sessions.current()
        if session is None or sessions.local.unseen:
            return
        try:
            identity = self._renew(session)
            actor = session.actor_or_host()
            if actor is None:
                return
            holder, self._holder = self._holder, None
            if holder is actor:
                actor.drop_now(identity)
            elif holder is not None:
                holder.lose(identity)
            # Released by somebody else, it is a signal.
            self._released = (actor.release_now(), holder is actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.mutexes", error)

    def __repr__(self) -> str:
        return repr(self._inner)


@final
class TracedLock(_Mutex):
    """Stands in for `threading.Lock`."""

    __slots__ = ()

    _kind = "threading.Lock"

    def __init__(self) -> None:
        super().__init__(_thread.allocate_lock())

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, as `threading.Lock.acquire` does."""
        taken: bool = self._inner.acquire(blocking, timeout)
        if taken:
            self._taken()
        return taken

    def release(self) -> None:
        """Release the lock, as `threading.Lock.release` does."""
        if self._inner.locked():
            self._leaving()
        self._inner.release()

    def locked(self) -> bool:
        """Whether the lock is taken."""
        return bool(self._inner.locked())

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def __enter__(self) -> bool:
        self._inner.acquire()
        self._taken()
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._inner._at_fork_reinit()
        self._holder = None


@final
class TracedRLock(_Mutex):
    """Stands in for `threading.RLock`."""

    __slots__ = ("_depth",)

    _kind = "threading.RLock"

    def __init__(self) -> None:
        super().__init__(_thread.RLock())
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock once more, as `threading.RLock.acquire` does."""
        taken: bool = self._inner.acquire(blocking, timeout)
        if taken:
            self._depth += 1
            if self._depth == 1:
                self._taken()
        return taken

    def release(self) -> None:
        """Release the lock once, as `threading.RLock.release` does."""
        if self._inner._is_owned():
            self._depth -= 1
            if self._depth == 0:
                self._leaving()
        self._inner.release()

    def locked(self) -> bool:
        """Whether the lock is taken."""
        return self._depth > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    # What `threading.Condition` needs

    def _is_owned(self) -> bool:
        return bool(self._inner._is_owned())

    def _recursion_count(self) -> int:
        return self._depth if self._inner._is_owned() else 0

    def _release_save(self) -> tuple[object, int]:
        depth, self._depth = self._depth, 0
        if depth:
            self._leaving()
        return self._inner._release_save(), depth

    def _acquire_restore(self, state: tuple[object, int]) -> None:
        inner, depth = state
        self._inner._acquire_restore(inner)
        self._depth = depth
        self._taken()

    def _at_fork_reinit(self) -> None:
        self._inner._at_fork_reinit()
        self._depth = 0
        self._holder = None


def install(patches: Patches) -> None:
    """Replace the factories; locks that exist already stay as they are."""
    patches.replace(threading, "Lock", TracedLock)
    patches.replace(threading, "RLock", TracedRLock)
