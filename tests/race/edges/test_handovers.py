"""What threads hand over by simple queues and events, and what goes through pipes of the system."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


def test_what_is_put_into_a_simple_queue_precedes_who_gets_it(mark: Marks) -> None:
    simple: queue.SimpleQueue[str] = queue.SimpleQueue()

    def put() -> None:
        mark("put")
        simple.put("first")
        mark("put later")
        simple.put_nowait("second")

    async def main() -> None:
        thread = threading.Thread(target=put)
        thread.start()
        assert await trio.to_thread.run_sync(get) == "first"
        thread.join()

    def get() -> str:
        value = simple.get(timeout=5)
        mark("got")
        return value

    trio.run(main)
    assert mark.ordered("put", "got")
    assert not mark.ordered("put later", "got")
    assert simple.qsize() == 1
    assert simple.get_nowait() == "second"
    with pytest.raises(queue.Empty):
        simple.get_nowait()


def test_an_event_that_is_seen_set_was_set_before(mark: Marks) -> None:
    event = threading.Event()

    def work() -> None:
        mark("before set")
        event.set()

    async def main() -> None:
        assert not event.is_set()
        mark("not set yet")
        thread = threading.Thread(target=work)
        thread.start()
        while not event.is_set():
            await trio.sleep(0.001)
        mark("seen")
        assert event.wait()
        thread.join()

    trio.run(main)
    assert mark.ordered_without_locks("before set", "seen")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no streams of file descriptors")
def test_what_is_written_to_a_pipe_precedes_who_reads_it(mark: Marks) -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        source, sink = trio.lowlevel.FdStream(reading), trio.lowlevel.FdStream(writing)

        async def write() -> None:
            mark("written first")
            await sink.send_all(b"x")
            await checkpoint()
            mark("written then")
            await sink.send_all(b"y")
            await checkpoint()
            mark("closed")
            await sink.aclose()

        async def read() -> None:
            assert await source.receive_some(1) == b"x"
            mark("read first")
            assert await source.receive_some(1) == b"y"
            mark("read then")
            assert await source.receive_some(1) == b""
            mark("seen the end")

        async with source, trio.open_nursery() as nursery:
            nursery.start_soon(read)
            nursery.start_soon(write)

    trio.run(main)
    assert mark.ordered("written first", "read first")
    assert mark.ordered("written then", "read then")
    assert mark.ordered("closed", "seen the end")
    assert not mark.ordered("written then", "read first")
    assert not mark.ordered("read first", "closed")
