EXPECT = {
    "test_send_object_then_receiver_owns": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_sender_keeps_using": {"data-race": ["m|msg"], "section": [], "other": [], "origin": "own: second review"},
    "test_token_in_a_channel_guards": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_send_as_lock": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_tokens": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_end_of_channel_after_close": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_clones_both_before_end": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_write_after_clone_closed": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_capacity_back_edge": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_capacity_two_no_back_edge": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_receive_nowait_polling": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_request_reply": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_servers": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: second review"},
    "test_pipeline_stages": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_broken_resource_orders": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_item_left": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_started_value_published": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_child_writes_after_started": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_nursery_start_returns_after_child_end": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_event_chain": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_write_after_set_in_same_step": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_write_after_set_next_step": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_cancel_scope_cancelled_then_handler": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_deadline_orders_nothing": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_nursery_cancel_orders_siblings": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_error_cancels_sibling": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_parking_lot_one": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_wait_all_tasks_blocked_orders": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_future_like": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_future_like_peek": {"data-race": ["value"], "section": [], "other": [], "origin": "own: second review"},
    "test_is_set_polled": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_runs": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_runs_second_race": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_system_task_finishing_event": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_system_task_unordered": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_grandchild_nursery_passed": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_grandchild_against_mid": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_memory_stream_pair": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_agen_finalised_in_own_task": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_start_with_inner_nursery_acm": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_thread_writes_loop_reads": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_thread_then_read": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_two_threads_increment": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_two_threads_locked": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_limiter_one_serialises_threads": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_limiter_two_threads": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_trio_lock_around_thread": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_thread_in_section": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_from_thread_serialised_by_the_loop": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_queue_between_threads": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_queue_written_after_put": {"data-race": ["v"], "section": [], "other": [], "origin": "own: second review"},
    "test_token_run_sync_soon_sets_event": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_thread_pool_future_result": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_plain_thread_join": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_executor_wait_and_done_callback": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_from_thread_run_async": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_from_thread_run_two": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: second review"},
    "test_timer_thread": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_executor_as_completed": {"data-race": ["out"], "section": [], "other": [], "filtered": {"out": "commuting"}, "origin": "own: second review"},
    "test_thread_local": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_condition_threading_handoff": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
}
import asyncio, collections, concurrent.futures, contextlib, functools, math, queue, threading, time
import trio, trio.testing
from trio.lowlevel import checkpoint


async def both(*fs):
    async with trio.open_nursery() as nursery:
        for f in fs:
            nursery.start_soon(f)


class S:
    def __init__(self, **k): self.__dict__.update(k)


# ---- channels
#@
async def test_send_object_then_receiver_owns():
    tx, rx = trio.open_memory_channel(5)
    async def a():
        async with tx:
            for i in range(3):
                await tx.send({"n": i})
    async def b():
        async for m in rx:
            v = m["n"]
            await checkpoint()
            m["n"] = v + 1
    await both(a, b)


#@ d=m|msg
async def test_sender_keeps_using():
    tx, rx = trio.open_memory_channel(5)
    async def a():
        msg = {"n": 0}
        await tx.send(msg)
        await checkpoint()
        msg["n"] = 9
    async def b():
        m = await rx.receive()
        assert m["n"] in (0, 9)
    await both(a, b)


#@
async def test_token_in_a_channel_guards():
    tx, rx = trio.open_memory_channel(1)
    s = S(v=0)
    tx.send_nowait(None)
    async def f(k):
        tok = await rx.receive()
        old = s.v
        await checkpoint()
        s.v = old + k
        await tx.send(tok)
    async def a(): await f(1)
    async def b(): await f(2)
    await both(a, b)
    assert s.v == 3


#@
async def test_send_as_lock():
    tx, rx = trio.open_memory_channel(1)
    s = S(v=0)
    async def f(k):
        await tx.send(None)
        old = s.v
        await checkpoint()
        s.v = old + k
        await rx.receive()
    async def a(): await f(1)
    async def b(): await f(2)
    await both(a, b)
    assert s.v == 3


#@ b=v
async def test_two_tokens():
    tx, rx = trio.open_memory_channel(2)
    s = S(v=0)
    tx.send_nowait(None)
    tx.send_nowait(None)
    async def f(k):
        tok = await rx.receive()
        old = s.v
        await checkpoint()
        s.v = old + k
        await tx.send(tok)
    async def a(): await f(1)
    async def b(): await f(2)
    await both(a, b)


