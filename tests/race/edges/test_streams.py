"""Byte streams and sockets between tasks of one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


def together(*functions: Callable[[], Awaitable[Any]]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)

    trio.run(main)


PAIRS = [trio.testing.memory_stream_pair, trio.testing.lockstep_stream_pair]


@pytest.mark.parametrize("make", PAIRS)
@pytest.mark.parametrize("sender_first", [True, False])
def test_what_is_sent_on_a_memory_stream_precedes_its_receipt(
    mark: Marks, make: Callable[[], Any], sender_first: bool
) -> None:
    left, right = make()

    async def sends() -> None:
        await idle(0 if sender_first else 10)
        mark("sends")
        await left.send_all(b"data")
        await idle(20)
        mark("later")
        await left.send_eof()

    async def receives() -> None:
        await idle(10 if sender_first else 0)
        mark("before")
        assert await right.receive_some() == b"data"
        mark("received")
        await idle(40)
        assert await right.receive_some() == b""
        mark("end")

    together(sends, receives)
    assert mark.concurrent("sends", "before")
    assert mark.ordered("sends", "received")
    assert not mark.ordered("later", "received")
    assert mark.ordered("later", "end")


def test_each_byte_comes_after_its_own_send(mark: Marks) -> None:
    left, right = trio.testing.memory_stream_one_way_pair()

    async def sends(name: str, data: bytes, steps: int) -> None:
        await idle(steps)
        mark(f"sends {name}")
        await left.send_all(data)

    async def receives() -> None:
        await idle(20)
        for name, size in [("one", 2), ("part", 1), ("rest", 1)]:
            assert len(await right.receive_some(size)) == size
            mark(name)

    together(lambda: sends("one", b"12", 0), lambda: sends("two", b"34", 10), receives)
    assert mark.ordered("sends one", "one")
    assert mark.concurrent("sends two", "one")
    assert mark.ordered("sends two", "part")
    assert mark.ordered("sends two", "rest")


def test_sockets_are_matched_by_their_addresses(mark: Marks) -> None:
    async def main() -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]

        async def server() -> None:
            stream = await listener.accept()
            mark("accepted")
            while len(seen) < 3:
                seen.extend(await stream.receive_some())
            mark("received")
            await stream.send_all(b"ok")
            mark("answered")
            await idle(20)
            mark("closes")
            await stream.aclose()

        async def client() -> None:
            mark("connects")
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await idle(3)
            mark("sends")
            await stream.send_all(b"abc")
            await stream.receive_some(2)
            mark("got the answer")
            assert await stream.receive_some() == b""
            mark("end")
            await stream.aclose()

        async def other_client() -> None:
            await idle(3)
            mark("other")

        seen = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server)
            nursery.start_soon(client)
            nursery.start_soon(other_client)
        await listener.aclose()

    trio.run(main)
    assert mark.ordered("connects", "accepted")
    assert mark.concurrent("sends", "accepted")
    assert mark.ordered("sends", "received")
    assert mark.ordered("received", "got the answer")
    assert not mark.ordered("closes", "got the answer")
    assert mark.ordered("closes", "end")
    assert mark.concurrent("other", "received")


def test_connections_do_not_order_each_other(mark: Marks) -> None:
    async def main() -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]

        async def serve(stream: trio.SocketStream) -> None:
            async with stream:
                data = await stream.receive_some()
                mark(f"server {data.decode()}")

        async def client(name: str) -> None:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                mark(f"client {name}")
                await stream.send_all(name.encode())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client, "one")
            nursery.start_soon(client, "two")
            for _ in range(2):
                nursery.start_soon(serve, await listener.accept())
        await listener.aclose()

    trio.run(main)
    for name, other in [("one", "two"), ("two", "one")]:
        assert mark.ordered(f"client {name}", f"server {name}")
        assert not mark.ordered(f"client {name}", f"server {other}")


def test_socket_pairs_are_matched_when_they_are_made(mark: Marks) -> None:
    async def main() -> None:
        one = trio.socket.socketpair()
        two = trio.socket.socketpair()

        async def sends(socket: Any, name: str) -> None:
            await idle(3)
            mark(f"sends {name}")
            await socket.send(b"x")

        async def receives(socket: Any, name: str) -> None:
            await socket.recv(1)
            mark(f"receives {name}")

        async with trio.open_nursery() as nursery:
            for name, (left, right) in {"one": one, "two": two}.items():
                nursery.start_soon(sends, left, name)
                nursery.start_soon(receives, right, name)
        for socket in (*one, *two):
            socket.close()

    trio.run(main)
    for name, other in [("one", "two"), ("two", "one")]:
        assert mark.ordered(f"sends {name}", f"receives {name}")
        assert not mark.ordered(f"sends {name}", f"receives {other}")


def test_datagrams_order(mark: Marks) -> None:
    async def main() -> None:
        async def receives() -> None:
            await receiver.recvfrom(10)
            mark("received")

        async def sends() -> None:
            await idle()
            mark("sends")
            await sender.sendto(b"x", address)

        receiver = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
        sender = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
        with receiver, sender:
            await receiver.bind(("127.0.0.1", 0))
            address = receiver.getsockname()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receives)
                nursery.start_soon(sends)

    trio.run(main)
    assert mark.ordered("sends", "received")


def test_a_unix_listener_orders_its_connections(mark: Marks, tmp_path: Any) -> None:
    path = str(tmp_path / "socket")

    async def main() -> None:
        with trio.socket.socket(trio.socket.AF_UNIX) as listener:
            await listener.bind(path)
            listener.listen()

            async def client() -> None:
                stream = await trio.open_unix_socket(path)
                mark("sends")
                await stream.send_all(b"x")
                await stream.aclose()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(client)
                socket, _ = await listener.accept()
                with socket:
                    await socket.recv(1)
                mark("received")

    trio.run(main)
    assert mark.ordered("sends", "received")
