"""Byte streams within one process: in memory, over sockets, over pipes."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio
import trio.testing

from .common import Box, idle, together


async def _over(left: Any, right: Any, ordered: bool) -> None:
    """What is sent before the write orders nothing of what comes after it."""
    box = Box()

    async def sends() -> None:
        if ordered:
            box.value = 1
        await left.send_all(b"data")
        if not ordered:
            await idle()
            box.value = 1
        await left.aclose()

    async def receives() -> None:
        assert await right.receive_some(4)
        await idle(2)
        print(box.value)
        await right.aclose()

    await together(sends, receives)


async def memory_stream(ordered: bool) -> None:
    await _over(*trio.testing.memory_stream_pair(), ordered)


async def lockstep_stream(ordered: bool) -> None:
    await _over(*trio.testing.lockstep_stream_pair(), ordered)


async def stapled_stream(ordered: bool) -> None:
    there, back = trio.testing.memory_stream_one_way_pair(), trio.testing.memory_stream_one_way_pair()
    await _over(trio.StapledStream(there[0], back[1]), trio.StapledStream(back[0], there[1]), ordered)


async def end_of_a_stream(ordered: bool) -> None:
    box = Box()
    left, right = trio.testing.memory_stream_pair()

    async def sends() -> None:
        if ordered:
            box.value = 1
        await left.send_eof()
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        assert await right.receive_some() == b""
        print(box.value)

    await together(sends, receives)


async def socket_pair(ordered: bool) -> None:
    left, right = trio.socket.socketpair()
    await _over(trio.SocketStream(left), trio.SocketStream(right), ordered)


async def socket_pair_from_outside(ordered: bool) -> None:
    """Made by the standard library, and wrapped."""
    left, right = socket.socketpair()
    wrapped = trio.socket.from_stdlib_socket(left), trio.socket.from_stdlib_socket(right)
    await _over(trio.SocketStream(wrapped[0]), trio.SocketStream(wrapped[1]), ordered)


async def end_of_a_socket(ordered: bool) -> None:
    box = Box()
    left, right = map(trio.SocketStream, trio.socket.socketpair())

    async def sends() -> None:
        if ordered:
            box.value = 1
        await left.send_eof()
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        assert await right.receive_some() == b""
        print(box.value)

    await together(sends, receives)
    await left.aclose()
    await right.aclose()


async def tcp(ordered: bool) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    client = await trio.testing.open_stream_to_socket_listener(listeners[0])
    server = await listeners[0].accept()
    await _over(client, server, ordered)
    await listeners[0].aclose()


async def tcp_served(ordered: bool) -> None:
    """A request to a server and its answer order both ways."""
    box, other = Box(), Box()

    async def handle(stream: trio.SocketStream) -> None:
        assert await stream.receive_some()
        other.value = box.value
        await stream.send_all(b"answer")

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(serve_local, handle)
        client = await trio.testing.open_stream_to_socket_listener(listeners[0])
        if ordered:
            box.value = 1
        await client.send_all(b"request")
        if not ordered:
            await idle()
            box.value = 1
        assert await client.receive_some()
        print(other.value)
        await client.aclose()
        nursery.cancel_scope.cancel()


async def serve_local(handler: Callable[[trio.SocketStream], Awaitable[object]], *, task_status: Any) -> None:
    await trio.serve_tcp(handler, 0, host="127.0.0.1", task_status=task_status)


async def connection_accepted(ordered: bool) -> None:
    box = Box()
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def connects() -> None:
        if ordered:
            box.value = 1
        client = await trio.testing.open_stream_to_socket_listener(listener)
        await idle()
        if not ordered:
            box.value = 1
        await client.aclose()

    async def accepts() -> None:
        server = await listener.accept()
        print(box.value)
        await server.aclose()

    await together(connects, accepts)
    await listener.aclose()


async def unix_socket(ordered: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "socket")
        listening = trio.socket.socket(socket.AF_UNIX)
        await listening.bind(path)
        listening.listen()
        client = await trio.open_unix_socket(path)
        server, _ = await listening.accept()
        await _over(client, trio.SocketStream(server), ordered)
        listening.close()


async def datagrams(ordered: bool) -> None:
    box = Box()
    left, right = trio.socket.socket(type=socket.SOCK_DGRAM), trio.socket.socket(type=socket.SOCK_DGRAM)
    await left.bind(("127.0.0.1", 0))
    await right.bind(("127.0.0.1", 0))

    async def sends() -> None:
        if ordered:
            box.value = 1
        await left.sendto(b"data", right.getsockname())
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        assert await right.recvfrom(10)
        print(box.value)

    await together(sends, receives)
    left.close()
    right.close()


async def pipe(ordered: bool) -> None:
    reading, writing = os.pipe()
    await _over(trio.lowlevel.FdStream(writing), trio.lowlevel.FdStream(reading), ordered)


async def descriptor_that_is_readable(ordered: bool) -> None:
    """Waiting for a descriptor and reading it without Trio."""
    box = Box()
    reading, writing = os.pipe()

    async def sends() -> None:
        await idle()
        if ordered:
            box.value = 1
        os.write(writing, b"data")
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        await trio.lowlevel.wait_readable(reading)
        assert os.read(reading, 10)
        print(box.value)

    await together(sends, receives)
    os.close(reading)
    os.close(writing)


async def socket_that_is_readable(ordered: bool) -> None:
    """Waiting for a socket and reading it without Trio."""
    box = Box()
    left, right = socket.socketpair()

    async def sends() -> None:
        await idle()
        if ordered:
            box.value = 1
        left.send(b"data")
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        await trio.lowlevel.wait_readable(right)
        assert right.recv(10)
        print(box.value)

    await together(sends, receives)
    left.close()
    right.close()


async def notified_of_closing(ordered: bool) -> None:
    """Who waits for a descriptor that is closed hears of it."""
    box = Box()
    left, right = socket.socketpair()

    async def closes() -> None:
        await idle()
        if ordered:
            box.value = 1
        trio.lowlevel.notify_closing(right)
        right.close()
        if not ordered:
            await idle()
            box.value = 1

    async def waits() -> None:
        try:
            await trio.lowlevel.wait_readable(right)
        except trio.ClosedResourceError:
            print(box.value)

    await together(closes, waits)
    left.close()
