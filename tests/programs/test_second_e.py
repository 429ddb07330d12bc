EXPECT = {
    "test_max_rechecked": {"data-race": ["best"], "section": [], "other": [], "origin": "own: second review"},
    "test_or_rechecked": {"data-race": ["client"], "section": [], "other": [], "origin": "own: second review"},
    "test_ternary_rechecked": {"data-race": ["client"], "section": [], "other": [], "origin": "own: second review"},
    "test_clamped_fresh": {"data-race": ["n"], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_attribute_of_object": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_decorator": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_lock_decorator_unlocked_reader": {"data-race": ["n"], "section": [], "other": [], "origin": "own: second review"},
    "test_ownership_by_flag_wait": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_cancel_then_restart": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_stop_event_and_join": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_ping_pong_channels": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_semaphore_as_join": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_condition_queue": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_nursery_in_object": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_threading_rlock_nested": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_from_thread_nursery_start_soon": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_from_thread_send": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_queue_join": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_executor_map_own_index": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_future_wait": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_future_set_by_hand": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_threading_event_two_way": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_priority_and_lifo_queue": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_trio_run_in_thread_and_join": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_loops_two_threads": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_token_soon_then_wait": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_token_soon_unordered": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_event_replaced_each_round": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_reschedule_manual": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_stapled_stream_and_lockstep": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_agen_producer_in_nursery": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_multi_error_group_collected": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_unpack_swap_attr": {"data-race": ["counter"], "section": [], "other": [], "origin": "own: second review"},
    "test_rwlock_with_semaphore_of_n": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_limiter_total_tokens_changed": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_limiter_grown": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_handover_of_a_lock_by_holder_child": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_busy_flag_raises": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_single_flight_wrong": {"data-race": ["inflight"], "section": ["inflight"], "other": [], "origin": "own: second review"},
    "test_single_flight_right": {"data-race": ["inflight"], "section": [], "other": [], "origin": "own: second review"},
    "test_subscribers_iterated_with_await": {"data-race": ["subs"], "section": [], "other": [], "origin": "own: second review"},
    "test_expiry_refresh": {"data-race": ["expires", "token"], "section": ["expires"], "other": [], "origin": "own: second review"},
    "test_retry_counter": {"data-race": ["retries"], "section": ["retries"], "other": [], "origin": "own: second review"},
    "test_while_takes_then_subtracts": {"data-race": ["left"], "section": ["left"], "other": [], "origin": "own: second review"},
}
import collections, concurrent.futures, contextlib, functools, heapq, math, queue, threading, types
import trio, trio.testing
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


#@ d=best
async def test_max_rechecked():
    s = S(best=0)
    async def f(k):
        if k > s.best:
            await checkpoint()
            s.best = max(s.best, k)
    await two(f)
    assert s.best in (1, 2)


#@ d=client
async def test_or_rechecked():
    s = S(client=None)
    async def f(k):
        if s.client is None:
            new = object()
            await checkpoint()
            s.client = s.client or new
    await two(f)


#@ d=client
async def test_ternary_rechecked():
    s = S(client=None)
    async def f(k):
        if s.client is None:
            new = object()
            await checkpoint()
            s.client = new if s.client is None else s.client
    await two(f)


#@ d=n
async def test_clamped_fresh():
    s = S(n=3)
    async def f(k):
        await checkpoint()
        s.n = max(0, s.n - k)
        await checkpoint()
    await two(f)


#@
async def test_lock_attribute_of_object():
    class A:
        def __init__(self):
            self._lock = trio.Lock()
            self._n = 0
        @property
        def n(self): return self._n
        async def inc(self, k):
            async with self._lock:
                v = self.n
                await self._io()
                self._n = v + k
        async def _io(self): await checkpoint()
    a = A()
    await two(a.inc)


#@
async def test_lock_decorator():
    def locked(fn):
        @functools.wraps(fn)
        async def w(self, *a):
            async with self.lock:
                return await fn(self, *a)
        return w
    class A:
        def __init__(self): self.lock, self.n = trio.Lock(), 0
        @locked
        async def inc(self, k):
            v = self.n
            await checkpoint()
            self.n = v + k
    await two(A().inc)


#@ d=n
async def test_lock_decorator_unlocked_reader():
    class A:
        def __init__(self): self.lock, self.n = trio.Lock(), 0
        async def inc(self, k):
            async with self.lock:
                v = self.n
                await checkpoint()
                self.n = v + k
    x = A()
    async def r(): assert x.n in (0, 1)
    async def i(): await x.inc(1)
    await both(i, r)


#@
async def test_ownership_by_flag_wait():
    class L:
        def __init__(self): self.busy, self.waiters = False, collections.deque()
        async def __aenter__(self):
            if self.busy:
                ev = trio.Event()
                self.waiters.append(ev)
                await ev.wait()
            else:
                self.busy = True
        async def __aexit__(self, *a):
            if self.waiters:
                self.waiters.popleft().set()
            else:
                self.busy = False
    lk = L()
    s = S(v=0)
    async def f(k):
        async with lk:
            await checkpoint()
    async def g(): await f(1)
    async with lk:
        pass
    await f(1)


#@
async def test_cancel_then_restart():
    s = S(v=0)
    async def svc(k):
        s.v = k
        await trio.sleep_forever()
    for k in range(2):
        async with trio.open_nursery() as n:
            n.start_soon(svc, k)
            await trio.testing.wait_all_tasks_blocked()
            assert s.v == k
            n.cancel_scope.cancel()
        s.v = -1


#@
async def test_stop_event_and_join():
    stop, done = trio.Event(), trio.Event()
    s = S(n=0)
    async def run():
        s.n = 1
        await stop.wait()
        s.n = 2
        done.set()
    async with trio.open_nursery() as n:
        n.start_soon(run)
        await checkpoint()
        stop.set()
        await done.wait()
        assert s.n == 2


#@
async def test_ping_pong_channels():
    a_tx, a_rx = trio.open_memory_channel(0)
    b_tx, b_rx = trio.open_memory_channel(0)
    s = S(n=0)
    async def ping():
        for _ in range(3):
            s.n += 1
            await a_tx.send(None)
            await b_rx.receive()
    async def pong():
        for _ in range(3):
            await a_rx.receive()
            v = s.n
            await checkpoint()
            s.n = v + 1
            await b_tx.send(None)
    await both(ping, pong)
    assert s.n == 6


#@
async def test_semaphore_as_join():
    sem = trio.Semaphore(0)
    s = [0, 0]
    async def f(i):
        s[i] = 1
        sem.release()
    async with trio.open_nursery() as n:
        n.start_soon(f, 0)
        n.start_soon(f, 1)
        await sem.acquire()
        await sem.acquire()
        assert s == [1, 1]


#@
async def test_condition_queue(autojump_clock):
    class Q:
        def __init__(self): self.c, self.items = trio.Condition(), []
        async def put(self, x):
            async with self.c:
                self.items.append(x)
                self.c.notify()
        async def get(self):
            async with self.c:
                while not self.items:
                    await self.c.wait()
                return self.items.pop(0)
    q = Q()
    async def p():
        for i in range(3):
            await q.put([i])
    async def g():
        for i in range(3):
            x = await q.get()
            x.append(1)
    await both(p, g)


#@
async def test_nursery_in_object():
    class Svc:
        async def __aenter__(self):
            self._m = trio.open_nursery()
            self.n = await self._m.__aenter__()
            self.ready = trio.Event()
            self.state = "starting"
            self.n.start_soon(self.run)
            await self.ready.wait()
            return self
        async def run(self):
            self.state = "up"
            self.ready.set()
            await trio.sleep_forever()
        async def __aexit__(self, *e):
            self.n.cancel_scope.cancel()
            return await self._m.__aexit__(*e)
    async with Svc() as s:
        assert s.state == "up"
        await checkpoint()


#@
async def test_threading_rlock_nested():
    lock = threading.RLock()
    s = S(n=0)
    def inner():
        with lock:
            s.n += 1
    def work():
        with lock:
            v = s.n
            inner()
            s.n = v + 1
    async def a(): await trio.to_thread.run_sync(work)
    await both(a, a)
    assert s.n == 2


#@
async def test_from_thread_nursery_start_soon():
    s = S(n=0)
    async with trio.open_nursery() as n:
        async def child():
            s.n = s.n + 1
        def work():
            s.n = 1
            trio.from_thread.run_sync(n.start_soon, child)
        await trio.to_thread.run_sync(work)
    assert s.n == 2


#@
async def test_from_thread_send():
    tx, rx = trio.open_memory_channel(0)
    s = S(n=0)
    def work():
        for i in range(3):
            s.n = i
            trio.from_thread.run(tx.send, i)
            trio.from_thread.run(ack.acquire)
        trio.from_thread.run(tx.aclose)
    ack = trio.Semaphore(0)
    async def a(): await trio.to_thread.run_sync(work)
    async def b():
        async for i in rx:
            assert s.n == i
            ack.release()
    await both(a, b)


#@
async def test_queue_join():
    q = queue.Queue()
    s = S(t=0)
    def worker():
        while True:
            x = q.get()
            if x is None:
                q.task_done()
                return
            s.t += x
            q.task_done()
    def prod():
        for i in range(3):
            q.put(i)
        q.join()
        assert s.t == 3
        q.put(None)
    async def a(): await trio.to_thread.run_sync(worker)
    async def b(): await trio.to_thread.run_sync(prod)
    await both(a, b)


#@
async def test_executor_map_own_index():
    out = [0] * 4
    def work(i): out[i] = i
    def run():
        with concurrent.futures.ThreadPoolExecutor(2) as ex:
            list(ex.map(work, range(4)))
        assert out == [0, 1, 2, 3]
    await trio.to_thread.run_sync(run)


#@
async def test_future_wait():
    s = S(v=0)
    def work(): s.v = 1
    def run():
        with concurrent.futures.ThreadPoolExecutor(2) as ex:
            f = ex.submit(work)
            concurrent.futures.wait([f])
            assert s.v == 1
    await trio.to_thread.run_sync(run)


#@
async def test_future_set_by_hand():
    s = S(v=0)
    fut = concurrent.futures.Future()
    def work():
        s.v = 1
        fut.set_result(2)
    async def a(): await trio.to_thread.run_sync(work)
    async def b():
        assert await trio.to_thread.run_sync(fut.result) == 2
        assert s.v == 1
    await both(a, b)


#@
async def test_threading_event_two_way():
    e, f = threading.Event(), threading.Event()
    s = S(v=0)
    def one():
        s.v = 1
        e.set()
        f.wait()
        assert s.v == 2
    def other():
        e.wait()
        s.v = 2
        f.set()
    async def a(): await trio.to_thread.run_sync(one)
    async def b(): await trio.to_thread.run_sync(other)
    await both(a, b)


#@
async def test_priority_and_lifo_queue():
    q, r = queue.PriorityQueue(), queue.LifoQueue()
    s = S(v=0)
    def one():
        s.v = 1
        q.put((1, "x"))
        r.get()
        assert s.v == 2
    def other():
        q.get()
        s.v = 2
        r.put(1)
    async def a(): await trio.to_thread.run_sync(one)
    async def b(): await trio.to_thread.run_sync(other)
    await both(a, b)


#@
def test_trio_run_in_thread_and_join():
    s = S(v=0)
    async def main():
        v = s.v
        await checkpoint()
        s.v = v + 1
    t = threading.Thread(target=trio.run, args=(main,))
    t.start()
    t.join()
    trio.run(main)
    assert s.v == 2


#@ d=v
def test_two_loops_two_threads():
    s = S(v=0)
    async def main(k):
        await checkpoint()
        s.v = k
    ts = [threading.Thread(target=trio.run, args=(main, k)) for k in (1, 2)]
    for t in ts: t.start()
    for t in ts: t.join()


#@
async def test_token_soon_then_wait():
    tok = trio.lowlevel.current_trio_token()
    ev = trio.Event()
    s = S(v=0)
    def cb():
        s.v = 1
        ev.set()
    tok.run_sync_soon(cb)
    await ev.wait()
    assert s.v == 1
    s.v = 2


#@ d=v
async def test_token_soon_unordered():
    tok = trio.lowlevel.current_trio_token()
    ev = trio.Event()
    s = S(v=0)
    def cb():
        s.v = 1
        ev.set()
    tok.run_sync_soon(cb)
    await checkpoint()
    assert s.v in (0, 1)
    await ev.wait()


#@
async def test_event_replaced_each_round():
    s = S(ev=trio.Event(), v=0)
    async def waiter():
        ev = s.ev
        await ev.wait()
        assert s.v >= 1
    async with trio.open_nursery() as n:
        n.start_soon(waiter)
        await trio.testing.wait_all_tasks_blocked()
        s.v = 1
        s.ev.set()
        s.ev = trio.Event()


#@
async def test_reschedule_manual():
    s = S(v=0, task=None)
    async def sleeper():
        s.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)
        assert s.v == 1
    async with trio.open_nursery() as n:
        n.start_soon(sleeper)
        await trio.testing.wait_all_tasks_blocked()
        s.v = 1
        trio.lowlevel.reschedule(s.task)


