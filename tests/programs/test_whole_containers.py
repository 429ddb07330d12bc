"""Sections on one key or index, and writers that change the whole container."""

from collections import deque, OrderedDict

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_checked_empty_then_filled": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_deque_index": {"data-race": ["q"], "section": ["q"], "other": [], "origin": "own: review"},
    "test_dict_cleared": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_dict_popitem": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_dict_updated_by_keyword": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_dict_updated_by_pairs": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_length_checked_then_one_removed": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_list_insert": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_list_popped_from_the_front": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_list_slice_assigned": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_list_sorted": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_membership_then_clear": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_one_index_against_an_append": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_one_index_read_whole_written": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_one_key_against_another_key": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_set_cleared": {"data-race": ["s"], "section": ["s"], "other": [], "origin": "own: review"},
    "test_set_updated": {"data-race": ["s"], "section": ["s"], "other": [], "origin": "own: review"},
    "test_whole_list_read_one_index_written": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_whole_read_one_key_written": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
}


async def against(section, write):
    async def later():
        await trio.sleep(3)
        write()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(section)
        nursery.start_soon(later)


async def test_dict_cleared(autojump_clock):
    d = {"a": 0}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    await against(f, lambda: d.clear())


async def test_dict_updated_by_pairs(autojump_clock):
    d = {"a": 0}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    await against(f, lambda: d.update([("a", 5)]))


async def test_dict_updated_by_keyword(autojump_clock):
    d = {"a": 0}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    await against(f, lambda: d.update(a=5))


async def test_dict_popitem(autojump_clock):
    d = {"a": 0}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    await against(f, lambda: d.popitem())


async def test_membership_then_clear(autojump_clock):
    d = {}

    async def f():
        if "a" not in d:
            await checkpoint()
            d["a"] = 1

    await against(f, lambda: d.clear())


async def test_list_sorted(autojump_clock):
    xs = [3, 1]

    async def f():
        v = xs[0]
        await checkpoint()
        xs[0] = v + 1

    await against(f, lambda: xs.sort())


async def test_list_slice_assigned(autojump_clock):
    xs = [3, 1]

    async def f():
        v = xs[0]
        await checkpoint()
        xs[0] = v + 1

    def write():
        xs[:] = [7, 8]

    await against(f, write)


async def test_list_insert(autojump_clock):
    xs = [3, 1]

    async def f():
        v = xs[0]
        await checkpoint()
        xs[0] = v + 1

    await against(f, lambda: xs.insert(0, 9))


async def test_list_popped_from_the_front(autojump_clock):
    xs = [3, 1]

    async def f():
        v = xs[0]
        await checkpoint()
        xs[0] = v + 1

    await against(f, lambda: xs.pop(0))


async def test_set_cleared(autojump_clock):
    s = set()

    async def f():
        if 1 not in s:
            await checkpoint()
            s.add(1)

    await against(f, lambda: s.clear())


async def test_set_updated(autojump_clock):
    s = set()

    async def f():
        if 1 not in s:
            await checkpoint()
            s.add(1)

    await against(f, lambda: s.update([1, 2]))


async def test_deque_index(autojump_clock):
    q = deque([3, 1])

    async def f():
        v = q[0]
        await checkpoint()
        q[0] = v + 1

    await against(f, lambda: q.rotate(1))


async def test_whole_read_one_key_written(autojump_clock):
    d = {"a": 0, "b": 1}

    async def f():
        total = sum(d.values())
        await checkpoint()
        d["a"] = total

    def write():
        d["a"] = 5

    await against(f, write)


async def test_whole_list_read_one_index_written(autojump_clock):
    xs = [1, 2]

    async def f():
        biggest = max(xs)
        await checkpoint()
        xs[0] = biggest + 1

    def write():
        xs[0] = 9

    await against(f, write)


async def test_one_index_read_whole_written(autojump_clock):
    xs = [1, 2]

    async def f():
        v = xs[0]
        await checkpoint()
        xs[:] = [v + 1]

    def write():
        xs[0] = 9

    await against(f, write)


async def test_checked_empty_then_filled(autojump_clock):
    d = {}

    async def f():
        if not d:
            await checkpoint()
            d["a"] = 1

    def write():
        d["b"] = 5

    await against(f, write)


async def test_length_checked_then_one_removed(autojump_clock):
    d = OrderedDict(a=1, b=2)

    async def f():
        if len(d) > 1:
            await checkpoint()
            d.popitem(last=False)

    def write():
        d["c"] = 5

    await against(f, write)


async def test_one_index_against_an_append(autojump_clock):
    xs = [1]
    n = []

    async def f():
        v = xs[0]
        await checkpoint()
        xs[0] = v + 1
        n.append(len(xs))

    await against(f, lambda: xs.append(4))


async def test_one_key_against_another_key(autojump_clock):
    d = {"a": 1, "b": 1}

    async def f():
        v = d["a"]
        await checkpoint()
        d["a"] = v + 1

    def write():
        d["b"] = 5

    await against(f, write)
