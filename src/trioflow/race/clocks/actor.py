"""Actors: tasks, and jobs in threads, with their steps, moments, releases and locks.

PYTEST_DONT_REWRITE

A step of a task is atomic, so an edge that leaves from a task leaves from the *whole* step: what
the task does after `event.set()` but before its next checkpoint still precedes whoever waits,
since nobody can run in between. A release by a task therefore only points at the step, and is
filled in when the step ends; it costs one object a step, however often it is asked for. A job in
a thread has no steps: its releases are points, and after each its time advances. A task that
hands something to a thread releases at that point too (`release_now`).

There are two orders, with and without the edges that locks make by being handed on: races are
judged by the first, critical sections by the second. As long as no lock was handed on the two are
the same object.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, final

from trioflow.race.clocks.holds import Hold, LockIdentity
from trioflow.race.clocks.knowledge import Knowledge, Snapshot
from trioflow.race.clocks.places import place
from trioflow.race.clocks.threads import this_thread
from trioflow.race.clocks.vector import EMPTY, Clock, time_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trioflow.race.clocks.places import Place

NOBODY = -1
_serial = itertools.count()
_references = sys.getrefcount
_MINE = 2
"""How many references a moment has that only its actor refers to: that one, and the one that is counted."""


@final
class Moment:
    """An epoch of an actor with the locks it holds: what all accesses in it have in common."""

    __slots__ = ("accepted", "actor", "full", "holds", "serial", "slot", "step", "strong", "time")

    def __init__(self, actor: Actor, time: int, step: int, full: Clock, strong: Clock, holds: tuple[Hold, ...]) -> None:
        self.actor = actor
        self.slot = actor.slot
        self.time = time
        self.step = step
        self.full = full
        self.strong = strong
        self.holds = holds
        self.accepted = actor.accepting
        """Why what is found here is accepted; None: it is not."""
        self.serial = next(_serial)
        """Says which of two moments came first in this run, whatever orders them."""

    def before(self, later: Moment) -> bool:
        """Whether this happens before `later`, by all edges."""
        return self.actor is later.actor or time_of(later.full, self.slot) >= self.time

    def before_without_locks(self, later: Moment) -> bool:
        """Whether this happens before `later` even if locks had been handed on in another order."""
        return self.actor is later.actor or time_of(later.strong, self.slot) >= self.time


@final
class Release(Snapshot):
    """What happened before a point of an actor's life, to be acquired by others: known by all edges, and `strong`."""

    __slots__ = ("_actor", "strong")

    def __init__(self, actor: Actor | None, slot: int, time: int) -> None:
        self._actor = actor
        self.of_others = EMPTY
        self.slot = slot
        self.time = time
        self._complete = None
        self.lessons = None
        self.place = None
        self.strong: Snapshot | None = None
        """What is known without lock edges, where that is something else."""

    def fill(self, full: Snapshot, strong: Snapshot) -> None:
        """Set the content, once it is final."""
        self.of_others = full.clock
        self.lessons = full.lessons
        self.strong = None if strong is full else strong
        self._actor = None

    def fill_in(self, full: Knowledge, strong: Knowledge) -> None:
        """Set the content to what the actor knows at the end of its step."""
        self.of_others = full.clock
        self.lessons = full.lessons
        if strong is not full:
            self.strong = strong.snapshot(self.slot, self.time)
        self._actor = None

    def is_filled(self) -> bool:
        """Whether the content is final: the step is over."""
        return self._actor is None

    def contents(self) -> tuple[Snapshot, Snapshot]:
        """The content with and without lock edges; as far as it goes, if the step still runs."""
        actor = self._actor  # which another thread may be about to take away
        if actor is not None:
            full, strong = actor.snapshots()
            full.place = self.place
            return full, strong
        return self, self if self.strong is None else self.strong


