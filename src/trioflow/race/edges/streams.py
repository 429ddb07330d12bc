"""Byte streams: what is sent happens before what is received, byte by byte; here those of `trio.testing`.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import _thread
from collections import deque
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch

_CLOSED = 8
_UNREAD = 64
"""How many sends are remembered of a stream whose other end is perhaps in another process."""


@final
class Pipe:
    """One direction of a byte stream: sends that were not received yet, by where their bytes end."""

    __slots__ = ("_closed", "_lock", "_pending", "_received", "_sending", "_sent", "ends", "opened")

    def __init__(self) -> None:
        self._sent = 0
        self._received = 0
        self._pending: deque[tuple[int, Release]] = deque()
        self._sending: list[Release] = []
        # Threads may be at either end, and a finalizer may come at any time.
        self._lock = _thread.RLock()
        self._closed: list[Release] = []
        self.opened: Release | None = None
        self.ends = 0
        """How many of the two ends are known to be in this process."""

    def send(self, size: int, release: Release) -> None:
        """So many bytes were sent."""
        with self._lock:
            # More was received than was seen to be sent, by C code perhaps: count from there.
            self._sent = max(self._sent, self._received) + size
            pending = self._pending
            if pending and pending[-1][1] is release:
                pending.pop()
            pending.append((self._sent, release))
            if self.ends < 2 and len(pending) > _UNREAD:
                pending.popleft()

    def begin(self, release: Release) -> None:
        """Something is about to be sent; a thread may receive it before its size is known."""
        self._sending.append(release)

    def done(self, release: Release) -> None:
        """It was sent, or not."""
        self._sending.remove(release)

    def close(self, release: Release) -> None:
        """An end is closed; there may be several, each of which holds back the stream's end."""
        if len(self._closed) < _CLOSED and release not in self._closed:
            self._closed.append(release)

    def end(self, actor: Actor) -> None:
        """`actor` sees that there is nobody at the other end any more."""
        for release in self._closed:
            actor.acquire(release)

    def in_flight(self) -> int:
        """How many bytes were sent and not received."""
        return self._sent - self._received

    def receive_unseen(self, actor: Actor) -> None:
        """`actor` has received something, it is not known what."""
        with self._lock:
            for release in (*self._sending, *(release for _, release in self._pending)):
                actor.acquire(release)

    def receive(self, size: int, actor: Actor) -> None:
        """`actor` has received so many bytes; none at all is the end of the stream."""
        if size == 0:
            self.end(actor)
            return
        with self._lock:
            start = self._received
            self._received = end = start + size
            if end > self._sent:
                for release in self._sending:
                    actor.acquire(release)
            pending = self._pending
            while pending:
                last, release = pending[0]
                if last > start:
                    actor.acquire(release)
                if last > end:
                    break
                pending.popleft()
                if last >= end:
                    break


@final
class Pool:
    """Where it is not known who receives what: every receipt comes after every send."""

    __slots__ = ("_releases", "ends", "opened")

    def __init__(self) -> None:
        self._releases: dict[int, Release] = {}
        self.opened: Release | None = None
        self.ends = 2

    def send(self, size: int, release: Release) -> None:  # noqa: ARG002
        """Something was sent."""
        self._releases.pop(release.slot, None)
        self._releases[release.slot] = release
        if len(self._releases) > _UNREAD:
            del self._releases[next(iter(self._releases))]

    def begin(self, release: Release) -> None:
        """Something is about to be sent."""
        self.send(0, release)

    def done(self, release: Release) -> None:
        """It was sent, or not."""

    def close(self, release: Release) -> None:
        """An end is closed."""
        self.send(0, release)

    def end(self, actor: Actor) -> None:
        """`actor` sees that there is nobody at the other end any more."""
        for release in list(self._releases.values()):
            actor.acquire(release)

    def receive_unseen(self, actor: Actor) -> None:
        """`actor` has received something."""
        self.end(actor)

    def receive(self, size: int, actor: Actor) -> None:  # noqa: ARG002
        """`actor` has received something, or the end."""
        self.end(actor)


def _pipe(session: sessions.Session, queue: object) -> Pipe:
    pipe: Pipe | None = session.shadows.get(queue)
    if pipe is None:
        pipe = Pipe()
        pipe.ends = 2
        session.shadows.set(queue, pipe)
    return pipe


def _here(queue: Any) -> tuple[Pipe, Actor] | None:
    session = sessions.current()
    actor = None if session is None else session.actor()
    return None if session is None or actor is None else (_pipe(session, queue), actor)


@final
class _Put(Watch):
    """Bytes go into the buffer of a memory stream."""

    def before(self, queue: Any, data: bytes) -> tuple[Any, int]:
        return queue, len(data)

    def after(self, note: tuple[Any, int] | None, result: object) -> None:  # noqa: ARG002
        here = None if note is None else _here(note[0])
        if here is not None and note is not None and note[1]:
            pipe, actor = here
            pipe.send(note[1], actor.release())

    def failed(self, note: tuple[Any, int] | None, error: BaseException) -> None:  # noqa: ARG002
        here = None if note is None else _here(note[0])
        if here is not None:
            pipe, actor = here
            pipe.end(actor)


@final
class _Get(Watch):
    """Bytes, or the end of the stream, come out of it."""

    def before(self, queue: Any, *_: Any) -> Any:
        return queue

    def after(self, note: Any, result: bytes) -> None:
        here = _here(note)
        if here is not None:
            pipe, actor = here
            pipe.receive(len(result), actor)


@final
class _Close(Watch):
    """Its writing end is closed."""

    def before(self, queue: Any) -> None:
        here = _here(queue)
        if here is not None:
            pipe, actor = here
            pipe.close(actor.release())


@final
class _Lockstep(Watch):
    """A stream without a buffer tells its other end of every change: which it was is seen from the data."""

    def before(self, queue: Any) -> None:
        here = _here(queue)
        if here is None:
            return
        pipe, actor = here
        left, sender_closed = _trio.lockstep_state(queue)
        in_flight = pipe.in_flight()
        if left > in_flight:
            pipe.send(left - in_flight, actor.release())
        elif left < in_flight:
            pipe.receive(in_flight - left, actor)
        elif sender_closed:
            # Either end: the first is the one that closes.
            pipe.end(actor)
            pipe.close(actor.release())


def install(patches: Patches) -> None:
    """Watch the memory streams of `trio.testing`."""
    unbounded = _trio.part("trio.testing._memory_streams", "_UnboundedByteQueue")
    patches.watch(unbounded, "put", _Put())
    patches.watch(unbounded, "_get_impl", _Get())
    patches.watch(unbounded, "close", _Close())
    lockstep = _trio.part("trio.testing._memory_streams", "_LockstepByteQueue")
    patches.watch(lockstep, "_something_happened", _Lockstep())
