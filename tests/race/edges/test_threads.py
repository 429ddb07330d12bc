"""Threads, and what goes between them and tasks."""

from __future__ import annotations

import _thread
import itertools
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


async def idle(steps: int = 5) -> None:
    for _ in range(steps):
        await checkpoint()


def test_a_call_precedes_the_thread_and_the_thread_its_return(mark: Marks) -> None:
    started = threading.Event()
    go_on = threading.Event()

    def work() -> None:
        mark("first line")
        started.set()
        go_on.wait(5)
        mark("last line")

    async def meanwhile() -> None:
        while not started.is_set():
            await trio.sleep(0.001)
        mark("meanwhile")
        go_on.set()

    async def call() -> None:
        mark("before")
        await trio.to_thread.run_sync(work)
        mark("after")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            nursery.start_soon(meanwhile)

    trio.run(main)
    assert mark.ordered("before", "first line")
    assert mark.ordered("last line", "after")
    assert mark.ordered("meanwhile", "last line")
    assert not mark.ordered("meanwhile", "first line")


def test_jobs_of_one_worker_thread_are_not_ordered(mark: Marks) -> None:
    def work(name: str) -> None:
        mark(name)

    async def call(name: str, steps: int) -> None:
        for _ in range(steps):
            await checkpoint()
        await trio.to_thread.run_sync(work, name)
        mark(f"{name} returned")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "one", 0)
            await trio.sleep(0.05)
            nursery.start_soon(call, "two", 0)

    trio.run(main)
    assert mark.concurrent("one", "two")
    assert mark.concurrent("one returned", "two")


def test_from_thread_orders_both_ways(mark: Marks) -> None:
    def in_task() -> None:
        mark("called back")

    async def async_in_task() -> None:
        await checkpoint()
        mark("called back asynchronously")

    def work() -> None:
        mark("calls")
        trio.from_thread.run_sync(in_task)
        mark("returned")
        trio.from_thread.run(async_in_task)
        mark("returned again")

    async def main() -> None:
        await trio.to_thread.run_sync(work)

    trio.run(main)
    order = ["calls", "called back", "returned", "called back asynchronously", "returned again"]
    for earlier, later in itertools.pairwise(order):
        assert mark.ordered(earlier, later)


def test_a_thread_of_its_own_with_a_token(mark: Marks) -> None:
    def in_run() -> None:
        mark("in the run")

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()

        def work() -> None:
            mark("calls")
            trio.from_thread.run_sync(in_run, trio_token=token)
            mark("returned")

        mark("starts")
        thread = threading.Thread(target=work)
        thread.start()
        mark("after the start")
        while thread.is_alive():
            await trio.sleep(0.001)
        mark("over")

    trio.run(main)
    for earlier, later in [
        ("starts", "calls"),
        ("calls", "in the run"),
        ("in the run", "returned"),
        ("returned", "over"),
    ]:
        assert mark.ordered(earlier, later)
    assert mark.concurrent("after the start", "calls")


def test_callbacks_of_the_entry_queue_are_jobs_of_their_own(mark: Marks) -> None:
    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        event = trio.Event()

        async def other() -> None:
            mark("other asks")
            token.run_sync_soon(mark, "other")
            token.run_sync_soon(event.set)

        async with trio.open_nursery() as nursery:
            mark("asks")
            token.run_sync_soon(mark, "called")
            mark("goes on")
            nursery.start_soon(other)
            await event.wait()
            mark("woken")

    trio.run(main)
    assert mark.ordered("asks", "called")
    assert mark.concurrent("goes on", "called")
    assert mark.ordered("other asks", "other")
    assert mark.concurrent("called", "other")
    assert mark.concurrent("called", "woken")
    assert mark.ordered("other asks", "woken")


def test_repeated_callbacks_are_still_dropped_and_come_after_all_who_asked(mark: Marks) -> None:
    calls: list[int] = []

    def called(number: int) -> None:
        calls.append(number)
        mark(f"called {number}")

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()

        async def ask(name: str) -> None:
            mark(name)
            token.run_sync_soon(called, 1, idempotent=True)
            token.run_sync_soon(called, 2, idempotent=True)

        # Both run in one batch, so that nothing is called in between.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "one")
            nursery.start_soon(ask, "two")
        with pytest.raises(TypeError):
            token.run_sync_soon(calls.append, [], idempotent=True)
        await trio.sleep(0.01)

    trio.run(main)
    assert sorted(calls) == [1, 2]
    assert mark.ordered("one", "called 1")
    assert mark.ordered("two", "called 1")


