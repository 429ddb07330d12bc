EXPECT = {
    "test_popitem_against_len": {"data-race": ["d"], "section": [], "other": [], "origin": "own: second review"},
    "test_dict_other_key_overwritten_against_get": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_get_absent_other_key_inserted": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_bool_of_dict_against_insert": {"data-race": ["d"], "section": [], "other": [], "origin": "own: second review"},
    "test_bool_against_overwrite": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_clear_against_key": {"data-race": ["d"], "section": [], "other": [], "origin": "own: second review"},
    "test_two_names_for_one_list": {"data-race": ["inner|d|outer"], "section": [], "other": [], "origin": "own: second review"},
    "test_copy_is_another": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_defaultdict_of_lists_same_key": {"data-race": ["groups"], "section": [], "other": [], "origin": "own: second review"},
    "test_nested_per_task_keys": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_nested_same_key": {"data-race": ["n|groups"], "section": ["n|groups"], "other": [], "origin": "own: second review"},
    "test_dict_subclass_missing": {"data-race": ["reg|self"], "section": [], "other": [], "origin": "own: second review"},
    "test_list_subclass": {"data-race": ["stack|self"], "section": [], "other": [], "origin": "own: second review"},
    "test_deque_first_peeked_then_popped": {"data-race": ["q"], "section": ["q"], "other": [], "origin": "own: second review"},
    "test_deque_while_pop": {"data-race": ["q"], "section": [], "other": [], "origin": "own: second review"},
    "test_bytearray_extend_and_slice": {"data-race": ["buf"], "section": [], "other": [], "origin": "own: second review"},
    "test_bytearray_own": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_sort_against_index": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: second review"},
    "test_passed_on_parameter_name": {"data-race": ["target|source|xs"], "section": [], "other": [], "origin": "own: second review"},
    "test_slice_store_against_loop": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: second review"},
    "test_iteration_across_checkpoints": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: second review"},
    "test_index_store_own_slots_then_gathered": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_heappop_against_len": {"data-race": ["heap"], "section": [], "other": [], "origin": "own: second review"},
    "test_set_discard_in": {"data-race": ["seen"], "section": [], "other": [], "origin": "own: second review"},
    "test_set_adds_only": {"data-race": ["seen"], "section": [], "other": [], "filtered": {"seen": "commuting"}, "origin": "own: second review"},
    "test_frozenset_replaced_locally": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_counter_key": {"data-race": ["words"], "section": [], "other": [], "origin": "own: second review"},
    "test_matrix_cell_tuple_key": {"data-race": ["matrix"], "section": [], "other": [], "origin": "own: second review"},
    "test_matrix_other_cells": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_matrix_aliased_rows": {"data-race": ["matrix"], "section": [], "other": [], "origin": "own: second review"},
    "test_equal_keys_of_different_dicts": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_true_and_one_are_one_key": {"data-race": ["d"], "section": ["d"], "other": [], "origin": "own: second review"},
    "test_first_free_slot": {"data-race": ["slots"], "section": ["slots"], "other": [], "origin": "own: second review"},
    "test_first_free_slot_one_step": {"data-race": ["slots"], "section": [], "other": [], "origin": "own: second review"},
    "test_try_except_else_act": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_finally_act": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_assert_then_act": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_conditional_expression_value": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_min_max": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_fstring": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_fresh_read_after_wait": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_match_on_attr": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_while_cas_broken": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_while_cas_right": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_acm_section": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_class_acm_carries_in_the_callers_local": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_agen_yields_old": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_timeout_then_act": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_fail_after_handler": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_decorated_retry": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_kwargs_helper": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_helpers_without_carry": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_lazy_or": {"data-race": ["client"], "section": ["client"], "other": [], "origin": "own: second review"},
    "test_lazy_then_recheck_after": {"data-race": ["client"], "section": [], "other": [], "origin": "own: second review"},
    "test_lazy_under_lock": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_nested_nursery_between": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_write_then_read_back_local_assert": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_write_then_write": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_closure_param_object": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_early_return_negated": {"data-race": ["stock"], "section": ["stock"], "other": [], "origin": "own: second review"},
    "test_reserve_first": {"data-race": ["stock"], "section": [], "other": [], "origin": "own: second review"},
    "test_len_limit": {"data-race": ["items"], "section": ["items"], "other": [], "origin": "own: second review"},
    "test_async_comprehension_between_sum": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_lock_only_one_side": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_made_inside": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_capacity_two_semaphore": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_semaphore_one": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_acquisitions": {"data-race": [], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_two_acquisitions_no_extra_await": {"data-race": [], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_limiter_on_behalf": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_condition_both_hold": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_condition_wait_breaks_hold": {"data-race": [], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_condition_loop_then_fresh": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_in_stack_helper": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_taken_after_the_read": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_strict_fifo": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_nursery_children_escape_the_lock": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_locks_by_key_differ": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_lock_released_around_the_io": {"data-race": [], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_lock_acquire_nowait_or_skip": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
}
import collections, contextlib, functools, heapq, types
import trio
from trio.lowlevel import checkpoint


async def both(*fs):
    async with trio.open_nursery() as nursery:
        for f in fs:
            nursery.start_soon(f)


# ---- containers
#@ d=d
async def test_popitem_against_len():
    d = {"a": 1, "b": 2}
    async def a(): d.popitem()
    async def b(): assert len(d) in (1, 2)
    await both(a, b)


#@
async def test_dict_other_key_overwritten_against_get():
    d = {"a": 1, "b": 2}
    async def a():
        d["a"] = 3
        await checkpoint()
        d["a"] = 4
    async def b():
        assert d.get("b") == 2
        await checkpoint()
        assert "b" in d
    await both(a, b)


#@
async def test_get_absent_other_key_inserted():
    d = {}
    async def a(): d["a"] = 3
    async def b(): assert d.get("b") is None
    await both(a, b)


#@ d=d
async def test_bool_of_dict_against_insert():
    d = {}
    async def a(): d["a"] = 3
    async def b():
        if d:
            assert d["a"] == 3
    await both(a, b)


#@
async def test_bool_against_overwrite():
    d = {"a": 1}
    async def a(): d["a"] = 3
    async def b(): assert d
    await both(a, b)


#@ d=d
async def test_clear_against_key():
    d = {"a": 1}
    async def a(): d.clear()
    async def b(): assert d.get("a", 1) == 1
    await both(a, b)


#@ d=inner|d|outer
async def test_two_names_for_one_list():
    outer = {"rows": []}
    d = outer["rows"]
    async def a(): d.append(1)
    async def b(): assert sum(outer["rows"]) in (0, 1)
    await both(a, b)


#@
async def test_copy_is_another():
    rows = [1]
    mine = rows.copy()
    async def a(): rows.append(1)
    async def b():
        mine.append(2)
        await checkpoint()
        assert mine == [1, 2]
    await both(a, b)


#@ d=groups
async def test_defaultdict_of_lists_same_key():
    groups = collections.defaultdict(list)
    async def a(): groups["k"].append(1)
    async def b(): assert sum(groups["k"]) in (0, 1)
    await both(a, b)


#@
async def test_nested_per_task_keys():
    groups = {"a": {"n": 0}, "b": {"n": 0}}
    async def up(k):
        v = groups[k]["n"]
        await checkpoint()
        groups[k]["n"] = v + 1
    async def a(): await up("a")
    async def b(): await up("b")
    await both(a, b)


#@ b=n|groups
async def test_nested_same_key():
    groups = {"a": {"n": 0}}
    async def up(j):
        v = groups["a"]["n"]
        await checkpoint()
        groups["a"]["n"] = v + j
    async def a(): await up(1)
    async def b(): await up(2)
    await both(a, b)


class Reg(dict):
    def __missing__(self, k):
        self[k] = v = len(self)
        return v


#@ d=reg|self
async def test_dict_subclass_missing():
    reg = Reg()
    async def a(): assert reg["a"] in (0, 1)
    async def b(): assert reg["b"] in (0, 1)
    await both(a, b)


class Stack(list):
    def top(self):
        return self[-1]


#@ d=stack|self
async def test_list_subclass():
    stack = Stack([1])
    async def a(): stack.append(2)
    async def b(): assert stack.top() in (1, 2)
    await both(a, b)


#@ b=q
async def test_deque_first_peeked_then_popped():
    q = collections.deque([1, 2, 3])
    async def take():
        if q[0] < 10:
            await checkpoint()
            q.popleft()
    await both(take, take)


#@ d=q
async def test_deque_while_pop():
    q = collections.deque([1, 2, 3])
    async def take():
        while q:
            q.popleft()
            await checkpoint()
    await both(take, take)


#@ d=buf
async def test_bytearray_extend_and_slice():
    buf = bytearray(b"abc")
    async def a(): buf.extend(b"de")
    async def b(): assert buf[:3] == b"abc"
    await both(a, b)


#@
async def test_bytearray_own():
    async def a():
        buf = bytearray()
        buf += b"a"
        await checkpoint()
        assert len(buf) == 1
    await both(a, a)


#@ d=xs
async def test_sort_against_index():
    xs = [3, 1, 2]
    async def a(): xs.sort()
    async def b(): assert xs[0] in (1, 3)
    await both(a, b)


#@ d=target|source|xs
async def test_passed_on_parameter_name():
    xs = []
    async def fill(target): target.append(1)
    async def look(source): assert len(source) in (0, 1)
    async with trio.open_nursery() as n:
        n.start_soon(fill, xs)
        n.start_soon(look, xs)


#@ d=xs
async def test_slice_store_against_loop():
    xs = [1, 2, 3]
    async def a(): xs[:] = [4, 5]
    async def b():
        for x in xs:
            assert x
    await both(a, b)


#@ d=xs
async def test_iteration_across_checkpoints():
    xs = [1, 2, 3]
    async def a():
        await checkpoint()
        xs[2] = 5
    async def b():
        for x in xs:
            await checkpoint()
    await both(a, b)


#@
async def test_index_store_own_slots_then_gathered():
    out = [None] * 3
    async def job(i):
        await checkpoint()
        out[i] = i
    async with trio.open_nursery() as n:
        for i in range(3):
            n.start_soon(job, i)
    assert out == [0, 1, 2]


#@ d=heap
async def test_heappop_against_len():
    heap = [1, 2, 3]
    async def a(): heapq.heappop(heap)
    async def b(): assert len(heap) in (2, 3)
    await both(a, b)


#@ d=seen
async def test_set_discard_in():
    seen = {1}
    async def a(): seen.discard(1)
    async def b(): assert (1 in seen) in (True, False)
    await both(a, b)


#@ c=seen
async def test_set_adds_only():
    seen = set()
    async def a(): seen.add(1)
    async def b(): seen.add(2)
    await both(a, b)
    assert seen == {1, 2}


#@
async def test_frozenset_replaced_locally():
    base = frozenset({1})
    async def a():
        mine = base | {2}
        await checkpoint()
        assert mine == {1, 2}
    await both(a, a)


#@ d=words
async def test_counter_key():
    words = collections.Counter()
    async def a(): words["x"] += 1
    async def b(): assert words["x"] in (0, 1)
    await both(a, b)


#@ d=matrix
async def test_matrix_cell_tuple_key():
    matrix = {(0, 0): 1}
    async def a(): matrix[0, 0] = 2
    async def b(): assert matrix[0, 0] in (1, 2)
    await both(a, b)


#@
async def test_matrix_other_cells():
    matrix = [[0] * 2 for _ in range(2)]
    async def a():
        matrix[0][1] += 1
        await checkpoint()
        assert matrix[0][1] == 1
    async def b():
        matrix[1][1] += 1
        await checkpoint()
        assert matrix[1][1] == 1
    await both(a, b)


#@ d=matrix
async def test_matrix_aliased_rows():
    matrix = [[0] * 2] * 2
    async def a(): matrix[0][1] = 1
    async def b(): assert matrix[1][1] in (0, 1)
    await both(a, b)


#@
async def test_equal_keys_of_different_dicts():
    d, e = {}, {}
    async def up(t):
        if 1 not in t:
            await checkpoint()
            t[1] = 2
    async def a(): await up(d)
    async def b(): await up(e)
    await both(a, b)


#@ b=d
async def test_true_and_one_are_one_key():
    d = {1: 0}
    async def a():
        v = d[1]
        await checkpoint()
        d[1] = v + 1
    async def b():
        v = d[True]
        await checkpoint()
        d[True] = v + 2
    await both(a, b)


#@ b=slots
async def test_first_free_slot():
    slots = [None, None]
    async def claim(me):
        for i, s in enumerate(slots):
            if s is None:
                await checkpoint()
                slots[i] = me
                return
    async def a(): await claim("a")
    async def b(): await claim("b")
    await both(a, b)


#@ d=slots
async def test_first_free_slot_one_step():
    slots = [None, None]
    async def claim(me):
        await checkpoint()
        i = slots.index(None)
        slots[i] = me
        await checkpoint()
    async def a(): await claim("a")
    async def b(): await claim("b")
    await both(a, b)
    assert None not in slots


# ---- sections
class S:
    def __init__(self, **k): self.__dict__.update(k)


def two(f):
    async def a(): await f(1)
    async def b(): await f(2)
    return both(a, b)


#@ b=v
async def test_try_except_else_act():
    s = S(v=0)
    async def f(k):
        try:
            old = s.v
            await checkpoint()
        except ValueError:
            pass
        else:
            s.v = old + k
    await two(f)


#@ b=v
async def test_finally_act():
    s = S(v=0)
    async def f(k):
        old = s.v
        try:
            await checkpoint()
        finally:
            s.v = old + k
    await two(f)


#@ b=v
async def test_assert_then_act():
    s = S(v=0)
    async def f(k):
        assert s.v >= 0
        await checkpoint()
        s.v = k
    await two(f)


#@ b=v
async def test_conditional_expression_value():
    s = S(v=0)
    async def f(k):
        new = k if s.v < 10 else 0
        await checkpoint()
        s.v = new
    await two(f)


#@ b=v
async def test_min_max():
    s = S(v=0)
    async def f(k):
        new = max(s.v, k)
        await checkpoint()
        s.v = new
    await two(f)


#@ b=v
async def test_fstring():
    s = S(v="x")
    async def f(k):
        new = f"{s.v}{k}"
        await checkpoint()
        s.v = new
    await two(f)


#@ b=v
async def test_fresh_read_after_wait():
    s = S(v=0)
    async def f(k):
        while s.v < 0:
            await checkpoint()
        await checkpoint()
        v = s.v
        s.v = v * 2 + k
        await checkpoint()
    await two(f)


#@ b=v
async def test_match_on_attr():
    s = S(v="idle")
    async def f(k):
        match s.v:
            case str():
                await checkpoint()
                s.v = f"busy{k}"
            case _:
                return
    await two(f)


#@ b=v
async def test_while_cas_broken():
    s = S(v=0)
    async def f(k):
        while True:
            old = s.v
            await checkpoint()
            if old >= 0:
                s.v = old + k
                break
    await two(f)


#@ d=v
async def test_while_cas_right():
    s = S(v=0)
    async def f(k):
        while True:
            old = s.v
            new = old + k
            await checkpoint()
            if s.v == old:
                s.v = new
                break
    await two(f)
    assert s.v == 3


@contextlib.asynccontextmanager
async def session(s, k):
    old = s.v
    await checkpoint()
    yield old
    await checkpoint()
    s.v = old + k


#@ b=v
async def test_acm_section():
    s = S(v=0)
    async def f(k):
        async with session(s, k):
            await checkpoint()
    await two(f)


class Txn:
    def __init__(self, s, k): self.s, self.k = s, k
    async def __aenter__(self):
        self.seen = self.s.v
        await checkpoint()
        return self
    async def __aexit__(self, *a):
        self.s.v = self.seen + self.k


#@ b=v
async def test_class_acm_carries_in_the_callers_local():
    s = S(v=0)
    async def f(k):
        async with Txn(s, k) as t:
            v = t.seen
        await checkpoint()
        s.v = v + k
    await two(f)


#@ b=v
async def test_agen_yields_old():
    s = S(v=0)
    async def values():
        yield s.v
        await checkpoint()
    async def f(k):
        async for old in values():
            await checkpoint()
            s.v = old + k
    await two(f)


#@ b=v
async def test_timeout_then_act(autojump_clock):
    s = S(v=0)
    async def f(k):
        old = s.v
        with trio.move_on_after(1) as scope:
            await trio.sleep_forever()
        if scope.cancelled_caught:
            s.v = old + k
    await two(f)


#@ b=v
async def test_fail_after_handler(autojump_clock):
    s = S(v=0)
    async def f(k):
        old = s.v
        try:
            with trio.fail_after(1):
                await trio.sleep_forever()
        except trio.TooSlowError:
            s.v = old + k
    await two(f)


#@ b=v
async def test_decorated_retry():
    s = S(v=0)
    def retry(fn):
        @functools.wraps(fn)
        async def wrapper(*a, **k):
            for _ in range(2):
                try:
                    return await fn(*a, **k)
                except OSError:
                    pass
        return wrapper
    @retry
    async def f(k):
        old = s.v
        await checkpoint()
        s.v = old + k
    await two(f)


#@ b=v
async def test_kwargs_helper():
    s = S(v=0)
    async def store(*, value):
        await checkpoint()
        s.v = value
    async def f(k):
        await store(value=s.v + k)
    await two(f)


#@ d=v
async def test_helpers_without_carry():
    s = S(v=0)
    async def look():
        assert s.v >= 0
        await checkpoint()
    async def store(k):
        await checkpoint()
        s.v = k
    async def f(k):
        await look()
        await store(k)
    await two(f)


#@ b=client
async def test_lazy_or():
    s = S(client=None)
    async def make():
        await checkpoint()
        return object()
    async def f(k):
        s.client = s.client or await make()
    await two(f)


#@ d=client
async def test_lazy_then_recheck_after():
    s = S(client=None)
    async def f(k):
        if s.client is None:
            new = object()
            await checkpoint()
            if s.client is not None:
                return
            s.client = new
    await two(f)


#@
async def test_lazy_under_lock():
    s = S(client=None)
    lock = trio.Lock()
    async def f(k):
        async with lock:
            if s.client is None:
                await checkpoint()
                s.client = object()
    await two(f)


#@ b=v
async def test_nested_nursery_between():
    s = S(v=0)
    async def f(k):
        old = s.v
        async with trio.open_nursery() as n:
            n.start_soon(checkpoint)
        s.v = old + k
    await two(f)


#@ b=v
async def test_write_then_read_back_local_assert():
    s = S(v=0)
    async def f(k):
        s.v = k
        await checkpoint()
        got = s.v
        assert got in (1, 2)
    await two(f)


#@ d=v
async def test_write_then_write():
    s = S(v=0)
    async def f(k):
        s.v = k
        await checkpoint()
        s.v = k + 10
    await two(f)


#@ b=v
async def test_closure_param_object():
    s = S(v=0)
    async def bump(obj, k):
        cur = obj.v
        await trio.sleep(0)
        setattr(obj, "v", cur + k)
    async def f(k): await bump(s, k)
    await two(f)


#@ b=stock
async def test_early_return_negated():
    s = S(stock=5)
    async def f(k):
        if not s.stock:
            return False
        await checkpoint()
        s.stock -= k
        return True
    await two(f)


#@ d=stock
async def test_reserve_first():
    s = S(stock=5)
    async def f(k):
        if s.stock < k:
            return
        s.stock -= k
        await checkpoint()
    await two(f)


#@ b=items
async def test_len_limit():
    items = []
    async def f(k):
        if len(items) >= 5:
            return
        await checkpoint()
        items.append(k)
    await two(f)


#@ b=v
async def test_async_comprehension_between_sum():
    s = S(v=0)
    async def gen():
        for i in range(2):
            await checkpoint()
            yield i
    async def f(k):
        s.v = s.v + k + sum([i async for i in gen()])
    await two(f)


# ---- locks
#@ d=v
async def test_lock_only_one_side():
    s = S(v=0)
    lock = trio.Lock()
    async def a():
        async with lock:
            s.v = 1
    async def b():
        assert s.v in (0, 1)
    await both(a, b)


#@ b=v
async def test_lock_made_inside():
    s = S(v=0)
    async def f(k):
        async with trio.Lock():
            old = s.v
            await checkpoint()
            s.v = old + k
    await two(f)


#@ b=v
async def test_capacity_two_semaphore():
    s = S(v=0)
    sem = trio.Semaphore(2)
    async def f(k):
        async with sem:
            old = s.v
            await checkpoint()
            s.v = old + k
    await two(f)


#@
async def test_semaphore_one():
    s = S(v=0)
    sem = trio.Semaphore(1)
    async def f(k):
        async with sem:
            old = s.v
            await checkpoint()
            s.v = old + k
    await two(f)


#@ s=v
async def test_two_acquisitions():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        async with lock:
            old = s.v
        await checkpoint()
        async with lock:
            s.v = old + k
    await two(f)


#@ s=v
async def test_two_acquisitions_no_extra_await():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        await lock.acquire()
        old = s.v
        lock.release()
        await lock.acquire()
        s.v = old + k
        lock.release()
    await two(f)


#@
async def test_limiter_on_behalf():
    s = S(v=0)
    lim = trio.CapacityLimiter(1)
    async def f(k):
        who = object()
        await lim.acquire_on_behalf_of(who)
        try:
            old = s.v
            await checkpoint()
            s.v = old + k
        finally:
            lim.release_on_behalf_of(who)
    await two(f)


#@
async def test_condition_both_hold():
    s = S(v=0)
    cond = trio.Condition()
    async def f(k):
        async with cond:
            old = s.v
            await checkpoint()
            s.v = old + k
            cond.notify_all()
    await two(f)


#@ s=v
async def test_condition_wait_breaks_hold(autojump_clock):
    s = S(v=0)
    cond = trio.Condition()
    async def a():
        async with cond:
            old = s.v
            await cond.wait()
            s.v = old + 1
    async def b():
        await trio.sleep(1)
        async with cond:
            s.v = 7
            cond.notify()
    await both(a, b)


#@
async def test_condition_loop_then_fresh(autojump_clock):
    s = S(v=0)
    cond = trio.Condition()
    async def a():
        async with cond:
            while s.v == 0:
                await cond.wait()
            s.v = s.v + 1
    async def b():
        await trio.sleep(1)
        async with cond:
            s.v = 7
            cond.notify()
    await both(a, b)


#@
async def test_lock_in_stack_helper():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        async with contextlib.AsyncExitStack() as st:
            await st.enter_async_context(lock)
            old = s.v
            await checkpoint()
            s.v = old + k
    await two(f)


#@ b=v
async def test_lock_taken_after_the_read():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        old = s.v
        async with lock:
            s.v = old + k
    await two(f)


#@
async def test_strict_fifo():
    s = S(v=0)
    lock = trio.StrictFIFOLock()
    async def f(k):
        await lock.acquire()
        try:
            old = s.v
            await checkpoint()
            s.v = old + k
        finally:
            lock.release()
    await two(f)


#@ b=v
async def test_nursery_children_escape_the_lock():
    s = S(v=0)
    lock = trio.Lock()
    async def bump(k):
        old = s.v
        await checkpoint()
        s.v = old + k
    async with lock:
        async with trio.open_nursery() as n:
            n.start_soon(bump, 1)
            n.start_soon(bump, 2)


#@ b=v
async def test_locks_by_key_differ():
    s = S(v=0)
    locks = {1: trio.Lock(), 2: trio.Lock()}
    async def f(k):
        async with locks[k]:
            old = s.v
            await checkpoint()
            s.v = old + k
    await two(f)


#@ s=v
async def test_lock_released_around_the_io():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        async with lock:
            old = s.v
            lock.release()
            await checkpoint()
            await lock.acquire()
            s.v = old + k
    await two(f)


#@
async def test_lock_acquire_nowait_or_skip():
    s = S(v=0)
    lock = trio.Lock()
    async def f(k):
        try:
            lock.acquire_nowait()
        except trio.WouldBlock:
            return
        old = s.v
        await checkpoint()
        s.v = old + k
        lock.release()
    await two(f)
