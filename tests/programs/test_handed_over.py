"""Methods of containers and getters that somebody else calls, and functions that do what operators do.

Each racy program has a clean twin that differs in the container, the key or the attribute alone.
"""

import operator
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_append_mapped": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_mapped_on_another": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_get_as_key_of_sorted": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_get_of_another_as_key_of_sorted": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_contains_as_filter": {"data-race": ["s"], "section": [], "other": [], "origin": "own: handed over"},
    "test_set_by_operator": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_another_key_set_by_operator": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_read_by_operator": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_deleted_by_operator": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_extended_by_operator": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_added_by_operator": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_contained_by_operator": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_appended_by_class": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_read_by_class": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_another_key_read_by_class": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_sorted_by_class": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_item_getter": {"data-race": ["d"], "section": [], "other": [], "origin": "own: handed over"},
    "test_item_getter_of_another_key": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_attribute_getter": {"data-race": ["a"], "section": [], "other": [], "origin": "own: handed over"},
    "test_attribute_getter_of_another": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_stored_by_super": {"data-race": ["a"], "section": [], "other": [], "origin": "own: handed over"},
    "test_stored_by_super_elsewhere": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_thread": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_thread_on_another": {"data-race": [], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_classic_thread": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_pool": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_callback": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
    "test_append_by_partial": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: handed over"},
}


async def both(one, other):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        nursery.start_soon(other)


class Thing:
    def __init__(self):
        self.a = 1
        self.b = 1


class Renaming(Thing):
    def __setattr__(self, name, value):
        super().__setattr__("a" if name == "alias" else name, value)


async def test_append_mapped():
    xs = []

    async def one():
        await checkpoint()
        list(map(xs.append, [1]))

    async def other():
        await checkpoint()
        found = len(xs)
        assert found is not checkpoint

    await both(one, other)


async def test_append_mapped_on_another():
    xs, ys = [], []

    async def one():
        await checkpoint()
        list(map(ys.append, [1]))

    async def other():
        await checkpoint()
        found = len(xs)
        assert found is not checkpoint

    await both(one, other)


async def test_get_as_key_of_sorted():
    d = {"a": 1}

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = sorted(["a"], key=d.get)
        assert found is not checkpoint

    await both(one, other)


async def test_get_of_another_as_key_of_sorted():
    d, e = {"a": 1}, {"a": 1}

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = sorted(["a"], key=e.get)
        assert found is not checkpoint

    await both(one, other)


async def test_contains_as_filter():
    s = {1}

    async def one():
        await checkpoint()
        s.add(2)

    async def other():
        await checkpoint()
        found = list(filter(s.__contains__, [1]))
        assert found is not checkpoint

    await both(one, other)


async def test_set_by_operator():
    d = {"a": 1}

    async def one():
        await checkpoint()
        operator.setitem(d, "a", 2)

    async def other():
        await checkpoint()
        found = d["a"]
        assert found is not checkpoint

    await both(one, other)


async def test_another_key_set_by_operator():
    d = {"a": 1, "b": 1}

    async def one():
        await checkpoint()
        operator.setitem(d, "b", 2)

    async def other():
        await checkpoint()
        found = d["a"]
        assert found is not checkpoint

    await both(one, other)


async def test_read_by_operator():
    d = {"a": 1}

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = operator.getitem(d, "a")
        assert found is not checkpoint

    await both(one, other)


async def test_deleted_by_operator():
    d = {"a": 1}

    async def one():
        await checkpoint()
        operator.delitem(d, "a")

    async def other():
        await checkpoint()
        found = len(d)
        assert found is not checkpoint

    await both(one, other)


async def test_extended_by_operator():
    xs = [1]

    async def one():
        await checkpoint()
        operator.iadd(xs, [2])

    async def other():
        await checkpoint()
        found = len(xs)
        assert found is not checkpoint

    await both(one, other)


async def test_added_by_operator():
    xs = [1]

    async def one():
        await checkpoint()
        operator.add(xs, [2])

    async def other():
        await checkpoint()
        found = len(xs)
        assert found is not checkpoint

    await both(one, other)


async def test_contained_by_operator():
    d = {"a": 1}

    async def one():
        await checkpoint()
        d.pop("a")

    async def other():
        await checkpoint()
        found = operator.contains(d, "a")
        assert found is not checkpoint

    await both(one, other)


async def test_appended_by_class():
    xs = [1]

    async def one():
        await checkpoint()
        list.append(xs, 2)

    async def other():
        await checkpoint()
        found = len(xs)
        assert found is not checkpoint

    await both(one, other)


async def test_read_by_class():
    d = {"a": 1}

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = dict.get(d, "a")
        assert found is not checkpoint

    await both(one, other)


async def test_another_key_read_by_class():
    d = {"a": 1, "b": 1}

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = dict.get(d, "b")
        assert found is not checkpoint

    await both(one, other)


async def test_sorted_by_class():
    xs = [2, 1]

    async def one():
        await checkpoint()
        list.sort(xs)

    async def other():
        await checkpoint()
        found = xs[0]
        assert found is not checkpoint

    await both(one, other)


async def test_item_getter():
    d, get = {"a": 1}, operator.itemgetter("a")

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = get(d)
        assert found is not checkpoint

    await both(one, other)


async def test_item_getter_of_another_key():
    d, get = {"a": 1, "b": 1}, operator.itemgetter("b")

    async def one():
        await checkpoint()
        d["a"] = 2

    async def other():
        await checkpoint()
        found = get(d)
        assert found is not checkpoint

    await both(one, other)


async def test_attribute_getter():
    t, get = Thing(), operator.attrgetter("a")

    async def one():
        await checkpoint()
        t.a = 2

    async def other():
        await checkpoint()
        found = get(t)
        assert found is not checkpoint

    await both(one, other)


async def test_attribute_getter_of_another():
    t, get = Thing(), operator.attrgetter("b")

    async def one():
        await checkpoint()
        t.a = 2

    async def other():
        await checkpoint()
        found = get(t)
        assert found is not checkpoint

    await both(one, other)


async def test_stored_by_super():
    t = Renaming()

    async def one():
        await checkpoint()
        t.alias = 2

    async def other():
        await checkpoint()
        found = t.a
        assert found is not checkpoint

    await both(one, other)


async def test_stored_by_super_elsewhere():
    t = Renaming()

    async def one():
        await checkpoint()
        t.b = 2

    async def other():
        await checkpoint()
        found = t.a
        assert found is not checkpoint

    await both(one, other)


async def test_append_by_thread():
    xs = []

    async def one():
        await trio.to_thread.run_sync(xs.append, 1)

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)


async def test_append_by_thread_on_another():
    xs = []

    async def one():
        await trio.to_thread.run_sync([].append, 1)

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)


async def test_append_by_classic_thread():
    xs = []

    async def one():
        thread = threading.Thread(target=xs.append, args=(1,))
        thread.start()
        while thread.is_alive():
            await trio.sleep(0)

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)


async def test_append_by_pool():
    xs = []

    async def one():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(xs.append, 1)

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)


async def test_append_by_callback():
    xs = []

    async def one():
        trio.lowlevel.current_trio_token().run_sync_soon(xs.append, 1)
        await checkpoint()

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)


async def test_append_by_partial():
    xs = []

    async def one():
        await trio.to_thread.run_sync(partial(xs.append, 1))

    async def other():
        await checkpoint()
        assert len(xs) in (0, 1)

    await both(one, other)