def test_start_and_join_of_a_thread(mark: Marks) -> None:
    async def main() -> None:
        thread = threading.Thread(target=mark, args=("thread",))
        mark("before")
        thread.start()
        mark("between")
        thread.join()
        mark("after")

    trio.run(main)
    assert mark.ordered("before", "thread")
    assert mark.concurrent("between", "thread")
    assert mark.ordered("thread", "after")


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_the_mutexes_of_threads_order_and_guard(mark: Marks, make: type) -> None:
    # The factory itself is replaced while the detector runs.
    lock = threading.Lock() if make is threading.Lock else threading.RLock()
    # Makes the threads take turns without being seen.
    unseen = _thread.allocate_lock()
    unseen.acquire()

    def first() -> None:
        with lock:
            mark("one")
        unseen.release()

    def second() -> None:
        unseen.acquire()
        mark("before")
        with lock:
            mark("two")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, first)
            nursery.start_soon(trio.to_thread.run_sync, second)

    trio.run(main)
    assert mark.concurrent("one", "before")
    assert mark.ordered("one", "two")
    assert len(mark.locks("one")) == 1
    assert mark.locks("before") == []
    assert len(mark.locks("two")) == 1


def test_queues_and_events_of_threads_order(mark: Marks) -> None:
    box: queue.Queue[int] = queue.Queue()
    event = threading.Event()

    def put() -> None:
        mark("put")
        box.put(1)
        event.wait(5)
        mark("seen")

    def get() -> None:
        box.get(timeout=5)
        mark("got")
        event.set()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, get)
            nursery.start_soon(trio.to_thread.run_sync, put)

    trio.run(main)
    assert mark.ordered("put", "got")
    assert mark.ordered("got", "seen")


def test_pools_order_what_is_submitted_and_its_result(mark: Marks) -> None:
    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            mark("before")
            one = pool.submit(mark, "one")
            mark("between")
            two = pool.submit(mark, "two")
            two.result()
            mark("result of two")
            one.result()
            mark("both")

    trio.run(main)
    assert mark.ordered("before", "one")
    assert mark.concurrent("between", "one")
    assert mark.ordered("between", "two")
    assert mark.concurrent("one", "two")
    assert mark.ordered("two", "result of two")
    assert mark.ordered("one", "both")


def test_a_lock_between_a_task_and_a_thread_is_released_at_its_point(mark: Marks) -> None:
    lock = threading.Lock()
    done: list[bool] = []

    async def main() -> None:
        thread = threading.Thread(target=work)
        with lock:
            thread.start()
            mark("held")
        mark("after")
        thread.join()

    def work() -> None:
        with lock:
            mark("thread")
        done.append(True)

    trio.run(main)
    assert done
    assert mark.ordered("held", "thread")
    assert not mark.ordered("after", "thread")


def test_a_limiter_of_one_guards_what_runs_in_threads(mark: Marks) -> None:
    async def main() -> None:
        limiter = trio.CapacityLimiter(1)

        def work(name: str) -> None:
            mark(name)

        async def call(name: str) -> None:
            await trio.to_thread.run_sync(work, name, limiter=limiter)
            mark(f"{name} returned")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "one")
            nursery.start_soon(call, "two")

    trio.run(main)
    assert mark.locks("one") == ["trio.CapacityLimiter"]
    assert mark.locks("one returned") == []
    assert mark.ordered("one", "two") or mark.ordered("two", "one")
    assert not mark.ordered_without_locks("one", "two")
    assert not mark.ordered_without_locks("two", "one")


def test_clocks_stay_narrow_where_many_calls_go_to_threads(mark: Marks) -> None:
    async def main() -> None:
        for _ in range(300):
            await trio.to_thread.run_sync(len, ())
        mark("end")

    trio.run(main)
    assert len(mark.moment("end").full) == 1


def test_a_thread_may_run_a_loop_of_its_own(mark: Marks) -> None:
    async def inner() -> None:
        mark("inside")

    def work() -> None:
        trio.run(inner)
        mark("still the job")

    async def main() -> None:
        mark("before")
        await trio.to_thread.run_sync(work)
        mark("after")

    trio.run(main)
    assert mark.ordered("before", "inside")
    assert mark.ordered("inside", "still the job")
    assert mark.ordered("inside", "after")
