"""AnyIO on Trio: what it hands over without waking anybody, and the locks that older versions wrote in Python.

PYTEST_DONT_REWRITE

AnyIO is never imported from here. It is watched by the names of its modules: those that are loaded when the
detector is installed, and those loaded by the time a run starts.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, cast, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.channels import ChannelShadow
from trioflow.race.edges.locks import LockShadow, TokenShadow
from trioflow.race.edges.session import Session, local


@final
class _Call:
    """A call that may wake somebody: who is woken is the other side."""

    __slots__ = ("actor", "outer", "session", "target", "woken")

    def __init__(self, session: Session, actor: Actor, target: Any) -> None:
        self.session = session
        self.actor = actor
        self.target = target
        self.outer = local.woken
        self.woken: list[Actor] = []
        local.woken = self.woken

    def finish(self) -> None:
        """Wake-ups are no longer ours to see."""
        local.woken = self.outer
        if self.outer is not None:
            self.outer += self.woken


class _Waking(Watch):
    """Watches a call that may wake somebody."""

    def before(self, target: Any, *_: Any) -> _Call | None:
        session = sessions.current()
        actor = None if session is None else session.actor()
        return None if session is None or actor is None else _Call(session, actor, target)

    def after(self, note: _Call | None, result: object) -> None:  # noqa: ARG002
        if note is not None:
            note.finish()
            self.done(note)

    def failed(self, note: _Call | None, error: BaseException) -> None:
        if note is not None:
            note.finish()
            self.refused(note, type(error).__name__)

    def done(self, call: _Call) -> None:
        """The call has returned."""

    def refused(self, call: _Call, error: str) -> None:
        """The call has raised an error of this name."""


# Memory object streams


def _stream(session: Session, end: Any) -> ChannelShadow:
    state = end._state
    shadow: ChannelShadow | None = session.shadows.get(state)
    if shadow is None:
        shadow = ChannelShadow(len(state.buffer), state.max_buffer_size)
        session.shadows.set(state, shadow)
    return shadow


@final
class _Send(_Waking):
    def before(self, target: Any, *_: Any) -> _Call | None:
        call = super().before(target)
        if call is not None:
            _stream(call.session, target).match(len(target._state.buffer))
        return call

    def done(self, call: _Call) -> None:
        shadow = _stream(call.session, call.target)
        receiver = call.woken[0] if call.woken else None
        buffered = call.target._state.max_buffer_size > 0
        if buffered:
            call.actor.acquire(shadow.take_room())
        if receiver is None:
            shadow.sent.append(call.actor.release())
        elif buffered:
            shadow.make_room(receiver.release_now())
        else:
            call.actor.acquire(receiver.release_now())

    def refused(self, call: _Call, error: str) -> None:
        if error == "ClosedResourceError":
            call.actor.acquire(call.session.shadows.get(call.target))
        elif error == "BrokenResourceError":
            for release in _stream(call.session, call.target).receivers_closed:
                call.actor.acquire(release)


@final
class _Receive(_Waking):
    def before(self, target: Any, *_: Any) -> _Call | None:
        call = super().before(target)
        if call is not None:
            _stream(call.session, target).match(len(target._state.buffer))
        return call

    def done(self, call: _Call) -> None:
        shadow = _stream(call.session, call.target)
        sender = call.woken[0] if call.woken else None
        if sender is not None:
            shadow.sent.append(sender.release_now())
        if shadow.sent:
            call.actor.acquire(shadow.sent.popleft())
        if call.target._state.max_buffer_size > 0:
            shadow.make_room(call.actor.release())
            if sender is not None:
                shadow.take_room()

    def refused(self, call: _Call, error: str) -> None:
        if error == "ClosedResourceError":
            call.actor.acquire(call.session.shadows.get(call.target))
        elif error == "EndOfStream":
            for release in _stream(call.session, call.target).senders_closed:
                call.actor.acquire(release)


@final
class _Close(_Waking):
    def __init__(self, *, sender: bool) -> None:
        self._sender = sender

    def before(self, target: Any, *_: Any) -> _Call | None:
        return None if target._closed else super().before(target)

    def done(self, call: _Call) -> None:
        shadow = _stream(call.session, call.target)
        release = call.actor.release()
        call.session.shadows.set(call.target, release)
        closed = shadow.senders_closed if self._sender else shadow.receivers_closed
        for woken in call.woken:
            for earlier in closed:
                woken.wake(earlier)
        if not closed or closed[-1] is not release:
            closed.append(release)


# Locks and semaphores written in Python


@final
class _AcquireLock(_Waking):
    def done(self, call: _Call) -> None:
        shadow = _lock(call)
        call.actor.acquire(shadow.released, lock=True)
        call.actor.hold(shadow.identity)


@final
class _ReleaseLock(_Waking):
    def before(self, target: Any, *_: Any) -> _Call | None:
        local.handing_over = True
        return super().before(target)

    def done(self, call: _Call) -> None:
        local.handing_over = False
        shadow = _lock(call)
        shadow.released = call.actor.release()
        call.actor.drop(shadow.identity)
        for heir in call.woken[:1]:
            heir.hold(shadow.identity)

    def refused(self, call: _Call, error: str) -> None:  # noqa: ARG002
        local.handing_over = False


def _lock(call: _Call) -> LockShadow:
    shadow: LockShadow | None = call.session.shadows.get(call.target)
    if shadow is None:
        shadow = LockShadow(LockIdentity(kind="anyio.Lock"))
        call.session.shadows.set(call.target, shadow)
    return shadow


def _tokens(session: Session, semaphore: Any) -> TokenShadow:
    shadow: TokenShadow | None = session.shadows.get(semaphore)
    if shadow is None:
        shadow = TokenShadow(LockIdentity(kind="anyio.Semaphore"), semaphore.value)
        shadow.identity.exclusive = semaphore.value <= 1
        session.shadows.set(semaphore, shadow)
    return shadow


@final
class _AcquireSemaphore(_Waking):
    def before(self, target: Any, *_: Any) -> _Call | None:
        call = super().before(target)
        if call is not None:
            _tokens(call.session, target)
        return call

    def done(self, call: _Call) -> None:
        _tokens(call.session, call.target).taken(call.actor)


@final
class _ReleaseSemaphore(_Waking):
    def before(self, target: Any, *_: Any) -> _Call | None:
        call = super().before(target)
        if call is not None:
            local.handing_over = call.actor in _tokens(call.session, target).holders
        return call

    def done(self, call: _Call) -> None:
        local.handing_over = False
        heir = call.woken[0] if call.woken else None
        _tokens(call.session, call.target).put_back(call.actor, heir, call.target.value)

    def refused(self, call: _Call, error: str) -> None:  # noqa: ARG002
        local.handing_over = False


# By name


def _watch_streams(patches: Patches, module: ModuleType) -> None:
    send, receive = module.MemoryObjectSendStream, module.MemoryObjectReceiveStream
    patches.watch(send, "send_nowait", _Send())
    patches.watch(receive, "receive_nowait", _Receive())
    patches.watch(send, "close", _Close(sender=True))
    patches.watch(receive, "close", _Close(sender=False))


def _watch_locks(patches: Patches, module: ModuleType) -> None:
    # Newer versions have subclasses that use Trio's own.
    if hasattr(module.Lock, "_owner_task"):
        patches.watch(module.Lock, "acquire_nowait", _AcquireLock())
        patches.watch(module.Lock, "release", _ReleaseLock())
    semaphore = cast("dict[str, object]", vars(module.Semaphore))
    if isinstance(semaphore.get("value"), property) and "__init__" in semaphore:
        patches.watch(module.Semaphore, "acquire_nowait", _AcquireSemaphore())
        patches.watch(module.Semaphore, "release", _ReleaseSemaphore())


_MODULES = {"anyio.streams.memory": _watch_streams, "anyio._core._synchronization": _watch_locks}


class _State:
    patches: Patches | None = None
    waiting: frozenset[str] = frozenset()


def catch_up() -> None:
    """Watch what was loaded since the last time."""
    if _State.patches is None:
        return
    for name in sorted(_State.waiting & sys.modules.keys()):
        _State.waiting -= {name}
        _MODULES[name](_State.patches, sys.modules[name])


def install(patches: Patches) -> None:
    """Watch AnyIO as far as it is loaded, and the rest when a run starts."""
    _State.patches = patches
    _State.waiting = frozenset(_MODULES)
    catch_up()


def forget() -> None:
    """Nothing more is to be watched."""
    _State.patches = None
