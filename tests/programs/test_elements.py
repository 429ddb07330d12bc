"""Elements that an append makes; reads in comprehensions."""

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_condition_of_a_comprehension": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_dict_comprehension_of_keys": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_element_expression_of_a_list_comprehension": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_generator_expression_in_sum": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_generator_expression_kept": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_index_of_an_appended_element": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_index_of_an_extended_element": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_index_that_fails": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_index_that_was_there_before_an_append": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_popped_element_was_read": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_store_to_an_appended_element": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=0):
        self.value = value


async def after(write, read):
    async def a():
        await trio.sleep(1)
        write()

    async def b():
        await trio.sleep(2)
        read()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


async def apart(f):
    async def later():
        await trio.sleep(5)
        await f(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(later)


async def test_index_of_an_appended_element(autojump_clock):
    xs = [1]

    def read():
        assert xs[1] == 5

    await after(lambda: xs.append(5), read)


async def test_store_to_an_appended_element(autojump_clock):
    xs = [1]

    def read():
        xs[1] = 6

    await after(lambda: xs.append(5), read)


async def test_index_of_an_extended_element(autojump_clock):
    xs = [1]

    def read():
        assert xs[2] == 6

    await after(lambda: xs.extend([5, 6]), read)


async def test_index_that_fails(autojump_clock):
    xs = []

    def read():
        try:
            xs[0]
        except IndexError:
            pass
        else:
            raise AssertionError

    await after(read, lambda: xs.append(1))


async def test_index_that_was_there_before_an_append(autojump_clock):
    xs = [1]

    def read():
        assert xs[0] == 1

    await after(lambda: xs.append(5), read)


async def test_popped_element_was_read(autojump_clock):
    xs = [1, 2]

    def read():
        assert xs[1] == 2

    await after(read, lambda: xs.pop())


async def test_element_expression_of_a_list_comprehension(autojump_clock):
    s = State()

    async def f(n):
        values = [s.value for _ in range(1)]
        await checkpoint()
        s.value = values[0] + n

    await apart(f)
    assert s.value == 3


async def test_dict_comprehension_of_keys(autojump_clock):
    d = {"a": 0, "b": 0}

    async def f(n):
        copy = {k: d[k] for k in ("a", "b")}
        await checkpoint()
        d["a"] = copy["a"] + n

    await apart(f)
    assert d["a"] == 3


async def test_generator_expression_in_sum(autojump_clock):
    states = [State()]

    async def f(n):
        total = sum(s.value for s in states)
        await checkpoint()
        states[0].value = total + n

    await apart(f)
    assert states[0].value == 3


async def test_generator_expression_kept(autojump_clock):
    states = [State()]

    async def f(n):
        values = (s.value for s in states)
        total = sum(values)
        await checkpoint()
        states[0].value = total + n

    await apart(f)
    assert states[0].value == 3


async def test_condition_of_a_comprehension(autojump_clock):
    states = [State()]

    async def f(n):
        low = [s for s in states if s.value < 3]
        await checkpoint()
        for s in low:
            s.value = n

    await apart(f)
