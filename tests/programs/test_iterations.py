"""Iterations that go on across a checkpoint, while another task changes what they go through.

Each pair differs in what makes it one: a copy, the checkpoint, a lock, an order. The writer of most comes
late, so that nothing goes wrong in the run from which it must be found.
"""

import itertools
from collections import OrderedDict, UserDict, deque

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_items_removed": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_items_of_a_copy": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_keys_added": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_keys_value_replaced": {"data-race": [], "section": [], "other": [], "origin": "own: iteration"},
    "test_items_value_replaced": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_values_cleared": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_values_copied_by_tuple": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_list_removed": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_list_copied_by_slice": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_list_copied_by_method": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_list_appended": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_list_sorted": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_list_element_replaced": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_set_added": {"data-race": ["s"], "section": ["s"], "other": [], "origin": "own: iteration"},
    "test_set_copied": {"data-race": ["s"], "section": [], "other": [], "origin": "own: iteration"},
    "test_deque_appended": {"data-race": ["q"], "section": ["q"], "other": [], "origin": "own: iteration"},
    "test_deque_element_replaced": {"data-race": ["q"], "section": [], "other": [], "origin": "own: iteration"},
    "test_ordered_moved": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_user_dict": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_derived_from_user_dict": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_derived_from_user_dict_copied": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_bytearray_shortened": {"data-race": ["b"], "section": ["b"], "other": [], "origin": "own: iteration"},
    "test_no_checkpoint_in_the_body": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_leaves_after_the_checkpoint": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_returns_after_the_checkpoint": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_goes_on_after_some_checkpoints": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_goes_on_by_continue": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_goes_on_after_a_timeout": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_checkpoint_in_a_context_manager": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_single_element": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_enumerated": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_zipped": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_mapped": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_filtered": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_reversed": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_chained": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_islice": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_sorted_first": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_enumerated_copy": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_generator_expression": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_asynchronous_comprehension": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_asynchronous_comprehension_of_a_copy": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_dictionary_comprehension": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_comprehension_with_a_checkpoint_in_its_condition": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_comprehension_without_a_checkpoint": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_inner_clause": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_iterator_made_before_the_checkpoint": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_iterator_advanced_by_hand": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_iterator_advanced_in_one_step": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_view_made_before_the_checkpoint": {"data-race": ["d"], "section": [], "other": [], "origin": "own: iteration"},
    "test_view_kept_and_iterated": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: iteration"},
    "test_generator_function": {"data-race": ["xs|items"], "section": ["xs|items"], "other": [], "origin": "own: iteration"},
    "test_generator_function_of_a_copy": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_delegating_generator": {"data-race": ["xs|items"], "section": ["xs|items"], "other": [], "origin": "own: iteration"},
    "test_asynchronous_generator": {"data-race": ["xs|items"], "section": ["xs|items"], "other": [], "origin": "own: iteration"},
    "test_nested_function_awaits": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_nursery_in_the_body": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_started_only": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_list_made_here": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: iteration"},
    "test_under_a_lock": {"data-race": [], "section": [], "other": [], "origin": "own: iteration"},
    "test_lock_taken_anew_for_each": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_writer_without_the_lock": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: iteration"},
    "test_own_changes": {"data-race": [], "section": [], "other": [], "origin": "own: iteration"},
    "test_change_after_the_end": {"data-race": [], "section": [], "other": [], "origin": "own: iteration"},
    "test_change_before_the_start": {"data-race": [], "section": [], "other": [], "origin": "own: iteration"},
}


async def against(iterate, write):
    """Run a task that iterates, and one that changes what it iterates over once that is over."""

    async def later():
        await trio.sleep(9)
        await write()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(iterate)
        nursery.start_soon(later)


class Registry(UserDict):
    pass


async def twice(x):
    await checkpoint()
    return 2 * x


def each(items):
    for item in items:
        yield item


def delegate(items):
    yield from items


async def slowly(items):
    for item in items:
        yield await twice(item)