#@
async def test_end_of_channel_after_close():
    tx, rx = trio.open_memory_channel(0)
    s = S(v=0)
    async def a():
        s.v = 1
        await tx.aclose()
    async def b():
        async for _ in rx:
            pass
        assert s.v == 1
    await both(a, b)


#@
async def test_two_clones_both_before_end():
    tx, rx = trio.open_memory_channel(math.inf)
    s = S(v=0, w=0)
    async def a(t):
        async with t:
            await checkpoint()
            s.v = 1
    async def b(t):
        async with t:
            s.w = 1
    async with trio.open_nursery() as n:
        async with tx:
            n.start_soon(a, tx.clone())
            n.start_soon(b, tx.clone())
        async for _ in rx:
            pass
        assert s.v + s.w == 2


#@ d=v
async def test_write_after_clone_closed():
    tx, rx = trio.open_memory_channel(math.inf)
    s = S(v=0)
    async def a(t):
        async with t:
            await checkpoint()
        await checkpoint()
        s.v = 1
    async with trio.open_nursery() as n:
        async with tx:
            n.start_soon(a, tx.clone())
        async for _ in rx:
            pass
        assert s.v in (0, 1)


#@
async def test_capacity_back_edge():
    tx, rx = trio.open_memory_channel(1)
    s = S(v=0)
    async def a():
        await tx.send(1)
        await tx.send(2)
        assert s.v == 1
    async def b():
        s.v = 1
        await rx.receive()
        await rx.receive()
    await both(a, b)


#@ d=v
async def test_capacity_two_no_back_edge():
    tx, rx = trio.open_memory_channel(2)
    s = S(v=0)
    async def a():
        await tx.send(1)
        await tx.send(2)
        assert s.v in (0, 1)
    async def b():
        s.v = 1
        await rx.receive()
        await rx.receive()
    await both(a, b)


#@
async def test_receive_nowait_polling():
    tx, rx = trio.open_memory_channel(3)
    s = S(v=0)
    async def a():
        s.v = 4
        tx.send_nowait("go")
    async def b():
        while True:
            try:
                rx.receive_nowait()
                break
            except trio.WouldBlock:
                await checkpoint()
        assert s.v == 4
    await both(a, b)


#@
async def test_request_reply():
    tx, rx = trio.open_memory_channel(0)
    s = S(total=0)
    async def server():
        async for amount, reply in rx:
            old = s.total
            await checkpoint()
            s.total = old + amount
            await reply.send(s.total)
    async def client(t, k):
        async with t:
            out, back = trio.open_memory_channel(1)
            await t.send((k, out))
            assert await back.receive() >= k
    async with trio.open_nursery() as n:
        n.start_soon(server)
        async with tx:
            n.start_soon(client, tx.clone(), 1)
            n.start_soon(client, tx.clone(), 2)
    assert s.total == 3


#@ b=total
async def test_two_servers():
    tx, rx = trio.open_memory_channel(2)
    s = S(total=0)
    async def server(r):
        amount = await r.receive()
        old = s.total
        await checkpoint()
        s.total = old + amount
    async with trio.open_nursery() as n:
        n.start_soon(server, rx.clone())
        n.start_soon(server, rx.clone())
        await tx.send(1)
        await tx.send(2)


#@
async def test_pipeline_stages():
    tx1, rx1 = trio.open_memory_channel(2)
    tx2, rx2 = trio.open_memory_channel(2)
    got = []
    async def src():
        async with tx1:
            for i in range(4):
                await tx1.send([i])
    async def mid():
        async with tx2:
            async for x in rx1:
                x.append(x[0] * 2)
                await tx2.send(x)
    async def sink():
        async for x in rx2:
            x[1] += 1
            got.append(x[1])
    await both(src, mid, sink)
    assert got == [1, 3, 5, 7]


#@
async def test_broken_resource_orders():
    tx, rx = trio.open_memory_channel(0)
    s = S(v=0)
    async def a():
        s.v = 1
        await rx.aclose()
    async def b():
        with contextlib.suppress(trio.BrokenResourceError):
            await tx.send(1)
        assert s.v == 1
    await both(a, b)


#@
async def test_item_left():
    tx, rx = trio.open_memory_channel(2)
    async def a(): await tx.send(1)
    async def b(): await tx.send(2)
    await both(a, b)
    await rx.receive()


# ---- order
#@
async def test_started_value_published():
    s = S(v=0)
    async def child(task_status=trio.TASK_STATUS_IGNORED):
        s.v = 3
        await checkpoint()
        task_status.started(s.v)
        await trio.sleep(0)
    async with trio.open_nursery() as n:
        assert await n.start(child) == 3
        assert s.v == 3
        s.v = 4