#@
async def test_stapled_stream_and_lockstep():
    x, y = trio.testing.lockstep_stream_pair()
    s = S(v=0)
    async def a():
        s.v = 1
        await x.send_all(b"1")
        await x.aclose()
    async def b():
        while await y.receive_some(1):
            pass
        assert s.v == 1
    await both(a, b)


#@
async def test_agen_producer_in_nursery():
    async def numbers():
        tx, rx = trio.open_memory_channel(0)
        buf = []
        async def feed():
            async with tx:
                for i in range(3):
                    buf.append(i)
                    await tx.send(i)
        return feed, rx, buf
    feed, rx, buf = await numbers()
    async with trio.open_nursery() as n:
        n.start_soon(feed)
        got = [x async for x in rx]
        assert got == buf == [0, 1, 2]


#@
async def test_multi_error_group_collected():
    errs = [None, None]
    async def f(i):
        try:
            await checkpoint()
            raise ValueError(i)
        except ValueError as e:
            errs[i] = e
    async with trio.open_nursery() as n:
        for i in range(2):
            n.start_soon(f, i)
    assert [e.args[0] for e in errs] == [0, 1]


#@ d=counter
async def test_unpack_swap_attr():
    s = S(counter=0, prev=None)
    async def a(): s.prev, s.counter = s.counter, 5
    async def b(): assert s.counter in (0, 5)
    await both(a, b)


