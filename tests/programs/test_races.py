"""Data races on all kinds of variables; the sides differ only in where they meet."""

import bisect
import collections
import copy
import heapq
import itertools
import json
import operator
import random
import types
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from dataclasses import dataclass, field

import attrs
import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_attrs_asdict": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_attrs_with_a_validator": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_await_in_the_key": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_await_in_the_value": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_bound_method_kept": {"data-race": ["xs|add"], "section": [], "other": [], "origin": "own: review"},
    "test_bound_method_passed_to_map": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_chain_map": {"data-race": ["d|chain"], "section": [], "other": [], "origin": "own: review"},
    "test_class_default": {"data-race": ["default"], "section": [], "other": [], "origin": "own: review"},
    "test_concatenation_reads": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_copy_of_an_object": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_counter_made_of_a_list": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_counter_most_common": {"data-race": ["c"], "section": [], "other": [], "origin": "own: review"},
    "test_counter_update": {"data-race": ["c"], "section": [], "other": [], "origin": "own: review"},
    "test_dataclass_equality": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_defaultdict_makes_a_key": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_del_item_against_iteration": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_del_name": {"data-race": ["name"], "section": [], "other": [], "origin": "own: review"},
    "test_delattr_against_hasattr": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_deque_made_of_a_list": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_deque_rotate_against_index": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_dict_display_with_star": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_dict_of_an_object": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_dict_subclass_method": {"data-race": ["registry|self"], "section": [], "other": [], "origin": "own: review"},
    "test_dict_union_reads": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_different_indices": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_different_rows": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_double_star_arguments": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_dynamic_attributes": {"data-race": ["_v"], "section": [], "other": [], "origin": "own: review"},
    "test_except_target": {"data-race": ["e"], "section": [], "other": [], "filtered": {"e": "commuting"}, "origin": "own: review"},
    "test_for_target_and_with_target": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_frozen_things": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_function_attribute": {"data-race": ["calls"], "section": [], "other": [], "origin": "own: review"},
    "test_generator_expression_run_later": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_heap_push_against_first": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_inplace_add_on_a_name": {"data-race": ["xs|ys"], "section": [], "other": [], "origin": "own: review"},
    "test_inplace_add_on_an_attribute_against_an_alias": {"data-race": ["items"], "section": [], "other": [], "origin": "own: review"},
    "test_insort_against_bisect": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_items_view_iterated_later": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_iterator_made_before": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_itertools_chain": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_join_of_a_generator": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_json_dumps_nested": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_keys_against_a_store": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_match_class_pattern": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_match_mapping": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_match_sequence": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_memoryview": {"data-race": ["buffer"], "section": [], "other": [], "origin": "own: review"},
    "test_metaclass_property": {"data-race": ["_whole"], "section": [], "other": [], "origin": "own: review"},
    "test_method_started_as_a_callback": {"data-race": ["xs|function"], "section": [], "other": [], "origin": "own: review"},
    "test_module_attribute": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_negative_index": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_nested_list": {"data-race": ["grid|row"], "section": [], "other": [], "origin": "own: review"},
    "test_object_setattr": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_operator_attrgetter": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_ordered_dict_move_to_end": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_percent_format": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_random_choice": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_reversed_and_enumerate": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_set_inplace_union": {"data-race": ["seen|s"], "section": [], "other": [], "origin": "own: review"},
    "test_set_union_reads": {"data-race": ["seen"], "section": [], "other": [], "origin": "own: review"},
    "test_setattr_against_plain_read": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_setattr_getattr": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_simple_namespace": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_slice_against_item_store": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_slice_deletion": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_slotted_dataclass": {"data-race": ["n"], "section": [], "other": [], "origin": "own: review"},
    "test_sort_key_against_read": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_star_arguments": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_str_format": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_unpacked_items": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_unpacking_target": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_user_dict": {"data-race": ["d|data"], "section": [], "other": [], "origin": "own: review"},
    "test_user_list": {"data-race": ["d|data"], "section": [], "other": [], "origin": "own: review"},
    "test_values": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_vars_of_an_object": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_view_kept": {"data-race": ["d"], "section": [], "other": [], "origin": "own: review"},
    "test_walrus_in_a_comprehension": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_yield_from_reads": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
}


class Thing:
    default = 1

    def __init__(self, value=0):
        self.value = value


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


async def test_setattr_getattr():
    t = Thing()
    name = "value"

    def one():
        setattr(t, name, 1)

    def other():
        assert getattr(t, name) in (0, 1)

    await race(one, other)


async def test_setattr_against_plain_read():
    t = Thing()

    def one():
        setattr(t, "value", 1)

    def other():
        assert t.value in (0, 1)

    await race(one, other)