#@ d=v
async def test_child_writes_after_started():
    s = S(v=0)
    async def child(task_status=trio.TASK_STATUS_IGNORED):
        task_status.started()
        await checkpoint()
        s.v = 3
    async with trio.open_nursery() as n:
        await n.start(child)
        assert s.v in (0, 3)


#@
async def test_nursery_start_returns_after_child_end():
    s = S(v=0)
    async def child(task_status=trio.TASK_STATUS_IGNORED):
        s.v = 1
        task_status.started()
        s.v = 2
    async with trio.open_nursery() as n:
        await n.start(child)
        assert s.v == 2


#@
async def test_event_chain():
    e, f = trio.Event(), trio.Event()
    s = S(v=0)
    async def a():
        s.v = 1
        e.set()
    async def b():
        await e.wait()
        await checkpoint()
        f.set()
    async def c():
        await f.wait()
        s.v = s.v + 1
    await both(c, b, a)
    assert s.v == 2


#@
async def test_write_after_set_in_same_step():
    e = trio.Event()
    s = S(v=0)
    async def a():
        e.set()
        s.v = 1
    async def b():
        await e.wait()
        assert s.v == 1
    await both(a, b)


#@ d=v
async def test_write_after_set_next_step():
    e = trio.Event()
    s = S(v=0)
    async def a():
        e.set()
        await checkpoint()
        s.v = 1
    async def b():
        await e.wait()
        assert s.v in (0, 1)
    await both(a, b)


#@
async def test_cancel_scope_cancelled_then_handler():
    s = S(v=0)
    cs = trio.CancelScope()
    async def a():
        with cs:
            try:
                await trio.sleep_forever()
            finally:
                assert s.v == 1
                s.v = 2
    async def b():
        await checkpoint()
        s.v = 1
        cs.cancel()
    await both(a, b)


#@ d=v
async def test_deadline_orders_nothing(autojump_clock):
    s = S(v=0)
    async def a():
        with trio.move_on_after(2):
            await trio.sleep_forever()
        assert s.v == 1
    async def b():
        await trio.sleep(1)
        s.v = 1
    await both(a, b)


#@
async def test_nursery_cancel_orders_siblings():
    s = S(v=0)
    async with trio.open_nursery() as n:
        async def a():
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                assert s.v == 1
                raise
        async def b():
            s.v = 1
            n.cancel_scope.cancel()
        n.start_soon(a)
        n.start_soon(b)


#@
async def test_error_cancels_sibling():
    s = S(v=0)
    async def a():
        try:
            await trio.sleep_forever()
        finally:
            assert s.v == 1
    async def b():
        await checkpoint()
        s.v = 1
        raise KeyError
    try:
        await both(a, b)
    except* KeyError:
        pass


#@
async def test_parking_lot_one():
    lot = trio.lowlevel.ParkingLot()
    s = S(v=0)
    async def a():
        await lot.park()
        assert s.v == 1
    async def b():
        while not lot:
            await checkpoint()
        s.v = 1
        lot.unpark()
    await both(a, b)


#@
async def test_wait_all_tasks_blocked_orders():
    s = S(v=0)
    async def a():
        s.v = 1
        await checkpoint()
        s.v = 2
        await trio.sleep_forever()
    async with trio.open_nursery() as n:
        n.start_soon(a)
        await trio.testing.wait_all_tasks_blocked()
        assert s.v == 2
        s.v = 3
        n.cancel_scope.cancel()


#@
async def test_future_like():
    class Fut:
        def __init__(self):
            self.ev = trio.Event()
            self.value = None
        def set(self, v):
            self.value = v
            self.ev.set()
        async def get(self):
            await self.ev.wait()
            return self.value
    f = Fut()
    async def a():
        await checkpoint()
        f.set(3)
    async def b(): assert await f.get() == 3
    await both(a, b, b)


#@ d=value
async def test_future_like_peek():
    class Fut:
        def __init__(self):
            self.ev = trio.Event()
            self.value = None
        def set(self, v):
            self.value = v
            self.ev.set()
    f = Fut()
    async def a():
        await checkpoint()
        f.set(3)
    async def b(): assert f.value in (None, 3)
    await both(a, b)


#@
async def test_is_set_polled():
    e = trio.Event()
    s = S(v=0)
    async def a():
        await checkpoint()
        s.v = 1
        e.set()
    async def b():
        while not e.is_set():
            await checkpoint()
        assert s.v == 1
    await both(a, b)


#@
def test_two_runs():
    s = S(v=0)
    async def main():
        old = s.v
        await checkpoint()
        s.v = old + 1
    trio.run(main)
    trio.run(main)
    assert s.v == 2


