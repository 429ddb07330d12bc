"""Programs of a third review: values that are kept and used later, services, limits and what else resembles a section."""
# ruff: noqa
from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_value_saved_and_restored_by_its_owner": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_value_saved_and_restored_by_two": {"data-race": ["level"], "section": ["level"], "other": [], "origin": "own: third review"},
    "test_version_compared_before_it_is_raised": {"data-race": ["version"], "section": [], "other": [], "origin": "own: third review"},
    "test_version_not_compared": {"data-race": ["version"], "section": ["version"], "other": [], "origin": "own: third review"},
    "test_batch_collected_then_stored": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: third review"},
    "test_batch_collected_then_added": {"data-race": ["total"], "section": [], "other": [], "origin": "own: third review"},
    "test_settings_merged_from_a_copy": {"data-race": ["config"], "section": ["config"], "other": [], "origin": "own: third review"},
    "test_settings_replaced_by_something_new": {"data-race": ["config"], "section": [], "other": [], "origin": "own: third review"},
    "test_callback_pushed_on_a_stack_adds": {"data-race": ["count"], "section": [], "other": [], "origin": "own: third review", "filtered": {"count": "commuting"}},
    "test_suppressed_cancellation": {"data-race": ["current"], "section": [], "other": [], "origin": "own: third review"},
    "test_port_parsed_then_stored": {"data-race": ["port"], "section": ["port"], "other": [], "origin": "own: third review"},
    "test_division_by_what_may_be_zero_is_told_only": {"data-race": ["rate"], "section": [], "other": [], "origin": "own: third review"},
    "test_token_refreshed_by_its_task": {"data-race": ["token"], "section": [], "other": [], "origin": "own: third review"},
    "test_token_refreshed_by_whoever_finds_it_old": {"data-race": ["token"], "section": ["token"], "other": [], "origin": "own: third review"},
    "test_token_refreshed_under_a_lock_by_whoever_finds_it_old": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_limit_in_the_accept_loop": {"data-race": ["active"], "section": [], "other": [], "origin": "own: third review"},
    "test_timer_restarted": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_lifespan_in_order": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_shutdown_by_two": {"data-race": ["state"], "section": ["state"], "other": [], "origin": "own: third review"},
    "test_async_iterator_keeps_what_it_saw": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: third review"},
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


async def test_value_saved_and_restored_by_its_owner():
    s = S(level=1)
    class Owner:
        async def run(self):
            self.saved = s.level
            s.level = 5
            await checkpoint()
            s.level = self.saved
    await Owner().run()
    assert s.level == 1


async def test_value_saved_and_restored_by_two():
    s = S(level=1)
    class Owner:
        async def run(self, k):
            self.saved = s.level
            s.level = k
            await checkpoint()
            s.level = self.saved
    await both(functools.partial(Owner().run, 2), functools.partial(Owner().run, 3))


async def test_version_compared_before_it_is_raised():
    s = S(version=0)
    class Writer:
        async def begin(self): self.seen = s.version
        async def commit(self):
            if s.version != self.seen:
                return False
            s.version = self.seen + 1
            return True
    async def f(k):
        w = Writer()
        await w.begin()
        await checkpoint()
        await w.commit()
    await two(f)


async def test_version_not_compared():
    s = S(version=0)
    class Writer:
        async def begin(self): self.seen = s.version
        async def commit(self, k): s.version = self.seen + k
    async def f(k):
        w = Writer()
        await w.begin()
        await checkpoint()
        await w.commit(k)
    await two(f)


async def test_batch_collected_then_stored():
    s = S(total=0)
    async def f(k):
        parts = [s.total]
        for i in range(2):
            await checkpoint()
            parts.append(i)
        s.total = sum(parts) + k
    await two(f)


async def test_batch_collected_then_added():
    s = S(total=0)
    async def f(k):
        parts = []
        for i in range(2):
            await checkpoint()
            parts.append(i)
        s.total = s.total + sum(parts) + k
    await two(f)


async def test_settings_merged_from_a_copy():
    s = S(config={"a": 0})
    async def f(k):
        merged = {}
        merged.update(s.config)
        merged["k"] = k
        await checkpoint()
        s.config = merged
    await two(f)


