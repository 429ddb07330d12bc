EXPECT = {
    "test_dataclass_replace_rmw": {"data-race": ["cfg"], "section": ["cfg"], "other": [], "origin": "own: second review"},
    "test_dataclass_field_of_frozen": {"data-race": ["cfg"], "section": ["cfg"], "other": [], "origin": "own: second review"},
    "test_namedtuple_replace_rmw": {"data-race": ["pair"], "section": ["pair"], "other": [], "origin": "own: second review"},
    "test_math_call_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_json_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_operator_add_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_str_method_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_str_method_check": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_set_union_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_list_concat_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_list_star_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_dict_merge_rmw": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_copy_modify_store": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_copy_method_modify_store": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_reduce": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_ids_from_generator_helper": {"data-race": ["nxt"], "section": ["nxt"], "other": [], "origin": "own: second review"},
    "test_inner_function_uses_outer_local": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_callback_passed_value": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_method_split_get_set": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_flag_then_act_on_tuple_return": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_exception_as_check": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_any_generator_check": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_check_in_while_condition_with_break_flag": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_state_machine_one_step_transitions": {"data-race": ["_state"], "section": [], "other": [], "origin": "own: second review"},
    "test_rw_lock_user_made": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_once_helper": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_worker_pool_results_by_index": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_progress_reported": {"data-race": ["done"], "section": [], "other": [], "origin": "own: second review"},
    "test_actor_inbox": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_gather_by_closure": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_race_first_wins": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_race_by_attr_equal": {"data-race": ["winner"], "section": [], "other": [], "filtered": {"winner": "commuting"}, "origin": "own: second review"},
    "test_lock_per_key_dict": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_barrier_by_event": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_barrier_by_event_no_lock": {"data-race": ["n"], "section": [], "other": [], "filtered": {"n": "covered"}, "origin": "own: second review"},
    "test_weak_cache_own": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_itertools_count_ids": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_context_var": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_object_handed_down_after_init": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_parent_waits_nursery_between": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_sequencer": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_shielded_cleanup_section": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_exit_stack_callback_writes": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_partial_called_later": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_wait_readable_like_loop": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_semaphore_as_pool_of_own_objects": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_pool_acquire_release_objects": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: second review"},
}
import collections, contextlib, dataclasses, functools, itertools, json, math, operator, types, weakref
import attrs, trio, trio.testing
from trio.lowlevel import checkpoint


async def both(*fs):
    async with trio.open_nursery() as nursery:
        for f in fs:
            nursery.start_soon(f)


class S:
    def __init__(self, **k): self.__dict__.update(k)


def two(f):
    async def a(): await f(1)
    async def b(): await f(2)
    return both(a, b)


@dataclasses.dataclass(frozen=True)
class Cfg:
    n: int = 0


#@ b=cfg
async def test_dataclass_replace_rmw():
    s = S(cfg=Cfg())
    async def f(k):
        new = dataclasses.replace(s.cfg, n=k)
        await checkpoint()
        s.cfg = new
    await two(f)


#@ b=cfg
async def test_dataclass_field_of_frozen():
    s = S(cfg=Cfg())
    async def f(k):
        n = s.cfg.n
        await checkpoint()
        s.cfg = Cfg(n + k)
    await two(f)


#@ b=pair
async def test_namedtuple_replace_rmw():
    P = collections.namedtuple("P", "a b")
    s = S(pair=P(0, 0))
    async def f(k):
        new = s.pair._replace(a=k)
        await checkpoint()
        s.pair = new
    await two(f)


#@ b=v
async def test_math_call_rmw():
    s = S(v=1.5)
    async def f(k):
        x = math.floor(s.v)
        await checkpoint()
        s.v = x + k
    await two(f)


#@ b=v
async def test_json_rmw():
    s = S(v='{"n": 0}')
    async def f(k):
        doc = json.loads(s.v)
        await checkpoint()
        doc["n"] += k
        s.v = json.dumps(doc)
    await two(f)


#@ b=v
async def test_operator_add_rmw():
    s = S(v=1)
    async def f(k):
        x = s.v
        await checkpoint()
        s.v = operator.add(x, k)
    await two(f)