#@
async def test_rwlock_with_semaphore_of_n():
    sem = trio.Semaphore(3)
    s = S(v=0)
    async def reader():
        async with sem:
            assert s.v in (0, 1)
    async with trio.open_nursery() as n:
        n.start_soon(reader)
        n.start_soon(reader)


#@
async def test_limiter_total_tokens_changed():
    lim = trio.CapacityLimiter(1)
    s = S(v=0)
    async def f(k):
        async with lim:
            v = s.v
            await checkpoint()
            s.v = v + k
    await two(f)


#@ b=v
async def test_limiter_grown():
    lim = trio.CapacityLimiter(1)
    s = S(v=0)
    async def f(k):
        async with lim:
            v = s.v
            await checkpoint()
            s.v = v + k
    lim.total_tokens = 2
    await two(f)


#@
async def test_handover_of_a_lock_by_holder_child():
    lock = trio.Lock()
    s = S(v=0)
    async def child(k):
        v = s.v
        await checkpoint()
        s.v = v + k
    async def f(k):
        async with lock:
            async with trio.open_nursery() as n:
                n.start_soon(child, k)
    await two(f)


#@
async def test_busy_flag_raises():
    s = S(busy=False, v=0)
    async def f(k):
        if s.busy:
            return
        s.busy = True
        try:
            v = s.v
            await checkpoint()
            s.v = v + k
        finally:
            s.busy = False
    await f(1)
    await f(2)
    assert s.v == 3


