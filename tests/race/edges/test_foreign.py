"""AnyIO on the Trio backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


def run(main: Any) -> None:
    anyio.run(main, backend="trio")


@pytest.mark.parametrize("capacity", [0, 1, 5])
@pytest.mark.parametrize("receiver_first", [True, False])
def test_a_send_precedes_the_receipt_of_its_item(mark: Marks, capacity: int, receiver_first: bool) -> None:
    async def main() -> None:
        send, receive = anyio.create_memory_object_stream[str](capacity)

        async def sends() -> None:
            await idle(5 if receiver_first else 0)
            mark("before")
            await send.send("item")
            mark("sent")
            await idle()
            mark("closes")
            send.close()

        async def receives() -> None:
            await idle(0 if receiver_first else 5)
            mark("waits")
            assert await receive.receive() == "item"
            mark("received")
            await idle(20)
            with pytest.raises(anyio.EndOfStream):
                await receive.receive()
            mark("end")
            receive.close()

        async with anyio.create_task_group() as group:
            group.start_soon(sends)
            group.start_soon(receives)

    run(main)
    assert mark.ordered("before", "received")
    assert mark.ordered("waits", "sent") == (capacity == 0)
    assert not mark.ordered("closes", "received")
    assert mark.ordered("closes", "end")


@pytest.mark.parametrize("make", [anyio.Lock, lambda: anyio.Semaphore(1), anyio.Condition])
@pytest.mark.parametrize("contended", [True, False])
def test_a_lock_orders_and_guards(mark: Marks, make: Any, contended: bool) -> None:
    async def main() -> None:
        lock = make()

        async def first() -> None:
            async with lock:
                mark("one")
                await idle(5 if contended else 0)

        async def second() -> None:
            await idle(2 if contended else 10)
            async with lock:
                mark("two")

        async with anyio.create_task_group() as group:
            group.start_soon(first)
            group.start_soon(second)

    run(main)
    assert mark.ordered("one", "two")
    assert not mark.ordered_without_locks("one", "two")
    assert len(mark.locks("one")) == len(mark.locks("two")) == 1


def test_events_threads_and_cancellation_are_trios_own(mark: Marks) -> None:
    async def main() -> None:
        event = anyio.Event()

        async def waits() -> None:
            await event.wait()
            mark("woken")

        async with anyio.create_task_group() as group:
            group.start_soon(waits)
            await idle()
            mark("sets")
            event.set()
            await anyio.to_thread.run_sync(mark, "thread")
            mark("returned")

    run(main)
    assert mark.ordered("sets", "woken")
    assert mark.ordered("sets", "thread")
    assert mark.ordered("thread", "returned")
