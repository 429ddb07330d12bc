"""Sockets between tasks of one process, matched by their addresses.

PYTEST_DONT_REWRITE

Each direction of a connection is a pipe, named by the addresses of its two ends, so that what one end sends
is found by the other without either knowing of it. Where ends have no address (socket pairs) they are
matched when they are made; where that is not seen, all that goes between such sockets is taken to be
ordered. A socket to another process keeps a short list of releases that nobody asks for.
"""

from __future__ import annotations

import inspect
import socket as standard
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, at_any_time, watching
from trioflow.race.edges.streams import Pipe, Pool
from trioflow.race.shadow import faults

_SENDING = frozenset({"send", "sendall", "sendmsg", "sendto"})
_RECEIVING = frozenset({"recv", "recv_into", "recvmsg", "recvmsg_into", "recvfrom", "recvfrom_into"})


@final
class _Link:
    """A socket with its two directions."""

    __slots__ = ("incoming", "outgoing")

    def __init__(self, outgoing: Pipe | Pool, incoming: Pipe | Pool) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        outgoing.ends += 1
        incoming.ends += 1


def _pipe(session: Session, source: object, target: object, *, stream: bool) -> Pipe | Pool:
    pipe: Pipe | Pool | None = session.pipes.get((source, target))
    if pipe is None:
        pipe = Pipe() if stream and source and target else Pool()
        session.pipes[source, target] = pipe
    return pipe


def _port(address: Any) -> object:
    """What names the receiver of a datagram, whichever of the machine's addresses it is bound to."""
    return cast("tuple[object, ...]", address)[1] if isinstance(address, tuple) else address


def _link(session: Session, below: standard.socket) -> _Link | None:
    """The link of a socket that is connected; None otherwise."""
    link: _Link | None = session.shadows.get(below)
    if link is None:
        try:
            here, there = below.getsockname(), below.getpeername()
        except OSError:
            return None
        if below.type == standard.SOCK_STREAM:
            link = _Link(
                _pipe(session, here, there, stream=True),
                _pipe(session, there, here, stream=True),
            )
        else:
            link = _Link(
                _pipe(session, "datagram", _port(there), stream=False),
                _pipe(session, "datagram", _port(here), stream=False),
            )
        session.shadows.set(below, link)
    return link


def _size(name: str, result: object) -> int:
    """How much a call has moved."""
    data = cast("tuple[object, ...]", result)[0] if isinstance(result, tuple) else result
    if isinstance(data, int):
        return data
    return len(data) if isinstance(data, bytes) and name in _RECEIVING else 0


@final
class _Sending:
    """Something that is being sent: it may be received before it is known how much it was."""

    __slots__ = ("pipe", "release")

    def __init__(self, pipe: Pipe | Pool, release: Release) -> None:
        self.pipe = pipe
        self.release = release
        pipe.begin(release)

    def sent(self, size: int) -> None:
        """So much was sent."""
        self.pipe.send(size, self.release)
        self.pipe.done(self.release)

    def failed(self) -> None:
        """Nothing was sent."""
        self.pipe.done(self.release)


def _begin(below: standard.socket, arguments: tuple[Any, ...]) -> _Sending | None:
    try:
        here = at_any_time()
        if here is None:
            return None
        session, actor = here
        link = _link(session, below)
        if link is not None:
            return _Sending(link.outgoing, actor.release())
        if len(arguments) > 1 and isinstance(arguments[-1], tuple | str | bytes):
            return _Sending(_pipe(session, "datagram", _port(arguments[-1]), stream=False), actor.release())
    except Exception as error:  # noqa: BLE001
        faults.report("edges.sockets", error)
    return None


def _received(session: Session, actor: Actor, below: standard.socket, size: int, *, peeked: bool) -> None:
    link = _link(session, below)
    if link is not None and peeked and size:
        link.incoming.receive_unseen(actor)
    elif link is not None:
        link.incoming.receive(size, actor)
    else:
        name = _port(below.getsockname())
        _pipe(session, "datagram", name, stream=False).receive(size, actor)


def _accepted(session: Session, actor: Actor, below: standard.socket) -> None:
    """A connection was accepted: its other end began to connect before."""
    there = below.getpeername()
    pipe = session.pipes.get((there, below.getsockname()))
    if pipe is not None and pipe.opened is not None:
        actor.acquire(pipe.opened)
        return
    for socket, release in list(session.connecting):
        try:
            name = _trio.standard_socket(socket).getsockname()
        except OSError:
            continue
        if name == there:
            actor.acquire(release)


def _broken(below: standard.socket) -> None:
    """The other end is gone, and whoever closed it did so before."""
    try:
        here = at_any_time()
        link = None if here is None else here[0].shadows.get(below)
        if here is not None and link is not None:
            link.incoming.end(here[1])
    except Exception as error:  # noqa: BLE001
        faults.report("edges.sockets", error)


