"""Accesses in other forms than `x.a` and `x[k]`: by name, in place, through operators, patterns and bound methods."""

import bisect
import itertools
import random
from collections import ChainMap, UserDict, UserList, deque

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_attribute_set_by_name": {
        "data-race": ["value"], "section": [], "other": [], "origin": "own: setattr, getattr"},
    "test_attribute_by_a_name_that_varies": {
        "data-race": ["value"], "section": [], "other": [], "origin": "own: getattr with a variable"},
    "test_other_attributes_by_name": {
        "data-race": [], "section": [], "other": [], "origin": "own: getattr with a variable"},
    "test_attribute_in_a_namespace": {
        "data-race": ["value"], "section": [], "other": [], "origin": "own: vars, __dict__"},
    "test_missing_attribute_set_after_a_checkpoint": {
        "data-race": [], "section": ["value"], "other": [], "origin": "own: hasattr, then setattr"},
    "test_list_extended_in_place": {
        "data-race": ["items"], "section": [], "other": [], "origin": "own: += against a reader"},
    "test_lists_extended_in_place_by_two": {
        "data-race": ["items"], "filtered": {"items": "commuting"}, "section": [], "other": [], "origin": "own: += twice"},
    "test_number_added_in_place": {
        "data-race": [], "section": [], "other": [], "origin": "own: += on a number, one owner"},
    "test_merged_after_a_checkpoint": {
        "data-race": [], "section": ["counts"], "other": [], "origin": "own: |= with what was read before"},
    "test_operands": {
        "data-race": ["xs"], "section": [], "other": [], "origin": "own: + % and formatting"},
    "test_known_functions": {
        "data-race": ["xs"], "section": [], "other": [], "origin": "own: random, itertools, bisect, deque"},
    "test_class_pattern": {
        "data-race": ["value"], "section": [], "other": [], "origin": "own: match"},
    "test_awaited_key": {
        "data-race": ["table"], "section": [], "other": [], "origin": "own: await in a subscript"},
    "test_method_kept": {
        "data-race": ["add|xs"], "section": [], "other": [], "origin": "own: bound method"},
    "test_methods_kept_by_two": {
        "data-race": ["add"], "filtered": {"add": "commuting"}, "section": [], "other": [], "origin": "own: bound method"},
    "test_containers_in_python": {
        "data-race": ["table", "row"], "filtered": {"row": "covered"}, "section": [], "other": [], "origin": "own: UserDict, UserList"},
    "test_chained_dictionaries": {
        "data-race": ["chain|first"], "section": [], "other": [], "origin": "own: ChainMap"},
    "test_compare_and_swap_in_an_endless_loop": {
        "data-race": ["value"], "section": [], "other": [], "origin": "own: checked again"},
    "test_conditional_expression": {
        "data-race": [], "section": ["value"], "other": [], "origin": "own: the test flows into the value"},
    "test_taken_or_made": {
        "data-race": ["pool"], "section": [], "other": [], "origin": "own: check-out, check-in"},
}


class Cell:
    def __init__(self, value=0):
        self.value = value
        self.other = 0
        self.items = []


async def both(one, other):
    async def run(function):
        await checkpoint()
        function()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, one)
        nursery.start_soon(run, other)


async def twice(function):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(function, 1)
        nursery.start_soon(function, 2)


async def test_attribute_set_by_name():
    cell = Cell()
    await both(lambda: setattr(cell, "value", 1), lambda: getattr(cell, "value"))


async def test_attribute_by_a_name_that_varies():
    cell = Cell()

    def change(name="value"):
        setattr(cell, name, 1)

    await both(change, lambda: cell.value)


async def test_other_attributes_by_name():
    cell = Cell()

    def change(name, value):
        setattr(cell, name, value)

    await both(lambda: change("value", 1), lambda: change("other", 2))
    assert (cell.value, cell.other) == (1, 2)


async def test_attribute_in_a_namespace():
    cell = Cell()

    def change():
        cell.__dict__["value"] = 1

    await both(change, lambda: vars(cell)["value"])


async def test_missing_attribute_set_after_a_checkpoint():
    cell = Cell()
    del cell.value

    async def fill(n):
        if not hasattr(cell, "value"):
            await checkpoint()
            setattr(cell, "value", n)

    await twice(fill)


async def test_list_extended_in_place():
    cell = Cell()
    items = cell.items

    def add():
        cell.items += [1]

    await both(add, lambda: sum(items))


async def test_lists_extended_in_place_by_two():
    cell = Cell()

    async def add(n):
        await checkpoint()
        cell.items += [n]

    await twice(add)
    assert sorted(cell.items) == [1, 2]


async def test_number_added_in_place():
    cell = Cell()

    async def add(n):
        await checkpoint()
        own = Cell()
        own.value += n
        assert own.value == n

    await twice(add)
    assert cell.value == 0


async def test_merged_after_a_checkpoint():
    counts = {"a": 0}

    async def add(n):
        nonlocal counts
        count = counts.get("a", 0)
        await checkpoint()
        counts |= {"a": count + n}

    await twice(add)


async def test_operands():
    xs = [1]

    def read():
        assert len(xs + [0]) > 1
        assert "%s" % xs
        assert "{}".format(xs)

    await both(lambda: xs.insert(0, 2), read)


async def test_known_functions():
    xs = [1]

    def read():
        assert random.choice(xs) in (1, 2)
        assert len(deque(xs)) > 0
        assert list(itertools.chain(xs, []))
        assert bisect.bisect(xs, 0) == 0

    await both(lambda: xs.append(2), read)


async def test_class_pattern():
    cell = Cell()

    def change():
        cell.value = 1

    def read():
        match cell:
            case Cell(value=5):
                raise AssertionError

    await both(change, read)


async def test_awaited_key():
    table = {"a": 1}

    async def key():
        await checkpoint()
        return "a"

    async def change(n):
        table[await key()] = n + 1

    await twice(change)


async def test_method_kept():
    xs = []
    add = xs.append
    await both(lambda: add(1), lambda: len(xs))


async def test_methods_kept_by_two():
    xs = []
    add = xs.append

    async def put(n):
        await checkpoint()
        add(n)

    await twice(put)
    assert sorted(xs) == [1, 2]


async def test_containers_in_python():
    table = UserDict(a=1)
    row = UserList([1])

    def change():
        table["a"] = 2
        row.append(2)

    await both(change, lambda: (table["a"], len(row)))


async def test_chained_dictionaries():
    first = {"a": 1}
    chain = ChainMap({}, first)

    def change():
        first["a"] = 2

    await both(change, lambda: chain["a"])


async def test_compare_and_swap_in_an_endless_loop():
    cell = Cell()

    async def add(n):
        while True:
            value = cell.value
            await checkpoint()
            if cell.value == value:
                cell.value = value + n
                return

    await twice(add)
    assert cell.value == 3


async def test_conditional_expression():
    cell = Cell(None)

    async def fetch(n):
        await checkpoint()
        return n

    async def fill(n):
        cell.value = (await fetch(n)) if cell.value is None else cell.value

    await twice(fill)


async def test_taken_or_made():
    pool = []

    async def work(n):
        one = pool.pop() if pool else n
        await checkpoint()
        pool.append(one)

    await twice(work)
    await twice(work)