async def test_dict_of_an_object():
    t = Thing()

    def one():
        t.__dict__["value"] = 1

    def other():
        assert t.value in (0, 1)

    await race(one, other)


async def test_vars_of_an_object():
    t = Thing()

    def one():
        t.value = 1

    def other():
        assert vars(t)["value"] in (0, 1)

    await race(one, other)


async def test_object_setattr():
    t = Thing()

    def one():
        object.__setattr__(t, "value", 1)

    def other():
        assert t.value in (0, 1)

    await race(one, other)


async def test_delattr_against_hasattr():
    t = Thing()

    def one():
        del t.value

    def other():
        assert hasattr(t, "value") in (True, False)

    await race(one, other)


async def test_class_default():
    t = Thing()
    Thing.default = 1

    def one():
        Thing.default = 2

    def other():
        assert t.default in (1, 2)

    await race(one, other)
    Thing.default = 1


class Meta(type):
    @property
    def whole(cls):
        return cls._whole


class WithMeta(metaclass=Meta):
    _whole = 0


async def test_metaclass_property():
    def one():
        WithMeta._whole = 1

    def other():
        assert WithMeta.whole in (0, 1)

    await race(one, other)


@dataclass(slots=True)
class Slotted:
    items: list = field(default_factory=list)
    n: int = 0


async def test_slotted_dataclass():
    s = Slotted()

    def one():
        s.n = 1

    def other():
        assert s.n in (0, 1)

    await race(one, other)


@attrs.define
class Def:
    n: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))


async def test_attrs_with_a_validator():
    s = Def()

    def one():
        s.n = 1

    def other():
        assert s.n in (0, 1)

    await race(one, other)


async def test_attrs_asdict():
    s = Def()

    def one():
        s.n = 1

    def other():
        assert attrs.asdict(s)["n"] in (0, 1)

    await race(one, other)


async def test_dataclass_equality():
    s, z = Slotted(), Slotted()

    def one():
        s.n = 1

    def other():
        assert (s == z) in (True, False)

    await race(one, other)


async def test_copy_of_an_object():
    s = Def()

    def one():
        s.n = 1

    def other():
        assert copy.copy(s).n in (0, 1)

    await race(one, other)


async def test_simple_namespace():
    t = types.SimpleNamespace(value=0)

    def one():
        t.value = 1

    def other():
        assert t.value in (0, 1)

    await race(one, other)


async def test_module_attribute():
    m = types.ModuleType("m")
    m.value = 0

    def one():
        m.value = 1

    def other():
        assert m.value in (0, 1)

    await race(one, other)


async def test_operator_attrgetter():
    t = Thing()
    get = operator.attrgetter("value")

    def one():
        t.value = 1

    def other():
        assert get(t) in (0, 1)

    await race(one, other)


async def test_match_class_pattern():
    t = Thing()

    def one():
        t.value = 1

    def other():
        match t:
            case Thing(value=0):
                pass
            case _:
                pass

    await race(one, other)


async def test_match_mapping():
    d = {"a": 0}

    def one():
        d["a"] = 1

    def other():
        match d:
            case {"a": 0}:
                pass

    await race(one, other)


async def test_match_sequence():
    xs = [0]

    def one():
        xs[0] = 1

    def other():
        match xs:
            case [0]:
                pass

    await race(one, other)


async def test_for_target_and_with_target():
    t = Thing()

    def one():
        for t.value in (1, 2):
            pass

    def other():
        assert t.value in (0, 2)

    await race(one, other)


async def test_unpacking_target():
    t = Thing()

    def one():
        a, t.value = 1, 2
        assert a == 1

    def other():
        assert t.value in (0, 2)

    await race(one, other)


async def test_walrus_in_a_comprehension():
    value = 0

    def one():
        nonlocal value
        value = 1

    def other():
        assert [value for _ in range(1)][0] in (0, 1)

    await race(one, other)


async def test_del_name():
    name = 1

    def one():
        nonlocal name
        del name

    def other():
        try:
            assert name == 1
        except NameError:
            pass

    await race(one, other)


async def test_except_target():
    e = None

    def one():
        nonlocal e
        try:
            raise ValueError
        except ValueError as e:
            pass
        e = None

    def other():
        assert e is None

    await race(one, other)


async def test_concatenation_reads():
    xs = [1]

    def one():
        xs.append(2)

    def other():
        assert len(xs + [0]) in (2, 3)

    await race(one, other)


async def test_inplace_add_on_a_name():
    xs = [1]

    def one():
        ys = xs
        ys += [2]

    def other():
        assert sum(xs) in (1, 3)

    await race(one, other)


async def test_inplace_add_on_an_attribute_against_an_alias():
    s = Slotted()
    items = s.items

    def one():
        s.items += [2]

    def other():
        assert sum(items) in (0, 2)

    await race(one, other)


