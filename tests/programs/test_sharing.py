"""A task completes a section before anybody else comes; the other side only reads (or writes) later."""

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_third_task_after_an_object_was_handed_on": {"data-race": ["left"], "section": [], "other": [], "origin": "own: the second owner is after the first, the third is not"},
    "test_third_task_told_by_the_second": {"data-race": [], "section": [], "other": [], "origin": "own: all three in order"},
    "test_augmented_with_await_against_a_plain_writer": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: review"},
    "test_augmented_with_await_of_a_shared_object": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: review"},
    "test_item_augmented_with_await_against_a_plain_writer": {"data-race": ["totals"], "section": ["totals"], "other": [], "origin": "own: review"},
    "test_name_augmented_with_await_against_a_plain_writer": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: review"},
    "test_read_after_a_check_then_act": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_read_after_a_plain_write": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_read_after_an_augmented_assignment_with_await": {"data-race": ["total"], "section": [], "other": [], "origin": "own: review"},
    "test_read_after_somebody_elses_section": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_read_of_a_cell_after_a_section": {"data-race": ["count"], "section": [], "other": [], "origin": "own: review"},
    "test_read_of_a_key_after_somebody_elses_section": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_three_of_them": {"data-race": ["total"], "section": ["total"], "other": [], "filtered": {"total": "commuting"}, "origin": "own: review"},
}


class State:
    def __init__(self, value=0):
        self.value = value


async def against(section, other):
    async def later():
        await trio.sleep(3)
        other()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(section)
        nursery.start_soon(later)


async def test_read_after_somebody_elses_section(autojump_clock):
    s = State()

    async def f():
        v = s.value
        await checkpoint()
        s.value = v + 1

    def other():
        assert s.value == 1

    await against(f, other)


async def test_read_of_a_key_after_somebody_elses_section(autojump_clock):
    d = {"a": 0}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    def other():
        assert d["a"] == 1

    await against(f, other)


async def test_read_after_a_check_then_act(autojump_clock):
    s = State(None)

    async def f():
        if s.value is None:
            await checkpoint()
            s.value = 1

    def other():
        assert s.value == 1

    await against(f, other)


async def test_read_after_an_augmented_assignment_with_await(autojump_clock):
    s = State()
    s.total = 0

    async def one():
        await checkpoint()
        return 1

    async def f():
        s.total += await one()

    def other():
        assert s.total == 1

    await against(f, other)


async def test_read_of_a_cell_after_a_section(autojump_clock):
    count = 0

    async def f():
        nonlocal count
        c = count
        await checkpoint()
        count = c + 1

    def other():
        assert count == 1

    await against(f, other)


async def test_read_after_a_plain_write(autojump_clock):
    s = State()

    async def f():
        await checkpoint()
        s.value = 1

    def other():
        assert s.value == 1

    await against(f, other)


async def one(n):
    await checkpoint()
    return n


async def test_augmented_with_await_of_a_shared_object():
    s = State()
    s.total = 0

    async def f(n):
        await checkpoint()
        assert s.total in (0, 1, 2, 3)
        s.total += await one(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_augmented_with_await_against_a_plain_writer(autojump_clock):
    s = State()
    s.total = 0

    async def g():
        s.total = 5
        await trio.sleep(3)

    async def f(n):
        await trio.sleep(1)
        s.total += await one(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(g)
        nursery.start_soon(f, 1)
    assert s.total == 6


async def test_item_augmented_with_await_against_a_plain_writer(autojump_clock):
    totals = {"a": 0}

    async def g():
        totals["a"] = 5
        await trio.sleep(3)

    async def f(n):
        await trio.sleep(1)
        totals["a"] += await one(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(g)
        nursery.start_soon(f, 1)
    assert totals["a"] == 6


async def test_name_augmented_with_await_against_a_plain_writer(autojump_clock):
    total = 0

    async def g():
        nonlocal total
        total = 5
        await trio.sleep(3)

    async def f(n):
        nonlocal total
        await trio.sleep(1)
        total += await one(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(g)
        nursery.start_soon(f, 1)
    assert total == 6


async def test_three_of_them(autojump_clock):
    s = State()
    s.total = 0

    async def f(n):
        await trio.sleep(n)
        s.total += await one(n)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        nursery.start_soon(f, 3)
    assert s.total == 6


class Pair:
    left = right = 0


async def test_third_task_after_an_object_was_handed_on(autojump_clock):
    pair = Pair()
    handed_on = trio.Event()

    async def first():
        await trio.sleep(1)
        pair.left = 1
        handed_on.set()

    async def second():
        await handed_on.wait()
        assert pair.right == 0

    async def third():
        await trio.sleep(2)
        assert pair.left == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        nursery.start_soon(second)
        nursery.start_soon(third)


async def test_third_task_told_by_the_second(autojump_clock):
    pair = Pair()
    handed_on, done = trio.Event(), trio.Event()

    async def first():
        await trio.sleep(1)
        pair.left = 1
        handed_on.set()

    async def second():
        await handed_on.wait()
        assert pair.right == 0
        done.set()

    async def third():
        await done.wait()
        assert pair.left == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        nursery.start_soon(second)
        nursery.start_soon(third)
