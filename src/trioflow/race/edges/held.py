"""What is known of a lock that an annotation names: its identity, and who has made it.

PYTEST_DONT_REWRITE

Trio's and `threading`'s own locks are known by themselves. A condition stands for its lock, and a lock of AnyIO for the
one of Trio that it wraps.
"""

from __future__ import annotations

import _thread
import threading
from typing import Any

import trio

from trioflow.race import _trio
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.edges import session as sessions
from trioflow.race.edges.locks import LockShadow, TokenShadow, limiter_shadow, lock_shadow, semaphore_shadow
from trioflow.race.edges.mutexes import TracedLock, TracedRLock
from trioflow.race.edges.session import Session
from trioflow.race.shadow.guarded import KnownLock

_UNWATCHED = KnownLock(None)
_PLAIN = (_thread.LockType, _thread.RLock)
_DEPTH = 4


def known_lock(lock: object) -> KnownLock | None:
    """What is known of a lock; None if it is none."""
    session = sessions.current()
    return _UNWATCHED if session is None else _known(session, lock, _DEPTH)


def _known(session: Session, lock: Any, depth: int) -> KnownLock | None:
    if depth == 0:
        return None
    shadow: LockShadow | TokenShadow
    if isinstance(lock, (TracedLock, TracedRLock)):
        return KnownLock(lock.identity(session), session.makers.get(lock))
    if isinstance(lock, _PLAIN):
        return _UNWATCHED  # made before the detector was there
    if _is_condition(lock):
        return _known(session, lock._lock, depth - 1)
    if isinstance(lock, _trio.part("trio._sync", "_LockImpl")):
        shadow = lock_shadow(session, lock)
    elif isinstance(lock, trio.Semaphore):
        shadow = semaphore_shadow(session, lock)
    elif isinstance(lock, trio.CapacityLimiter):
        shadow = limiter_shadow(session, lock)
    else:
        return _of_anyio(session, lock, depth)
    return KnownLock(shadow.identity, session.makers.get(lock))


def _is_condition(lock: object) -> bool:
    """Whether it is a condition, which has a lock inside."""
    if isinstance(lock, (trio.Condition, threading.Condition)):
        return True
    return _is_of_anyio(lock) and type(lock).__name__ == "Condition"


def _is_of_anyio(lock: object) -> bool:
    return type(lock).__module__.partition(".")[0] == "anyio"


def _of_anyio(session: Session, lock: Any, depth: int) -> KnownLock | None:
    if not _is_of_anyio(lock):
        return None
    remembered = session.shadows.get(lock)
    if isinstance(remembered, (LockShadow, TokenShadow)):
        return KnownLock(remembered.identity, session.makers.get(lock))
    wrapped = [f"_{base.__name__}__original" for base in type(lock).__mro__]
    for name in (*wrapped, "_original", "_internal_lock", "_internal_limiter", "_internal_semaphore"):
        inner = getattr(lock, name, None)
        if inner is not None:
            return _known(session, inner, depth - 1)
    # Nobody has taken it yet: what does so is watched.
    return KnownLock(LockIdentity("an AnyIO lock")) if callable(getattr(lock, "acquire", None)) else None
