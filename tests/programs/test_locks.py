"""Locks: what guards and what only seems to."""

from collections import deque
from contextlib import asynccontextmanager
import threading

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_acquire_nowait": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_baton_between_two_tasks": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_channel_as_a_mutex": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_checked_again_inside": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_checked_before_the_lock": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_condition_and_its_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_condition_as_a_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_exit_stack": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_hand_over_hand": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_limiter_of_a_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_limiter_of_two": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_limiter_taken_twice": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_lock_around_a_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_held_by_the_parent_of_the_child": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_in_a_decorator": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_in_a_dict_by_key": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_in_aenter": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_in_an_async_context_manager": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_of_its_own_for_each": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_lock_passed_around": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lock_replaced": {"data-race": ["value", "lock"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_lock_shielded_from_cancellation": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_on_behalf_of": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_outer_and_inner_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_read_after_the_wait": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_readers_and_writers": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_reentrant_by_depth": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_released_inside_the_section": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_semaphore_from_zero": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_semaphore_of_one_with_a_maximum": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_semaphore_taken_twice": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_signal_semaphore_is_no_lock": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_started_child_keeps_the_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_strict_fifo_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_strict_fifo_lock_taken_twice": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
    "test_two_children_under_the_parents_lock": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_wait_within_the_section": {"data-race": [], "section": ["value"], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=0):
        self.value = value
        self.ready = False


async def add(s, n):
    v = s.value
    await checkpoint()
    s.value = v + n


