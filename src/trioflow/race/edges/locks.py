"""Locks: the release before the next acquisition, and who holds what.

PYTEST_DONT_REWRITE

A lock that is free wakes nobody when it is taken, so its last release is remembered. Semaphores and
limiters are a queue of tokens: whoever takes a token comes after whoever put it back, so release number
k happens before acquisition number k + capacity, as in a channel. The edges of locks are marked as such,
for they could have gone the other way round. A token put back by somebody who did not take it is a
signal, and no lock's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.clocks.places import place
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, local, watching
from trioflow.race.shadow import faults


@final
class LockShadow:
    """A lock's last release."""

    __slots__ = ("identity", "released", "taken")

    def __init__(self, identity: LockIdentity) -> None:
        self.identity = identity
        self.released: Release | None = None
        self.taken: Release | None = None  # by whoever has it, or had it last


@final
class TokenShadow:
    """The free tokens of a semaphore or limiter, the longest free first."""

    __slots__ = ("borrowed", "holders", "identity", "raised", "returned", "unused")

    def __init__(self, identity: LockIdentity, unused: float) -> None:
        self.identity = identity
        self.unused = unused
        """How many tokens nobody has taken yet."""
        self.returned: deque[tuple[Release | None, bool]] = deque()
        """The others, with the release that put them back, and whether that was by their holder."""
        self.holders: list[Actor] = []
        self.borrowed: dict[int, Actor | None] = {}
        """Limiters: who took each borrower's token; None for a thread."""
        self.raised: Release | None = None  # who made the tokens that are unused

    def take(self, actor: Actor) -> None:
        """`actor` takes the token that has been free for longest."""
        if self.unused > 0:
            self.unused -= 1
            actor.acquire(self.raised)
        elif self.returned:
            release, lock = self.returned.popleft()
            actor.acquire(release, lock=lock)

    def taken(self, actor: Actor) -> None:
        """`actor` has taken a semaphore's token."""
        self.take(actor)
        self.holders.append(actor)
        actor.hold(self.identity)

    def put_back(self, actor: Actor, heir: Actor | None, value: int) -> None:
        """`actor` has put a semaphore's token back.

        Args:
            actor: Who did it, whether it had one or not.
            heir: Who waited for it and has it now.
            value: The semaphore's value after that.
        """
        holds = actor in self.holders
        if holds:
            self.holders.remove(actor)
            actor.drop(self.identity)
        elif self.holders:
            self.identity.exclusive = False
        if heir is not None:
            self.holders.append(heir)
            heir.hold(self.identity)
        else:
            self.returned.append((actor.release(), holds))
            self.match(value)
        if value + len(self.holders) > 1:
            self.identity.exclusive = False

    def match(self, available: float) -> None:
        """Make up for tokens that were made, taken away, or moved unseen."""
        while self.unused + len(self.returned) > max(0, available):
            if self.unused > 0:
                self.unused = max(0, available - len(self.returned))
            else:
                self.returned.popleft()
        self.unused += max(0, available - self.unused - len(self.returned))


def _identity(session: Session, lock: object, kind: str) -> LockIdentity:
    return LockIdentity(kind=kind, made=session.made.get(lock))


def lock_shadow(session: Session, lock: Any) -> LockShadow:
    """What is remembered of a lock."""
    shadow: LockShadow | None = session.shadows.get(lock)
    if shadow is None:
        shadow = LockShadow(_identity(session, lock, f"trio.{type(lock).__name__}"))
        session.shadows.set(lock, shadow)
    return shadow


def semaphore_shadow(session: Session, semaphore: trio.Semaphore) -> TokenShadow:
    """What is remembered of a semaphore."""
    shadow: TokenShadow | None = session.shadows.get(semaphore)
    if shadow is None:
        value = _trio.semaphore_value(semaphore)
        shadow = TokenShadow(_identity(session, semaphore, "trio.Semaphore"), value)
        shadow.identity.exclusive = value <= 1
        session.shadows.set(semaphore, shadow)
    return shadow


def limiter_shadow(session: Session, limiter: trio.CapacityLimiter) -> TokenShadow:
    """What is remembered of a limiter."""
    shadow: TokenShadow | None = session.shadows.get(limiter)
    if shadow is None:
        shadow = TokenShadow(_identity(session, limiter, "trio.CapacityLimiter"), _trio.available_tokens(limiter))
        shadow.identity.exclusive = limiter.total_tokens <= 1
        session.shadows.set(limiter, shadow)
    return shadow


