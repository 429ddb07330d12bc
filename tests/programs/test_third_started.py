"""Programs of a third review: a task looks, and what it starts acts."""
# ruff: noqa
from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_check_then_child_fills": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: third review"},
    "test_child_checks_again": {"data-race": ["cache"], "section": [], "other": [], "origin": "own: third review"},
    "test_value_given_to_child": {"data-race": ["n", "n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_child_adds": {"data-race": ["n"], "section": [], "other": [], "origin": "own: third review", "filtered": {"n": "commuting"}},
    "test_value_given_as_partial": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_value_given_to_start": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_value_given_to_thread": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_value_given_to_thread_under_lock": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_value_given_to_child_under_lock": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_check_in_plain_method_that_starts": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: third review"},
    "test_flag_in_plain_method_that_starts": {"data-race": ["running"], "section": [], "other": [], "origin": "own: third review"},
    "test_flag_reset_by_child": {"data-race": ["running"], "section": [], "other": [], "origin": "own: third review"},
    "test_children_close_what_is_iterated": {"data-race": ["conns"], "section": [], "other": [], "origin": "own: third review", "filtered": {"conns": "commuting"}},
    "test_workers_take_and_put_back": {"data-race": ["queue"], "section": [], "other": [], "origin": "own: third review"},
    "test_gather_helper": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_map_helper": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_value_used_in_nested_child": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
    "test_each_child_has_an_index": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_handlers_of_an_open_server": {"data-race": ["closed"], "section": [], "other": [], "origin": "own: third review", "filtered": {"closed": "commuting"}},
}


class S:
    def __init__(self, **fields): self.__dict__.update(fields)


async def both(*functions):
    async with trio.open_nursery() as nursery:
        for function in functions: nursery.start_soon(function)


def two(f):
    async def a(): await f(1)
    async def b(): await f(2)
    return both(a, b)


class Store:
    def __init__(self, nursery=None):
        self.nursery = nursery
        self.n = 0
        self.cache = None
        self.running = False


async def test_check_then_child_fills():
    s = S(cache=None)
    async def fill(n):
        await checkpoint()
        s.cache = n
    async def get(n):
        async with trio.open_nursery() as nursery:
            if s.cache is None:
                nursery.start_soon(fill, n)
    await two(get)


async def test_child_checks_again():
    s = S(cache=None)
    async def fill(n):
        await checkpoint()
        if s.cache is None:
            s.cache = n
    async def get(n):
        async with trio.open_nursery() as nursery:
            if s.cache is None:
                nursery.start_soon(fill, n)
    await two(get)


async def test_value_given_to_child():
    s = S(n=0)
    async def store(v):
        s.n = v
    async def f(k):
        async with trio.open_nursery() as nursery:
            n = s.n
            nursery.start_soon(store, n + k)
    await two(f)


async def test_child_adds():
    s = S(n=0)
    async def add(v):
        s.n += v
    async def f(k):
        async with trio.open_nursery() as nursery:
            n = s.n
            nursery.start_soon(add, k)
    await two(f)


async def test_value_given_as_partial():
    s = S(n=0)
    async def store(v):
        s.n = v
    async def f(k):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(functools.partial(store, v=s.n + k))
    await two(f)


async def test_value_given_to_start():
    s = S(n=0)
    async def store(v, task_status=trio.TASK_STATUS_IGNORED):
        await checkpoint()
        s.n = v
        task_status.started()
    async def f(k):
        async with trio.open_nursery() as nursery:
            await nursery.start(store, s.n + k)
    await two(f)


async def test_value_given_to_thread():
    s = S(n=0)
    def store(v):
        s.n = v
    async def f(k):
        await trio.to_thread.run_sync(store, s.n + k)
    await two(f)


async def test_value_given_to_thread_under_lock():
    s = S(n=0)
    lock = trio.Lock()
    def store(v):
        s.n = v
    async def f(k):
        async with lock:
            await trio.to_thread.run_sync(store, s.n + k)
    await two(f)


async def test_value_given_to_child_under_lock():
    s = S(n=0)
    lock = trio.Lock()
    async def store(v):
        await checkpoint()
        s.n = v
    async def f(k):
        async with lock:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store, s.n + k)
    await two(f)


async def test_check_in_plain_method_that_starts():
    class A:
        def __init__(self, nursery): self.nursery, self.cache = nursery, None
        def ensure(self, n):
            if self.cache is None:
                self.nursery.start_soon(self._fill, n)
        async def _fill(self, n):
            await checkpoint()
            self.cache = n
    async with trio.open_nursery() as nursery:
        a = A(nursery)
        async def f(n):
            a.ensure(n)
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_flag_in_plain_method_that_starts():
    class A:
        def __init__(self, nursery): self.nursery, self.running, self.cache = nursery, False, None
        def ensure(self, n):
            if not self.running:
                self.running = True
                self.nursery.start_soon(self._fill, n)
        async def _fill(self, n):
            await checkpoint()
            self.cache = n
    async with trio.open_nursery() as nursery:
        a = A(nursery)
        async def f(n):
            a.ensure(n)
        nursery.start_soon(f, 1)
        await checkpoint()
        nursery.start_soon(f, 2)


async def test_flag_reset_by_child():
    class A:
        def __init__(self, nursery): self.nursery, self.running, self.runs = nursery, False, 0
        def kick(self):
            if not self.running:
                self.running = True
                self.nursery.start_soon(self._run)
        async def _run(self):
            await checkpoint()
            self.runs += 1
            self.running = False
    async with trio.open_nursery() as nursery:
        a = A(nursery)
        async def f(n):
            a.kick()
            await checkpoint()
            a.kick()
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_children_close_what_is_iterated():
    conns = {1, 2, 3}
    async def close(c):
        await checkpoint()
        conns.discard(c)
    async with trio.open_nursery() as nursery:
        for c in conns:
            nursery.start_soon(close, c)


async def test_workers_take_and_put_back(autojump_clock):
    queue = collections.deque([1, 2, 3])
    async def run(job):
        await checkpoint()
        if job == 1:
            queue.append(4)
    async with trio.open_nursery() as nursery:
        while queue:
            job = queue.popleft()
            nursery.start_soon(run, job)
            await trio.sleep(1)


async def test_gather_helper():
    s = S(n=0)
    async def gather(*functions):
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)
    async def store(v):
        await checkpoint()
        s.n = v
    async def f(k):
        await gather(functools.partial(store, s.n + k))
    await two(f)


async def test_map_helper():
    s = S(n=0)
    async def run_in(function, *args):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(function, *args)
    async def store(v):
        await checkpoint()
        s.n = v
    async def f(k):
        await run_in(store, s.n + k)
    await two(f)


async def test_value_used_in_nested_child():
    s = S(n=0)
    async def store(v):
        s.n = v
    async def middle(v):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store, v)
    async def f(k):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(middle, s.n + k)
    await two(f)


async def test_each_child_has_an_index():
    s = S(results=[0, 0, 0])
    async def run(i):
        await checkpoint()
        s.results[i] = i
    async with trio.open_nursery() as nursery:
        for i in range(len(s.results)):
            nursery.start_soon(run, i)


async def test_handlers_of_an_open_server():
    s = S(closed=False)
    async def handle():
        await checkpoint()
        s.closed = True
    async with trio.open_nursery() as nursery:
        while not s.closed:
            nursery.start_soon(handle)
            nursery.start_soon(handle)
            await checkpoint()
            await checkpoint()
            await checkpoint()