#@ b=inflight
async def test_single_flight_wrong():
    inflight = {}
    async def f(k):
        if "a" in inflight:
            return
        ev = trio.Event()
        await checkpoint()
        inflight["a"] = ev
        ev.set()
    await two(f)


#@ d=inflight
async def test_single_flight_right():
    inflight = {}
    async def f(k):
        if "a" in inflight:
            await inflight["a"].wait()
            return
        ev = inflight["a"] = trio.Event()
        await checkpoint()
        ev.set()
    await two(f)


#@ d=subs
async def test_subscribers_iterated_with_await():
    subs = []
    async def join():
        subs.append("x")
    async def pub():
        for q in list(subs):
            await checkpoint()
    await both(join, pub)


#@ b=expires d=token
async def test_expiry_refresh():
    s = S(token="t", expires=0)
    async def get(k):
        if s.expires <= 0:
            new = k
            await checkpoint()
            s.token, s.expires = new, new + 10
        return s.expires
    await two(get)


#@ b=retries
async def test_retry_counter(autojump_clock):
    s = S(retries=0)
    async def f(k):
        while s.retries < 3:
            await trio.sleep(k)
            s.retries = s.retries + 1
    await two(f)


#@ b=left
async def test_while_takes_then_subtracts():
    s = S(left=5)
    async def f(k):
        while s.left > 0:
            await checkpoint()
            s.left = s.left - 1
    await two(f)