async def both(f):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def apart(f):
    async def later():
        await trio.sleep(5)
        await f(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(later)


async def test_strict_fifo_lock():
    s, lock = State(), trio.StrictFIFOLock()

    async def f(n):
        async with lock:
            await add(s, n)

    await both(f)
    assert s.value == 3


async def test_strict_fifo_lock_taken_twice(autojump_clock):
    s, lock = State(), trio.StrictFIFOLock()

    async def f(n):
        async with lock:
            v = s.value
        async with lock:
            s.value = v + n

    await apart(f)


async def test_semaphore_taken_twice(autojump_clock):
    s, lock = State(), trio.Semaphore(1)

    async def f(n):
        async with lock:
            v = s.value
        await checkpoint()
        async with lock:
            s.value = v + n

    await apart(f)


async def test_limiter_taken_twice(autojump_clock):
    s, lock = State(), trio.CapacityLimiter(1)

    async def f(n):
        async with lock:
            v = s.value
        await checkpoint()
        async with lock:
            s.value = v + n

    await apart(f)


async def test_semaphore_of_one_with_a_maximum():
    s, lock = State(), trio.Semaphore(1, max_value=1)

    async def f(n):
        await lock.acquire()
        try:
            await add(s, n)
        finally:
            lock.release()

    await both(f)


async def test_semaphore_from_zero():
    s, lock = State(), trio.Semaphore(0)

    async def f(n):
        async with lock:
            await add(s, n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        await checkpoint()
        lock.release()
    assert s.value == 3


async def test_limiter_of_two():
    s, lock = State(), trio.CapacityLimiter(2)

    async def f(n):
        async with lock:
            await add(s, n)

    await both(f)


async def test_condition_as_a_lock():
    s, condition = State(), trio.Condition()

    async def f(n):
        async with condition:
            await add(s, n)

    await both(f)
    assert s.value == 3


async def test_condition_and_its_lock():
    s, lock = State(), trio.Lock()
    condition = trio.Condition(lock)

    async def f():
        async with condition:
            await add(s, 1)

    async def g():
        async with lock:
            await add(s, 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)
    assert s.value == 3


async def test_wait_within_the_section():
    s, condition = State(), trio.Condition()

    async def f():
        async with condition:
            v = s.value
            while not s.ready:
                await condition.wait()
            s.value = v + 1

    async def g():
        await checkpoint()
        await checkpoint()
        async with condition:
            s.value = 10
            s.ready = True
            condition.notify_all()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)
    assert s.value in (1, 11)


async def test_read_after_the_wait():
    s, condition = State(), trio.Condition()

    async def f():
        async with condition:
            while not s.ready:
                await condition.wait()
            await add(s, 1)

    async def g():
        async with condition:
            await add(s, 10)
            s.ready = True
            condition.notify_all()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(f)
        nursery.start_soon(g)
    assert s.value == 12


async def test_lock_held_by_the_parent_of_the_child():
    s, lock = State(), trio.Lock()

    async def through_a_child(n):
        async with lock:
            async with trio.open_nursery() as inner:
                inner.start_soon(add, s, n)

    await both(through_a_child)
    assert s.value == 3


async def test_two_children_under_the_parents_lock():
    s, lock = State(), trio.Lock()

    async with lock:
        async with trio.open_nursery() as inner:
            inner.start_soon(add, s, 1)
            inner.start_soon(add, s, 2)


async def test_lock_passed_around():
    s, lock = State(), trio.Lock()

    async def inner(held, n):
        await add(s, n)
        held.release()

    async def f(n):
        await lock.acquire()
        await inner(lock, n)

    await both(f)
    assert s.value == 3


async def test_lock_in_a_dict_by_key():
    s, locks = {"a": State(), "b": State()}, {}

    async def f(n):
        lock = locks.setdefault("a", trio.Lock())
        async with lock:
            await add(s["a"], n)

    locks["a"] = trio.Lock()
    await both(f)
    assert s["a"].value == 3


async def test_acquire_nowait():
    s, lock = State(), trio.Lock()

    async def f(n):
        while True:
            try:
                lock.acquire_nowait()
            except trio.WouldBlock:
                await checkpoint()
            else:
                break
        await add(s, n)
        lock.release()

    await both(f)
    assert s.value == 3


async def test_checked_before_the_lock(autojump_clock):
    s, lock = State(None), trio.Lock()
    outer = trio.Lock()

    async def f(n):
        async with outer:
            free = s.value is None
        if free:
            async with outer:
                s.value = n

    await both(f)
    assert lock is not outer


async def test_checked_again_inside():
    s, lock = State(None), trio.Lock()

    async def f(n):
        if s.value is None:
            async with lock:
                if s.value is None:
                    await checkpoint()
                    s.value = n

    await both(f)


async def test_lock_replaced():
    s = State()
    s.lock = trio.Lock()

    async def f(n):
        async with s.lock:
            s.lock = trio.Lock()
            await add(s, n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        await checkpoint()
        await checkpoint()
        nursery.start_soon(f, 2)


async def test_outer_and_inner_lock():
    s, one, two = State(), trio.Lock(), trio.Lock()

    async def f():
        async with one:
            v = s.value
            async with two:
                await checkpoint()
            s.value = v + 1

    async def g():
        async with two:
            pass
        async with one:
            await add(s, 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)
    assert s.value == 3


async def test_hand_over_hand():
    s, one, two = State(), trio.Lock(), trio.Lock()

    async def f(n):
        await one.acquire()
        v = s.value
        await two.acquire()
        one.release()
        await checkpoint()
        s.value = v + n
        two.release()

    async def g():
        async with one:
            async with two:
                await add(s, 3)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g)


class Lent:
    """A helper that owns a lock."""

    def __init__(self):
        self._lock = trio.Lock()
        self.value = 0

    @asynccontextmanager
    async def session(self):
        async with self._lock:
            yield self

    async def __aenter__(self):
        await self._lock.acquire()
        return self

    async def __aexit__(self, *exc):
        self._lock.release()


async def test_lock_in_an_async_context_manager():
    lent = Lent()

    async def f(n):
        async with lent.session() as s:
            await add(s, n)

    await both(f)
    assert lent.value == 3


async def test_lock_in_aenter():
    lent = Lent()

    async def f(n):
        async with lent as s:
            v = s.value
            await checkpoint()
            s.value = v + n

    await both(f)
    assert lent.value == 3


def locked(function):
    lock = trio.Lock()

    async def wrapper(*args):
        async with lock:
            return await function(*args)

    return wrapper


async def test_lock_in_a_decorator():
    s = State()
    safe = locked(add)

    async def f(n):
        await safe(s, n)

    await both(f)
    assert s.value == 3


async def test_channel_as_a_mutex():
    s = State()
    send, receive = trio.open_memory_channel(1)
    await send.send("token")

    async def f(n):
        token = await receive.receive()
        await add(s, n)
        await send.send(token)

    await both(f)
    assert s.value == 3


async def test_readers_and_writers():
    s = State()

    class RWLock:
        def __init__(self):
            self.condition = trio.Condition()
            self.readers = 0
            self.writer = False

        @asynccontextmanager
        async def read(self):
            async with self.condition:
                while self.writer:
                    await self.condition.wait()
                self.readers += 1
            try:
                yield
            finally:
                async with self.condition:
                    self.readers -= 1
                    self.condition.notify_all()

        @asynccontextmanager
        async def write(self):
            async with self.condition:
                while self.readers or self.writer:
                    await self.condition.wait()
                self.writer = True
            try:
                yield
            finally:
                async with self.condition:
                    self.writer = False
                    self.condition.notify_all()

    lock = RWLock()

    async def reader():
        async with lock.read():
            before = s.value
            await checkpoint()
            assert s.value == before

    async def writer(n):
        async with lock.write():
            await add(s, n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer, 1)
        nursery.start_soon(writer, 2)
        nursery.start_soon(reader)
        nursery.start_soon(reader)
    assert s.value == 3


async def test_lock_shielded_from_cancellation(autojump_clock):
    s, lock = State(), trio.Lock()

    async def f(n):
        with trio.move_on_after(1):
            async with lock:
                v = s.value
                try:
                    await trio.sleep_forever()
                finally:
                    with trio.CancelScope(shield=True):
                        await checkpoint()
                    s.value = v + n

    async def g():
        async with lock:
            await add(s, 10)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g)
    assert s.value in (10, 11)