#@ d=v
def test_two_runs_second_race():
    s = S(v=0)
    async def w(k): s.v = k
    async def main():
        async with trio.open_nursery() as n:
            n.start_soon(w, 1)
            n.start_soon(w, 2)
    trio.run(main)
    trio.run(main)


#@
async def test_system_task_finishing_event():
    s = S(v=0)
    done = trio.Event()
    async def sysw():
        s.v = 1
        done.set()
    trio.lowlevel.spawn_system_task(sysw)
    await done.wait()
    assert s.v == 1


#@ d=v
async def test_system_task_unordered():
    s = S(v=0)
    done = trio.Event()
    async def sysw():
        await checkpoint()
        s.v = 1
        done.set()
    trio.lowlevel.spawn_system_task(sysw)
    await checkpoint()
    assert s.v in (0, 1)
    await done.wait()


#@
async def test_grandchild_nursery_passed():
    s = S(v=0)
    async def leaf(): s.v = 1
    async def mid(n):
        await checkpoint()
        n.start_soon(leaf)
    async with trio.open_nursery() as n:
        n.start_soon(mid, n)
    assert s.v == 1


#@ d=v
async def test_grandchild_against_mid():
    s = S(v=0)
    async def leaf(): s.v = 1
    async def mid(n):
        n.start_soon(leaf)
        await checkpoint()
        assert s.v in (0, 1)
    async with trio.open_nursery() as n:
        n.start_soon(mid, n)


#@
async def test_memory_stream_pair():
    x, y = trio.testing.memory_stream_pair()
    s = S(v=0)
    async def a():
        s.v = 1
        await x.send_all(b"go")
        assert await x.receive_some() == b"ok"
        assert s.v == 2
    async def b():
        assert await y.receive_some() == b"go"
        s.v += 1
        await y.send_all(b"ok")
    await both(a, b)


#@
async def test_agen_finalised_in_own_task():
    s = S(v=0)
    async def gen():
        try:
            yield 1
            yield 2
        finally:
            s.v += 1
    async def a():
        async with contextlib.aclosing(gen()) as g:
            async for x in g:
                break
    await a()
    await a()
    assert s.v == 2


#@
async def test_start_with_inner_nursery_acm():
    s = S(v=0)
    @contextlib.asynccontextmanager
    async def service():
        async with trio.open_nursery() as n:
            async def run(task_status=trio.TASK_STATUS_IGNORED):
                s.v = 1
                task_status.started()
                await trio.sleep_forever()
            await n.start(run)
            yield
            n.cancel_scope.cancel()
    async with service():
        assert s.v == 1
        s.v = 2


# ---- threads
#@ d=v
async def test_thread_writes_loop_reads():
    s = S(v=0)
    def work(): s.v = 1
    async def a(): await trio.to_thread.run_sync(work)
    async def b(): assert s.v in (0, 1)
    await both(a, b)


#@
async def test_thread_then_read():
    s = S(v=0)
    def work():
        s.v += 1
    await trio.to_thread.run_sync(work)
    await trio.to_thread.run_sync(work)
    assert s.v == 2


#@ d=v
async def test_two_threads_increment():
    s = S(v=0)
    def work(): s.v += 1
    async def a(): await trio.to_thread.run_sync(work)
    await both(a, a)


#@
async def test_two_threads_locked():
    s = S(v=0)
    lock = threading.Lock()
    def work():
        with lock:
            s.v += 1
    async def a(): await trio.to_thread.run_sync(work)
    await both(a, a)
    assert s.v == 2


#@
async def test_limiter_one_serialises_threads():
    s = S(v=0)
    lim = trio.CapacityLimiter(1)
    def work(): s.v += 1
    async def a(): await trio.to_thread.run_sync(work, limiter=lim)
    await both(a, a)
    assert s.v == 2


#@ d=v
async def test_limiter_two_threads():
    s = S(v=0)
    lim = trio.CapacityLimiter(2)
    def work(): s.v += 1
    async def a(): await trio.to_thread.run_sync(work, limiter=lim)
    await both(a, a)


#@
async def test_trio_lock_around_thread():
    s = S(v=0)
    lock = trio.Lock()
    def work(v): s.v = v
    async def a():
        async with lock:
            v = s.v
            await trio.to_thread.run_sync(work, v + 1)
    await both(a, a)
    assert s.v == 2