def _here() -> tuple[Session, Actor] | None:
    session = sessions.current()
    actor = None if session is None else session.actor()
    return None if session is None or actor is None else (session, actor)


@final
class _MadeWatch(Watch):
    """Where a lock is made."""

    def before(self, lock: object, *_: Any, **__: Any) -> None:
        session = sessions.current()
        if session is not None:
            session.note_made(lock, place())


# Locks


def _watching_acquire(original: Callable[..., Any]) -> Callable[..., Any]:
    """`acquire_nowait`, and through it `acquire` unless it waits."""

    def acquire_nowait(self: Any) -> None:
        original(self)
        session = watching.session
        try:
            actor = None if session is None else session.actor()
            if session is not None and actor is not None:
                shadow = session.shadows.get(self) or lock_shadow(session, self)
                if shadow.released is not None:
                    actor.acquire(shadow.released, lock=True)
                actor.hold(shadow.identity)
                shadow.taken = actor.release()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.locks", error)

    return acquire_nowait


def _watching_release(original: Callable[..., Any]) -> Callable[..., Any]:
    """`release`; if somebody waits, the lock is theirs at once."""

    def release(self: Any) -> None:
        local.handing_over = True
        try:
            original(self)
        finally:
            local.handing_over = False
        session = watching.session
        try:
            actor = None if session is None else session.actor()
            if session is not None and actor is not None:
                shadow = session.shadows.get(self) or lock_shadow(session, self)
                shadow.released = actor.release()
                actor.drop(shadow.identity)
                owner = _trio.lock_owner(self)
                heir = None if owner is None else session.tasks.get(owner)
                if heir is not None:
                    shadow.taken = heir.so_far()
                    heir.hold(shadow.identity)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.locks", error)

    return release


@final
class _Repark(Watch):
    """`Condition.notify`: tasks go from one parking lot to another, to be woken there by somebody else."""

    def before(self, lot: Any, *_: Any, **__: Any) -> tuple[Any, list[trio.lowlevel.Task]]:
        return lot, list(_trio.parked(lot))

    def after(self, note: tuple[Any, list[trio.lowlevel.Task]] | None, result: object) -> None:  # noqa: ARG002
        here = _here()
        if here is None or note is None:
            return
        session, actor = here
        left = _trio.parked(note[0])
        for task in note[1]:
            moved = None if task in left else session.tasks.get(task)
            if moved is not None and moved is not actor:
                moved.wake(actor.release())


# Semaphores


@final
class _AcquireSemaphore(Watch):
    """`acquire_nowait`, and through it `acquire` unless it waits."""

    def before(self, semaphore: trio.Semaphore) -> Any:
        here = _here()
        return None if here is None else (semaphore_shadow(here[0], semaphore), here[1])

    def after(self, note: tuple[TokenShadow, Actor] | None, result: object) -> None:  # noqa: ARG002
        if note is not None:
            shadow, actor = note
            shadow.taken(actor)


@final
class _ReleaseSemaphore(Watch):
    """`release`; if somebody waits, the token is theirs at once."""

    def before(self, semaphore: trio.Semaphore) -> Any:
        here = _here()
        if here is None:
            return None
        session, actor = here
        shadow = semaphore_shadow(session, semaphore)
        waiting = next(iter(_trio.parked(_trio.lot_of(semaphore))), None)
        heir = None if waiting is None else session.tasks.get(waiting)
        local.handing_over = actor in shadow.holders
        return semaphore, shadow, actor, heir

    def after(self, note: Any, result: object) -> None:  # noqa: ARG002
        local.handing_over = False
        if note is not None:
            semaphore, shadow, actor, heir = note
            shadow.put_back(actor, heir, _trio.semaphore_value(semaphore))

    def failed(self, note: Any, error: BaseException) -> None:  # noqa: ARG002
        local.handing_over = False


# Limiters


def _borrow(session: Session, shadow: TokenShadow, actor: Actor, borrower: object) -> None:
    if _trio.is_thread_placeholder(borrower):
        # Not the task but the function in the thread works under it.
        shadow.borrowed[id(borrower)] = None
        session.entering[actor] = shadow.identity
    else:
        shadow.borrowed[id(borrower)] = actor
        actor.hold(shadow.identity)