async def test_on_behalf_of():
    s, limiter = State(), trio.CapacityLimiter(1)

    async def f(n):
        borrower = object()
        await limiter.acquire_on_behalf_of(borrower)
        await add(s, n)
        limiter.release_on_behalf_of(borrower)

    await both(f)
    assert s.value == 3


async def test_reentrant_by_depth():
    s = State()

    class RLock:
        def __init__(self):
            self.lock = trio.Lock()
            self.owner = None
            self.depth = 0

        async def acquire(self):
            me = trio.lowlevel.current_task()
            if self.lock.statistics().owner is me:
                self.depth += 1
                return
            await self.lock.acquire()
            self.depth = 1

        def release(self):
            self.depth -= 1
            if self.depth == 0:
                self.lock.release()

    lock = RLock()

    async def f(n):
        await lock.acquire()
        v = s.value
        await lock.acquire()
        await checkpoint()
        s.value = v + n
        lock.release()
        lock.release()

    await both(f)
    assert s.value == 3


async def test_lock_of_its_own_for_each():
    s = State()

    async def f(n):
        async with trio.Lock():
            await add(s, n)

    await both(f)


async def test_limiter_of_a_thread():
    s, limiter = State(), trio.CapacityLimiter(1)

    def work(n):
        v = s.value
        s.value = v + n

    async def f(n):
        await trio.to_thread.run_sync(work, n, limiter=limiter)

    await both(f)
    assert s.value == 3


async def test_lock_around_a_thread():
    s, lock = State(), trio.Lock()

    def work(n):
        s.value += n

    async def f(n):
        async with lock:
            await trio.to_thread.run_sync(work, n)

    await both(f)
    assert s.value == 3


async def test_started_child_keeps_the_lock(autojump_clock):
    s, lock = State(), trio.Lock()

    async def holder(n, task_status=trio.TASK_STATUS_IGNORED):
        async with lock:
            v = s.value
            task_status.started()
            await trio.sleep(1)
            s.value = v + n

    async def g():
        async with lock:
            await add(s, 10)

    async with trio.open_nursery() as nursery:
        await nursery.start(holder, 1)
        nursery.start_soon(g)
    assert s.value == 11


async def test_signal_semaphore_is_no_lock(autojump_clock):
    s, done = State(), trio.Semaphore(0)

    async def f(n):
        await trio.sleep(n)
        await add(s, n)
        done.release()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 3)
        await done.acquire()
        await done.acquire()
        assert s.value == 4


async def test_released_inside_the_section(autojump_clock):
    s, lock = State(), trio.Lock()

    async def f(n):
        await lock.acquire()
        v = s.value
        lock.release()
        await lock.acquire()
        s.value = v + n
        lock.release()

    await apart(f)


async def test_exit_stack(autojump_clock):
    from contextlib import AsyncExitStack

    s, lock = State(), trio.Lock()

    async def f(n):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(lock)
            await add(s, n)

    await both(f)
    assert s.value == 3


async def test_baton_between_two_tasks():
    s = State()
    to_a, to_b = trio.Semaphore(1), trio.Semaphore(0)

    async def a():
        for _ in range(2):
            await to_a.acquire()
            await add(s, 1)
            to_b.release()

    async def b():
        for _ in range(2):
            await to_b.acquire()
            await add(s, 1)
            to_a.release()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)
    assert s.value == 4
