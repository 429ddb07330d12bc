"""Endless loops whose only way out is behind a condition."""

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_always_raises_or_acts": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_break_then_act_later": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_break_then_swap": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_check_act_break_in_an_endless_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_check_act_return_in_an_endless_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_continue_else_swap": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_only_way_out_of_an_endless_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_polled_in_an_endless_loop": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_return_otherwise_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_server_loop_checks_then_acts": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_swap_in_a_loop_with_a_flag": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_swap_then_break": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_swap_then_return": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_swap_with_a_bounded_loop": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value


async def both(f):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_swap_then_return():
    s = State(0)

    async def f(n):
        while True:
            v = s.value
            await checkpoint()
            if s.value == v:
                s.value = v + n
                return

    await both(f)
    assert s.value == 3


async def test_swap_then_break():
    s = State(0)

    async def f(n):
        while True:
            v = s.value
            await checkpoint()
            if s.value == v:
                s.value = v + n
                break

    await both(f)
    assert s.value == 3


async def test_break_then_swap():
    s = State(0)

    async def f(n):
        while True:
            v = s.value
            await checkpoint()
            if s.value == v:
                break
        s.value = v + n

    await both(f)
    assert s.value == 3


async def test_continue_else_swap():
    s = State(0)

    async def f(n):
        while True:
            v = s.value
            await checkpoint()
            if s.value != v:
                continue
            s.value = v + n
            return

    await both(f)
    assert s.value == 3


async def test_swap_with_a_bounded_loop():
    s = State(0)

    async def f(n):
        for _ in range(5):
            v = s.value
            await checkpoint()
            if s.value == v:
                s.value = v + n
                break

    await both(f)
    assert s.value == 3


async def test_swap_in_a_loop_with_a_flag():
    s = State(0)

    async def f(n):
        done = False
        while not done:
            v = s.value
            await checkpoint()
            if s.value == v:
                s.value = v + n
                done = True

    await both(f)
    assert s.value == 3


async def test_check_act_return_in_an_endless_loop():
    s = State()

    async def f(n):
        while True:
            if s.value is None:
                await checkpoint()
                s.value = n
                return
            await checkpoint()
            if n:
                return

    await both(f)


async def test_check_act_break_in_an_endless_loop():
    s = State(0)

    async def f(n):
        while True:
            if s.value < 5:
                await checkpoint()
                s.value = n + 5
                break
            await checkpoint()
            s.value = 0

    await both(f)


async def test_only_way_out_of_an_endless_loop():
    s = State(None)

    async def f(n):
        while True:
            if s.value is None:
                await checkpoint()
                s.value = n
                return
            await checkpoint()

    async def reset():
        for _ in range(3):
            await checkpoint()
        s.value = None

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        nursery.start_soon(reset)


async def test_break_then_act_later():
    s = State(None)

    async def f(n):
        while True:
            if s.value is None:
                break
            await checkpoint()
        await checkpoint()
        s.value = n

    await both(f)


async def test_return_otherwise_loop():
    s = State(None)

    async def f(n):
        while True:
            if s.value is not None:
                await checkpoint()
                continue
            await checkpoint()
            s.value = n
            return

    await both_reset(s, f)


async def both_reset(s, f):
    async def reset():
        for _ in range(3):
            await checkpoint()
        s.value = None

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        nursery.start_soon(reset)


async def test_polled_in_an_endless_loop():
    s = State(None)

    async def f(n):
        while True:
            if s.value is None:
                s.value = n
                await checkpoint()
                return
            await checkpoint()

    await both_reset(s, f)


async def test_always_raises_or_acts():
    s = State(None)

    async def f(n):
        if s.value is None:
            await checkpoint()
            s.value = n
            return
        raise RuntimeError

    await both(f)


async def test_server_loop_checks_then_acts():
    s = State(None)

    async def f(n):
        with trio.move_on_after(0.01):
            while True:
                if s.value is None:
                    await checkpoint()
                    s.value = n
                await checkpoint()

    await both(f)