@final
class Actor:
    """A task or a job: where it is in time, what it knows and which locks it holds."""

    __slots__ = (
        "_handed",
        "_inherited",
        "_release",
        "_released",
        "_wakes",
        "accepting",
        "born",
        "ended",
        "free_slots",
        "full",
        "holds",
        "kind",
        "moment",
        "name",
        "on_step_end",
        "origin",
        "parent",
        "slot",
        "started",
        "step",
        "strong",
        "thread",
        "time",
    )

    def __init__(
        self,
        slot: int,
        time: int,
        *,
        name: str,
        kind: str,
        started: Place | None,
        parent: Actor | None,
    ) -> None:
        self.slot = slot
        self.time = time
        self.born = time
        """Its first time: earlier ones in its slot were those of others."""
        self.step = 0
        self.name = name
        self.kind = kind
        self.started = started
        self.parent = parent
        self.thread = this_thread()
        """The thread whose run loop it belongs to; of no meaning for what runs in a thread of its own."""
        self.on_step_end: Callable[[Actor], None] | None = None
        self.origin: object = None
        """What its start relied on, for whoever follows that."""
        self.ended = False
        self.accepting: str | None = None
        """Why what it does now is accepted, whatever is found; None: it is not."""
        self.full = Knowledge()
        self.strong = self.full
        self.holds: tuple[Hold, ...] = ()
        self.free_slots: list[int] = []
        # What whoever starts a task holds until the task has ended guards the task, too.
        self._inherited: tuple[Hold, ...] = () if parent is None else parent.holds + parent._inherited
        self._released: tuple[Hold, ...] = ()
        self._release: Release | None = None
        self._wakes: list[Release] = []
        self._handed: list[Release] = []
        self.moment = Moment(self, time, 0, EMPTY, EMPTY, self._inherited)

    def _new_moment(self) -> None:
        full = self.full.clock
        strong = full if self.strong is self.full else self.strong.clock
        holds = self.holds
        if holds and any(hold.over for hold in holds):
            holds = self.holds = tuple(hold for hold in holds if not hold.over)
        if self._inherited:
            self._inherited = tuple(hold for hold in self._inherited if not hold.over)
            holds += self._inherited
        if _references(self.moment) == _MINE:
            # Nothing was accessed in it, so nobody else has it and it may become the new one.
            moment = self.moment
            moment.time = self.time
            moment.step = self.step
            moment.full = full
            moment.strong = strong
            moment.holds = holds
            moment.serial = next(_serial)
        else:
            self.moment = Moment(self, self.time, self.step, full, strong, holds)

    def apart(self, other: Actor) -> bool:
        """Whether the two run in different threads, so that the steps of one are not whole to the other."""
        return self is not other and ("thread" in (self.kind, other.kind) or self.thread != other.thread)

    # Steps

    def begin_step(self) -> None:
        """A task goes on after a checkpoint, or starts."""
        self.time += 1
        self.step += 1
        if self._wakes:
            for release in self._wakes:
                self._learn(release, lock=False)
            self._wakes.clear()
        if self._handed:
            for release in self._handed:
                self._learn(release, lock=True)
            self._handed.clear()
        if self._inherited or self.holds or _references(self.moment) != _MINE:
            self._new_moment()
            return
        # The most common case of the same: it happens at each checkpoint.
        moment = self.moment
        moment.time = self.time
        moment.step = self.step
        moment.full = self.full.clock
        moment.strong = self.strong.clock
        moment.holds = self.holds
        moment.serial = next(_serial)

    def end_step(self) -> None:
        """A task reaches a checkpoint, or ends."""
        if self.on_step_end is not None:
            self.on_step_end(self)
        release = self._release
        if release is not None:
            self._release = None
            release.fill_in(self.full, self.strong)
        if self._released:
            for hold in self._released:
                hold.over = True
            self.holds = tuple(hold for hold in self.holds if not hold.over)
            self._released = ()
        if self.ended:
            self.let_go()

    def let_go(self) -> None:
        """Actors and their moments refer to each other: leave nothing to the garbage collector."""
        self.moment = _NEVER
        self.origin = None
        self._release = None

    # Blocks

    def accept(self, reason: str | None) -> None:
        """Start a new moment, in which what is found is accepted for this reason; None: it is not."""
        self.accepting = reason
        self._new_moment()
        self.moment.accepted = reason

    # Edges

    def snapshots(self) -> tuple[Snapshot, Snapshot]:
        """All that is known now, with and without lock edges."""
        full = self.full.snapshot(self.slot, self.time)
        if self.strong is self.full:
            return full, full
        return full, self.strong.snapshot(self.slot, self.time)

    def release(self) -> Release:
        """What happens up to the end of this step of a task, or up to now in a thread."""
        if self.kind == "thread":
            release = self.release_now()
        else:
            release = self.release_at_birth()
        if release.place is None:
            release.place = place()
        return release

    def release_at_birth(self) -> Release:
        """The same for a child that is started: where that is, is known of the child."""
        if self._release is None:
            self._release = Release(self, self.slot, self.time)
        return self._release

    def release_now(self) -> Release:
        """What happened up to now; what follows in the same step is not included."""
        release = Release(None, self.slot, self.time)
        release.fill_in(self.full, self.strong)
        self._advance()
        return release

    def so_far(self) -> Release:
        """What a task that sleeps has done; its next step begins a new epoch in any case."""
        release = Release(None, self.slot, self.time)
        release.fill_in(self.full, self.strong)
        return release

    def _advance(self) -> None:
        """Start a new epoch within a step."""
        if self._release is not None:
            # What was released as the whole step must reach to the step's end.
            self._release.time = self.time + 1
        self.time += 1
        self._new_moment()

    def acquire(self, release: Release | None, *, lock: bool = False) -> None:
        """All that `release` stands for happens before what this actor does from now on.

        Args:
            release: What is acquired; None and the actor's own releases order nothing.
            lock: Whether this is the hand-over of a lock, which could have gone the other way round.
        """
        if release is None or release.slot == self.slot:
            return
        self._learn(release, lock)
        self._new_moment()

    def wake(self, release: Release, *, lock: bool = False) -> None:
        """Acquire `release` when the next step starts."""
        if release.slot != self.slot:
            (self._handed if lock else self._wakes).append(release)

    def _learn(self, release: Release, lock: bool) -> None:
        known = self.full
        if self.strong is known:
            if not lock and release.strong is None and release._actor is None:
                known.learn(release, release.slot, release.time, self.slot, self.time)
                return
            if release.slot >= 0 and time_of(known.clock, release.slot) >= release.time:
                return
        full, strong = release.contents()
        if self.strong is self.full and (lock or strong is not full):
            self.strong = self.full.copy()
        self.full.learn(full, release.slot, release.time, self.slot, self.time)
        if not lock and self.strong is not self.full:
            self.strong.learn(strong, release.slot, release.time, self.slot, self.time)

    def join(self, release: Release) -> None:
        """Acquire what a group has done, in which others may have learnt all that only locks have ordered so far."""
        self._learn(release, lock=False)
        if self.strong is not self.full and self.full.equal(self.strong, self.time):
            self.strong = self.full
        self._new_moment()

    def begin(self, release: Release) -> None:
        """Start life with all that `release` stands for."""
        full, strong = release.contents()
        self.full.begin(full, release.slot, release.time, self.time)
        if strong is not full:
            self.strong = Knowledge()
            self.strong.begin(strong, release.slot, release.time, self.time)
        self._new_moment()

    # Locks

    def hold(self, lock: LockIdentity) -> None:
        """This actor has acquired `lock`; does nothing if it holds it already."""
        if not self.holds_lock(lock):
            self.holds = (*self.holds, Hold(lock))
            self._new_moment()

    def drop(self, lock: LockIdentity) -> None:
        """This actor releases `lock`; a task keeps it to the end of the step, since nobody else runs before."""
        mine = tuple(hold for hold in self.holds if hold.lock is lock)
        if self.kind != "thread":
            self._released += mine
        else:
            self.drop_now(lock)

    def drop_now(self, lock: LockIdentity) -> None:
        """This actor releases `lock` at this very point."""
        for hold in self.holds:
            if hold.lock is lock:
                hold.over = True
        self.holds = tuple(hold for hold in self.holds if not hold.over)
        self._new_moment()

    def lose(self, lock: LockIdentity) -> None:
        """Somebody else, perhaps in another thread, releases `lock`: it is dropped when this actor goes on."""
        for hold in self.holds:
            if hold.lock is lock:
                hold.over = True

    def holds_lock(self, lock: LockIdentity) -> bool:
        """Whether this actor holds `lock` and has not released it in this step."""
        return any(hold.lock is lock and hold not in self._released for hold in self.holds)


def _never() -> Moment:
    """A moment that nobody was in."""
    actor = Actor(0, 0, name="", kind="task", started=None, parent=None)
    return actor.moment


_NEVER = _never()
