"""Control flow in odd shapes."""

import contextlib

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_act_in_finally_of_a_return": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_act_in_finally_whatever_was_read": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_all_of_a_generator": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_async_with_decides": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_boolean_local_of_and": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_check_in_nested_function_called_now": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_comprehension_condition": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_condition_about_something_read_before_but_both_arms_write": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_condition_that_only_waits": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_division_error_decides": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_early_return_in_async_with": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_elif_chain": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_except_continue": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_except_star": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_index_error_decides": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_looked_at_for_the_log_only": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_loop_over_a_list_read_first": {"data-race": ["value", "done"], "section": [], "other": [], "filtered": {"done": "commuting"}, "origin": "own: review"},
    "test_match_with_guard_and_default": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_nested_loops_break_outer": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_not_in_tuple_of_states": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_raise_caught_around": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_try_acts_whatever_the_except": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_type_error_decides": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_while_with_two_conditions": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_yielded_decision": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value


async def fetch(x):
    await checkpoint()
    return x


async def both(f):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_act_in_finally_of_a_return():
    s = State()

    async def f(n):
        if s.value is not None:
            return
        try:
            await checkpoint()
            return
        finally:
            s.value = n

    await both(f)


async def test_act_in_finally_whatever_was_read():
    s = State()

    async def f(n):
        try:
            if s.value is not None:
                return
            await checkpoint()
        finally:
            s.value = n

    await both(f)


async def test_nested_loops_break_outer():
    s = State()

    async def f(n):
        for _ in range(2):
            for _ in range(2):
                if s.value is not None:
                    break
                await checkpoint()
            else:
                s.value = n
                continue
            break

    await both(f)


async def test_except_continue():
    s = State()

    async def f(n):
        for _ in range(2):
            try:
                if s.value is not None:
                    raise ValueError
            except ValueError:
                continue
            await checkpoint()
            s.value = n

    await both(f)


async def test_raise_caught_around():
    s = State()

    async def f(n):
        try:
            if s.value is not None:
                raise ValueError
            await checkpoint()
            s.value = n
        except ValueError:
            pass

    await both(f)


async def test_except_star():
    s = State()

    async def f(n):
        try:
            if s.value is not None:
                raise ValueError
        except* ValueError:
            await checkpoint()
        else:
            await checkpoint()
            s.value = n

    await both(f)


async def test_loop_over_a_list_read_first():
    s = State([1, 2])
    done = {}

    async def f(n):
        for x in list(s.value):
            await checkpoint()
            done[n, x] = True
        s.value = [n]

    await both(f)


async def test_condition_about_something_read_before_but_both_arms_write():
    s = State(0)

    async def f(n):
        if s.value == 0:
            await checkpoint()
        else:
            await checkpoint()
        s.value = n

    await both(f)


async def test_condition_that_only_waits():
    s = State(0)

    async def f(n):
        if s.value != 0:
            await checkpoint()
        await checkpoint()
        s.value = n

    await both(f)


async def test_while_with_two_conditions():
    s = State(0)

    async def f(n):
        tries = 0
        while tries < 3 and s.value == 0:
            tries += 1
            await checkpoint()
            s.value = n

    await both(f)


async def test_match_with_guard_and_default():
    s = State(0)

    async def f(n):
        match n:
            case 1 | 2 if s.value == 0:
                await checkpoint()
                s.value = n
            case _:
                return

    await both(f)


async def test_elif_chain():
    s = State("b")

    async def f(n):
        if s.value == "a":
            return
        elif s.value == "b":
            await checkpoint()
        elif s.value == "c":
            return
        else:
            return
        s.value = f"d{n}"

    await both(f)


async def test_boolean_local_of_and():
    s = State(0)

    async def f(n):
        ok = n > 0 and s.value == 0
        await checkpoint()
        if ok:
            s.value = n

    await both(f)


async def test_early_return_in_async_with():
    s = State(0)

    @contextlib.asynccontextmanager
    async def noop():
        await checkpoint()
        yield
        await checkpoint()

    async def f(n):
        async with noop():
            if s.value:
                return
        s.value = n

    await both(f)


async def test_check_in_nested_function_called_now():
    s = State(0)

    async def f(n):
        def taken():
            return s.value != 0

        if taken():
            return
        await checkpoint()
        s.value = n

    await both(f)


async def test_comprehension_condition():
    s = State(0)

    async def f(n):
        todo = [x for x in (n,) if s.value == 0]
        await checkpoint()
        for x in todo:
            s.value = x

    await both(f)


async def test_all_of_a_generator():
    s = State(0)

    async def f(n):
        if all(s.value == x for x in (0, 0)):
            await checkpoint()
            s.value = n

    await both(f)


async def test_not_in_tuple_of_states():
    s = State("idle")

    async def f(n):
        if s.value not in ("idle", "ready"):
            raise RuntimeError
        await checkpoint()
        s.value = f"busy{n}"

    await both(f)


async def test_yielded_decision():
    s = State(0)

    async def allowed():
        if s.value == 0:
            yield True

    async def f(n):
        async for _ in allowed():
            await checkpoint()
            s.value = n

    await both(f)


async def test_async_with_decides():
    s = State(0)

    class Guard:
        async def __aenter__(self):
            await checkpoint()
            return s.value == 0

        async def __aexit__(self, *exc):
            pass

    async def f(n):
        async with Guard() as ok:
            await checkpoint()
            if ok:
                s.value = n

    await both(f)


async def test_looked_at_for_the_log_only():
    s = State(0)
    log = {}

    async def f(n):
        if s.value:
            log[n] = "set already"
        await checkpoint()
        s.value = n

    await both(f)


async def test_try_acts_whatever_the_except():
    s = State(0)

    async def f(n):
        try:
            x = 1 // s.value
        except ZeroDivisionError:
            x = 0
        await checkpoint()
        s.value = n
        assert x in (0, 1)

    await both(f)


async def test_division_error_decides():
    s = State(0)

    async def f(n):
        try:
            1 // s.value
        except ZeroDivisionError:
            await checkpoint()
            s.value = n

    await both(f)


async def test_type_error_decides():
    s = State(None)

    async def f(n):
        try:
            len(s.value)
        except TypeError:
            await checkpoint()
            s.value = [n]

    await both(f)


async def test_index_error_decides():
    value = []

    async def f(n):
        try:
            value[0]
        except IndexError:
            await checkpoint()
            value.append(n)

    await both(f)