async def test_items_removed(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k, v in d.items():
            await checkpoint()

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_items_of_a_copy(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k, v in list(d.items()):
            await checkpoint()

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_keys_added(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d["c"] = 3

    await against(iterate, write)


async def test_keys_value_replaced(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d["a"] = 3

    await against(iterate, write)


async def test_items_value_replaced(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k, v in d.items():
            await checkpoint()

    async def write():
        d["a"] = 3

    await against(iterate, write)


async def test_values_cleared(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for v in d.values():
            await checkpoint()

    async def write():
        d.clear()

    await against(iterate, write)


async def test_values_copied_by_tuple(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for v in tuple(d.values()):
            await checkpoint()

    async def write():
        d.clear()

    await against(iterate, write)


async def test_list_removed(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            await checkpoint()

    async def write():
        xs.remove(1)

    await against(iterate, write)


async def test_list_copied_by_slice(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs[:]:
            await checkpoint()

    async def write():
        xs.remove(1)

    await against(iterate, write)


async def test_list_copied_by_method(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs.copy():
            await checkpoint()

    async def write():
        xs.remove(1)

    await against(iterate, write)


async def test_list_appended(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            await checkpoint()

    async def write():
        xs.append(1)

    await against(iterate, write)


async def test_list_sorted(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            await checkpoint()

    async def write():
        xs.sort()

    await against(iterate, write)


async def test_list_element_replaced(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            await checkpoint()

    async def write():
        xs[1] = 7

    await against(iterate, write)


async def test_set_added(autojump_clock):
    s = {1, 2}

    async def iterate():
        for x in s:
            await checkpoint()

    async def write():
        s.add(3)

    await against(iterate, write)


async def test_set_copied(autojump_clock):
    s = {1, 2}

    async def iterate():
        for x in set(s):
            await checkpoint()

    async def write():
        s.add(3)

    await against(iterate, write)


async def test_deque_appended(autojump_clock):
    q = deque([1, 2])

    async def iterate():
        for x in q:
            await checkpoint()

    async def write():
        q.append(3)

    await against(iterate, write)


async def test_deque_element_replaced(autojump_clock):
    q = deque([1, 2])

    async def iterate():
        for x in q:
            await checkpoint()

    async def write():
        q[0] = 3

    await against(iterate, write)


async def test_ordered_moved(autojump_clock):
    d = OrderedDict(a=1, b=2)

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d.move_to_end("a")

    await against(iterate, write)


async def test_user_dict(autojump_clock):
    d = UserDict(a=1, b=2)

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d["c"] = 1

    await against(iterate, write)


async def test_bytearray_shortened(autojump_clock):
    b = bytearray(b"abc")

    async def iterate():
        for x in b:
            await checkpoint()

    async def write():
        b.pop()

    await against(iterate, write)


async def test_no_checkpoint_in_the_body(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            d.get(k)
        await checkpoint()

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_leaves_after_the_checkpoint(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            if d[k]:
                await checkpoint()
                break

    async def write():
        d.clear()

    await against(iterate, write)


async def test_returns_after_the_checkpoint(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            try:
                await checkpoint()
            finally:
                return

    async def write():
        d.clear()

    await against(iterate, write)


async def test_goes_on_after_some_checkpoints(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            await checkpoint()
            if k == "z":
                return

    async def write():
        d.clear()

    await against(iterate, write)


async def test_goes_on_by_continue(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            if k != "z":
                await checkpoint()
                continue
            break

    async def write():
        d.clear()

    await against(iterate, write)


async def test_goes_on_after_a_timeout(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        for k in d:
            with trio.move_on_after(1):
                await checkpoint()
                await trio.sleep(2)
                return

    async def write():
        d.clear()

    await against(iterate, write)


async def test_checkpoint_in_a_context_manager(autojump_clock):
    d = {"a": 1, "b": 2}
    lock = trio.Lock()

    async def iterate():
        for k in d:
            async with lock:
                pass

    async def write():
        d.clear()

    await against(iterate, write)


async def test_single_element(autojump_clock):
    d = {"a": 1}

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d.clear()

    await against(iterate, write)


async def test_enumerated(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for i, x in enumerate(xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_zipped(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for i, x in zip(range(5), xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_mapped(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in map(str, xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_filtered(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in filter(None, xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_reversed(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in reversed(xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_chained(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in itertools.chain(xs, [3]):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_islice(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in itertools.islice(xs, 2):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_sorted_first(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in sorted(xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_enumerated_copy(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for i, x in enumerate(list(xs)):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_generator_expression(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in (x + 1 for x in xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_asynchronous_comprehension(autojump_clock):
    xs = [1, 2]

    async def iterate():
        assert [await twice(x) for x in xs]

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_asynchronous_comprehension_of_a_copy(autojump_clock):
    xs = [1, 2]

    async def iterate():
        assert [await twice(x) for x in list(xs)]

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_dictionary_comprehension(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        assert {k: await twice(v) for k, v in d.items()}

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_comprehension_with_a_checkpoint_in_its_condition(autojump_clock):
    xs = [1, 2]

    async def iterate():
        assert [x for x in xs if await twice(x)]

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_comprehension_without_a_checkpoint(autojump_clock):
    xs = [1, 2]

    async def iterate():
        assert [x for x in xs]
        await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_inner_clause(autojump_clock):
    xs = [1, 2]

    async def iterate():
        assert [await twice(x) for _ in range(1) for x in xs]

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_iterator_made_before_the_checkpoint(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        it = iter(d)
        await checkpoint()
        for k in it:
            pass

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_iterator_advanced_by_hand(autojump_clock):
    xs = [1, 2]

    async def iterate():
        it = iter(xs)
        next(it)
        await checkpoint()
        next(it, None)

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_iterator_advanced_in_one_step(autojump_clock):
    xs = [1, 2]

    async def iterate():
        it = iter(xs)
        next(it)
        next(it, None)
        await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_view_made_before_the_checkpoint(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        view = d.items()
        await checkpoint()
        for k, v in view:
            pass

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_view_kept_and_iterated(autojump_clock):
    d = {"a": 1, "b": 2}

    async def iterate():
        view = d.items()
        for k, v in view:
            await checkpoint()

    async def write():
        d.pop("a")

    await against(iterate, write)


async def test_generator_function(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in each(xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_generator_function_of_a_copy(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in each(xs[:]):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_delegating_generator(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in delegate(xs):
            await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_asynchronous_generator(autojump_clock):
    xs = [1, 2]

    async def iterate():
        async for x in slowly(xs):
            pass

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_nested_function_awaits(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            async def g():
                await checkpoint()
        await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_nursery_in_the_body(autojump_clock):
    xs = [1, 2]

    async def iterate():
        for x in xs:
            async with trio.open_nursery() as inner:
                inner.start_soon(checkpoint)

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_started_only(autojump_clock):
    xs = [1, 2]

    async def iterate():
        async with trio.open_nursery() as inner:
            for x in xs:
                inner.start_soon(twice, x)

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_list_made_here(autojump_clock):
    xs = [1, 2]
    ys = []

    async def iterate():
        zs = [x for x in xs]
        for z in zs:
            await checkpoint()
            ys.append(z)

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_under_a_lock(autojump_clock):
    xs = [1, 2]
    lock = trio.Lock()

    async def iterate():
        async with lock:
            for x in xs:
                await checkpoint()

    async def write():
        async with lock:
            xs.pop(0)

    await against(iterate, write)


async def test_lock_taken_anew_for_each(autojump_clock):
    xs = [1, 2]
    lock = trio.Lock()

    async def iterate():
        for x in xs:
            async with lock:
                await checkpoint()

    async def write():
        async with lock:
            xs.pop(0)

    await against(iterate, write)


async def test_writer_without_the_lock(autojump_clock):
    xs = [1, 2]
    lock = trio.Lock()

    async def iterate():
        async with lock:
            for x in xs:
                await checkpoint()

    async def write():
        xs.pop(0)

    await against(iterate, write)


async def test_own_changes(autojump_clock):
    xs = [1, 2]
    finished = trio.Event()

    async def iterate():
        for x in list(xs):
            await checkpoint()
            xs.remove(x)
        finished.set()

    async def write():
        await finished.wait()
        xs.append(9)

    await against(iterate, write)


async def test_change_after_the_end(autojump_clock):
    xs = [1, 2]
    finished = trio.Event()

    async def iterate():
        for x in xs:
            await checkpoint()
        finished.set()

    async def write():
        await finished.wait()
        xs.pop(0)

    await against(iterate, write)


async def test_change_before_the_start(autojump_clock):
    xs = [1, 2]
    finished = trio.Event()

    async def iterate():
        await finished.wait()
        for x in xs:
            await checkpoint()

    async def write():
        xs.pop(0)
        finished.set()

    await against(iterate, write)


async def test_derived_from_user_dict(autojump_clock):
    d = Registry(a=1, b=2)

    async def iterate():
        for k in d:
            await checkpoint()

    async def write():
        d["c"] = 1

    await against(iterate, write)


async def test_derived_from_user_dict_copied(autojump_clock):
    d = Registry(a=1, b=2)

    async def iterate():
        for k in list(d):
            await checkpoint()

    async def write():
        d["c"] = 1

    await against(iterate, write)
