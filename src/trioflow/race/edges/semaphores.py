"""`threading.Semaphore`: a unit that is put back happens before whoever takes it next.

PYTEST_DONT_REWRITE

It is made of a lock, by which all that use it would be ordered, one after the other. But who takes a unit while there
are others left waits for nobody. So what its lock does while a semaphore uses it is not looked at, and the units
are followed instead: release number k comes before acquisition number k + units.
"""

from __future__ import annotations

import _thread
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, final

from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.session import Session, at_any_time, local
from trioflow.race.shadow import faults


@final
class _Units:
    """The units that are free, the longest free first."""

    __slots__ = ("_holders", "_lock", "_returned", "_unused")

    def __init__(self, unused: int) -> None:
        self._unused = unused
        self._returned: deque[tuple[Release, bool]] = deque()
        self._holders: list[Actor] = []
        # Not one of `threading`, which may be watched.
        self._lock = _thread.RLock()

    def taken(self, actor: Actor) -> None:
        """`actor` has taken a unit."""
        with self._lock:
            self._holders.append(actor)
            if self._unused > 0:
                self._unused -= 1
                return
            returned = self._returned.popleft() if self._returned else None
        if returned is not None:
            release, lock = returned
            actor.acquire(release, lock=lock)

    def put_back(self, actor: Actor, number: int) -> list[tuple[Release, bool]]:
        """`actor` is about to put so many units back; one that it did not take makes a signal and no lock."""
        release = actor.release_now()
        with self._lock:
            holds = actor in self._holders
            if holds:
                self._holders.remove(actor)
            returned = [(release, holds)] * number
            self._returned.extend(returned)
        return returned

    def keep(self, returned: list[tuple[Release, bool]]) -> None:
        """They were not put back after all."""
        with self._lock:
            for unit in returned:
                self._returned.remove(unit)


def _units(session: Session, semaphore: Any) -> _Units:
    units: _Units | None = session.shadows.get(semaphore)
    if units is None:
        units = _Units(semaphore._value)
        session.shadows.set(semaphore, units)
    return units


def _watching_acquire(original: Callable[..., bool]) -> Callable[..., bool]:
    def acquire(self: threading.Semaphore, blocking: bool = True, timeout: float | None = None) -> bool:
        here = units = None
        try:
            here = at_any_time()
            units = None if here is None else _units(here[0], self)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.semaphores", error)
        outer, local.unseen = local.unseen, True
        try:
            taken = original(self, blocking, timeout)
        finally:
            local.unseen = outer
        if taken and here is not None and units is not None:
            try:
                units.taken(here[1])
            except Exception as error:  # noqa: BLE001
                faults.report("edges.semaphores", error)
        return taken

    return acquire


def _watching_release(original: Callable[..., None]) -> Callable[..., None]:
    def release(self: threading.Semaphore, n: int = 1) -> None:
        units = None
        returned: list[tuple[Release, bool]] = []
        try:
            here = at_any_time()
            if here is not None and n > 0:
                units = _units(here[0], self)
                returned = units.put_back(here[1], n)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.semaphores", error)
        outer, local.unseen = local.unseen, True
        try:
            original(self, n)
        except BaseException:
            if units is not None:
                units.keep(returned)
            raise
        finally:
            local.unseen = outer

    return release


def install(patches: Patches) -> None:
    """Watch semaphores of threads."""
    for name in ("acquire", "__enter__"):
        patches.wrap(threading.Semaphore, name, _watching_acquire)
    for owner in (threading.Semaphore, threading.BoundedSemaphore):
        patches.wrap(owner, "release", _watching_release)
