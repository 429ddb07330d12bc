"""All actors of one test: who gets which slot of the clocks, and groups of actors that are joined.

PYTEST_DONT_REWRITE

A slot is used again only by a child of somebody who knows that its last owner has ended, so
that the old owner's times are in the past of the new one's. That keeps clocks as wide as the number
of tasks that live at once where nurseries come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from trioflow.race.clocks.actor import NOBODY, Actor, Release
from trioflow.race.clocks.knowledge import Knowledge, Snapshot
from trioflow.race.clocks.places import Place

_TOGETHER = 256


@final
class Group:
    """What several actors have done together, to be acquired at once: the children of a nursery.

    Siblings often learn of each other through a lock or a channel, and the last to end knows most. Their
    knowledge is therefore put together from the last to the first, when there are many or somebody asks: of
    all but one of them there is then little to learn.
    """

    __slots__ = ("_full", "_slots", "_strong", "_waiting")

    def __init__(self) -> None:
        self._full = Knowledge()
        self._strong = self._full
        self._slots: list[int] = []
        self._waiting: list[tuple[Snapshot, Snapshot, int, int]] = []

    def add(self, actor: Actor) -> None:
        """`actor` has ended."""
        full, strong = actor.snapshots()
        self._waiting.append((full, strong, actor.slot, actor.time))
        self._slots.append(actor.slot)
        if len(self._waiting) >= _TOGETHER:
            self._put_together()

    def _put_together(self) -> None:
        for full, strong, slot, time in reversed(self._waiting):
            if self._strong is self._full and strong is not full:
                self._strong = self._full.copy()
            self._full.learn(full, slot, time, NOBODY, 0)
            if self._strong is not self._full:
                self._strong.learn(strong, slot, time, NOBODY, 0)
        self._waiting.clear()

    def join_into(self, actor: Actor) -> None:
        """All that the members did happens before what `actor` does from now on."""
        if not self._slots:
            return
        self._put_together()
        release = Release(None, NOBODY, 0)
        full = self._full.snapshot_of_group()
        release.fill(full, full if self._strong is self._full else self._strong.snapshot_of_group())
        actor.join(release)
        actor.free_slots += self._slots
        self._slots = []


@final
class Registry:
    """The actors of one test."""

    def __init__(self) -> None:
        self.actors: set[Actor] = set()
        """Those that live."""
        self.on_spawn: Callable[[Actor], None] | None = None
        """Called for each new actor, in the step of its parent."""
        self._times: list[int] = []
        self._past: Release | None = None

    def spawn(
        self,
        parent: Actor | None,
        name: str,
        started: Place | None = None,
        *,
        kind: str = "task",
        release: Release | None = None,
    ) -> Actor:
        """A new task or job.

        Args:
            parent: Whose step starts it; what that step does happens before the child. None for the
                first task of a run, which comes after all earlier runs.
            name: What it runs.
            started: Where it is started.
            kind: `task` for something that runs in steps, `thread` for what runs in a thread of its own,
                `job` for a callback in the thread of the run loop.
            release: After what it starts, where that is not the parent's step.
        """
        if parent is not None and parent.free_slots:
            slot = parent.free_slots.pop()
        else:
            slot = len(self._times)
            self._times.append(0)
        actor = Actor(slot, self._times[slot] + 1, name=name, kind=kind, started=started, parent=parent)
        if release is None:
            if parent is None:
                release = self._past
            else:
                release = parent.release_now() if parent.kind == "thread" else parent.release_at_birth()
        if release is not None:
            if not release.is_filled():
                # The step that starts it still runs: what it knows in the end is learnt at the first step.
                actor.wake(release)
            else:
                actor.begin(release)
        self.actors.add(actor)
        if self.on_spawn is not None:
            self.on_spawn(actor)
        return actor

    def ended(self, actor: Actor) -> None:
        """`actor` will do nothing more."""
        actor.ended = True
        self._times[actor.slot] = actor.time
        self.actors.discard(actor)
        if actor.kind != "task":
            # A task's last step goes on; nothing more happens in a job.
            actor.let_go()

    def close(self) -> None:
        """The test is over: what threads do that outlive it belongs to no test."""
        for actor in self.actors:
            actor.ended = True

    def forget(self) -> None:
        """Leave nothing that refers to itself to the garbage collector."""
        while self.actors:
            self.actors.pop().let_go()

    def run_ended(self, actor: Actor) -> None:
        """A run of Trio ends with `actor`, its first task; the next run comes after it."""
        full, strong = actor.snapshots()
        release = Release(None, actor.slot, actor.time)
        release.fill(full, strong)
        self._past = release