#@ b=v
async def test_str_method_rmw():
    s = S(v="a")
    async def f(k):
        x = s.v.upper()
        await checkpoint()
        s.v = x + str(k)
    await two(f)


#@ b=v
async def test_str_method_check():
    s = S(v="idle-1")
    async def f(k):
        if s.v.startswith("i"):
            await checkpoint()
            s.v = f"i-busy{k}"
    await two(f)


#@ b=v
async def test_set_union_rmw():
    s = S(v=frozenset())
    async def f(k):
        x = s.v.union({k})
        await checkpoint()
        s.v = x
    await two(f)


#@ b=v
async def test_list_concat_rmw():
    s = S(v=[])
    async def f(k):
        x = s.v
        await checkpoint()
        s.v = x + [k]
    await two(f)


#@ b=v
async def test_list_star_rmw():
    s = S(v=[])
    async def f(k):
        x = [*s.v, k]
        await checkpoint()
        s.v = x
    await two(f)


#@ b=v
async def test_dict_merge_rmw():
    s = S(v={})
    async def f(k):
        x = s.v
        await checkpoint()
        s.v = {**x, k: k}
    await two(f)


#@ b=v
async def test_copy_modify_store():
    s = S(v={})
    async def f(k):
        x = dict(s.v)
        x[k] = k
        await checkpoint()
        s.v = x
    await two(f)


#@ b=v
async def test_copy_method_modify_store():
    s = S(v={})
    async def f(k):
        x = s.v.copy()
        x[k] = k
        await checkpoint()
        s.v = x
    await two(f)


#@ b=v
async def test_reduce():
    s = S(v=[1, 2])
    async def f(k):
        x = functools.reduce(operator.add, s.v)
        await checkpoint()
        s.v = [x, k]
    await two(f)


#@ b=nxt
async def test_ids_from_generator_helper():
    s = S(nxt=0)
    def take(n):
        return n, n + 1
    async def f(k):
        mine, following = take(s.nxt)
        await checkpoint()
        s.nxt = following
    await two(f)


#@ b=v
async def test_inner_function_uses_outer_local():
    s = S(v=0)
    async def f(k):
        seen = s.v
        async def commit():
            await checkpoint()
            s.v = seen + k
        await commit()
    await two(f)


#@ b=v
async def test_callback_passed_value():
    s = S(v=0)
    async def later(fn, *args):
        await checkpoint()
        fn(*args)
    def store(v): s.v = v
    async def f(k):
        await later(store, s.v + k)
    await two(f)


#@ b=v
async def test_method_split_get_set():
    class Repo:
        def __init__(self): self.v = 0
        async def get(self):
            await checkpoint()
            return self.v
        async def put(self, v):
            await checkpoint()
            self.v = v
    r = Repo()
    async def f(k):
        await r.put(await r.get() + k)
    await two(f)


#@ b=v
async def test_flag_then_act_on_tuple_return():
    s = S(v=0)
    async def check():
        ok = s.v < 100
        await checkpoint()
        return ok, "fine"
    async def f(k):
        ok, why = await check()
        if ok:
            s.v = k
    await two(f)


#@ b=v
async def test_exception_as_check():
    s = S(v=0)
    async def ensure():
        if s.v > 100:
            raise ValueError
        await checkpoint()
    async def f(k):
        try:
            await ensure()
        except ValueError:
            return
        s.v = k
    await two(f)


#@ b=v
async def test_any_generator_check():
    s = S(v=[0])
    async def f(k):
        if any(x == k for x in s.v):
            return
        await checkpoint()
        s.v = s.v + [k]
    await two(f)


#@ b=v
async def test_check_in_while_condition_with_break_flag():
    s = S(v=0)
    async def f(k):
        done = False
        while not done:
            done = s.v < 100
            await checkpoint()
        s.v = k
    await two(f)


