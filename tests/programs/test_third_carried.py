"""Programs of a third review: what carries a value from the look to the act."""
# ruff: noqa
from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_list_made_here_carries": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_dictionary_made_here_carries": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_list_made_here_carries_something_else": {"data-race": ["v"], "section": [], "other": [], "origin": "own: third review"},
    "test_star_arguments": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_star_keywords": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_inner_function_reads_a_local": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_inner_function_is_started": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_plain_inner_function_reads_a_local": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_inner_function_reads_afresh": {"data-race": ["v"], "section": [], "other": [], "origin": "own: third review"},
    "test_inner_function_under_lock": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_division_decides": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_conversion_decides": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_suppress_decides": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: third review"},
    "test_suppressed_delivery_decides_nothing": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_generator_decides": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_partial_called_later": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_exit_stack_restores": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_transaction_object_carries": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_attribute_carries": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_attribute_carries_and_is_compared": {"data-race": ["v"], "section": [], "other": [], "origin": "own: third review"},
    "test_nonlocal_carries": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
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


async def test_list_made_here_carries():
    s = S(v=0)
    async def f(k):
        seen = []
        seen.append(s.v)
        await checkpoint()
        s.v = seen[-1] + k
    await two(f)


async def test_dictionary_made_here_carries():
    s = S(v=0)
    async def f(k):
        seen = {}
        seen["v"] = s.v
        await checkpoint()
        s.v = seen["v"] + k
    await two(f)


async def test_list_made_here_carries_something_else():
    s = S(v=0, w=0)
    async def f(k):
        seen = []
        seen.append(s.w)
        if s.v < 5: pass
        await checkpoint()
        s.v = seen[-1] + k
    await two(f)


async def test_star_arguments():
    s = S(v=0)
    async def store(*values):
        await checkpoint()
        s.v = values[0]
    async def f(k):
        await store(s.v + k)
    await two(f)


async def test_star_keywords():
    s = S(v=0)
    async def store(**values):
        await checkpoint()
        s.v = values["v"]
    async def f(k):
        await store(v=s.v + k)
    await two(f)


async def test_inner_function_reads_a_local():
    s = S(v=0)
    async def f(k):
        seen = s.v
        async def store():
            await checkpoint()
            s.v = seen + k
        await store()
    await two(f)


async def test_inner_function_is_started():
    s = S(v=0)
    async def f(k):
        seen = s.v
        async def store():
            s.v = seen + k
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store)
    await two(f)


async def test_plain_inner_function_reads_a_local():
    s = S(v=0)
    async def f(k):
        seen = s.v
        def store():
            s.v = seen + k
        await checkpoint()
        store()
    await two(f)


async def test_inner_function_reads_afresh():
    s = S(v=0)
    async def f(k):
        seen = s.v
        async def store():
            await checkpoint()
            s.v = s.v + k
        await store()
        assert seen >= 0
    await two(f)


async def test_inner_function_under_lock():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        async with lock:
            seen = s.v
            async def store():
                await checkpoint()
                s.v = seen + k
            await store()
    await two(f)


async def test_division_decides():
    s = S(v=0)
    async def f(k):
        try:
            1 / s.v
        except ZeroDivisionError:
            await checkpoint()
            s.v = k
    await two(f)


async def test_conversion_decides():
    s = S(v="x")
    async def f(k):
        try:
            int(s.v)
        except ValueError:
            await checkpoint()
            s.v = str(k)
    await two(f)


async def test_suppress_decides():
    cache = {}
    async def f(k):
        with contextlib.suppress(KeyError):
            return cache["a"]
        await checkpoint()
        cache["a"] = k
    await two(f)


async def test_suppressed_delivery_decides_nothing():
    s = S(v=0)
    send, receive = trio.open_memory_channel(5)
    async def f(k):
        with contextlib.suppress(trio.BrokenResourceError):
            await send.send(s.v)
        await checkpoint()
    await two(f)


async def test_generator_decides():
    s = S(v=0)
    async def free():
        if s.v == 0:
            yield
    async def f(k):
        async for _ in free():
            await checkpoint()
            s.v = k
    await two(f)


async def test_partial_called_later():
    s = S(v=0)
    def store(v): s.v = v
    async def f(k):
        later = functools.partial(store, s.v + k)
        await checkpoint()
        later()
    await two(f)


async def test_exit_stack_restores():
    s = S(v=0)
    def restore(v): s.v = v
    async def f(k):
        with contextlib.ExitStack() as stack:
            stack.callback(restore, s.v + k)
            await checkpoint()
    await two(f)


async def test_transaction_object_carries():
    s = S(v=0)
    class Transaction:
        async def __aenter__(self):
            self.seen = s.v
            return self
        async def __aexit__(self, *details):
            pass
    async def f(k):
        async with Transaction() as t:
            await checkpoint()
            s.v = t.seen + k
    await two(f)


async def test_attribute_carries():
    s = S(v=0)
    class Client:
        async def load(self):
            self.seen = s.v
        async def save(self, k):
            s.v = self.seen + k
    async def f(k):
        c = Client()
        await c.load()
        await checkpoint()
        await c.save(k)
    await two(f)


async def test_attribute_carries_and_is_compared():
    s = S(v=0)
    class Client:
        async def load(self):
            self.seen = s.v
        async def save(self, k):
            if s.v != self.seen:
                return
            s.v = self.seen + k
    async def f(k):
        c = Client()
        await c.load()
        await checkpoint()
        await c.save(k)
    await two(f)


async def test_nonlocal_carries():
    s = S(v=0)
    async def f(k):
        seen = None
        async def load():
            nonlocal seen
            seen = s.v
        await load()
        await checkpoint()
        s.v = seen + k
    await two(f)
