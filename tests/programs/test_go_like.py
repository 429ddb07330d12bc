"""After the manner of Go's own race tests: selects, defers, panics, struct copies, RW locks, timers."""

import copy
import dataclasses
import math
from contextlib import AsyncExitStack, ExitStack, aclosing, contextmanager
from dataclasses import dataclass, field, replace

import attrs
import trio
import trio.testing
from trio.lowlevel import checkpoint

EXPECT = {
    "test_argument_of_raise": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_async_for_body_and_comprehension": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_async_generator_closed": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_attrs_compared": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_attrs_evolved": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_background_task_cancelled_then_read": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_background_task_read_while_running": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_call_method": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_capacity_is_no_acknowledgement": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_case_condition": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_case_value": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_chained_comparison": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_channel_statistics_order_nothing": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_class_body": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_copies_changed": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_dataclass_compared": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_dataclass_printed": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_dataclass_replaced": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_decorator_argument": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_default_of_a_parameter": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_defer": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_different_fields": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_done_channel_closed_for_many": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_finally_clause": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_first_of_two_wins": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_generator_body": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_init_writes_a_shared_object": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_instrument_and_contextvars": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lambda_default_and_body": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_memory_channel_of_infinite_capacity": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_method_value": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_nested_f_string": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_nested_trio_run_in_a_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_open_file": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_operator_method": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_producers_and_consumers": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_rendezvous_is_an_acknowledgement": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_run_var": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_select_by_a_shared_channel": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_slice_bounds": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_sorted_key": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_ssl_like_wrapper_over_memory_streams": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_struct_copied": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_struct_copied_deep": {"data-race": ["x"], "section": [], "other": [], "origin": "own: review"},
    "test_super_method": {"data-race": ["n"], "section": [], "other": [], "filtered": {"n": "commuting"}, "origin": "own: review"},
    "test_super_method_against_read": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_system_task": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_system_task_waited_for": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_timeout_and_done": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_timeout_leaves_the_worker_running": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_two_runs_of_a_service": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
}


@dataclass
class Point:
    x: int = 0
    y: int = 0


@attrs.define
class Spot:
    x: int = 0
    y: int = 0


@attrs.define
class Shape:
    corner: Spot = attrs.Factory(Spot)


class Base:
    def __init__(self):
        self.n = 0

    def bump(self):
        self.n += 1

    def peek(self):
        return self.n


class Derived(Base):
    def bump(self):
        super().bump()

    def peek(self):
        return super().peek()


async def race(one, other):
    async def a():
        await checkpoint()
        one()

    async def b():
        await checkpoint()
        other()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


async def pair(a, b):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


async def test_dataclass_compared():
    p = Point()

    def one():
        p.x = 1

    def other():
        assert p == Point() or p == Point(1)

    await race(one, other)


async def test_attrs_compared():
    p = Spot()

    def one():
        p.x = 1

    def other():
        assert p in (Spot(), Spot(1))

    await race(one, other)


async def test_dataclass_printed():
    p = Point()

    def one():
        p.x = 1

    def other():
        assert f"{p}".startswith("Point")

    await race(one, other)


async def test_dataclass_replaced():
    p = Point()

    def one():
        p.x = 1

    def other():
        assert replace(p, y=2).y == 2

    await race(one, other)


async def test_attrs_evolved():
    p = Spot()

    def one():
        p.x = 1

    def other():
        assert attrs.evolve(p, y=2).y == 2

    await race(one, other)


async def test_struct_copied():
    p = Spot()

    def one():
        p.x = 1

    def other():
        q = copy.copy(p)
        q.y = 3

    await race(one, other)


async def test_struct_copied_deep():
    shape = Shape()

    def one():
        shape.corner.x = 1

    def other():
        assert copy.deepcopy(shape).corner.x in (0, 1)

    await race(one, other)


async def test_copies_changed():
    p = Spot()
    q = copy.copy(p)

    def one():
        p.x = 1

    def other():
        q.x = 1

    await race(one, other)


async def test_different_fields():
    p = Spot()

    def one():
        p.x = 1

    def other():
        p.y = 1

    await race(one, other)


async def test_super_method():
    d = Derived()

    await race(d.bump, d.bump)
    assert d.n == 2


async def test_super_method_against_read():
    d = Derived()

    def other():
        assert d.peek() in (0, 1)

    await race(d.bump, other)


async def test_method_value():
    d = Derived()
    bump, peek = d.bump, Derived.peek

    def other():
        assert peek(d) in (0, 1)

    await race(bump, other)


async def test_defer():
    d = Base()

    async def a():
        with ExitStack() as stack:
            stack.callback(d.bump)
            await checkpoint()

    async def b():
        await checkpoint()
        assert d.n in (0, 1)

    await pair(a, b)


async def test_finally_clause():
    d = Base()

    async def a():
        try:
            await checkpoint()
        finally:
            d.n = 1

    async def b():
        await checkpoint()
        assert d.n in (0, 1)

    await pair(a, b)


