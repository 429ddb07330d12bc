"""Dependences: sections that must be found."""

import functools
from contextlib import asynccontextmanager, contextmanager
from collections import deque
from dataclasses import dataclass

import attrs
import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_and_condition_with_await": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_assert_as_guard": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_async_comprehension_between": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_async_context_manager_holds_the_section": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_async_predicate": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_attribute_error": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_attrs_class": {"data-race": ["amount"], "section": ["amount"], "other": [], "origin": "own: review"},
    "test_await_among_the_arguments": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_await_as_a_later_argument": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_break_out_of_a_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_cell_augmented_with_await": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: review"},
    "test_class_attribute": {"data-race": ["count"], "section": ["count"], "other": [], "origin": "own: review"},
    "test_continue_in_a_loop": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_dataclass": {"data-race": ["amount"], "section": ["amount"], "other": [], "origin": "own: review"},
    "test_decorator_reads_function_writes": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_delete_after_a_check": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_dict_display": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_eafp_act_in_handler": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: review"},
    "test_eafp_lookup": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: review"},
    "test_early_raise": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_early_return": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_f_string": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_flag_local": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_for_else": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_get_then_merge": {"data-race": ["counts"], "section": ["counts"], "other": [], "origin": "own: review"},
    "test_get_then_store": {"data-race": ["counts"], "section": ["counts"], "other": [], "origin": "own: review"},
    "test_get_then_update": {"data-race": ["counts"], "section": ["counts"], "other": [], "origin": "own: review"},
    "test_hasattr_then_setattr": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_in_async_with_and_async_for": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_index_read_after_the_await": {"data-race": ["cursor"], "section": [], "other": [], "origin": "own: review"},
    "test_item_augmented_with_await": {"data-race": ["totals"], "section": ["totals"], "other": [], "origin": "own: review"},
    "test_key_from_a_read": {"data-race": ["next", "slots"], "section": ["next"], "other": [], "origin": "own: review"},
    "test_key_from_the_length": {"data-race": ["names"], "section": ["names"], "other": [], "origin": "own: review"},
    "test_lambdas": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_list_rebuilt": {"data-race": ["items"], "section": ["items"], "other": [], "origin": "own: review"},
    "test_list_replaced_in_place": {"data-race": ["items"], "section": ["items"], "other": [], "origin": "own: review"},
    "test_local_list_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_loop_reads_then_writes": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_match_on_the_state": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_method_of_the_value_read": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_methods_on_self": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_nested_dict": {"data-race": ["users|count"], "section": ["users|count"], "other": [], "origin": "own: review"},
    "test_next_id_from_max": {"data-race": ["ids"], "section": ["ids"], "other": [], "origin": "own: review"},
    "test_or_with_await": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_partial_reads": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_partial_writes": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_pop_after_a_check": {"data-race": ["pool"], "section": ["pool"], "other": [], "origin": "own: review"},
    "test_popleft_after_len": {"data-race": ["pool"], "section": ["pool"], "other": [], "origin": "own: review"},
    "test_predicate_method_with_constants": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_property": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_property_augmented_with_await": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_property_predicate": {"data-race": ["_level"], "section": ["_level"], "other": [], "origin": "own: review"},
    "test_recursion_carries_the_value": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_room_for_one_more": {"data-race": ["box"], "section": ["box"], "other": [], "origin": "own: review"},
    "test_service_and_repository": {"data-race": ["rows"], "section": ["rows"], "other": [], "origin": "own: review"},
    "test_set_checked_then_added": {"data-race": ["seen"], "section": ["seen"], "other": [], "origin": "own: review"},
    "test_slot": {"data-race": ["level"], "section": ["level"], "other": [], "origin": "own: review"},
    "test_sum_with_await_on_the_left": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_sum_with_await_on_the_right": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_sync_context_manager_holds_the_section": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_sync_helpers": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_ternary_with_await": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_through_a_sync_function": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_through_an_async_function": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_try_finally": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_tuple_local": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_unpacked_pair": {"data-race": ["pair"], "section": ["pair"], "other": [], "origin": "own: review"},
    "test_user_contains_and_setitem": {"data-race": ["_rows"], "section": ["_rows"], "other": [], "origin": "own: review"},
    "test_user_getitem_and_setitem": {"data-race": ["_rows"], "section": ["_rows"], "other": [], "origin": "own: review"},
    "test_user_len": {"data-race": ["_rows"], "section": ["_rows"], "other": [], "origin": "own: review"},
    "test_value_from_a_context_manager": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_value_from_an_async_generator": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_walrus_check": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_while_takes_tokens": {"data-race": ["tokens"], "section": ["tokens"], "other": [], "origin": "own: review"},
    "test_written_when_cancelled": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value
        self.other = 0