async def test_set_union_reads():
    seen = {1}

    def one():
        seen.add(2)

    def other():
        assert len(seen | {0}) in (2, 3)

    await race(one, other)


async def test_set_inplace_union():
    seen = {1}

    def one():
        s = seen
        s |= {2}

    def other():
        assert len(seen) in (1, 2)

    await race(one, other)


async def test_dict_union_reads():
    d = {"a": 1}

    def one():
        d["a"] = 2

    def other():
        assert (d | {"b": 1})["a"] in (1, 2)

    await race(one, other)


async def test_slice_against_item_store():
    xs = [1, 2, 3]

    def one():
        xs[1] = 5

    def other():
        assert sum(xs[1:]) in (5, 8)

    await race(one, other)


async def test_slice_deletion():
    xs = [1, 2, 3]

    def one():
        del xs[1:]

    def other():
        assert len(xs) in (1, 3)

    await race(one, other)


async def test_negative_index():
    xs = [1, 2, 3]

    def one():
        xs.append(4)

    def other():
        assert xs[-1] in (3, 4)

    await race(one, other)


async def test_different_indices():
    xs = [0, 0]

    def one():
        xs[0] = 1

    def other():
        xs[1] = 1

    await race(one, other)
    assert xs == [1, 1]


async def test_star_arguments():
    xs = [1]

    def one():
        xs.append(2)

    def other():
        assert max(*xs, 0) in (1, 2)

    await race(one, other)


async def test_double_star_arguments():
    d = {"a": 1}

    def one():
        d["b"] = 2

    def other():
        assert len(dict(**d)) in (1, 2)

    await race(one, other)


async def test_dict_display_with_star():
    d = {"a": 1}

    def one():
        d["b"] = 2

    def other():
        assert len({**d, "c": 1}) in (2, 3)

    await race(one, other)


async def test_defaultdict_makes_a_key():
    d = defaultdict(list)

    def one():
        d["a"].append(1)

    def other():
        assert len(d) in (0, 1)

    await race(one, other)


async def test_ordered_dict_move_to_end():
    d = OrderedDict(a=1, b=2)

    def one():
        d.move_to_end("a")

    def other():
        assert next(iter(d)) in "ab"

    await race(one, other)


async def test_counter_update():
    c = Counter()

    def one():
        c.update("aab")

    def other():
        assert c["a"] in (0, 2)

    await race(one, other)


async def test_counter_most_common():
    c = Counter("a")

    def one():
        c["b"] += 2

    def other():
        assert c.most_common(1)[0][0] in "ab"

    await race(one, other)


async def test_chain_map():
    d = {"a": 1}
    chain = ChainMap({}, d)

    def one():
        d["a"] = 2

    def other():
        assert chain["a"] in (1, 2)

    await race(one, other)


async def test_user_dict():
    d = UserDict(a=1)

    def one():
        d["a"] = 2

    def other():
        assert d["a"] in (1, 2)

    await race(one, other)


async def test_user_list():
    d = UserList([1])

    def one():
        d.append(2)

    def other():
        assert len(d) in (1, 2)

    await race(one, other)


class Registry(dict):
    def register(self, key, value):
        self[key] = value

    def __missing__(self, key):
        return None


async def test_dict_subclass_method():
    registry = Registry()

    def one():
        registry.register("a", 1)

    def other():
        assert registry["a"] in (1, None)

    await race(one, other)


async def test_view_kept():
    d = {"a": 1}
    keys = d.keys()

    def one():
        d["b"] = 2

    def other():
        assert len(keys) in (1, 2)

    await race(one, other)


async def test_items_view_iterated_later():
    d = {"a": 1}
    view = d.items()

    def one():
        d["a"] = 2

    def other():
        assert dict(view)["a"] in (1, 2)

    await race(one, other)


async def test_values():
    d = {"a": 1}

    def one():
        d["a"] = 2

    def other():
        assert sum(d.values()) in (1, 2)

    await race(one, other)


async def test_keys_against_a_store():
    d = {"a": 1}

    def one():
        d["a"] = 2

    def other():
        assert sorted(d) == ["a"]

    await race(one, other)


async def test_memoryview():
    buffer = bytearray(b"ab")
    view = memoryview(buffer)

    def one():
        view[0] = 1

    def other():
        assert buffer[0] in (1, 97)

    await race(one, other)


async def test_deque_rotate_against_index():
    xs = deque([1, 2])

    def one():
        xs.rotate(1)

    def other():
        assert xs[0] in (1, 2)

    await race(one, other)


async def test_heap_push_against_first():
    xs = [2]

    def one():
        heapq.heappush(xs, 1)

    def other():
        assert xs[0] in (1, 2)

    await race(one, other)