# ---- safe, realistic
#@ d=_state
async def test_state_machine_one_step_transitions():
    class M:
        def __init__(self): self._state = "idle"
        async def go(self, k):
            if self._state != "idle":
                raise trio.BusyResourceError
            self._state = f"busy{k}"
            try:
                await checkpoint()
            finally:
                self._state = "idle"
    m = M()
    async def f(k):
        with contextlib.suppress(trio.BusyResourceError):
            await m.go(k)
    await two(f)


#@
async def test_rw_lock_user_made():
    class RW:
        def __init__(self):
            self.cond = trio.Condition()
            self.readers = 0
        @contextlib.asynccontextmanager
        async def read(self):
            async with self.cond:
                self.readers += 1
            try:
                yield
            finally:
                async with self.cond:
                    self.readers -= 1
                    self.cond.notify_all()
        @contextlib.asynccontextmanager
        async def write(self):
            async with self.cond:
                while self.readers:
                    await self.cond.wait()
                yield
    rw = RW()
    async def r():
        async with rw.read():
            await checkpoint()
    async def w():
        async with rw.write():
            await checkpoint()
    await both(r, r, w)


#@
async def test_once_helper():
    class Once:
        def __init__(self):
            self.lock = trio.Lock()
            self.value = None
        async def get(self):
            async with self.lock:
                if self.value is None:
                    await checkpoint()
                    self.value = object()
                return self.value
    o = Once()
    got = []
    async def f(k):
        assert await o.get() is not None
    await two(f)


#@
async def test_worker_pool_results_by_index():
    tx, rx = trio.open_memory_channel(10)
    results = [None] * 4
    async def worker(r):
        async with r:
            async for i in r:
                await checkpoint()
                results[i] = i * i
    async with trio.open_nursery() as n:
        async with rx:
            for _ in range(2):
                n.start_soon(worker, rx.clone())
        async with tx:
            for i in range(4):
                await tx.send(i)
    assert results == [0, 1, 4, 9]


#@ d=done
async def test_progress_reported(autojump_clock):
    s = S(done=0)
    async def work():
        for i in range(3):
            await trio.sleep(1)
            s.done = i + 1
    async def show():
        for _ in range(3):
            await trio.sleep(1)
            assert 0 <= s.done <= 3
    await both(work, show)


#@
async def test_actor_inbox():
    class Actor:
        def __init__(self):
            self.n = 0
            self.tx, self.rx = trio.open_memory_channel(5)
        async def run(self):
            async for m in self.rx:
                v = self.n
                await checkpoint()
                self.n = v + m
    a = Actor()
    async def f(k):
        async with a.tx.clone() as t:
            await t.send(k)
    async with trio.open_nursery() as n:
        n.start_soon(a.run)
        async with trio.open_nursery() as m:
            m.start_soon(f, 1)
            m.start_soon(f, 2)
        await a.tx.aclose()
    assert a.n == 3


#@
async def test_gather_by_closure():
    async def gather(*fns):
        out = [None] * len(fns)
        async def one(i, fn):
            out[i] = await fn()
        async with trio.open_nursery() as n:
            for i, fn in enumerate(fns):
                n.start_soon(one, i, fn)
        return out
    async def x(): return 1
    async def y():
        await checkpoint()
        return 2
    assert await gather(x, y) == [1, 2]


#@
async def test_race_first_wins():
    async def first(*fns):
        tx, rx = trio.open_memory_channel(0)
        async with trio.open_nursery() as n:
            async def jockey(fn):
                await tx.send(await fn())
            for fn in fns:
                n.start_soon(jockey, fn)
            w = await rx.receive()
            n.cancel_scope.cancel()
            return w
    async def x():
        await checkpoint()
        return {"v": 1}
    assert (await first(x, x))["v"] == 1


#@ c=winner
async def test_race_by_attr_equal():
    s = S(winner=None)
    async def f(k):
        s.winner = "same"
    await two(f)


#@
async def test_lock_per_key_dict():
    locks = {k: trio.Lock() for k in "ab"}
    d = {"a": 0, "b": 0}
    async def f(k, j):
        async with locks[k]:
            v = d[k]
            await checkpoint()
            d[k] = v + j
    async with trio.open_nursery() as n:
        for k in "ab":
            for j in (1, 2):
                n.start_soon(f, k, j)
    assert d == {"a": 3, "b": 3}