def _traced(name: str) -> Callable[..., Any]:
    """A function of the standard library's sockets that tells what went through it."""
    function = getattr(standard.socket, name)
    sends = name in _SENDING
    place_of_flags = 1 if name in ("recv", "recvfrom") else 2

    def call(below: standard.socket, *arguments: Any, **options: Any) -> Any:
        if _trio.is_wakeup(sys._getframe(1)):
            return function(below, *arguments, **options)
        sending = _begin(below, arguments) if sends else None
        try:
            result = function(below, *arguments, **options)
        except BaseException as error:
            if sending is not None:
                sending.failed()
            if isinstance(error, ConnectionError):
                _broken(below)
            raise
        try:
            if sending is not None:
                sending.sent(len(arguments[0]) if name == "sendall" else _size(name, result))
            here = None if sends else at_any_time()
            if here is None:
                return result
            session, actor = here
            if name == "accept":
                _accepted(session, actor, result[0])
            else:
                flags = arguments[place_of_flags] if len(arguments) > place_of_flags else options.get("flags", 0)
                _received(session, actor, below, _size(name, result), peeked=bool(flags & standard.MSG_PEEK))
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        return result

    return call


def _tracing(name: str, _: Callable[..., Any]) -> Callable[..., Any]:
    return _traced(name)


def _watching_helper(original: Callable[..., Any]) -> Callable[..., Any]:
    """All calls that may block go through one helper, which gets the function to call as an argument."""
    traced = {
        getattr(standard.socket, name): _traced(name)
        for name in sorted(_SENDING | _RECEIVING | {"accept"})
        if hasattr(standard.socket, name)
    }
    first = list(inspect.signature(original).parameters)[1] == "fn"

    # Some versions pass the function first, others second.

    def helper_first(self: Any, function: Any, *arguments: Any, **options: Any) -> Any:
        return original(self, traced.get(function, function), *arguments, **options)

    def helper_second(self: Any, wait: Any, function: Any, *arguments: Any, **options: Any) -> Any:
        return original(self, wait, traced.get(function, function), *arguments, **options)

    return helper_first if first else helper_second


def _watching_connect(original: Callable[..., Any]) -> Callable[..., Any]:
    async def connect(self: Any, address: Any) -> Any:
        session = sessions.current()
        entry = None
        try:
            actor = None if session is None else session.actor()
            if session is not None and actor is not None:
                entry = (self, actor.release())
                session.connecting.append(entry)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        if session is None or entry is None:
            return await original(self, address)
        try:
            result = await original(self, address)
        finally:
            session.connecting.remove(entry)
        try:
            link = _link(session, _trio.standard_socket(self))
            if link is not None:
                link.outgoing.opened = entry[1]
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        return result

    return connect


def _watching_standard_connect(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: standard.socket, *arguments: Any) -> Any:
        session = watching.session
        entry = None
        try:
            here = at_any_time()
            if here is not None:
                entry = (self, here[1].release())
                here[0].connecting.append(entry)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        if session is None or entry is None:
            return original(self, *arguments)
        try:
            result = original(self, *arguments)
        finally:
            session.connecting.remove(entry)
        try:
            link = _link(session, self)
            if link is not None and link.outgoing.opened is None:
                link.outgoing.opened = entry[1]
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        return result

    return connect


def _closed(session: Session, actor: Actor, below: standard.socket, how: int) -> None:
    if how == standard.SHUT_RD or below.fileno() == -1:
        return
    link = _link(session, below)
    if link is not None:
        link.outgoing.close(actor.release())


@final
class _Close(Watch):
    """`close`, and `shutdown` of the direction in which is written."""

    def before(self, socket: Any, how: int = standard.SHUT_WR) -> None:
        session = sessions.current()
        actor = None if session is None else session.actor()
        if session is not None and actor is not None:
            _closed(session, actor, _trio.standard_socket(socket), how)


@final
class _StandardClose(Watch):
    """The same of the standard library's sockets, which threads use."""

    def before(self, socket: standard.socket, how: int = standard.SHUT_WR) -> None:
        here = None if _trio.is_wakeup(sys._getframe(2)) else at_any_time()
        if here is not None:
            _closed(*here, socket, how)


@final
class _PairWatch(Watch):
    """`socketpair`: two ends without addresses."""

    def after(self, note: object, result: tuple[standard.socket, standard.socket]) -> None:  # noqa: ARG002
        session = sessions.current()
        if session is None:
            return
        left, right = result
        there, back = Pipe(), Pipe()
        session.shadows.set(left, _Link(there, back))
        session.shadows.set(right, _Link(back, there))


def install(patches: Patches) -> None:
    """Watch sockets."""
    socket = _trio.part("trio._socket", "_SocketType")
    # Trio has got hold of the functions below before, so nothing is seen twice.
    patches.wrap(socket, "_nonblocking_helper", _watching_helper)
    patches.wrap(socket, "connect", _watching_connect)
    patches.watch(socket, "close", _Close())
    patches.watch(socket, "shutdown", _Close())
    for name in sorted(_SENDING | _RECEIVING | {"accept"}):
        if hasattr(standard.socket, name):
            patches.wrap(standard.socket, name, partial(_tracing, name))
    patches.wrap(standard.socket, "connect", _watching_standard_connect)
    patches.watch(standard.socket, "close", _StandardClose())
    patches.watch(standard.socket, "shutdown", _StandardClose())
    patches.watch(standard, "socketpair", _PairWatch())