async def test_insort_against_bisect():
    xs = [2]

    def one():
        bisect.insort(xs, 1)

    def other():
        assert bisect.bisect(xs, 1) in (0, 1)

    await race(one, other)


async def test_random_choice():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert random.choice(xs) in (2, 3)

    await race(one, other)


async def test_itertools_chain():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert len(list(itertools.chain(xs, []))) in (1, 2)

    await race(one, other)


async def test_deque_made_of_a_list():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert len(deque(xs)) in (1, 2)

    await race(one, other)


async def test_counter_made_of_a_list():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert len(collections.Counter(xs)) in (1, 2)

    await race(one, other)


async def test_json_dumps_nested():
    d = {"a": {"b": 1}}

    def one():
        d["a"] = {}

    def other():
        assert json.dumps(d)

    await race(one, other)


async def test_percent_format():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert "%s" % xs

    await race(one, other)


async def test_str_format():
    xs = [2]

    def one():
        xs.append(3)

    def other():
        assert "{}".format(xs)

    await race(one, other)


async def test_generator_expression_run_later():
    xs = [2]
    total = (x for x in xs)

    def one():
        xs.append(3)

    def other():
        assert sum(total) in (2, 5)

    await race(one, other)


async def test_iterator_made_before():
    xs = [2]
    it = iter(xs)

    def one():
        xs[0] = 3

    def other():
        assert next(it) in (2, 3)

    await race(one, other)


async def test_bound_method_kept():
    xs = []
    add = xs.append

    def one():
        add(1)

    def other():
        assert len(xs) in (0, 1)

    await race(one, other)


async def test_bound_method_passed_to_map():
    xs = []

    def one():
        list(map(xs.append, [1]))

    def other():
        assert len(xs) in (0, 1)

    await race(one, other)


async def test_method_started_as_a_callback():
    xs = []

    async def b():
        await checkpoint()
        assert len(xs) in (0, 1)

    async def call(function, *args):
        await checkpoint()
        function(*args)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call, xs.append, 1)
        nursery.start_soon(b)


async def test_unpacked_items():
    d = {"a": 1}

    def one():
        d["a"] = 2

    def other():
        [(k, v)] = d.items()
        assert k == "a" and v in (1, 2)

    await race(one, other)


async def test_await_in_the_key():
    d = {"a": 1}

    async def key():
        await checkpoint()
        return "a"

    async def a():
        d[await key()] = 2

    async def b():
        assert d[await key()] in (1, 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


async def test_await_in_the_value():
    d = {"a": 1}

    async def two():
        await checkpoint()
        return 2

    async def a():
        d["a"] = await two()

    async def b():
        await checkpoint()
        assert d.get("a") in (1, 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


async def test_del_item_against_iteration():
    d = {"a": 1, "b": 2}

    def one():
        del d["a"]

    def other():
        assert len(list(d)) in (1, 2)

    await race(one, other)


async def test_function_attribute():
    def f():
        f.calls += 1

    f.calls = 0

    def other():
        assert f.calls in (0, 1)

    await race(f, other)


async def test_nested_list():
    grid = [[0], [0]]

    def one():
        row = grid[0]
        row[0] = 1

    def other():
        assert grid[0][0] in (0, 1)

    await race(one, other)


async def test_different_rows():
    grid = [[0], [0]]

    def one():
        grid[0][0] = 1

    def other():
        assert grid[1][0] == 0

    await race(one, other)


async def test_frozen_things():
    t = (1, [2])
    f = frozenset({1})

    def one():
        assert 1 in f and t[0] == 1

    await race(one, one)


class Typed:
    def __init__(self):
        self._v = 0

    def __getattr__(self, name):
        if name == "v":
            return self._v
        raise AttributeError(name)

    def __setattr__(self, name, value):
        super().__setattr__("_v" if name == "v" else name, value)


async def test_dynamic_attributes():
    t = Typed()

    def one():
        t.v = 1

    def other():
        assert t.v in (0, 1)

    await race(one, other)


async def test_yield_from_reads():
    xs = [1]

    def each():
        yield from xs

    def one():
        xs.append(2)

    def other():
        assert len(list(each())) in (1, 2)

    await race(one, other)


async def test_join_of_a_generator():
    xs = ["a"]

    def one():
        xs.append("b")

    def other():
        assert ",".join(x for x in xs)

    await race(one, other)


async def test_reversed_and_enumerate():
    xs = [1]

    def one():
        xs[0] = 2

    def other():
        for _, x in enumerate(reversed(xs)):
            assert x in (1, 2)

    await race(one, other)


async def test_sort_key_against_read():
    xs = [2, 1]

    def one():
        xs.sort(key=lambda x: x)

    def other():
        assert xs.index(1) in (0, 1)

    await race(one, other)
