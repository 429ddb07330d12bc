"""Fields that are read by code which nobody wrote: comparison, printing, copying and conversion.

Each racy program has a clean twin in which that code leaves the field alone, or the class speaks for itself.
"""

import copy
import dataclasses
import json
import pickle
from dataclasses import asdict, astuple, dataclass, field, replace
from types import SimpleNamespace

import attrs
import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_dataclass_equal": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_equal_without_the_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_unequal": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_printed": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_printed_without_the_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_in_a_tuple": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_in_a_list_that_is_printed": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_in_a_list_that_is_compared": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_equal": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_equal_without_the_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_unequal": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_printed": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_printed_without_the_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_in_a_tuple": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_in_a_list_that_is_printed": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_in_a_list_that_is_compared": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_replaced": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_replaced_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_as_dictionary": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_as_tuple": {"data-race": ["z"], "section": [], "other": [], "origin": "own: generated code"},
    "test_dataclass_by_module": {"data-race": ["z"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_evolved": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_evolved_field": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_attrs_as_dictionary": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_own_equality": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_own_equality_reads": {"data-race": ["y"], "section": [], "other": [], "origin": "own: generated code"},
    "test_own_text": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_own_text_reads": {"data-race": ["y"], "section": [], "other": [], "origin": "own: generated code"},
    "test_namespace_equal": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_namespace_printed": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_identity": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_copied": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_with_a_copy_of_its_own": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_copied_flat": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_copied_deep": {"data-race": ["x"], "section": [], "other": [], "origin": "own: generated code"},
    "test_slots_copied": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_pickled": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_object_printed": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_nested_dictionary_dumped": {"data-race": ["inner"], "section": [], "other": [], "origin": "own: generated code"},
    "test_nested_list_copied_deep": {"data-race": ["inner"], "section": [], "other": [], "origin": "own: generated code"},
    "test_nested_list_copied_flat": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_nested_list_printed": {"data-race": ["inner"], "section": [], "other": [], "origin": "own: generated code"},
    "test_nested_list_counted": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
    "test_all_attributes": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_all_attributes_of_the_namespace": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_attributes_updated": {"data-race": ["n"], "section": [], "other": [], "origin": "own: generated code"},
    "test_other_attributes_updated": {"data-race": [], "section": [], "other": [], "origin": "own: generated code"},
}


async def race(one, other):
    async def first():
        await checkpoint()
        one()

    async def second():
        await checkpoint()
        other()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        nursery.start_soon(second)


@dataclass
class Point:
    x: int = 0
    y: int = field(default=0, compare=False)
    z: int = field(default=0, repr=False)


@attrs.define
class Spot:
    x: int = 0
    y: int = attrs.field(default=0, eq=False)
    z: int = attrs.field(default=0, repr=False)


class Plain:
    def __init__(self):
        self.n = 0
        self.inner = [Spot()]


class Copied(Plain):
    def __copy__(self):
        return Copied()


class Slotted:
    __slots__ = ("n",)

    def __init__(self):
        self.n = 0


@dataclass(eq=False)
class Own:
    x: int = 0
    y: int = 0

    def __eq__(self, other):
        return self.y == other.y

    def __str__(self):
        return f"{self.y}"


async def test_dataclass_equal():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = p == Point(5)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_equal_without_the_field():
    p = Point()

    def one():
        p.y = 1

    def other():
        found = p == Point(5)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_unequal():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = Point(5) != p
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_printed():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = f"{p!r}"
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_printed_without_the_field():
    p = Point()

    def one():
        p.z = 1

    def other():
        found = str(p)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_in_a_tuple():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = p in (Point(1), Point(2))
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_in_a_list_that_is_printed():
    xs = [Point()]
    p = xs[0]

    def one():
        p.x = 1

    def other():
        found = repr(xs)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_in_a_list_that_is_compared():
    xs = [Point()]
    p = xs[0]

    def one():
        p.x = 1

    def other():
        found = xs == [Point(5)]
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_equal():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = p == Spot(5)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_equal_without_the_field():
    p = Spot()

    def one():
        p.y = 1

    def other():
        found = p == Spot(5)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_unequal():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = Spot(5) != p
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_printed():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = f"{p!r}"
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_printed_without_the_field():
    p = Spot()

    def one():
        p.z = 1

    def other():
        found = str(p)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_in_a_tuple():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = p in (Spot(1), Spot(2))
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_in_a_list_that_is_printed():
    xs = [Spot()]
    p = xs[0]

    def one():
        p.x = 1

    def other():
        found = repr(xs)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_in_a_list_that_is_compared():
    xs = [Spot()]
    p = xs[0]

    def one():
        p.x = 1

    def other():
        found = xs == [Spot(5)]
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_replaced():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = replace(p, y=2)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_replaced_field():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = replace(p, x=2)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_as_dictionary():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = asdict(p)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_as_tuple():
    p = Point()

    def one():
        p.z = 1

    def other():
        found = astuple(p)
        assert found is not checkpoint

    await race(one, other)


async def test_dataclass_by_module():
    p = Point()

    def one():
        p.z = 1

    def other():
        found = dataclasses.asdict(p)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_evolved():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = attrs.evolve(p, y=2)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_evolved_field():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = attrs.evolve(p, x=2)
        assert found is not checkpoint

    await race(one, other)


async def test_attrs_as_dictionary():
    p = Spot()

    def one():
        p.x = 1

    def other():
        found = attrs.asdict(p)
        assert found is not checkpoint

    await race(one, other)


async def test_own_equality():
    p = Own()

    def one():
        p.x = 1

    def other():
        found = p == Own()
        assert found is not checkpoint

    await race(one, other)


async def test_own_equality_reads():
    p = Own()

    def one():
        p.y = 1

    def other():
        found = p == Own()
        assert found is not checkpoint

    await race(one, other)


async def test_own_text():
    p = Own()

    def one():
        p.x = 1

    def other():
        found = f"{p}"
        assert found is not checkpoint

    await race(one, other)


async def test_own_text_reads():
    p = Own()

    def one():
        p.y = 1

    def other():
        found = f"{p}"
        assert found is not checkpoint

    await race(one, other)


async def test_namespace_equal():
    p = SimpleNamespace(n=0)

    def one():
        p.n = 1

    def other():
        found = p == SimpleNamespace(n=5)
        assert found is not checkpoint

    await race(one, other)


async def test_namespace_printed():
    p = SimpleNamespace(n=0)

    def one():
        p.n = 1

    def other():
        found = str(p)
        assert found is not checkpoint

    await race(one, other)


async def test_identity():
    p = Point()

    def one():
        p.x = 1

    def other():
        found = p is None
        assert found is not checkpoint

    await race(one, other)


async def test_object_copied():
    p = Plain()

    def one():
        p.n = 1

    def other():
        found = copy.copy(p)
        assert found is not checkpoint

    await race(one, other)


async def test_object_with_a_copy_of_its_own():
    p = Copied()

    def one():
        p.n = 1

    def other():
        found = copy.copy(p)
        assert found is not checkpoint

    await race(one, other)


async def test_object_copied_flat():
    p = Plain()
    q = p.inner[0]

    def one():
        q.x = 1

    def other():
        found = copy.copy(p)
        assert found is not checkpoint

    await race(one, other)


async def test_object_copied_deep():
    p = Plain()
    q = p.inner[0]

    def one():
        q.x = 1

    def other():
        found = copy.deepcopy(p)
        assert found is not checkpoint

    await race(one, other)


async def test_slots_copied():
    p = Slotted()

    def one():
        p.n = 1

    def other():
        found = copy.copy(p)
        assert found is not checkpoint

    await race(one, other)


async def test_object_pickled():
    p = Plain()

    def one():
        p.n = 1

    def other():
        found = pickle.dumps(p)
        assert found is not checkpoint

    await race(one, other)


async def test_object_printed():
    p = Plain()

    def one():
        p.n = 1

    def other():
        found = str(p)
        assert found is not checkpoint

    await race(one, other)


async def test_nested_dictionary_dumped():
    d = {"a": {"b": 1}}
    inner = d["a"]

    def one():
        inner["b"] = 2

    def other():
        found = json.dumps(d)
        assert found is not checkpoint

    await race(one, other)


async def test_nested_list_copied_deep():
    d = {"a": [1]}
    inner = d["a"]

    def one():
        inner[0] = 2

    def other():
        found = copy.deepcopy(d)
        assert found is not checkpoint

    await race(one, other)


async def test_nested_list_copied_flat():
    d = {"a": [1]}
    inner = d["a"]

    def one():
        inner[0] = 2

    def other():
        found = copy.copy(d)
        assert found is not checkpoint

    await race(one, other)


async def test_nested_list_printed():
    d = {"a": [1]}
    inner = d["a"]

    def one():
        inner.append(2)

    def other():
        found = f"{d}"
        assert found is not checkpoint

    await race(one, other)


async def test_nested_list_counted():
    d = {"a": [1]}
    inner = d["a"]

    def one():
        inner.append(2)

    def other():
        found = len(d)
        assert found is not checkpoint

    await race(one, other)


async def test_all_attributes():
    p = Plain()

    def one():
        p.n = 1

    def other():
        found = dict(vars(p))
        assert found is not checkpoint

    await race(one, other)


async def test_all_attributes_of_the_namespace():
    p = Plain()

    def one():
        p.n = 1

    def other():
        found = list(p.__dict__.values())
        assert found is not checkpoint

    await race(one, other)


async def test_attributes_updated():
    p = Plain()

    def one():
        p.__dict__.update({"n": 1})

    def other():
        found = p.n in (0, 1)
        assert found is not checkpoint

    await race(one, other)


async def test_other_attributes_updated():
    p = Plain()

    def one():
        vars(p).update({"m": 1})

    def other():
        found = p.n in (0, 1)
        assert found is not checkpoint

    await race(one, other)