async def test_settings_replaced_by_something_new():
    s = S(config={"a": 0})
    async def f(k):
        fresh = {}
        fresh["k"] = k
        await checkpoint()
        s.config = fresh
    await two(f)


async def test_callback_pushed_on_a_stack_adds():
    s = S(count=0)
    def leave(): s.count -= 1
    async def f(k):
        with contextlib.ExitStack() as stack:
            s.count += 1
            stack.callback(leave)
            await checkpoint()
    await two(f)


async def test_suppressed_cancellation():
    s = S(current=None)
    async def f(k):
        with contextlib.suppress(trio.TooSlowError):
            with trio.fail_after(1):
                await checkpoint()
        s.current = k
    await two(f)


async def test_port_parsed_then_stored():
    s = S(port="80")
    async def f(k):
        try:
            port = int(s.port)
        except ValueError:
            port = 0
        await checkpoint()
        s.port = str(port + k)
    await two(f)


async def test_division_by_what_may_be_zero_is_told_only():
    s = S(rate=0, log=None)
    async def reader():
        try:
            x = 1 / s.rate
        except ZeroDivisionError:
            x = 0
        await checkpoint()
        s.log = x
    async def writer():
        s.rate = 5
    await both(reader, writer)


async def test_token_refreshed_by_its_task():
    class Auth:
        def __init__(self): self.token = 0
        async def refresh(self):
            for k in range(3):
                await checkpoint()
                self.token = k
        async def use(self):
            for _ in range(3):
                t = self.token
                await checkpoint()
                assert t >= 0
    auth = Auth()
    await both(auth.refresh, auth.use)


async def test_token_refreshed_by_whoever_finds_it_old():
    class Auth:
        def __init__(self): self.token = 0
        async def use(self, k):
            if self.token < 5:
                self.token = await self.fetch(k)
        async def fetch(self, k):
            await checkpoint()
            return 5 + k
    auth = Auth()
    await two(auth.use)


async def test_token_refreshed_under_a_lock_by_whoever_finds_it_old():
    class Auth:
        def __init__(self): self.token, self.lock = 0, trio.Lock()
        async def use(self, k):
            async with self.lock:
                if self.token < 5:
                    self.token = await self.fetch(k)
        async def fetch(self, k):
            await checkpoint()
            return 5 + k
    auth = Auth()
    await two(auth.use)


async def test_limit_in_the_accept_loop():
    s = S(active=0)
    async def handle():
        await checkpoint()
        s.active -= 1
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            if s.active < 2:
                s.active += 1
                nursery.start_soon(handle)
            await checkpoint()


async def test_timer_restarted():
    class Timer:
        def __init__(self, nursery): self.nursery, self.scope, self.fired = nursery, None, 0
        def restart(self):
            if self.scope is not None:
                self.scope.cancel()
            self.scope = trio.CancelScope()
            self.nursery.start_soon(self._run, self.scope)
        async def _run(self, scope):
            with scope:
                await trio.sleep(0)
                self.fired += 1
    async with trio.open_nursery() as nursery:
        timer = Timer(nursery)
        timer.restart()
        await checkpoint()
        timer.restart()


async def test_lifespan_in_order():
    class App:
        state = "new"
        async def startup(self):
            self.state = "starting"
            await checkpoint()
            self.state = "up"
        async def shutdown(self):
            if self.state == "up":
                await checkpoint()
                self.state = "down"
    app = App()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(app.startup)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(app.shutdown)


async def test_shutdown_by_two():
    class App:
        def __init__(self): self.state = "up"
        async def shutdown(self, k):
            if self.state == "up":
                await checkpoint()
                self.state = f"down {k}"
    app = App()
    await two(app.shutdown)


async def test_async_iterator_keeps_what_it_saw():
    s = S(n=0)
    class Numbers:
        def __aiter__(self): return self
        async def __anext__(self):
            self.seen = s.n
            await checkpoint()
            return self.seen
    async def f(k):
        async for n in Numbers():
            s.n = n + k
            break
    await two(f)