@final
class _AcquireLimiter(Watch):
    """`acquire_on_behalf_of_nowait`, through which all acquisitions go unless they wait."""

    def before(self, limiter: trio.CapacityLimiter, borrower: object) -> Any:
        here = _here()
        return None if here is None else (*here, limiter_shadow(here[0], limiter), borrower)

    def after(self, note: Any, result: object) -> None:  # noqa: ARG002
        if note is not None:
            session, actor, shadow, borrower = note
            shadow.take(actor)
            _borrow(session, shadow, actor, borrower)


@final
class _ReleaseLimiter(Watch):
    """`release_on_behalf_of`, through which all releases go."""

    def before(self, limiter: trio.CapacityLimiter, borrower: object) -> Any:
        here = _here()
        if here is None:
            return None
        session, actor = here
        shadow = limiter_shadow(session, limiter)
        holder = shadow.borrowed.get(id(borrower), actor)
        local.handing_over = holder is actor or holder is None
        return limiter, shadow, actor, holder, id(borrower), local.handing_over

    def after(self, note: Any, result: object) -> None:  # noqa: ARG002
        local.handing_over = False
        if note is None:
            return
        limiter, shadow, actor, holder, borrower, lock = note
        if shadow.borrowed.get(borrower) is holder:
            shadow.borrowed.pop(borrower, None)
        if holder is actor:
            actor.drop(shadow.identity)
        elif holder is not None:
            shadow.identity.exclusive = False
        shadow.returned.append((actor.release(), lock))
        shadow.match(_trio.available_tokens(limiter))

    def failed(self, note: Any, error: BaseException) -> None:  # noqa: ARG002
        local.handing_over = False


@final
class _WakeBorrowers(Watch):
    """`_wake_waiters`: free tokens go to those who wait."""

    def before(self, limiter: trio.CapacityLimiter) -> Any:
        here = _here()
        waiting = _trio.parked(_trio.lot_of(limiter))
        if here is None or not waiting:
            return None
        pending = _trio.pending_borrowers(limiter)
        return here[0], limiter, [(task, pending.get(task)) for task in waiting]

    def after(self, note: Any, result: object) -> None:  # noqa: ARG002
        if note is None:
            return
        session, limiter, waiting = note
        shadow = limiter_shadow(session, limiter)
        left = _trio.parked(_trio.lot_of(limiter))
        for task, borrower in waiting:
            heir = session.tasks.get(task)
            if task not in left and heir is not None:
                _borrow(session, shadow, heir, borrower)


def _watched_total(original: property) -> property:
    setter = original.fset
    assert setter is not None

    def set_total(limiter: trio.CapacityLimiter, total: float) -> None:
        # In the constructor there is no total yet, and nothing to see.
        seen = hasattr(limiter, "_total_tokens")
        setter(limiter, total)
        if seen:
            try:
                changed(limiter, total)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.locks", error)

    def changed(limiter: trio.CapacityLimiter, total: float) -> None:
        here = _here()
        if here is not None:
            session, actor = here
            shadow = limiter_shadow(session, limiter)
            if _trio.available_tokens(limiter) > shadow.unused + len(shadow.returned):
                shadow.raised = actor.release()
            shadow.match(_trio.available_tokens(limiter))
            shadow.identity.exclusive = shadow.identity.exclusive and total <= 1

    return property(original.fget, set_total, original.fdel, original.__doc__)


def install(patches: Patches) -> None:
    """Watch locks, semaphores, limiters and conditions."""
    lock = _trio.part("trio._sync", "_LockImpl")
    made = _MadeWatch()
    for owner in (lock, trio.Semaphore, trio.CapacityLimiter):
        patches.watch(owner, "__init__", made)
    watches: tuple[tuple[Any, str, Callable[[], Watch]], ...] = (
        (trio.lowlevel.ParkingLot, "repark", _Repark),
        (trio.Semaphore, "acquire_nowait", _AcquireSemaphore),
        (trio.Semaphore, "release", _ReleaseSemaphore),
        (trio.CapacityLimiter, "acquire_on_behalf_of_nowait", _AcquireLimiter),
        (trio.CapacityLimiter, "release_on_behalf_of", _ReleaseLimiter),
    )
    patches.wrap(lock, "acquire_nowait", _watching_acquire, protect=True)
    patches.wrap(lock, "release", _watching_release, protect=True)
    for owner, name, watch in watches:
        patches.watch(owner, name, watch(), protect=True)
    patches.watch(trio.CapacityLimiter, "_wake_waiters", _WakeBorrowers())
    patches.replace(trio.CapacityLimiter, "total_tokens", _watched_total(vars(trio.CapacityLimiter)["total_tokens"]))
