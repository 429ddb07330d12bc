"""More sections: shapes of control, of carrying, of checking again."""

import functools
from collections import defaultdict, deque
from contextlib import asynccontextmanager, contextmanager, suppress

import attrs
import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_any_of_a_list": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_async_generator_writes": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_broken_connection_dropped": {"data-race": ["conns"], "section": [], "other": [], "origin": "own: review"},
    "test_callee_acts": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_callee_acts_after_early_return": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_check_in_a_nested_condition": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_checked_again_by_a_helper_that_raises": {"data-race": ["state"], "section": [], "other": [], "origin": "own: review"},
    "test_checked_again_by_a_predicate": {"data-race": ["state"], "section": [], "other": [], "origin": "own: review"},
    "test_checked_again_by_an_assertion": {"data-race": ["state"], "section": [], "other": [], "origin": "own: review"},
    "test_choice_between_strings": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_closure_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_constant_by_a_flag": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_copied_from_one_key_to_another": {"data-race": ["value", "d"], "section": [], "other": [], "filtered": {"d": "commuting"}, "origin": "own: review"},
    "test_deque_length_checked": {"data-race": ["q"], "section": ["q"], "other": [], "origin": "own: review"},
    "test_dict_rebuilt_by_update": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_failed_use_removes_it": {"data-race": ["conns"], "section": [], "other": [], "origin": "own: review"},
    "test_free_worker_in_a_loop": {"data-race": ["free"], "section": ["free"], "other": [], "origin": "own: review"},
    "test_free_worker_searched": {"data-race": ["free"], "section": ["free"], "other": [], "origin": "own: review"},
    "test_get_or_fetch": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: review"},
    "test_global_augmented_with_await": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: review"},
    "test_global_checked_then_set": {"data-race": ["ready"], "section": ["ready"], "other": [], "origin": "own: review"},
    "test_handlers_called_then_removed": {"data-race": ["handlers"], "section": [], "other": [], "origin": "own: review"},
    "test_in_flight_set": {"data-race": ["in_flight"], "section": [], "other": [], "origin": "own: review"},
    "test_index_looked_up": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_insert_at_a_position_found": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_item_augmented_by_await_in_a_nested_dict": {"data-race": ["ledger"], "section": ["ledger"], "other": [], "origin": "own: review"},
    "test_keyword_argument": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_last_plus_one_appended": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_length_appended": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_lock_dropped_when_unused": {"data-race": ["locks"], "section": [], "other": [], "origin": "own: review"},
    "test_lock_made_on_demand": {"data-race": ["locks"], "section": [], "other": [], "origin": "own: review"},
    "test_lru_like_argument": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_match_on_get": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: review"},
    "test_nonlocal_closure_carries": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_not_in_a_list": {"data-race": ["xs"], "section": ["xs"], "other": [], "origin": "own: review"},
    "test_parameter_object_of_this_task_only": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_read_again_into_the_same_local": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_reading_afresh_in_a_loop_with_limits": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_resized_while_small": {"data-race": ["size"], "section": [], "other": [], "origin": "own: review"},
    "test_running_flag_with_reset": {"data-race": ["running"], "section": [], "other": [], "origin": "own: review"},
    "test_setdefault_against_another_writer": {"data-race": ["cache"], "section": [], "other": [], "origin": "own: review"},
    "test_setdefault_then_store": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: review"},
    "test_slice_rewritten": {"data-race": ["log"], "section": ["log"], "other": [], "origin": "own: review"},
    "test_star_arguments_carry": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_staticmethod_and_classmethod": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_suppressed_lookup": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: review"},
    "test_swapped_names": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_sync_callee_acts_after_an_await": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_sync_generator_writes": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_ticket_lock": {"data-race": ["serving", "ticket", "value"], "section": [], "other": [], "filtered": {"serving": "covered", "ticket": "commuting", "value": "covered"}, "origin": "own: review"},
    "test_toggle": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_try_else": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_two_values_of_two_objects": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_unrelated_condition": {"data-race": ["value", "ok"], "section": [], "other": [], "filtered": {"ok": "commuting"}, "origin": "own: review"},
    "test_while_else_and_counter": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
    "test_wrapped_function": {"data-race": ["value"], "section": ["value"], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value


class Busy(Exception):
    pass


async def fetch(x):
    await checkpoint()
    return x


async def both(f):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def apart(f):
    async def later():
        await trio.sleep(5)
        await f(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(later)


# found?


async def init(s, n):
    await checkpoint()
    s.value = n


async def test_callee_acts():
    s = State()

    async def f(n):
        if s.value is None:
            await init(s, n)

    await both(f)


async def test_callee_acts_after_early_return():
    s = State()

    async def deeper(n):
        await init(s, n)

    async def f(n):
        if s.value is not None:
            return
        await deeper(n)

    await both(f)


async def test_sync_callee_acts_after_an_await():
    s = State()

    def act(n):
        s.value = n

    async def f(n):
        if s.value is None:
            await checkpoint()
            act(n)

    await both(f)


async def test_check_in_a_nested_condition():
    s = State()

    async def f(n):
        if n > 0:
            if not (s.value is not None or n > 5):
                for _ in range(1):
                    await checkpoint()
                s.value = n

    await both(f)


async def test_free_worker_searched():
    workers = [State(), State()]
    for w in workers:
        w.free = True

    async def f(n):
        w = next((w for w in workers if w.free), None)
        if w is not None:
            await checkpoint()
            w.free = False if n == 1 else n

    await both(f)


async def test_free_worker_in_a_loop():
    workers = [State(), State()]
    for w in workers:
        w.free = True

    async def f(n):
        for w in workers:
            if w.free:
                await checkpoint()
                w.free = None if n == 1 else 0
                break

    await both(f)


async def test_any_of_a_list():
    xs = [1]

    async def f(n):
        if not any(x > 5 for x in xs):
            await checkpoint()
            xs.append(n + 5)

    await both(f)


async def test_not_in_a_list():
    xs = []

    async def f(n):
        if 7 not in xs:
            await checkpoint()
            xs.append(7 if n else n)

    await both(f)


async def test_index_looked_up():
    xs = ["a", "b", "c"]

    async def f(n):
        i = xs.index("c")
        await checkpoint()
        del xs[i - n]

    await both(f)


async def test_get_or_fetch():
    cache = {}

    async def f(n):
        cache["a"] = cache.get("a") or await fetch(n)

    await both(f)


async def test_match_on_get():
    cache = {}

    async def f(n):
        match cache.get("a"):
            case None:
                cache["a"] = await fetch(n)

    await both(f)


async def test_suppressed_lookup():
    cache = {}

    async def f(n):
        with suppress(KeyError):
            return cache["a"]
        cache["a"] = await fetch(n)

    await both(f)


async def test_staticmethod_and_classmethod(autojump_clock):
    class Counter:
        value = 0

        @classmethod
        async def bump(cls, n):
            v = cls.read(cls)
            await checkpoint()
            cls.value = v + n

        @staticmethod
        def read(cls):
            return cls.value

    await apart(Counter.bump)
    assert Counter.value == 3


async def test_keyword_argument(autojump_clock):
    s = State(0)

    async def store(*, to, value):
        await checkpoint()
        to.value = value

    async def f(n):
        await store(to=s, value=s.value + n)

    await apart(f)
    assert s.value == 3


async def test_star_arguments_carry(autojump_clock):
    s = State(0)

    async def store(*args, **options):
        await checkpoint()
        s.value = args[0] + options["n"]

    async def f(n):
        await store(s.value, n=n)

    await apart(f)
    assert s.value == 3


async def test_closure_carries(autojump_clock):
    s = State(0)

    async def f(n):
        v = s.value

        async def finish():
            await checkpoint()
            s.value = v + n

        await finish()

    await apart(f)
    assert s.value == 3


async def test_nonlocal_closure_carries(autojump_clock):
    s = State(0)

    async def f(n):
        v = None

        async def load():
            nonlocal v
            v = s.value

        await load()
        await checkpoint()
        s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_wrapped_function(autojump_clock):
    s = State(0)

    def logged(function):
        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            await checkpoint()
            return await function(*args, **kwargs)

        return wrapper

    @logged
    async def load():
        return s.value

    @logged
    async def store(v):
        s.value = v

    async def f(n):
        v = await load()
        await store(v + n)

    await apart(f)
    assert s.value == 3


async def test_lru_like_argument(autojump_clock):
    s = State(0)

    async def retry(function):
        for _ in range(2):
            try:
                return await function()
            except Busy:
                pass

    async def f(n):
        async def step():
            v = s.value
            await checkpoint()
            s.value = v + n

        await retry(step)

    await apart(f)
    assert s.value == 3


async def test_async_generator_writes(autojump_clock):
    s = State(0)

    async def steps(n):
        v = s.value
        yield "before"
        s.value = v + n
        yield "after"

    async def f(n):
        async for _ in steps(n):
            await checkpoint()

    await apart(f)
    assert s.value == 3


async def test_sync_generator_writes(autojump_clock):
    s = State(0)

    def steps(n):
        v = s.value
        yield "before"
        s.value = v + n

    async def f(n):
        for _ in steps(n):
            await checkpoint()

    await apart(f)
    assert s.value == 3


async def test_while_else_and_counter(autojump_clock):
    s = State(0)

    async def f(n):
        left = s.value
        i = 0
        while i < n:
            await checkpoint()
            i += 1
            left += 1
        s.value = left

    await apart(f)
    assert s.value == 3


async def test_try_else(autojump_clock):
    s = State(0)

    async def f(n):
        try:
            v = s.value
            await checkpoint()
        except ValueError:
            pass
        else:
            s.value = v + n

    await apart(f)
    assert s.value == 3


async def test_swapped_names(autojump_clock):
    s = State(0)

    async def f(n):
        a, b = n, s.value
        a, b = b, a
        await checkpoint()
        s.value = a + b

    await apart(f)
    assert s.value == 3


async def test_constant_by_a_flag():
    s = State()

    async def f(n):
        todo = False
        if s.value is None:
            todo = True
        await checkpoint()
        if todo:
            s.value = n

    await both(f)


async def test_choice_between_strings():
    s = State("off")

    async def f(n):
        new = "on" if s.value == "off" else f"off{n}"
        await checkpoint()
        s.value = new + str(n)

    await both(f)


async def test_toggle():
    s = State(False)

    async def f(n):
        was = s.value
        await checkpoint()
        s.value = not was or n

    await both(f)


async def test_item_augmented_by_await_in_a_nested_dict(autojump_clock):
    s = State()
    s.ledger = {"a": {"b": 0}}

    async def f(n):
        s.ledger["a"]["b"] += await fetch(n)

    await apart(f)
    assert s.ledger["a"]["b"] == 3


total = 0


async def test_global_augmented_with_await(autojump_clock):
    global total
    total = 0

    async def f(n):
        global total
        total += await fetch(n)

    await apart(f)
    assert total == 3


ready = None


async def test_global_checked_then_set():
    global ready
    ready = None

    async def f(n):
        global ready
        if ready:
            return
        await checkpoint()
        ready = n

    await both(f)


async def test_slice_rewritten(autojump_clock):
    log = [0]

    async def f(n):
        tail = log[-1:]
        await checkpoint()
        log.extend([tail[0] + n])

    await apart(f)
    assert log == [0, 1, 3]


async def test_last_plus_one_appended(autojump_clock):
    xs = [0]

    async def f(n):
        last = xs[-1]
        await checkpoint()
        xs.append(last + n)

    await apart(f)
    assert xs == [0, 1, 3]


async def test_length_appended(autojump_clock):
    xs = []

    async def f(n):
        size = len(xs)
        await checkpoint()
        xs.append(size)

    await apart(f)
    assert xs == [0, 1]


async def test_insert_at_a_position_found(autojump_clock):
    xs = [5]

    async def f(n):
        where = sum(x < n for x in xs)
        await checkpoint()
        xs.insert(where, n)

    await apart(f)


async def test_setdefault_then_store(autojump_clock):
    d = {}

    async def f(n):
        v = d.setdefault("a", 0)
        await checkpoint()
        d["a"] = v + n

    await apart(f)
    assert d["a"] == 3


async def test_dict_rebuilt_by_update(autojump_clock):
    d = {"a": 0}

    async def f(n):
        copy = dict(d)
        await checkpoint()
        copy["a"] += n
        d.update(copy)

    await apart(f)
    assert d["a"] == 3


async def test_deque_length_checked():
    q = deque([1, 2])

    async def f(n):
        while q:
            await checkpoint()
            if n == 2 and not q:
                break
            with suppress(IndexError):
                q.popleft()

    await both(f)


# silent?


async def test_checked_again_by_a_helper_that_raises():
    s = State()
    s.state = "open"

    def check():
        if s.state != "open":
            raise Busy

    async def f(n):
        if s.state != "open":
            raise Busy
        await checkpoint()
        with suppress(Busy):
            check()
            s.state = f"half {n}"

    await both(f)


async def test_checked_again_by_a_predicate():
    s = State()
    s.state = "open"

    def is_open():
        return s.state == "open"

    async def f(n):
        if not is_open():
            return
        await checkpoint()
        if not is_open():
            return
        s.state = f"half {n}"

    await both(f)


async def test_checked_again_by_an_assertion():
    s = State()
    s.state = "open"

    async def f(n):
        if s.state == "open":
            await checkpoint()
            if n == 1:
                assert s.state == "open" or s.state
                s.state = "shut"

    await both(f)


async def test_setdefault_against_another_writer():
    cache = {}

    async def f(n):
        if "a" not in cache:
            made = await fetch(n)
            cache.setdefault("a", made)

    async def g(n):
        await checkpoint()
        await checkpoint()
        await checkpoint()
        cache["a"] = 9

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g, 2)


async def test_broken_connection_dropped():
    conns = {"a": 1}

    async def f(n):
        try:
            c = conns["a"]
            await checkpoint()
            if c != n:
                raise OSError
        except Exception:
            conns.pop("a", None)

    await apart_no_sleep(f)


async def apart_no_sleep(f):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_failed_use_removes_it():
    conns = {"a": 1}

    async def g(n):
        await checkpoint()
        conns["a"] = n

    async def f(n):
        c = conns["a"]
        try:
            await checkpoint()
            raise OSError(c)
        except OSError:
            conns.pop("a", None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(g, 2)


async def test_ticket_lock():
    s = State(0)
    s.ticket = s.serving = 0

    async def f(n):
        mine = s.ticket
        s.ticket += 1
        while s.serving != mine:
            await checkpoint()
        v = s.value
        await checkpoint()
        s.value = v + n
        s.serving += 1

    await both(f)
    assert s.value == 3


async def test_running_flag_with_reset():
    s = State()
    s.running = None

    async def f(n):
        if s.running is None:
            s.running = n
            try:
                await checkpoint()
            finally:
                s.running = None

    await both(f)
    assert s.running is None


async def test_in_flight_set():
    s = State()
    s.in_flight = set()

    async def f(n):
        if "k" in s.in_flight:
            return
        s.in_flight.add("k")
        try:
            await checkpoint()
        finally:
            s.in_flight.remove("k")

    await both(f)
    assert not s.in_flight


async def test_lock_made_on_demand():
    locks = {}
    s = State(0)

    async def f(n):
        if "a" not in locks:
            locks["a"] = trio.Lock()
        async with locks["a"]:
            v = s.value
            await checkpoint()
            s.value = v + n

    await both(f)
    assert s.value == 3


async def test_lock_dropped_when_unused():
    locks = {}
    s = State(0)

    async def f(n):
        lock = locks.get("a")
        if lock is None:
            lock = locks["a"] = trio.Lock()
        async with lock:
            v = s.value
            await checkpoint()
            s.value = v + n
        if not lock.statistics().tasks_waiting:
            locks.pop("a", None)

    await both(f)
    assert s.value == 3


async def test_read_again_into_the_same_local():
    s = State(0)

    async def f(n):
        v = s.value
        await checkpoint()
        v = s.value
        s.value = v + n

    await both(f)
    assert s.value == 3


async def test_reading_afresh_in_a_loop_with_limits():
    s = State(0)

    async def f(n):
        for _ in range(3):
            if s.value >= 2:
                break
            s.value = s.value + 1
            await checkpoint()

    await both(f)
    assert s.value == 2


async def test_unrelated_condition():
    s = State(0)
    s.ok = 0

    async def f(n):
        if s.value < 5:
            s.ok += 1
        await checkpoint()
        s.value = n

    await both(f)


async def test_resized_while_small():
    s = State(0)
    s.size = 1

    async def f(n):
        while s.size < 4:
            s.size *= 2
            await checkpoint()

    await both(f)
    assert s.size == 4


async def test_handlers_called_then_removed():
    handlers = {1: "a", 2: "b"}

    async def f(n):
        for key in list(handlers):
            await checkpoint()
            if key in handlers and key == n:
                del handlers[key]

    await both(f)
    assert not handlers


async def test_parameter_object_of_this_task_only():
    async def step(s, n):
        v = s.value
        await checkpoint()
        s.value = v + n

    async def f(n):
        s = State(0)
        await step(s, n)
        await step(s, n)
        assert s.value == 2 * n

    await both(f)


async def test_two_values_of_two_objects():
    one, two = State(0), State(0)

    async def f(n):
        v = one.value
        await checkpoint()
        two.value = v + n

    await both(f)


async def test_copied_from_one_key_to_another():
    d = {"value": 0, "old": 0}

    async def f(n):
        v = d["value"]
        await checkpoint()
        d[f"value{n}"] = v + 1

    async def g():
        await checkpoint()
        d["value"] = 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)
        nursery.start_soon(g)
