"""Looks at the state of a primitive that tell what others have done: `statistics`, `locked`, `child_tasks`.

PYTEST_DONT_REWRITE

Who sees that a task waits comes after all that it did before it began to wait; tests poll for that. Trio's own
looks, which nobody sees, order nothing; nor does the number of items in a channel, as that of Go's does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.registry import Group
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.session import Session, watching
from trioflow.race.shadow import faults


def acquire_ended(session: Session, nursery: trio.Nursery, actor: Actor) -> None:
    """What the tasks of a nursery that have ended did happens before what `actor` does from now on.

    It can be asked for once, and the nursery's parent will: so it is asked for by somebody who takes their place.
    """
    group = session.groups.get(nursery)
    if group is None:
        return
    proxy = session.spawn(None, "", None)
    group.join_into(proxy)
    actor.acquire(proxy.release_now())
    together = Group()
    together.add(proxy)
    session.groups[nursery] = together
    session.registry.ended(proxy)


def _here() -> tuple[Session, Actor] | None:
    """Who looks, unless Trio itself does."""
    if sys._getframe(2).f_globals.get("__name__", "").partition(".")[0] == "trio":
        return None
    session = watching.session
    actor = None if session is None else session.actor()
    return None if session is None or actor is None else (session, actor)


def _watching_statistics(original: Callable[..., Any]) -> Callable[..., Any]:
    def statistics(self: Any) -> Any:
        found = original(self)
        try:
            here = _here()
            if here is not None:
                session, actor = here
                for task in _trio.waiting_for(self):
                    waits = session.tasks.get(task)
                    if waits is not None:
                        actor.acquire(waits.so_far())
        except Exception as error:  # noqa: BLE001
            faults.report("edges.looks", error)
        return found

    return statistics


def _watching_locked(original: Callable[..., Any]) -> Callable[..., Any]:
    """A lock is seen to be taken: whoever took it did so before."""

    def locked(self: Any) -> bool:
        taken: bool = original(self)
        if taken:
            try:
                here = _here()
                if here is not None:
                    session, actor = here
                    shadow = session.shadows.get(self)
                    actor.acquire(None if shadow is None else shadow.taken)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.looks", error)
        return taken

    return locked


def _watched_children(original: property) -> property:
    getter = original.fget
    assert getter is not None

    def child_tasks(self: trio.Nursery) -> Any:
        children = getter(self)
        try:
            here = _here()
            if here is not None:
                session, actor = here
                acquire_ended(session, self, actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.looks", error)
        return children

    return property(child_tasks, original.fset, original.fdel, original.__doc__)


def install(patches: Patches) -> None:
    """Watch what shows the state of primitives."""
    lock = _trio.part("trio._sync", "_LockImpl")
    for owner in (
        trio.Event,
        lock,
        trio.Semaphore,
        trio.CapacityLimiter,
        trio.Condition,
        trio.lowlevel.ParkingLot,
    ):
        patches.wrap(owner, "statistics", _watching_statistics)
    patches.wrap(lock, "locked", _watching_locked)
    patches.replace(trio.Nursery, "child_tasks", _watched_children(vars(trio.Nursery)["child_tasks"]))