#@
async def test_barrier_by_event():
    class Barrier:
        def __init__(self, n): self.n, self.ev, self.lock = n, trio.Event(), trio.Lock()
        async def wait(self):
            async with self.lock:
                self.n -= 1
                if self.n == 0:
                    self.ev.set()
            await self.ev.wait()
    b = Barrier(2)
    s = S(x=0, y=0)
    async def p():
        s.x = 1
        await b.wait()
        assert s.y == 1
    async def q():
        s.y = 1
        await b.wait()
        assert s.x == 1
    await both(p, q)


#@ v=n
async def test_barrier_by_event_no_lock():
    class Barrier:
        def __init__(self, n): self.n, self.ev = n, trio.Event()
        async def wait(self):
            self.n -= 1
            if self.n == 0:
                self.ev.set()
            await self.ev.wait()
    b = Barrier(2)
    async def p(): await b.wait()
    await both(p, p)


#@
async def test_weak_cache_own():
    async def f(k):
        c = weakref.WeakValueDictionary()
        o = S(v=k)
        c[k] = o
        await checkpoint()
        assert c[k] is o
    await two(f)


#@
async def test_itertools_count_ids():
    ids = itertools.count()
    async def f(k):
        i = next(ids)
        await checkpoint()
        assert i in (0, 1)
    await two(f)


#@
async def test_context_var():
    import contextvars
    var = contextvars.ContextVar("var", default=0)
    async def f(k):
        v = var.get()
        await checkpoint()
        var.set(v + k)
        assert var.get() == k
    await two(f)


#@
async def test_object_handed_down_after_init():
    class Conn:
        def __init__(self): self.buf = []
        async def run(self, n):
            for i in range(n):
                self.buf.append(i)
                await checkpoint()
            return len(self.buf)
    async def f(k):
        c = Conn()
        assert await c.run(k) == k
    await two(f)


#@
async def test_parent_waits_nursery_between():
    s = S(v=0)
    async def child(k): s.v = k
    for k in range(3):
        before = s.v
        async with trio.open_nursery() as n:
            n.start_soon(child, k)
        assert s.v == k
        s.v = before + k


#@
async def test_sequencer():
    seq = trio.testing.Sequencer()
    s = S(v=0)
    async def a():
        async with seq(0):
            s.v = 1
        async with seq(2):
            assert s.v == 2
    async def b():
        async with seq(1):
            s.v = s.v + 1
    await both(a, b)


#@ b=v
async def test_shielded_cleanup_section(autojump_clock):
    s = S(v=0)
    async def f(k):
        seen = s.v
        try:
            with trio.move_on_after(1):
                await trio.sleep(10)
        finally:
            with trio.CancelScope(shield=True):
                await checkpoint()
                s.v = seen + k
    await two(f)


#@ b=v
async def test_exit_stack_callback_writes():
    s = S(v=0)
    def restore(v): s.v = v
    async def f(k):
        async with contextlib.AsyncExitStack() as st:
            st.callback(restore, s.v + k)
            await checkpoint()
    await two(f)


#@ b=v
async def test_partial_called_later():
    s = S(v=0)
    def store(v): s.v = v
    async def f(k):
        p = functools.partial(store, s.v + k)
        await checkpoint()
        p()
    await two(f)


#@ b=v
async def test_wait_readable_like_loop():
    s = S(v=0)
    async def f(k):
        for _ in range(2):
            seen = s.v
            with trio.CancelScope():
                await checkpoint()
            s.v = seen + k
    await two(f)


#@
async def test_semaphore_as_pool_of_own_objects():
    sem = trio.Semaphore(2)
    async def f(k):
        async with sem:
            mine = []
            mine.append(k)
            await checkpoint()
            assert mine.pop() == k
    await two(f)


#@ d=pool
async def test_pool_acquire_release_objects():
    sem = trio.Semaphore(1)
    pool = [S(n=0), S(n=0)]
    async def f(k):
        c = pool.pop()
        v = c.n
        await checkpoint()
        c.n = v + k
        pool.append(c)
    await two(f)
