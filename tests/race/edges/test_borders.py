"""Runs that go on while one registry takes the place of another, as those of AnyIO's pytest plugin do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import outcome
import trio
from trio.lowlevel import checkpoint

from trioflow.race import edges
from trioflow.race.clocks.registry import Registry
from trioflow.race.shadow.context import context

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Marks


def test_a_run_goes_on_in_the_new_registry(mark: Marks) -> None:
    """Tasks that live across the border order what they do after it as ever, and have actors of the new registry."""
    new = Registry()

    async def receive(channel: trio.MemoryReceiveChannel[int], name: str) -> None:
        async for number in channel:
            mark(f"{name} received {number}")
            await checkpoint()
        mark(f"{name} ended")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            ends = [trio.open_memory_channel[int](0) for _ in range(2)]
            for end, name in zip(ends, ("one", "other"), strict=True):
                nursery.start_soon(receive, end[1], name)
            mark("before")
            await ends[0][0].send(1)
            for _ in range(5):
                await checkpoint()
            edges.install(new)
            mark("border")
            await ends[0][0].send(2)
            mark("apart")
            await ends[1][0].send(2)
            ends[0][0].close()
            ends[1][0].close()
        mark("after")

    trio.run(main)
    for name in ("border", "one received 2", "other received 2", "one ended", "after"):
        assert mark.moment(name).slot < len(new._times)
    slots = {mark.moment(name).slot for name in ("border", "one received 2", "other received 2")}
    assert len(slots) == 3
    assert mark.ordered("border", "one received 2")
    assert mark.concurrent("one received 2", "apart")
    assert mark.concurrent("one received 2", "other received 2")
    assert mark.ordered("one ended", "after")
    assert mark.ordered("other ended", "after")
    assert not new.actors


def test_a_guest_run_serves_two_tests(mark: Marks) -> None:
    """Between the two no task runs; the second knows all that the thread did before it."""
    loop: list[Callable[[], Any]] = []
    ready = threading.Semaphore(0)
    tests: trio.MemorySendChannel[str] | None = None
    done: list[str] = []
    finished: list[outcome.Outcome[None]] = []

    def soon(function: Callable[[], Any]) -> None:
        loop.append(function)
        ready.release()

    async def main() -> None:
        nonlocal tests
        tests, receiving = trio.open_memory_channel[str](5)
        async for name in receiving:
            mark(f"{name} runs")
            async with trio.open_nursery() as nursery:
                for number in range(2):
                    nursery.start_soon(child, f"{name} child {number}")
            mark(f"{name} is over")
            done.append(name)

    async def child(name: str) -> None:
        mark(name)

    def turn_until(condition: Callable[[], bool]) -> None:
        while not condition():
            assert ready.acquire(timeout=5)
            loop.pop(0)()

    trio.lowlevel.start_guest_run(
        main, run_sync_soon_threadsafe=soon, done_callback=finished.append, host_uses_signal_set_wakeup_fd=True
    )
    turn_until(lambda: tests is not None)
    assert tests is not None
    for name in ("first", "second"):
        registry = Registry()
        edges.install(registry)
        assert context.actor is None
        tests.send_nowait(name)
        turn_until(lambda name=name: name in done)  # type: ignore[misc]
        runs = mark.moment(f"{name} runs")
        assert runs.actor in registry.actors
        assert mark.ordered(f"{name} runs", f"{name} child 0")
        assert mark.concurrent(f"{name} child 0", f"{name} child 1")
        assert mark.ordered(f"{name} child 1", f"{name} is over")
    tests.close()
    turn_until(lambda: bool(finished))
    finished[0].unwrap()
