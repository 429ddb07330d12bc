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
from collections.abc import Callable
from typing import Any, cast, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, watching
from trioflow.race.edges.streams import Pipe
from trioflow.race.shadow import faults

_SENDING = frozenset({"send", "sendmsg", "sendto"})
_RECEIVING = frozenset({"recv", "recv_into", "recvmsg", "recvmsg_into", "recvfrom", "recvfrom_into"})
_POOL = 64


@final
class _Pool:
    """Where it is not known who receives what: every receipt comes after every send."""

    __slots__ = ("_releases", "closed", "ends", "opened")

    def __init__(self) -> None:
        self._releases: dict[Actor, Release] = {}
        self.closed: Release | None = None
        self.opened: Release | None = None
        self.ends = 2

    def send(self, size: int, release: Release) -> None:  # noqa: ARG002
        """Something was sent."""
        session = sessions.current()
        actor = None if session is None else session.actor()
        if actor is not None:
            self._releases.pop(actor, None)
            self._releases[actor] = release
            if len(self._releases) > _POOL:
                del self._releases[next(iter(self._releases))]

    def receive(self, size: int, actor: Actor) -> None:
        """`actor` has received something, or the end."""
        for release in self._releases.values():
            actor.acquire(release)
        if size == 0:
            actor.acquire(self.closed)


@final
class _Link:
    """A socket with its two directions."""

    __slots__ = ("incoming", "outgoing")

    def __init__(self, outgoing: Pipe | _Pool, incoming: Pipe | _Pool) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        outgoing.ends += 1
        incoming.ends += 1


def _pipe(session: Session, source: object, target: object, *, stream: bool) -> Pipe | _Pool:
    pipe: Pipe | _Pool | None = session.pipes.get((source, target))
    if pipe is None:
        pipe = Pipe() if stream and source and target else _Pool()
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


def _sent(session: Session, actor: Actor, below: standard.socket, arguments: tuple[Any, ...], size: int) -> None:
    link = _link(session, below)
    if link is not None:
        link.outgoing.send(size, actor.release())
    elif arguments and isinstance(arguments[-1], tuple | str | bytes) and len(arguments) > 1:
        _pipe(session, "datagram", _port(arguments[-1]), stream=False).send(size, actor.release())


def _received(session: Session, actor: Actor, below: standard.socket, size: int) -> None:
    link = _link(session, below)
    if link is not None:
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


def _traced(name: str) -> Callable[..., Any]:
    """A function of the standard library's sockets that tells what went through it."""
    function = getattr(standard.socket, name)
    sends = name in _SENDING

    def call(below: standard.socket, *arguments: Any, **options: Any) -> Any:
        result = function(below, *arguments, **options)
        try:
            session = watching.session
            actor = None if session is None else session.actor()
            if session is None or actor is None:
                return result
            if sends:
                _sent(session, actor, below, arguments, _size(name, result))
            elif name == "accept":
                _accepted(session, actor, result[0])
            else:
                _received(session, actor, below, _size(name, result))
        except Exception as error:  # noqa: BLE001
            faults.report("edges.sockets", error)
        return result

    return call


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


@final
class _Close(Watch):
    """`close`, and `shutdown` of the direction in which is written."""

    def before(self, socket: Any, how: int = standard.SHUT_WR) -> None:
        session = sessions.current()
        actor = None if session is None else session.actor()
        if session is None or actor is None or how == standard.SHUT_RD:
            return
        below = _trio.standard_socket(socket)
        if below.fileno() == -1:
            return
        link = _link(session, below)
        if link is not None and link.outgoing.closed is None:
            link.outgoing.closed = actor.release()


@final
class _PairWatch(Watch):
    """`socketpair`: two ends without addresses."""

    def after(self, note: object, result: tuple[Any, Any]) -> None:  # noqa: ARG002
        session = sessions.current()
        if session is None:
            return
        left, right = result
        there, back = Pipe(), Pipe()
        session.shadows.set(_trio.standard_socket(left), _Link(there, back))
        session.shadows.set(_trio.standard_socket(right), _Link(back, there))


def install(patches: Patches) -> None:
    """Watch sockets."""
    socket = _trio.part("trio._socket", "_SocketType")
    patches.wrap(socket, "_nonblocking_helper", _watching_helper)
    patches.wrap(socket, "connect", _watching_connect)
    patches.watch(socket, "close", _Close())
    patches.watch(socket, "shutdown", _Close())
    module = _trio.module("trio._socket")
    patches.watch(module, "socketpair", _PairWatch())
    patches.replace(trio.socket, "socketpair", module.socketpair)