async def fetch(x):
    await checkpoint()
    return x


async def both(f):
    """Both at once."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def apart(f):
    """One long after the other."""
    async def later():
        await trio.sleep(5)
        await f(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(later)


async def test_early_return():
    s = State()

    async def f(n):
        if s.value is not None:
            return
        await checkpoint()
        s.value = n

    await both(f)
    assert s.value in (1, 2)


async def test_early_raise():
    s = State()

    async def f(n):
        if s.value is not None:
            raise RuntimeError
        await checkpoint()
        s.value = n

    await both(f)
    assert s.value in (1, 2)


async def test_assert_as_guard():
    s = State()

    async def f(n):
        assert s.value is None
        await checkpoint()
        s.value = n

    await both(f)


async def test_break_out_of_a_loop():
    s = State()

    async def f(n):
        for _ in range(3):
            if s.value is not None:
                break
            await checkpoint()
            s.value = n

    await both(f)


async def test_continue_in_a_loop():
    s = State()

    async def f(n):
        for _ in range(2):
            if s.value is not None:
                continue
            await checkpoint()
            s.value = n

    await both(f)


async def test_while_takes_tokens():
    tokens = [2]
    s = State()
    s.tokens = 2

    async def f(n):
        while s.tokens > 0:
            await checkpoint()
            s.tokens -= n

    await both(f)
    assert s.tokens <= 0 and tokens


async def test_eafp_lookup():
    cache = {}

    async def f(n):
        try:
            return cache["a"]
        except KeyError:
            pass
        made = await fetch(n)
        cache["a"] = made

    await both(f)


async def test_eafp_act_in_handler():
    cache = {}

    async def f(n):
        try:
            return cache["a"]
        except KeyError:
            cache["a"] = await fetch(n)
            return cache["a"]

    await both(f)


async def test_match_on_the_state():
    s = State("idle")

    async def f(n):
        match s.value:
            case "idle":
                await checkpoint()
                s.value = n
            case _:
                pass

    await both(f)


async def test_ternary_with_await():
    s = State()

    async def f(n):
        s.value = (await fetch(n)) if s.value is None else s.value

    await both(f)


async def test_or_with_await():
    s = State()

    async def f(n):
        s.value = s.value or await fetch(n)

    await both(f)


async def test_and_condition_with_await():
    s = State()

    async def f(n):
        if s.value is None and await fetch(True):
            s.value = n

    await both(f)


async def test_flag_local():
    s = State()

    async def f(n):
        missing = s.value is None
        await checkpoint()
        if missing:
            s.value = n

    await both(f)


async def test_tuple_local(autojump_clock):
    s = State(0)

    async def f(n):
        pair = (s.value, n)
        await checkpoint()
        s.value = pair[0] + pair[1]

    await apart(f)
    assert s.value == 3


async def test_dict_display(autojump_clock):
    s = State(0)

    async def f(n):
        data = {"v": s.value}
        await checkpoint()
        s.value = data["v"] + n

    await apart(f)
    assert s.value == 3


async def test_f_string(autojump_clock):
    s = State("")

    async def f(n):
        text = f"{s.value}{n}"
        await checkpoint()
        s.value = text

    await apart(f)
    assert s.value == "12"


def get(s):
    return s.value


def put(s, v):
    s.value = v


def plus(a, b):
    return a + b


async def slow_plus(a, b):
    await checkpoint()
    return a + b


async def test_sync_helpers(autojump_clock):
    s = State(0)

    async def f(n):
        v = get(s)
        await checkpoint()
        put(s, v + n)

    await apart(f)
    assert s.value == 3


async def test_through_a_sync_function(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        await checkpoint()
        s.value = plus(v, n)

    await apart(f)
    assert s.value == 3


async def test_through_an_async_function(autojump_clock):
    s = State(0)

    async def f(n):
        s.value = await slow_plus(s.value, n)

    await apart(f)
    assert s.value == 3


class Box:
    def __init__(self):
        self._level = 0

    @property
    def level(self):
        return self._level

    @level.setter
    def level(self, value):
        self._level = value

    def get(self):
        return self._level

    def set(self, value):
        self._level = value

    async def add(self, n):
        old = self.get()
        await checkpoint()
        self.set(old + n)

    @property
    def free(self):
        return self._level == 0

    def is_free(self):
        if self._level == 0:
            return True
        return False

    async def is_free_async(self):
        if self._level == 0:
            return True
        return False


async def test_methods_on_self(autojump_clock):
    b = Box()
    await apart(b.add)
    assert b._level == 3


async def test_property(autojump_clock):
    b = Box()

    async def f(n):
        old = b.level
        await checkpoint()
        b.level = old + n

    await apart(f)
    assert b.level == 3


async def test_property_predicate():
    b = Box()

    async def f(n):
        if b.free:
            await checkpoint()
            b.level = n

    await both(f)


async def test_predicate_method_with_constants():
    b = Box()

    async def f(n):
        if b.is_free():
            await checkpoint()
            b.set(n)

    await both(f)


async def test_async_predicate():
    b = Box()

    async def f(n):
        if await b.is_free_async():
            await checkpoint()
            b.set(n)

    await both(f)


async def test_property_augmented_with_await(autojump_clock):
    b = Box()

    async def f(n):
        b.level += await fetch(n)

    await apart(f)
    assert b.level == 3


@asynccontextmanager
async def async_txn(s, n):
    old = s.value
    yield old
    s.value = old + n


@contextmanager
def txn(s, n):
    old = s.value
    try:
        yield old
    finally:
        s.value = old + n


async def test_async_context_manager_holds_the_section(autojump_clock):
    s = State(0)

    async def f(n):
        async with async_txn(s, n):
            await checkpoint()

    await apart(f)
    assert s.value == 3


async def test_sync_context_manager_holds_the_section(autojump_clock):
    s = State(0)

    async def f(n):
        with txn(s, n):
            await checkpoint()

    await apart(f)
    assert s.value == 3


async def test_value_from_a_context_manager(autojump_clock):
    s = State(0)

    @asynccontextmanager
    async def loaded():
        await checkpoint()
        yield s.value

    async def f(n):
        async with loaded() as v:
            await checkpoint()
            s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_value_from_an_async_generator(autojump_clock):
    s = State(0)

    async def values():
        yield s.value

    async def f(n):
        async for v in values():
            await checkpoint()
            s.value = v + n

    await apart(f)
    assert s.value == 3


def with_value(function):
    @functools.wraps(function)
    async def wrapper(s, n):
        v = s.value
        await checkpoint()
        return await function(s, v + n)

    return wrapper


@with_value
async def save(s, v):
    s.value = v


async def test_decorator_reads_function_writes(autojump_clock):
    s = State(0)
    await apart(functools.partial(save, s))
    assert s.value == 3


async def test_partial_writes(autojump_clock):
    s = State(0)
    store = functools.partial(put, s)

    async def f(n):
        v = s.value
        await checkpoint()
        store(v + n)

    await apart(f)
    assert s.value == 3


async def test_partial_reads(autojump_clock):
    s = State(0)
    load = functools.partial(get, s)

    async def f(n):
        v = load()
        await checkpoint()
        s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_lambdas(autojump_clock):
    s = State(0)
    load = lambda: s.value  # noqa: E731
    store = lambda v: setattr(s, "value", v)  # noqa: E731

    async def f(n):
        v = load()
        await checkpoint()
        store(v + n)

    await apart(f)
    assert s.value == 3


async def test_await_among_the_arguments(autojump_clock):
    s = State(0)

    async def f(n):
        put(s, plus_all(s.value, await fetch(n)))

    await apart(f)
    assert s.value == 3


def plus_all(*numbers):
    return sum(numbers)


async def test_await_as_a_later_argument(autojump_clock):
    s = State(0)

    def store(v, more):
        s.value = v + more

    async def f(n):
        store(s.value, await fetch(n))

    await apart(f)
    assert s.value == 3


async def test_sum_with_await_on_the_right(autojump_clock):
    s = State(0)

    async def f(n):
        s.value = s.value + await fetch(n)

    await apart(f)
    assert s.value == 3


async def test_sum_with_await_on_the_left(autojump_clock):
    s = State(0)

    async def f(n):
        s.value = await fetch(n) + s.value

    await apart(f)
    assert s.value == 3


async def test_item_augmented_with_await(autojump_clock):
    totals = {"a": 0}

    async def f(n):
        totals["a"] += await fetch(n)

    await apart(f)
    assert totals["a"] == 3


async def test_cell_augmented_with_await(autojump_clock):
    total = 0

    async def f(n):
        nonlocal total
        total += await fetch(n)

    await apart(f)
    assert total == 3


async def test_index_read_after_the_await(autojump_clock):
    s = State()
    s.cursor = 0
    slots = [0, 0]

    async def f(n):
        slots[s.cursor] = await fetch(n)
        s.cursor += n

    async def g():
        await trio.sleep(1)
        assert s.cursor == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g)


async def test_pop_after_a_check():
    pool = ["a", "b"]

    async def f(n):
        if pool:
            await checkpoint()
            pool.pop()

    await both(f)
    assert not pool


async def test_popleft_after_len():
    pool = deque("ab")

    async def f(n):
        if len(pool) > 0:
            await checkpoint()
            return pool.popleft()

    await both(f)
    assert not pool


async def test_room_for_one_more():
    box = []

    async def f(n):
        if len(box) >= 1:
            return
        await checkpoint()
        box.append(n)

    await both(f)
    assert len(box) == 2


async def test_nested_dict(autojump_clock):
    users = {"a": {"count": 0}}

    async def f(n):
        count = users["a"]["count"]
        await checkpoint()
        users["a"]["count"] = count + n

    await apart(f)
    assert users["a"]["count"] == 3


async def test_key_from_a_read():
    s = State()
    s.next = 0
    s.slots = {}

    async def f(n):
        key = s.next
        await checkpoint()
        s.slots[key] = n
        s.next = key + n

    await both(f)
    assert s.next in (1, 2)


async def test_key_from_the_length(autojump_clock):
    names = {}

    async def f(n):
        key = len(names)
        await checkpoint()
        names[key] = n

    await apart(f)
    assert len(names) == 2


class Klass:
    count = 0
    __slots__ = ("level",)


async def test_class_attribute(autojump_clock):
    Klass.count = 0

    async def f(n):
        c = Klass.count
        await checkpoint()
        Klass.count = c + n

    await apart(f)
    assert Klass.count == 3


async def test_slot(autojump_clock):
    k = Klass()
    k.level = 0

    async def f(n):
        level = k.level
        await checkpoint()
        k.level = level + n

    await apart(f)
    assert k.level == 3


@dataclass
class Data:
    amount: int = 0


@attrs.define
class Defined:
    amount: int = 0


async def test_dataclass(autojump_clock):
    d = Data()

    async def f(n):
        amount = d.amount
        await checkpoint()
        d.amount = amount + n

    await apart(f)
    assert d.amount == 3


async def test_attrs_class(autojump_clock):
    d = Defined()

    async def f(n):
        amount: int = d.amount
        await checkpoint()
        d.amount: int = amount + n

    await apart(f)
    assert d.amount == 3


async def test_try_finally(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        try:
            await checkpoint()
        finally:
            s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_written_when_cancelled(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value
        with trio.move_on_after(1):
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                s.value = v + n
                raise

    await apart(f)
    assert s.value == 3


async def test_set_checked_then_added():
    seen = set()

    async def f(n):
        if "job" in seen:
            return
        await checkpoint()
        seen.add("job")

    await both(f)


async def test_get_then_store(autojump_clock):
    counts = {}

    async def f(n):
        c = counts.get("a", 0)
        await checkpoint()
        counts["a"] = c + n

    await apart(f)
    assert counts["a"] == 3


async def test_get_then_update(autojump_clock):
    counts = {}

    async def f(n):
        c = counts.get("a", 0)
        await checkpoint()
        counts.update(a=c + n)

    await apart(f)
    assert counts["a"] == 3


async def test_get_then_merge(autojump_clock):
    counts = {"a": 0}

    async def f(n):
        nonlocal counts
        c = counts["a"]
        await checkpoint()
        counts |= {"a": c + n}

    await apart(f)
    assert counts["a"] == 3


async def test_hasattr_then_setattr():
    s = object.__new__(State)

    async def f(n):
        if not hasattr(s, "value"):
            await checkpoint()
            setattr(s, "value", n)

    await both(f)


async def test_attribute_error():
    s = object.__new__(State)

    async def f(n):
        try:
            return s.value
        except AttributeError:
            await checkpoint()
            s.value = n

    await both(f)


async def test_walrus_check():
    s = State()

    async def f(n):
        if (v := s.value) is None:
            v = await fetch(n)
            s.value = v

    await both(f)


async def test_loop_reads_then_writes():
    s = State(3)

    async def f(n):
        while True:
            v = s.value
            await checkpoint()
            if v <= 0:
                break
            s.value = v - n

    await both(f)


async def test_list_rebuilt(autojump_clock):
    s = State()
    s.items = []

    async def f(n):
        kept = [x for x in s.items if x]
        await checkpoint()
        s.items = kept + [n]

    await apart(f)
    assert s.items == [1, 2]


async def test_list_replaced_in_place(autojump_clock):
    items = []

    async def f(n):
        kept = [x for x in items if x]
        await checkpoint()
        items[:] = kept + [n]

    await apart(f)
    assert items == [1, 2]


async def test_next_id_from_max(autojump_clock):
    ids = [0]

    async def f(n):
        new = max(ids) + n
        await checkpoint()
        ids.append(new)

    await apart(f)
    assert ids == [0, 1, 3]


async def test_unpacked_pair(autojump_clock):
    s = State()
    s.pair = (0, 0)

    async def f(n):
        a, b = s.pair
        await checkpoint()
        s.pair = (b + n, a)

    await apart(f)


async def test_async_comprehension_between(autojump_clock):
    s = State(0)

    async def numbers(n):
        await checkpoint()
        yield n

    async def f(n):
        base = s.value
        s.value = base + sum([x async for x in numbers(n)])

    await apart(f)
    assert s.value == 3


async def test_recursion_carries_the_value(autojump_clock):
    s = State(0)

    async def down(depth, v):
        if depth == 0:
            s.value = v
        else:
            await checkpoint()
            await down(depth - 1, v)

    async def f(n):
        await down(3, s.value + n)

    await apart(f)
    assert s.value == 3


class Repo:
    def __init__(self):
        self.rows = {"a": 0}

    async def load(self, key):
        await checkpoint()
        return self.rows[key]

    async def save(self, key, value):
        await checkpoint()
        self.rows[key] = value


class Service:
    def __init__(self):
        self.repo = Repo()

    async def load(self):
        return await self.repo.load("a")

    async def add(self, n):
        row = await self.load()
        await self.repo.save("a", row + n)


async def test_service_and_repository(autojump_clock):
    service = Service()
    await apart(service.add)
    assert service.repo.rows["a"] == 3


class Table:
    def __init__(self):
        self._rows = {}

    def __contains__(self, key):
        return key in self._rows

    def __getitem__(self, key):
        return self._rows[key]

    def __setitem__(self, key, value):
        self._rows[key] = value

    def __len__(self):
        return len(self._rows)


async def test_user_contains_and_setitem():
    table = Table()

    async def f(n):
        if "a" not in table:
            table["a"] = await fetch(n)

    await both(f)


async def test_user_getitem_and_setitem(autojump_clock):
    table = Table()
    table["a"] = 0

    async def f(n):
        old = table["a"]
        await checkpoint()
        table["a"] = old + n

    await apart(f)
    assert table["a"] == 3


async def test_user_len():
    table = Table()

    async def f(n):
        if len(table) == 0:
            await checkpoint()
            table[n] = n

    await both(f)


async def test_method_of_the_value_read(autojump_clock):
    s = State("a")

    async def f(n):
        text = s.value.upper()
        await checkpoint()
        s.value = text + str(n)

    await apart(f)
    assert s.value == "A12"


async def test_local_list_carries(autojump_clock):
    s = State(0)

    async def f(n):
        parts = []
        parts.append(s.value)
        await checkpoint()
        s.value = parts[0] + n

    await apart(f)
    assert s.value == 3


async def test_for_else():
    s = State()

    async def f(n):
        for _ in range(1):
            if s.value is not None:
                break
        else:
            await checkpoint()
            s.value = n

    await both(f)


async def test_in_async_with_and_async_for(autojump_clock):
    s = State(0)

    async def numbers(n):
        for i in range(n):
            await checkpoint()
            yield i

    async def f(n):
        async with trio.open_nursery():
            v = s.value
            async for _ in numbers(n):
                v += 1
            s.value = v

    await apart(f)
    assert s.value == 3


async def test_delete_after_a_check():
    s = State(1)

    async def f(n):
        if s.value is not None:
            await checkpoint()
            s.value = None

    async def g():
        await checkpoint()
        s.value = 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g)
