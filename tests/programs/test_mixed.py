"""Whatever else might go wrong: comprehension, recursion, callbacks, containers of objects, threads, cancel."""

import contextlib
import functools
import threading
from collections import defaultdict, deque, Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import attrs
import trio
import trio.testing
from trio.lowlevel import checkpoint

EXPECT = {
    "test_channel_is_the_checkpoint": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_copy_method_carries": {"data-race": ["value", "d"], "section": ["value"], "other": [], "filtered": {"d": "covered"}, "origin": "own: review"},
    "test_counter_incremented_by_all": {"data-race": ["counter"], "section": [], "other": [], "filtered": {"counter": "commuting"}, "origin": "own: review"},
    "test_deleted_by_its_owner": {"data-race": ["d"], "section": [], "other": [], "filtered": {"d": "commuting"}, "origin": "own: review"},
    "test_dict_returned": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_equal_values": {"data-race": ["value"], "section": [], "other": [], "filtered": {"value": "commuting"}, "origin": "own: review"},
    "test_event_wait_is_the_checkpoint": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_exception_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_format_and_percent": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_future_like_result": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_grouped_by_all": {"data-race": ["groups"], "section": [], "other": [], "filtered": {"groups": "commuting"}, "origin": "own: review"},
    "test_helper_task_asked_by_a_channel": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_hundred_tasks_each_its_own_key": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_int_of_str": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_join_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_last_one_wins_with_a_default": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_lazy_future_checked_by_is_set": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_list_comprehension_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_log_appended_by_all": {"data-race": ["log"], "section": [], "other": [], "filtered": {"log": "commuting"}, "origin": "own: review"},
    "test_move_on_and_shield": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_multiplied_and_added": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_named_tuple_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_nursery_is_the_checkpoint": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_object_made_of_it": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_objects_in_a_list": {"data-race": ["xs|value"], "section": ["xs|value"], "other": [], "origin": "own: review"},
    "test_own_child_between_under_a_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_recursion_of_its_own_object": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_return_in_the_middle_of_try": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_same_name_in_two_objects": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_split_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_stale_value_only_reported": {"data-race": ["value", "out"], "section": [], "other": [], "filtered": {"out": "commuting"}, "origin": "own: review"},
    "test_strings_appended": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_thread_is_the_checkpoint": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_tuple_returned": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_two_awaits_in_a_call": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_walrus_in_while": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_writer_always_between": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_writer_comes_after": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_writer_comes_after_the_read_only": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_writer_comes_before": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_writer_deletes": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_writer_is_a_thread": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_writer_without_a_section": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value


async def fetch(x):
    await checkpoint()
    return x


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


class Snapshot(NamedTuple):
    value: int
    extra: int


async def test_named_tuple_carries(autojump_clock):
    s = State(0)

    async def f(n):
        snap = Snapshot(s.value, n)
        await checkpoint()
        s.value = snap.value + snap.extra

    await apart(f)
    assert s.value == 3


async def test_list_comprehension_carries(autojump_clock):
    s = State([0])

    async def f(n):
        new = [x + n for x in s.value]
        await checkpoint()
        s.value = new

    await apart(f)
    assert s.value == [3]


async def test_walrus_in_while(autojump_clock):
    s = State(3)

    async def f(n):
        while (v := s.value) > 0:
            await checkpoint()
            s.value = v - 1

    await both(f)
    assert s.value == 0


async def test_exception_carries(autojump_clock):
    s = State(0)

    async def f(n):
        try:
            raise ValueError(s.value)
        except ValueError as e:
            await checkpoint()
            s.value = e.args[0] + n

    await apart(f)
    assert s.value == 3


async def test_return_in_the_middle_of_try(autojump_clock):
    s = State(0)

    async def load():
        try:
            return s.value
        finally:
            await checkpoint()

    async def f(n):
        v = await load()
        await checkpoint()
        s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_two_awaits_in_a_call(autojump_clock):
    s = State(0)

    async def load():
        return s.value

    async def store(a, b):
        await checkpoint()
        s.value = a + b

    async def f(n):
        await store(await load(), await fetch(n))

    await apart(f)
    assert s.value == 3


async def test_tuple_returned(autojump_clock):
    s = State(0)

    async def load():
        await checkpoint()
        return "ok", s.value

    async def f(n):
        status, v = await load()
        await checkpoint()
        if status == "ok":
            s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_dict_returned(autojump_clock):
    s = State(0)

    async def load():
        await checkpoint()
        return {"v": s.value}

    async def f(n):
        d = await load()
        await checkpoint()
        s.value = d["v"] + n

    await apart(f)
    assert s.value == 3


async def test_object_made_of_it(autojump_clock):
    s = State(0)

    async def f(n):
        mine = State(s.value)
        await checkpoint()
        s.value = mine.value + n

    await apart(f)
    assert s.value == 3


async def test_int_of_str(autojump_clock):
    s = State("0")

    async def f(n):
        v = int(s.value)
        await checkpoint()
        s.value = str(v + n)

    await apart(f)
    assert s.value == "3"


async def test_format_and_percent(autojump_clock):
    s = State("")

    async def f(n):
        v = "%s%d" % (s.value, n)
        await checkpoint()
        s.value = v

    await apart(f)
    assert s.value == "12"


async def test_join_carries(autojump_clock):
    s = State(["a"])

    async def f(n):
        v = ",".join(s.value)
        await checkpoint()
        s.value = [v, str(n)]

    await apart(f)


async def test_copy_method_carries(autojump_clock):
    s = State({"n": 0})

    async def f(n):
        d = s.value.copy()
        await checkpoint()
        d["n"] += n
        s.value = d

    await apart(f)
    assert s.value == {"n": 3}


async def test_split_carries(autojump_clock):
    s = State("0 1")

    async def f(n):
        first, *rest = s.value.split()
        await checkpoint()
        s.value = " ".join([str(int(first) + n), *rest])

    await apart(f)
    assert s.value == "3 1"


async def test_objects_in_a_list(autojump_clock):
    xs = [State(0), State(0)]

    async def f(n):
        for x in xs:
            v = x.value
            await checkpoint()
            x.value = v + n

    await apart(f)
    assert xs[0].value == 3


async def test_move_on_and_shield(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        with trio.CancelScope(shield=True):
            await trio.sleep(0.1)
        with trio.move_on_after(1) as scope:
            await trio.sleep(0.1)
        if not scope.cancelled_caught:
            s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_nursery_is_the_checkpoint(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        async with trio.open_nursery() as nursery:
            nursery.start_soon(checkpoint)
        s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_thread_is_the_checkpoint(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        await trio.to_thread.run_sync(lambda: None)
        s.value = v + n

    await both(f)


async def test_channel_is_the_checkpoint(autojump_clock):
    s = State(0)
    send, receive = trio.open_memory_channel(10)

    async def f(n):
        v = s.value
        await send.send(n)
        s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_event_wait_is_the_checkpoint():
    s = State(0)
    go = trio.Event()

    async def f(n):
        v = s.value
        await go.wait()
        s.value = v + n

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        await trio.testing.wait_all_tasks_blocked()
        go.set()


async def test_writer_without_a_section(autojump_clock):
    s = State(0)

    async def f():
        v = s.value
        await checkpoint()
        s.value = v + 1

    async def reset():
        await trio.sleep(3)
        s.value = 100

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(reset)


async def test_writer_deletes(autojump_clock):
    d = {"value": 0}

    async def f():
        v = d["value"]
        await checkpoint()
        d["value"] = v + 1

    async def reset():
        await trio.sleep(3)
        d.clear()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(reset)


async def test_writer_is_a_thread():
    s = State(0)

    def write():
        s.value = 5

    async def f():
        v = s.value
        await checkpoint()
        s.value = v + 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(trio.to_thread.run_sync, write)


async def test_writer_comes_before():
    s = State(0)
    done = trio.Event()

    async def f():
        await done.wait()
        v = s.value
        await checkpoint()
        s.value = v + 1

    async def g():
        s.value = 5
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)


async def test_writer_comes_after():
    s = State(0)
    done = trio.Event()

    async def f():
        v = s.value
        await checkpoint()
        s.value = v + 1
        done.set()

    async def g():
        await done.wait()
        s.value = 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)


async def test_writer_comes_after_the_read_only():
    s = State(0)
    seen = trio.Event()

    async def f():
        v = s.value
        seen.set()
        await checkpoint()
        s.value = v + 1

    async def g():
        await seen.wait()
        s.value = 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)


async def test_writer_always_between():
    s = State(0)
    go, done = trio.Event(), trio.Event()

    async def f():
        v = s.value
        go.set()
        await done.wait()
        s.value = v + s.value

    async def g():
        await go.wait()
        s.value = 5
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(g)


async def test_own_child_between_under_a_lock():
    s = State(0)
    lock = trio.Lock()

    async def g():
        async with lock:
            s.value = 5

    async def f():
        v = s.value
        async with trio.open_nursery() as nursery:
            nursery.start_soon(g)
        s.value = v + s.value

    await f()


async def test_helper_task_asked_by_a_channel():
    s = State(0)
    send, receive = trio.open_memory_channel(0)
    back_send, back = trio.open_memory_channel(0)

    async def helper():
        async for n in receive:
            s.value = n
            await back_send.send(None)

    async def f():
        v = s.value
        await send.send(7)
        await back.receive()
        assert s.value == 7
        s.value = v

    async with trio.open_nursery() as nursery:
        nursery.start_soon(helper)
        await f()
        nursery.cancel_scope.cancel()


async def test_stale_value_only_reported():
    s = State(0)
    out = {}

    async def f(n):
        v = s.value
        await checkpoint()
        out[n] = v
        s.value = n

    await both(f)


async def test_last_one_wins_with_a_default():
    s = State(0)

    async def f(n, options=None):
        options = options or {}
        await checkpoint()
        s.value = options.get("n", n)

    await both(f)


async def test_same_name_in_two_objects():
    a, b = State(0), State(0)

    async def f(n):
        x = a if n == 1 else b
        v = x.value
        await checkpoint()
        x.value = v + n

    async def g():
        await checkpoint()
        assert a.value in (0, 1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        nursery.start_soon(g)


async def test_deleted_by_its_owner():
    d = {}

    async def f(n):
        if n not in d:
            d[n] = n
            await checkpoint()
            del d[n]

    await both(f)
    assert not d


async def test_hundred_tasks_each_its_own_key():
    d = {n: 0 for n in range(100)}

    async def f(n):
        v = d[n]
        await checkpoint()
        d[n] = v + n

    async with trio.open_nursery() as nursery:
        for n in range(100):
            nursery.start_soon(f, n)
    assert sum(d.values()) == 4950


async def test_recursion_of_its_own_object():
    async def walk(s, depth):
        v = s.value
        await checkpoint()
        if depth:
            async with trio.open_nursery() as nursery:
                left, right = State(0), State(0)
                nursery.start_soon(walk, left, depth - 1)
                nursery.start_soon(walk, right, depth - 1)
            v += left.value + right.value
        s.value = v + 1

    root = State(0)
    await walk(root, 3)
    assert root.value == 15


async def test_future_like_result():
    class Future:
        def __init__(self):
            self.event = trio.Event()
            self.result = None

        def set(self, value):
            self.result = value
            self.event.set()

        async def get(self):
            await self.event.wait()
            return self.result

    future = Future()

    async def user():
        assert await future.get() == 5

    async def maker():
        await checkpoint()
        future.set(5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(user)
        nursery.start_soon(user)
        nursery.start_soon(maker)


async def test_lazy_future_checked_by_is_set():
    class Future:
        def __init__(self):
            self.event = trio.Event()
            self.result = None

        async def get(self):
            if not self.event.is_set():
                await self.event.wait()
            return self.result

    future = Future()

    async def user():
        assert await future.get() == 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(user)
        await checkpoint()
        future.result = 5
        future.event.set()
        nursery.start_soon(user)


async def test_log_appended_by_all():
    log = []

    async def f(n):
        log.append(("start", n))
        await checkpoint()
        log.append(("end", n))

    await both(f)
    assert len(log) == 4


async def test_counter_incremented_by_all():
    counter = Counter(a=0)

    async def f(n):
        await checkpoint()
        counter["a"] += n

    await both(f)
    assert counter["a"] == 3


async def test_grouped_by_all():
    groups = defaultdict(list, a=[])

    async def f(n):
        await checkpoint()
        groups["a"].append(n)

    await both(f)
    assert sorted(groups["a"]) == [1, 2]


async def test_equal_values():
    s = State(0)

    async def f(n):
        await checkpoint()
        s.value = 7

    await both(f)


async def test_strings_appended():
    s = State("")

    async def f(n):
        await checkpoint()
        s.value += str(n)

    await both(f)
    assert s.value in ("12", "21")


async def test_multiplied_and_added():
    s = State(1)

    async def f(n):
        await checkpoint()
        if n == 1:
            s.value += 1
        else:
            s.value *= 2

    await both(f)
    assert s.value in (3, 4)
