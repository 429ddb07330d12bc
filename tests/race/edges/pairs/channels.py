"""Memory channels."""

from __future__ import annotations

import math

import trio
import trio.testing

from .common import Box, idle, together


async def send_and_receive(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[str](0)

    async def sender() -> None:
        if ordered:
            box.value = 1
        await send.send("item")
        if not ordered:
            await idle()
            box.value = 1

    async def receiver() -> None:
        await receive.receive()
        await idle(2)
        print(box.value)

    await together(sender, receiver)


async def rendezvous(ordered: bool) -> None:
    """In a channel without a buffer the sender comes after the receiver's call."""
    box = Box()
    send, receive = trio.open_memory_channel[str](0 if ordered else 1)

    async def sender() -> None:
        await idle()
        await send.send("item")
        print(box.value)

    async def receiver() -> None:
        box.value = 1
        await receive.receive()

    await together(sender, receiver)


async def send_into_the_buffer(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[str](math.inf)

    async def sender() -> None:
        if ordered:
            box.value = 1
        send.send_nowait("item")
        await idle()
        if not ordered:
            box.value = 1

    async def receiver() -> None:
        await idle()
        receive.receive_nowait()
        print(box.value)

    await together(sender, receiver)


async def send_nowait_to_a_parked_receiver(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[str](0)

    async def receiver() -> None:
        async for _ in receive:
            print(box.value)

    async def sender() -> None:
        await idle()
        if ordered:
            box.value = 1
        send.send_nowait("item")
        await idle()
        if not ordered:
            box.value = 1
        send.close()

    await together(receiver, sender)


async def receipt_makes_room(ordered: bool) -> None:
    """Receipt number k happens before the end of send number k + capacity."""
    box = Box()
    send, receive = trio.open_memory_channel[int](1 if ordered else 2)

    async def sender() -> None:
        await send.send(1)
        await send.send(2)
        print(box.value)

    async def receiver() -> None:
        await idle()
        box.value = 1
        await receive.receive()

    await together(sender, receiver)


async def each_item_its_own(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[int](10)
    other_send, _other_receive = trio.open_memory_channel[int](10)

    async def sender() -> None:
        box.value = 1
        await (send if ordered else other_send).send(1)

    async def other() -> None:
        await (other_send if ordered else send).send(2)

    async def receiver() -> None:
        await idle()
        await receive.receive()
        print(box.value)

    await together(sender, other, receiver)


async def send_on_a_clone(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[int](1)

    async def sender() -> None:
        async with send.clone() as clone:
            if ordered:
                box.value = 1
            await clone.send(1)
            if not ordered:
                await idle()
                box.value = 1

    async def receiver() -> None:
        async with receive.clone() as clone:
            await clone.receive()
            print(box.value)

    await together(sender, receiver)


async def close_and_end(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[int](1)

    async def sender() -> None:
        async with send:
            if ordered:
                box.value = 1
        if not ordered:
            await idle()
            box.value = 1

    async def receiver() -> None:
        async for _ in receive:
            pass
        print(box.value)

    await together(sender, receiver)


async def close_of_every_clone(ordered: bool) -> None:
    """The channel ends when the last clone is closed, so each close comes before it."""
    box = Box()
    send, receive = trio.open_memory_channel[int](1)

    async def early() -> None:
        clone = send.clone()
        if ordered:
            box.value = 1
        clone.close()
        if not ordered:
            await idle()
            box.value = 1

    async def late() -> None:
        with send:
            await idle()

    async def receiver() -> None:
        async for _ in receive:
            pass
        print(box.value)

    await together(early, late, receiver)


async def close_and_broken(ordered: bool) -> None:
    box = Box()
    send, receive = trio.open_memory_channel[int](0)

    async def sender() -> None:
        try:
            await send.send(1)
        except trio.BrokenResourceError:
            print(box.value)

    async def receiver() -> None:
        await idle()
        if ordered:
            box.value = 1
        await receive.aclose()
        if not ordered:
            await idle()
            box.value = 1

    await together(sender, receiver)


async def close_and_closed(ordered: bool) -> None:
    box = Box()
    send, _ = trio.open_memory_channel[int](1)

    async def closer() -> None:
        if ordered:
            box.value = 1
        send.close()
        if not ordered:
            await idle(20)
            box.value = 1

    async def sender() -> None:
        await idle()
        try:
            send.send_nowait(1)
        except trio.ClosedResourceError:
            print(box.value)

    await together(closer, sender)


async def receive_that_was_cancelled(ordered: bool) -> None:
    """An item that nobody got waits for the next receiver."""
    box = Box()
    send, receive = trio.open_memory_channel[int](1)

    async def first() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await receive.receive()

    async def sender() -> None:
        await idle()
        if ordered:
            box.value = 1
        send.send_nowait(1)
        if not ordered:
            await idle(20)
            box.value = 1

    async def second() -> None:
        await idle(20)
        receive.receive_nowait()
        print(box.value)

    await together(first, sender, second)
