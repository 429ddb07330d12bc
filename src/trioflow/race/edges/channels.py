"""Memory channels: the send of an item happens before its receipt, and room in the buffer before its use.

PYTEST_DONT_REWRITE

`send` and `receive` go through `send_nowait` and `receive_nowait` unless they have to wait, so these two
are all there is to watch, and no coroutine gets another frame. Somebody who waits is woken by
`reschedule`; the buffered path wakes nobody, so a queue of releases runs parallel to the buffer.

With a capacity of C, receive number k happens before the end of send number k + C, as in Go's memory
model: the receipts wait in a queue for the send that uses their room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, watching
from trioflow.race.shadow import faults


@final
class ChannelShadow:
    """What was released through a channel and not acquired yet."""

    __slots__ = ("receipts", "receivers_closed", "senders_closed", "sent", "unused")

    def __init__(self, items: int, capacity: float) -> None:
        self.sent: deque[Release | None] = deque([None] * items)
        """The sends of the items in the buffer."""
        self.unused: float = max(0, capacity - items)
        """How many places of the buffer were never used."""
        self.receipts: deque[Release | None] = deque()
        """The receipts that made the other free places."""
        self.senders_closed: list[Release] = []
        self.receivers_closed: list[Release] = []

    def match(self, items: int) -> None:
        """Make up for what happened to the buffer unseen."""
        while len(self.sent) > items:
            self.sent.popleft()
        while len(self.sent) < items:
            self.sent.append(None)

    def take_room(self) -> Release | None:
        """Use one place of the buffer; the receipt that made it free."""
        if self.unused > 0:
            self.unused -= 1
            return None
        return self.receipts.popleft() if self.receipts else None

    def make_room(self, release: Release) -> None:
        """A receipt makes a place free."""
        self.receipts.append(release)


def _shadow(session: Session, state: _trio.ChannelState) -> ChannelShadow:
    shadow: ChannelShadow | None = session.shadows.get(state)
    if shadow is None:
        shadow = ChannelShadow(len(state.data), state.max_buffer_size)
        session.shadows.set(state, shadow)
    else:
        shadow.match(len(state.data))
    return shadow


def _watching_send(original: Callable[..., Any]) -> Callable[..., Any]:
    """`send_nowait`, and through it `send` unless it waits."""

    def send_nowait(self: Any, value: object) -> None:
        session = watching.session
        actor = shadow = receiver = None
        state: Any = None
        try:
            actor = None if session is None else session.actor()
            if session is not None and actor is not None:
                state = _trio.channel_state(self)
                shadow = _shadow(session, state)
                if state.receive_tasks:
                    receiver = session.tasks.get(next(iter(state.receive_tasks)))
        except Exception as error:  # noqa: BLE001
            faults.report("edges.channels", error)
        if session is None or actor is None or shadow is None:
            original(self, value)
            return
        try:
            original(self, value)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            _refused(session, actor, self, error, shadow.receivers_closed)
            raise
        try:
            _sent(actor, shadow, receiver, buffered=state.max_buffer_size > 0)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.channels", error)

    return send_nowait


def _sent(actor: Actor, shadow: ChannelShadow, receiver: Actor | None, *, buffered: bool) -> None:
    if buffered:
        actor.acquire(shadow.take_room())
    if receiver is None:
        shadow.sent.append(actor.release())
    elif buffered:
        # It passes through the buffer without a stop: its place is free again at once.
        shadow.make_room(receiver.release_now())
    else:
        actor.acquire(receiver.release_now())


def _watching_receive(original: Callable[..., Any]) -> Callable[..., Any]:
    """`receive_nowait`, and through it `receive` unless it waits."""

    def receive_nowait(self: Any) -> Any:
        session = watching.session
        actor = shadow = sender = None
        state: Any = None
        try:
            actor = None if session is None else session.actor()
            if session is not None and actor is not None:
                state = _trio.channel_state(self)
                shadow = _shadow(session, state)
                if state.send_tasks:
                    sender = session.tasks.get(next(iter(state.send_tasks)))
        except Exception as error:  # noqa: BLE001
            faults.report("edges.channels", error)
        if session is None or actor is None or shadow is None:
            return original(self)
        try:
            value = original(self)
        except (trio.ClosedResourceError, trio.EndOfChannel) as error:
            _refused(session, actor, self, error, shadow.senders_closed)
            raise
        try:
            _received(actor, shadow, sender, buffered=state.max_buffer_size > 0)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.channels", error)
        return value

    return receive_nowait


def _received(actor: Actor, shadow: ChannelShadow, sender: Actor | None, *, buffered: bool) -> None:
    if sender is not None:
        # It was woken by this receipt, which is the room it waited for.
        shadow.sent.append(sender.release_now())
    if shadow.sent:
        actor.acquire(shadow.sent.popleft())
    if buffered:
        shadow.make_room(actor.release())
        if sender is not None:
            shadow.take_room()


def _refused(session: Session, actor: Actor, end: Any, error: Exception, closed: list[Release]) -> None:
    """An operation has failed because this end, or the other one, was closed before."""
    try:
        if isinstance(error, trio.ClosedResourceError):
            actor.acquire(session.shadows.get(end))
        else:
            for release in closed:
                actor.acquire(release)
    except Exception as own:  # noqa: BLE001
        faults.report("edges.channels", own)


@final
class _CloseWatch(Watch):
    """`close` of either end, and through it `aclose` and the end of a with block."""

    def __init__(self, *, sender: bool) -> None:
        self._sender = sender

    def before(self, end: Any) -> None:
        session = watching.session
        actor = None if session is None else session.actor()
        if session is None or actor is None or _trio.is_closed_end(end):
            return
        state = _trio.channel_state(end)
        shadow = _shadow(session, state)
        release = actor.release()
        session.shadows.set(end, release)
        closed = shadow.senders_closed if self._sender else shadow.receivers_closed
        last = (state.open_send_channels if self._sender else state.open_receive_channels) == 1
        if last:
            # Who waits at the other end is woken by this close, but owes it to the earlier ones as well.
            for task in state.receive_tasks if self._sender else state.send_tasks:
                waiting = session.tasks.get(task)
                if waiting is not None:
                    for earlier in closed:
                        waiting.wake(earlier)
        if not closed or closed[-1] is not release:
            closed.append(release)


def install(patches: Patches) -> None:
    """Watch memory channels."""
    send, receive = trio.MemorySendChannel, trio.MemoryReceiveChannel
    patches.wrap(send, "send_nowait", _watching_send, protect=True)
    patches.wrap(receive, "receive_nowait", _watching_receive, protect=True)
    patches.watch(send, "close", _CloseWatch(sender=True), protect=True)
    patches.watch(receive, "close", _CloseWatch(sender=False), protect=True)
