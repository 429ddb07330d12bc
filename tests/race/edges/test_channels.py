"""Memory channels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


def together(*functions: Callable[[], Any]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)

    trio.run(main)


@pytest.mark.parametrize("capacity", [0, 1, 5, math.inf])
@pytest.mark.parametrize("receiver_first", [True, False])
def test_a_send_precedes_the_receipt_of_its_item(mark: Marks, capacity: float, receiver_first: bool) -> None:
    send, receive = trio.open_memory_channel[str](capacity)

    async def sender() -> None:
        await idle(5 if receiver_first else 0)
        mark("before")
        await send.send("item")
        await idle(5)
        mark("after")

    async def receiver() -> None:
        await idle(0 if receiver_first else 5)
        assert await receive.receive() == "item"
        mark("received")

    together(sender, receiver)
    assert mark.ordered("before", "received")
    assert mark.concurrent("after", "received") or capacity == 0


@pytest.mark.parametrize("receiver_first", [True, False])
def test_a_rendezvous_orders_the_sender_as_well(mark: Marks, receiver_first: bool) -> None:
    send, receive = trio.open_memory_channel[None](0)

    async def sender() -> None:
        await idle(5 if receiver_first else 0)
        await send.send(None)
        mark("sent")

    async def receiver() -> None:
        await idle(0 if receiver_first else 5)
        mark("before")
        await receive.receive()

    together(sender, receiver)
    assert mark.ordered("before", "sent")


@pytest.mark.parametrize("receiver_first", [True, False])
def test_a_buffer_does_not_order_the_sender(mark: Marks, receiver_first: bool) -> None:
    send, receive = trio.open_memory_channel[None](1)

    async def sender() -> None:
        await idle(5 if receiver_first else 0)
        await send.send(None)
        mark("sent")

    async def receiver() -> None:
        await idle(0 if receiver_first else 5)
        mark("before")
        await receive.receive()

    together(sender, receiver)
    assert mark.concurrent("before", "sent")


@pytest.mark.parametrize("waiting", [True, False])
def test_a_receipt_precedes_the_send_that_uses_its_room(mark: Marks, waiting: bool) -> None:
    send, receive = trio.open_memory_channel[int](2)

    async def sender() -> None:
        await send.send(0)
        await send.send(1)
        if not waiting:
            await idle(10)
        await send.send(2)
        mark("third")
        await idle(30)
        send.send_nowait(3)
        mark("fourth")

    async def receiver() -> None:
        await idle(5)
        mark("first")
        await receive.receive()
        await idle(10)
        mark("second")
        await receive.receive()

    together(sender, receiver)
    assert mark.ordered("first", "third")
    assert mark.concurrent("second", "third")
    assert mark.ordered("second", "fourth")


def test_each_item_orders_its_own_pair(mark: Marks) -> None:
    send, receive = trio.open_memory_channel[str](5)

    def sender(name: str, steps: int) -> Callable[[], Any]:
        async def run() -> None:
            await idle(steps)
            mark(f"send {name}")
            await send.clone().send(name)

        return run

    def receiver(name: str, steps: int) -> Callable[[], Any]:
        async def run() -> None:
            await idle(steps)
            assert receive.clone().receive_nowait() == name
            mark(f"receive {name}")

        return run

    together(sender("one", 0), sender("two", 5), receiver("one", 10), receiver("two", 15))
    assert mark.ordered("send one", "receive one")
    assert mark.ordered("send two", "receive two")
    assert mark.concurrent("send one", "receive two")
    assert mark.concurrent("send two", "receive one")


def test_a_parked_sender_hands_over_through_the_buffer(mark: Marks) -> None:
    send, receive = trio.open_memory_channel[int](1)

    async def full() -> None:
        await send.send(0)

    async def parked() -> None:
        await idle()
        mark("parked")
        await send.send(1)

    async def receiver() -> None:
        await idle(10)
        receive.receive_nowait()
        await idle(3)
        mark("first")
        await idle(3)
        receive.receive_nowait()
        mark("second")

    together(full, parked, receiver)
    assert mark.concurrent("parked", "first")
    assert mark.ordered("parked", "second")


@pytest.mark.parametrize("waits", [True, False])
def test_every_close_precedes_the_end_of_the_channel(mark: Marks, waits: bool) -> None:
    send, receive = trio.open_memory_channel[None](3)

    def closer(name: str, end: trio.MemorySendChannel[None], steps: int) -> Callable[[], Any]:
        async def run() -> None:
            await idle(steps)
            mark(name)
            end.close()

        return run

    async def receiver() -> None:
        await idle(0 if waits else 10)
        with pytest.raises(trio.EndOfChannel):
            await receive.receive()
        mark("end")

    together(closer("one", send.clone(), 3), closer("two", send, 5), receiver)
    assert mark.ordered("one", "end")
    assert mark.ordered("two", "end")


def test_a_close_precedes_the_errors_it_causes(mark: Marks) -> None:
    send, receive = trio.open_memory_channel[None](3)
    other, _keep = trio.open_memory_channel[None](3)

    async def closer() -> None:
        await idle()
        mark("closes")
        receive.close()
        other.close()

    async def broken() -> None:
        await idle(10)
        with pytest.raises(trio.BrokenResourceError):
            send.send_nowait(None)
        mark("broken")

    async def closed() -> None:
        await idle(10)
        with pytest.raises(trio.ClosedResourceError):
            other.send_nowait(None)
        mark("closed")

    together(closer, broken, closed)
    assert mark.ordered("closes", "broken")
    assert mark.ordered("closes", "closed")


def test_would_block_orders_nothing(mark: Marks) -> None:
    send, receive = trio.open_memory_channel[int](1)

    async def fills() -> None:
        mark("sent")
        send.send_nowait(1)

    async def tries() -> None:
        await idle()
        with pytest.raises(trio.WouldBlock):
            send.send_nowait(2)
        mark("tried")
        await idle()
        receive.receive_nowait()

    together(fills, tries)
    assert mark.concurrent("sent", "tried")


def test_a_channel_of_one_is_a_mutex(mark: Marks) -> None:
    enter, leave = trio.open_memory_channel[None](1)

    def work(name: str) -> Callable[[], Any]:
        async def run() -> None:
            await enter.send(None)
            mark(f"{name} in")
            await checkpoint()
            mark(f"{name} out")
            await leave.receive()

        return run

    together(work("one"), work("two"))
    assert mark.ordered("one out", "two in") or mark.ordered("two out", "one in")


def test_a_channel_used_before_the_detector_starts_goes_on() -> None:
    from trioflow.race import edges
    from trioflow.race.clocks.registry import Registry

    send, receive = trio.open_memory_channel[int](2)

    async def first() -> None:
        send.send_nowait(1)

    async def second() -> None:
        send.send_nowait(2)
        assert receive.receive_nowait() == 1
        assert receive.receive_nowait() == 2

    trio.run(first)
    edges.install(Registry())
    try:
        trio.run(second)
    finally:
        edges.uninstall()