async def test_argument_of_raise():
    d = Base()

    async def a():
        await checkpoint()
        d.n = 1

    async def b():
        await checkpoint()
        try:
            raise ValueError(d.n)
        except ValueError as e:
            assert e.args[0] in (0, 1)

    await pair(a, b)


async def test_case_condition():
    d = Base()

    def one():
        d.n = 1

    def other():
        match 1:
            case x if x == d.n:
                pass

    await race(one, other)


async def test_case_value():
    d = Base()

    def one():
        d.n = 1

    def other():
        match 1:
            case d.n:
                pass

    await race(one, other)


async def test_slice_bounds():
    d = Base()

    def one():
        d.n = 1

    def other():
        assert len([1, 2, 3][d.n :]) in (2, 3)

    await race(one, other)


async def test_default_of_a_parameter():
    d = Base()

    def one():
        d.n = 1

    def other():
        def f(x=d.n):
            return x

        assert f() in (0, 1)

    await race(one, other)


async def test_decorator_argument():
    d = Base()

    def one():
        d.n = 1

    def other():
        def mark(n):
            return lambda f: f

        @mark(d.n)
        def f():
            pass

    await race(one, other)


async def test_class_body():
    d = Base()

    def one():
        d.n = 1

    def other():
        class C:
            n = d.n

        assert C.n in (0, 1)

    await race(one, other)


async def test_chained_comparison():
    d = Base()

    def one():
        d.n = 1

    def other():
        assert -1 < d.n < 5

    await race(one, other)


async def test_nested_f_string():
    d = Base()

    def one():
        d.n = 1

    def other():
        assert f"{1:{d.n}}"

    await race(one, other)


async def test_lambda_default_and_body():
    d = Base()

    def one():
        d.n = 1

    def other():
        assert (lambda x=0: x + d.n)() in (0, 1)

    await race(one, other)


async def test_sorted_key():
    d = Base()

    def one():
        d.n = 1

    def other():
        sorted([1, 2], key=lambda x: x * d.n)

    await race(one, other)


async def test_async_for_body_and_comprehension():
    d = Base()

    async def numbers():
        yield 1

    async def a():
        await checkpoint()
        d.n = 1

    async def b():
        assert [x + d.n async for x in numbers()][0] in (1, 2)
        await checkpoint()
        assert [x + d.n async for x in numbers()][0] in (1, 2)

    await pair(a, b)


async def test_generator_body():
    d = Base()

    def numbers():
        yield d.n

    def one():
        d.n = 1

    def other():
        assert next(numbers()) in (0, 1)

    await race(one, other)


async def test_async_generator_closed():
    d = Base()

    async def numbers():
        try:
            yield 1
        finally:
            d.n = 1

    async def a():
        async with aclosing(numbers()) as ns:
            async for _ in ns:
                await checkpoint()
                break

    async def b():
        await checkpoint()
        assert d.n in (0, 1)

    await pair(a, b)


async def test_init_writes_a_shared_object():
    d = Base()

    class Child:
        def __init__(self, parent):
            parent.n = 1

    def one():
        Child(d)

    def other():
        assert d.n in (0, 1)

    await race(one, other)


async def test_operator_method():
    class Number(Base):
        def __iadd__(self, other):
            self.n = self.n + other
            return self

        def __eq__(self, other):
            return self.n == other

    d = Number()

    def one():
        nonlocal_d = d
        nonlocal_d += 1

    def other():
        assert d == 0 or d == 1

    await race(one, other)


async def test_call_method():
    class Caller(Base):
        def __call__(self):
            self.n = 1

    d = Caller()

    def other():
        assert d.n in (0, 1)

    await race(d, other)


async def test_first_of_two_wins():
    first = None

    async def fetch(n, scope):
        nonlocal first
        await checkpoint()
        first = n
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch, 1, nursery.cancel_scope)
        nursery.start_soon(fetch, 2, nursery.cancel_scope)
    assert first in (1, 2)


async def test_select_by_a_shared_channel():
    send, receive = trio.open_memory_channel(0)
    d = Base()

    async def a():
        d.n = 1
        await send.send("a")

    async def b():
        await trio.sleep_forever()
        await send.send("b")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)
        await receive.receive()
        assert d.n == 1
        nursery.cancel_scope.cancel()


async def test_timeout_leaves_the_worker_running(autojump_clock):
    d = Base()
    done = trio.Event()

    async def work():
        await trio.sleep(2)
        d.n = 1
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        with trio.move_on_after(3):
            await trio.sleep(2.5)
        assert d.n == 1


async def test_timeout_and_done(autojump_clock):
    d = Base()
    done = trio.Event()

    async def work():
        await trio.sleep(2)
        d.n = 1
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        with trio.fail_after(3):
            await done.wait()
        assert d.n == 1


