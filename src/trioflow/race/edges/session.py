"""What the edges remember while a detector runs.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import _thread
import os
import threading
from typing import TYPE_CHECKING, Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.clocks.places import Place
from trioflow.race.clocks.registry import Group, Registry
from trioflow.race.edges._weak import IdentityMap
from trioflow.race.shadow.context import context

if TYPE_CHECKING:
    from trioflow.race._trio import Nursery, Task


class _Local(threading.local):
    """What is known of this thread alone."""

    handing_over: bool = False
    """Whether a lock is being released, so that whoever is woken gets it."""
    host: tuple[Session, Actor] | None = None
    """The actor of this thread while no run and no job is in it."""
    unwatched: bool = False
    """Whether this thread only runs jobs, each with an actor of its own."""
    spawning: bool = False
    """Whether an actor is being made, in the midst of which a signal handler or a finalizer may come."""
    newborn: Actor | None = None
    """The task that was just made and is about to be scheduled for the first time."""
    finished: Any = None
    """The job of this thread whose result is being handed over."""
    unseen: bool = False
    """Whether a primitive of `threading` is at work whose own lock is not to be looked at."""
    hosting: bool = False
    """Whether a guest run is in this thread, which the host now lets wait."""
    woken: list[Actor] | None = None
    """Whom the running callback of the entry queue has woken."""


local = _Local()


@final
class Session:
    """One detector's run: the actors by task, and what was released where."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.tasks: dict[Task, Actor] = {}
        self.groups: dict[Nursery, Group] = {}
        """The tasks of each nursery that have ended and were not waited for yet."""
        self.shadows: IdentityMap[Any] = IdentityMap()
        """What is remembered of a channel, lock, event, scope, socket or thread, by the object."""
        self.deadlines: IdentityMap[Release] = IdentityMap()
        """Who set the deadline of a scope last."""
        self.unshielded: IdentityMap[Release] = IdentityMap()
        """Who took the shield of a scope away."""
        self.aborted: dict[Actor, list[Release]] = {}
        """Who has cancelled a task that waits for a thread."""
        self.made: IdentityMap[Place] = IdentityMap()
        """Where a lock was made."""
        self.makers: IdentityMap[tuple[Actor, int]] = IdentityMap()
        """Who has made a lock, in which step."""
        self.entering: dict[Actor, LockIdentity] = {}
        """The limiters that tasks have taken for threads they are about to start."""
        self.pipes: dict[tuple[object, object], Any] = {}
        """The directions of connections, by the addresses of their ends."""
        self.signalled: dict[int, Release] = {}
        """Who sent a signal to this process last."""
        self.connecting: list[tuple[object, Release]] = []
        """The sockets that are being connected."""
        # Not one of `threading`, which may be watched.
        self._spawning = _thread.RLock()

    def renew_lock(self) -> None:
        """Forget who held the lock: this is the child of a fork, in which nobody does."""
        self._spawning = _thread.RLock()

    def forget(self) -> None:
        """Leave nothing that refers to itself to the garbage collector."""
        for remembered in (self.shadows, self.deadlines, self.unshielded, self.made, self.makers):
            remembered.clear()
        for known in (self.tasks, self.groups, self.aborted, self.entering, self.pipes, self.signalled):
            known.clear()
        self.registry.forget()

    def actor(self) -> Actor | None:
        """Who runs in this thread now, if it is watched."""
        actor = context.actor
        if actor is None:
            return self.actor_or_host() if local.hosting else None
        if actor.kind == "task" or actor in self.registry.actors:
            return actor
        return None  # a thread that outlived its test

    def note_made(self, lock: object, made: Place | None) -> None:
        """Whoever runs now makes a lock."""
        if made is not None:
            self.made.set(lock, made)
        actor = context.actor
        if actor is not None:
            self.makers.set(lock, (actor, actor.step))

    def actor_or_host(self) -> Actor | None:
        """Who runs in this thread now; outside of runs and jobs, an actor made for the thread.

        None in threads that do nothing but run jobs.
        """
        actor = None if context.actor is None else self.actor()
        if actor is not None or local.unwatched:
            return actor
        if local.host is None or local.host[0] is not self:
            # The thread's name is not asked for: where it is not known yet, asking makes a lock.
            local.host = (self, self.spawn(None, "a thread outside of runs", None, kind="thread"))
        return local.host[1]

    def host(self) -> Actor | None:
        """The actor made for this thread, if there is one."""
        return local.host[1] if local.host is not None and local.host[0] is self else None

    def spawn(
        self,
        parent: Actor | None,
        name: str,
        started: Place | None,
        *,
        kind: str = "task",
        release: Release | None = None,
    ) -> Actor:
        """A new actor; threads may start others at the same time.

        What Trio's own code starts, such as the handlers of a server, counts as started where that was.
        """
        if started is None and parent is not None:
            started = parent.started
        with self._spawning:
            local.spawning = True
            try:
                return self.registry.spawn(parent, name, started, kind=kind, release=release)
            finally:
                local.spawning = False

    def group(self, nursery: Nursery) -> Group:
        """The tasks of a nursery that have ended."""
        group = self.groups.get(nursery)
        if group is None:
            group = self.groups[nursery] = Group()
        return group


class _Watching:
    session: Session | None = None


watching = _Watching()
"""The session of the detector that runs, if one does: for what is called so often that a call more would count."""


def current() -> Session | None:
    """The session of the detector that runs, if one does."""
    return watching.session


def at_any_time() -> tuple[Session, Actor] | None:
    """The session, and who runs now, for what may be called at any time, outside of runs and in finalizers too."""
    session = watching.session
    # The detector is not re-entrant, but a signal handler or a finalizer may come at any time.
    if session is None or context.recording or local.spawning:
        return None
    # Between steps the loop itself is at work, unless it is a guest's.
    if context.actor is None and not local.hosting and _trio.current_runner() is not None:
        return None
    actor = session.actor_or_host()
    return None if actor is None else (session, actor)


def begin(registry: Registry) -> Session:
    """Start anew, with nothing remembered."""
    end()
    watching.session = session = Session(registry)
    return session


def end() -> None:
    """Forget everything."""
    context.actor = None
    session, watching.session = watching.session, None
    if session is not None:
        session.forget()


def _forked() -> None:
    """Nobody but this thread is left."""
    if watching.session is not None:
        watching.session.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