#@ b=v
async def test_thread_in_section():
    s = S(v=0)
    def work(v): return v + 1
    async def a():
        v = s.v
        v = await trio.to_thread.run_sync(work, v)
        s.v = v
    async def b():
        v = s.v
        v = await trio.to_thread.run_sync(work, v)
        s.v = v + 5
    await both(a, b)


#@
async def test_from_thread_serialised_by_the_loop():
    s = S(log=())
    def work():
        s.log = (1,)
        trio.from_thread.run_sync(check)
    def check(): assert s.log == (1,)
    await trio.to_thread.run_sync(work)
    assert s.log == (1,)


#@
async def test_queue_between_threads():
    q = queue.Queue()
    s = S(v=0)
    def prod():
        s.v = 7
        q.put(None)
    def cons():
        q.get()
        assert s.v == 7
    async def a(): await trio.to_thread.run_sync(prod)
    async def b(): await trio.to_thread.run_sync(cons)
    await both(a, b)


#@ d=v
async def test_queue_written_after_put():
    q = queue.Queue()
    s = S(v=0)
    def prod():
        q.put(None)
        s.v = 7
    def cons():
        q.get()
        assert s.v in (0, 7)
    async def a(): await trio.to_thread.run_sync(prod)
    async def b(): await trio.to_thread.run_sync(cons)
    await both(a, b)


#@
async def test_token_run_sync_soon_sets_event():
    s = S(v=0)
    ev = trio.Event()
    token = trio.lowlevel.current_trio_token()
    def work():
        s.v = 1
        token.run_sync_soon(ev.set)
    async def a(): await trio.to_thread.run_sync(work)
    async def b():
        await ev.wait()
        assert s.v == 1
    await both(a, b)


#@
async def test_thread_pool_future_result():
    s = S(v=0)
    def work():
        s.v = 1
        return 5
    def driver():
        with concurrent.futures.ThreadPoolExecutor(2) as ex:
            assert ex.submit(work).result() == 5
            assert s.v == 1
    await trio.to_thread.run_sync(driver)


#@
async def test_plain_thread_join():
    s = S(v=0)
    def work(): s.v = 1
    t = threading.Thread(target=work)
    t.start()
    await trio.to_thread.run_sync(t.join)
    assert s.v == 1


#@
async def test_executor_wait_and_done_callback():
    s = S(v=0)
    ev = trio.Event()
    token = trio.lowlevel.current_trio_token()
    def work(): s.v = 1
    with concurrent.futures.ThreadPoolExecutor(1) as ex:
        fut = ex.submit(work)
        fut.add_done_callback(lambda f: token.run_sync_soon(ev.set))
        await ev.wait()
        assert s.v == 1


#@
async def test_from_thread_run_async():
    s = S(v=0)
    async def inc():
        v = s.v
        await checkpoint()
        s.v = v + 1
    def work():
        trio.from_thread.run(inc)
        assert s.v == 1
    await trio.to_thread.run_sync(work)
    assert s.v == 1


#@ b=v
async def test_from_thread_run_two():
    s = S(v=0)
    async def inc(k):
        v = s.v
        await checkpoint()
        s.v = v + k
    async def a(): await trio.to_thread.run_sync(trio.from_thread.run, inc, 1)
    async def b(): await trio.to_thread.run_sync(trio.from_thread.run, inc, 2)
    await both(a, b)


#@
async def test_timer_thread():
    s = S(v=0)
    done = threading.Event()
    def fire():
        s.v = 1
        done.set()
    t = threading.Timer(0.001, fire)
    t.start()
    await trio.to_thread.run_sync(done.wait)
    assert s.v == 1
    t.join()


#@ c=out
async def test_executor_as_completed():
    out = {}
    def work(i):
        out[i] = i * i
        return i
    def driver():
        with concurrent.futures.ThreadPoolExecutor(2) as ex:
            for f in concurrent.futures.as_completed([ex.submit(work, i) for i in range(3)]):
                assert out[f.result()] == f.result() ** 2
    await trio.to_thread.run_sync(driver)


#@
async def test_thread_local():
    loc = threading.local()
    def work(k):
        loc.v = k
        assert loc.v == k
    async def a(): await trio.to_thread.run_sync(work, 1)
    async def b(): await trio.to_thread.run_sync(work, 2)
    await both(a, b)


#@
async def test_condition_threading_handoff():
    c = threading.Condition()
    s = S(items=[], done=False)
    def prod():
        with c:
            s.items.append(1)
            c.notify()
    def cons():
        with c:
            c.wait_for(lambda: s.items)
            assert s.items.pop() == 1
    async def a(): await trio.to_thread.run_sync(prod)
    async def b(): await trio.to_thread.run_sync(cons)
    await both(a, b)