async def test_producers_and_consumers():
    send, receive = trio.open_memory_channel(2)
    sums = []

    async def producer(s, n):
        async with s:
            for i in range(3):
                await s.send([n, i])

    async def consumer(r):
        total = 0
        async with r:
            async for item in r:
                item.append(0)
                total += item[1]
        return total

    async def collect(r):
        total = await consumer(r)
        assert total >= 0

    async with trio.open_nursery() as nursery:
        async with send, receive:
            for n in range(2):
                nursery.start_soon(producer, send.clone(), n)
                nursery.start_soon(collect, receive.clone())
    assert sums == []


async def test_capacity_is_no_acknowledgement():
    send, receive = trio.open_memory_channel(1)
    d = Base()

    async def a():
        await send.send(1)
        assert d.n in (0, 1)

    async def b():
        d.n = 1
        await receive.receive()

    await pair(a, b)


async def test_rendezvous_is_an_acknowledgement():
    send, receive = trio.open_memory_channel(0)
    d = Base()

    async def a():
        await send.send(1)
        assert d.n == 1

    async def b():
        d.n = 1
        await receive.receive()

    await pair(a, b)


async def test_channel_statistics_order_nothing():
    send, receive = trio.open_memory_channel(1)
    d = Base()

    async def a():
        await checkpoint()
        d.n = 1
        await send.send(1)

    async def b():
        while not send.statistics().current_buffer_used:
            await checkpoint()
        assert d.n == 1

    await pair(a, b)


async def test_done_channel_closed_for_many():
    send, receive = trio.open_memory_channel(0)
    d = Base()

    async def waiter(r):
        async with r:
            async for _ in r:
                pass
        assert d.n == 1

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(waiter, receive.clone())
        receive.close()
        await checkpoint()
        d.n = 1
        send.close()


async def test_two_runs_of_a_service():
    d = Base()

    async def service(task_status):
        d.n += 1
        task_status.started()
        await trio.sleep_forever()

    for _ in range(2):
        async with trio.open_nursery() as nursery:
            await nursery.start(service)
            nursery.cancel_scope.cancel()
    assert d.n == 2


async def test_background_task_cancelled_then_read():
    d = Base()

    async def tick():
        while True:
            d.n += 1
            await checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        await checkpoint()
        nursery.cancel_scope.cancel()
    assert d.n >= 1
    d.n = 0


async def test_background_task_read_while_running():
    d = Base()

    async def tick():
        while True:
            d.n += 1
            await checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        await checkpoint()
        await checkpoint()
        assert d.n >= 1
        nursery.cancel_scope.cancel()


async def test_instrument_and_contextvars():
    import contextvars

    var = contextvars.ContextVar("var", default=0)

    async def f(n):
        var.set(n)
        await checkpoint()
        assert var.get() == n

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_run_var():
    var = trio.lowlevel.RunVar("var")
    var.set(Base())

    async def f(n):
        d = var.get()
        assert d.n == 0
        await checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_system_task():
    d = Base()
    over = trio.Event()

    async def system():
        await checkpoint()
        d.n = 1
        over.set()

    trio.lowlevel.spawn_system_task(system)
    await checkpoint()
    assert d.n in (0, 1)
    await over.wait()


async def test_system_task_waited_for():
    d = Base()
    over = trio.Event()

    async def system():
        await checkpoint()
        d.n = 1
        over.set()

    trio.lowlevel.spawn_system_task(system)
    await over.wait()
    assert d.n == 1


async def test_nested_trio_run_in_a_thread():
    d = Base()

    async def inner():
        d.n += 1

    def work():
        trio.run(inner)

    d.n = 1
    await trio.to_thread.run_sync(work)
    assert d.n == 2


async def test_open_file():
    d = Base()

    async def a():
        d.n = 1
        await trio.Path("/dev/null").exists()
        d.n = 2

    await a()
    assert d.n == 2


async def test_memory_channel_of_infinite_capacity():
    send, receive = trio.open_memory_channel(math.inf)
    d = Base()

    async def a():
        for i in range(3):
            d.n = i
        send.send_nowait(1)

    async def b():
        await receive.receive()
        assert d.n == 2
        d.n = 5

    await pair(a, b)


async def test_ssl_like_wrapper_over_memory_streams():
    left, right = trio.testing.memory_stream_pair()
    d = Base()

    class Wrapper:
        def __init__(self, stream):
            self.stream = stream

        async def send(self, data):
            await self.stream.send_all(data)

        async def receive(self):
            return await self.stream.receive_some(4096)

    async def a():
        d.n = 1
        w = Wrapper(left)
        await w.send(b"ab")
        assert await w.receive() == b"cd"
        assert d.n == 2

    async def b():
        w = Wrapper(right)
        assert await w.receive() == b"ab"
        d.n += 1
        await w.send(b"cd")

    await pair(a, b)
