"""Programs of a third review: pools, caches, sessions, services and their locks, each with a twin that differs in one thing."""
# ruff: noqa
from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_pool_makes_too_many": {"data-race": ["size"], "section": ["size"], "other": [], "origin": "own: third review"},
    "test_pool_counts_first": {"data-race": ["size"], "section": [], "other": [], "origin": "own: third review", "filtered": {"size": "commuting"}},
    "test_pool_takes_out_and_puts_back": {"data-race": ["idle"], "section": [], "other": [], "origin": "own: third review"},
    "test_cache_filled_by_background_task": {"data-race": ["cache"], "section": ["cache"], "other": [], "origin": "own: third review"},
    "test_cache_with_placeholder": {"data-race": ["loading"], "section": [], "other": [], "origin": "own: third review"},
    "test_per_key_locks": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_bucket_refilled_late": {"data-race": ["tokens"], "section": ["tokens"], "other": [], "origin": "own: third review"},
    "test_bucket_checked_again": {"data-race": ["tokens"], "section": [], "other": [], "origin": "own: third review"},
    "test_session_replaced_by_two": {"data-race": ["session"], "section": ["session"], "other": [], "origin": "own: third review"},
    "test_session_under_lock": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_session_double_check": {"data-race": ["session"], "section": [], "other": [], "origin": "own: third review"},
    "test_states_of_one_task": {"data-race": ["state"], "section": [], "other": [], "origin": "own: third review"},
    "test_publish_to_a_copy": {"data-race": ["subscribers"], "section": [], "other": [], "origin": "own: third review", "filtered": {"subscribers": "commuting"}},
    "test_jobs_by_channel": {"data-race": ["results"], "section": [], "other": [], "origin": "own: third review", "filtered": {"results": "commuting"}},
    "test_retry_counts_by_hand": {"data-race": ["attempts"], "section": ["attempts"], "other": [], "origin": "own: third review"},
    "test_retry_adds": {"data-race": ["attempts"], "section": [], "other": [], "origin": "own: third review", "filtered": {"attempts": "commuting"}},
    "test_service_started_once": {"data-race": ["started"], "section": [], "other": [], "origin": "own: third review"},
    "test_service_started_twice": {"data-race": ["started"], "section": ["started"], "other": [], "origin": "own: third review"},
    "test_semaphore_of_one": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_limiter_of_one": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_semaphore_of_two": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_lock_held_by_the_caller": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_lock_taken_twice": {"data-race": [], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_owner_task": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_condition_held": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_condition_waits_between": {"data-race": [], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_flag_lock": {"data-race": ["busy", "v"], "section": [], "other": [], "origin": "own: third review", "filtered": {"v": "covered"}},
    "test_decorated_method": {"data-race": ["v"], "section": ["v"], "other": [], "origin": "own: third review"},
    "test_decorated_method_adds": {"data-race": ["v"], "section": [], "other": [], "origin": "own: third review", "filtered": {"v": "commuting"}},
    "test_handlers_read_and_started": {"data-race": ["handlers"], "section": [], "other": [], "origin": "own: third review"},
    "test_reader_marks_the_end": {"data-race": ["closed"], "section": [], "other": [], "origin": "own: third review"},
    "test_fields_that_carry_nothing_back": {"data-race": ["position"], "section": [], "other": [], "origin": "own: third review"},
    "test_closure_over_settings": {"data-race": ["level"], "section": [], "other": [], "origin": "own: third review"},
    "test_closure_over_an_own_object": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_results_gathered_in_a_local_list": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_results_gathered_by_children": {"data-race": ["results"], "section": [], "other": [], "origin": "own: third review", "filtered": {"results": "commuting"}},
    "test_parent_counts_and_children_add": {"data-race": ["done"], "section": [], "other": [], "origin": "own: third review", "filtered": {"done": "commuting"}},
    "test_child_stores_before_parent_goes_on": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
    "test_thread_stores_for_one_task": {"data-race": [], "section": [], "other": [], "origin": "own: third review"},
}


class S:
    def __init__(self, **fields): self.__dict__.update(fields)


async def both(*functions):
    async with trio.open_nursery() as nursery:
        for function in functions: nursery.start_soon(function)


def two(f):
    async def a(): await f(1)
    async def b(): await f(2)
    return both(a, b)


class Connection:
    def __init__(self, number): self.number, self.broken = number, False
    async def ping(self): await checkpoint()


async def test_pool_makes_too_many():
    class Pool:
        def __init__(self): self.idle, self.size = [], 0
        async def acquire(self):
            if self.size < 1:
                connection = Connection(self.size)
                await connection.ping()
                self.size += 1
                return connection
            return None
    pool = Pool()
    async def f(k): await pool.acquire()
    await two(f)


async def test_pool_counts_first():
    class Pool:
        def __init__(self): self.idle, self.size = [], 0
        async def acquire(self):
            if self.size < 1:
                self.size += 1
                connection = Connection(self.size)
                await connection.ping()
                return connection
            return None
    pool = Pool()
    async def f(k): await pool.acquire()
    await two(f)


async def test_pool_takes_out_and_puts_back():
    class Pool:
        def __init__(self): self.idle = collections.deque([Connection(0), Connection(1), Connection(2)])
        @contextlib.asynccontextmanager
        async def connection(self):
            c = self.idle.popleft()
            try:
                yield c
            finally:
                self.idle.append(c)
    pool = Pool()
    async def f(k):
        async with pool.connection() as c:
            await c.ping()
    await two(f)


async def test_cache_filled_by_background_task():
    class Cache:
        def __init__(self, nursery): self.nursery, self.cache = nursery, {}
        async def get(self, key, value):
            if key not in self.cache:
                self.nursery.start_soon(self._load, key, value)
                await checkpoint()
        async def _load(self, key, value):
            await checkpoint()
            self.cache[key] = value
    async with trio.open_nursery() as nursery:
        cache = Cache(nursery)
        nursery.start_soon(cache.get, "a", 1)
        nursery.start_soon(cache.get, "a", 2)


async def test_cache_with_placeholder():
    class Cache:
        def __init__(self, nursery): self.nursery, self.loading, self.values = nursery, {}, {}
        async def get(self, key, value):
            if key not in self.loading:
                self.loading[key] = trio.Event()
                self.nursery.start_soon(self._load, key, value)
            await self.loading[key].wait()
            return self.values[key]
        async def _load(self, key, value):
            await checkpoint()
            self.values[key] = value
            self.loading[key].set()
    async with trio.open_nursery() as nursery:
        cache = Cache(nursery)
        nursery.start_soon(cache.get, "a", 1)
        nursery.start_soon(cache.get, "a", 2)


async def test_per_key_locks():
    locks = collections.defaultdict(trio.Lock)
    values = {"a": 0}
    async def f(k):
        async with locks["a"]:
            v = values["a"]
            await checkpoint()
            values["a"] = v + k
    async with locks["a"]:
        pass
    await two(f)


async def test_bucket_refilled_late():
    class Bucket:
        def __init__(self): self.tokens = 5
        async def take(self, n):
            if self.tokens >= n:
                await checkpoint()
                self.tokens -= n
    bucket = Bucket()
    await two(bucket.take)


async def test_bucket_checked_again():
    class Bucket:
        def __init__(self): self.tokens = 5
        async def take(self, n):
            while self.tokens < n:
                await checkpoint()
            self.tokens -= n
    bucket = Bucket()
    await two(bucket.take)


async def test_session_replaced_by_two():
    class Client:
        def __init__(self): self.session = None
        async def ensure(self, k):
            if self.session is None or self.session.broken:
                fresh = Connection(k)
                await fresh.ping()
                self.session = fresh
    client = Client()
    await two(client.ensure)


async def test_session_under_lock():
    class Client:
        def __init__(self): self.session, self.lock = None, trio.Lock()
        async def ensure(self, k):
            async with self.lock:
                if self.session is None or self.session.broken:
                    fresh = Connection(k)
                    await fresh.ping()
                    self.session = fresh
    client = Client()
    await two(client.ensure)


async def test_session_double_check():
    class Client:
        def __init__(self): self.session, self.lock = None, trio.Lock()
        async def ensure(self, k):
            if self.session is None:
                async with self.lock:
                    if self.session is None:
                        fresh = Connection(k)
                        await fresh.ping()
                        self.session = fresh
    client = Client()
    await two(client.ensure)


async def test_states_of_one_task():
    class Socket:
        def __init__(self): self.state = "new"
        async def run(self):
            self.state = "opening"
            await checkpoint()
            self.state = "open"
            await checkpoint()
            self.state = "closed"
        async def watch(self):
            for _ in range(3):
                if self.state == "closed": break
                await checkpoint()
    s = Socket()
    await both(s.run, s.watch)


async def test_publish_to_a_copy():
    class Hub:
        def __init__(self): self.subscribers = set()
        async def subscribe(self, k):
            self.subscribers.add(k)
            await checkpoint()
            for each in list(self.subscribers):
                await checkpoint()
    hub = Hub()
    await two(hub.subscribe)


async def test_jobs_by_channel():
    send, receive = trio.open_memory_channel(4)
    results = {}
    async def worker(receive):
        async with receive:
            async for job in receive:
                await checkpoint()
                results[job] = job * 2
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker, receive.clone())
        nursery.start_soon(worker, receive.clone())
        receive.close()
        async with send:
            for job in range(4):
                await send.send(job)
    assert len(results) == 4


async def test_retry_counts_by_hand():
    s = S(attempts=0)
    async def f(k):
        for attempt in range(2):
            n = s.attempts
            try:
                await checkpoint()
            except OSError:
                continue
            s.attempts = n + k
            break
    await two(f)


async def test_retry_adds():
    s = S(attempts=0)
    async def f(k):
        for attempt in range(2):
            try:
                await checkpoint()
            except OSError:
                continue
            s.attempts += 1
            break
    await two(f)


async def test_service_started_once():
    class Service:
        def __init__(self, nursery): self.nursery, self.started, self.ready = nursery, False, trio.Event()
        async def use(self):
            if not self.started:
                self.started = True
                self.nursery.start_soon(self._run)
            await self.ready.wait()
        async def _run(self):
            await checkpoint()
            self.ready.set()
    async with trio.open_nursery() as nursery:
        service = Service(nursery)
        nursery.start_soon(service.use)
        nursery.start_soon(service.use)


async def test_service_started_twice():
    class Service:
        def __init__(self, nursery): self.nursery, self.started = nursery, 0
        async def use(self, k):
            if not self.started:
                await self.nursery.start(self._run, k)
        async def _run(self, k, task_status):
            await checkpoint()
            self.started = k
            task_status.started()
    async with trio.open_nursery() as nursery:
        service = Service(nursery)
        nursery.start_soon(service.use, 1)
        nursery.start_soon(service.use, 2)


async def test_semaphore_of_one():
    s, semaphore = S(v=0), trio.Semaphore(1)
    async def f(k):
        async with semaphore:
            v = s.v
            await checkpoint()
            s.v = v + k
    await two(f)


async def test_limiter_of_one():
    s, limiter = S(v=0), trio.CapacityLimiter(1)
    async def f(k):
        async with limiter:
            v = s.v
            await checkpoint()
            s.v = v + k
    await two(f)


async def test_semaphore_of_two():
    s, semaphore = S(v=0), trio.Semaphore(2)
    async def f(k):
        async with semaphore:
            v = s.v
            await checkpoint()
            s.v = v + k
    await two(f)


async def test_lock_held_by_the_caller():
    s, lock = S(v=0), trio.Lock()
    async def bump(k):
        async def store(v):
            s.v = v
        v = s.v
        await checkpoint()
        await store(v + k)
    async def f(k):
        async with lock:
            await bump(k)
    await two(f)


async def test_lock_taken_twice():
    s, lock = S(v=0), trio.Lock()
    async def f(k):
        async with lock:
            v = s.v
        await checkpoint()
        async with lock:
            s.v = v + k
    await two(f)


async def test_owner_task():
    send, receive = trio.open_memory_channel(0)
    s = S(v=0)
    async def owner():
        async for k in receive:
            v = s.v
            await checkpoint()
            s.v = v + k
    async def client(k, send):
        async with send:
            await send.send(k)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner)
        nursery.start_soon(client, 1, send.clone())
        nursery.start_soon(client, 2, send.clone())
        send.close()


async def test_condition_held():
    s, condition = S(v=0), trio.Condition()
    async def f(k):
        async with condition:
            v = s.v
            await checkpoint()
            s.v = v + k
            condition.notify()
    await two(f)


async def test_condition_waits_between():
    s, condition = S(v=0), trio.Condition()
    async def f(k):
        async with condition:
            v = s.v
            with trio.move_on_after(0.001):
                await condition.wait()
            s.v = v + k
    await two(f)


async def test_flag_lock():
    s = S(v=0, busy=False)
    async def f(k):
        while s.busy:
            await checkpoint()
        s.busy = True
        v = s.v
        await checkpoint()
        s.v = v + k
        s.busy = False
    await two(f)


async def test_decorated_method():
    def logged(function):
        @functools.wraps(function)
        async def wrapper(*args, **options):
            await checkpoint()
            return await function(*args, **options)
        return wrapper
    class A:
        def __init__(self): self.v = 0
        async def bump(self, k): await self.store(self.v + k)
        @logged
        async def store(self, v): self.v = v
    a = A()
    await two(a.bump)


async def test_decorated_method_adds():
    def logged(function):
        @functools.wraps(function)
        async def wrapper(*args, **options):
            await checkpoint()
            return await function(*args, **options)
        return wrapper
    class A:
        def __init__(self): self.v = 0
        async def bump(self, k): await self.add(k)
        @logged
        async def add(self, k): self.v += k
    a = A()
    await two(a.bump)


async def test_handlers_read_and_started():
    s = S(handlers=[], log=[])
    async def handle(event): s.log.append(event)
    async def emit(k):
        async with trio.open_nursery() as nursery:
            for handler in s.handlers:
                nursery.start_soon(handler, k)
        s.handlers.append(handle)
    await two(emit)


async def test_reader_marks_the_end():
    class Stream:
        def __init__(self, nursery): self.nursery, self.closed = nursery, False
        async def send(self):
            if self.closed: return
            self.nursery.start_soon(self._flush)
        async def _flush(self):
            await checkpoint()
        async def aclose(self):
            self.closed = True
            await checkpoint()
    async with trio.open_nursery() as nursery:
        stream = Stream(nursery)
        nursery.start_soon(stream.send)
        nursery.start_soon(stream.aclose)


async def test_fields_that_carry_nothing_back():
    class Reader:
        def __init__(self): self.position, self.seen = 0, 0
    reader = Reader()
    async def note():
        reader.seen = reader.position
        await checkpoint()
        assert reader.seen >= 0
    async def move():
        await checkpoint()
        reader.position = 7
    await both(note, move)


async def test_closure_over_settings():
    s = S(level=0, out=None)
    async def f():
        level = s.level
        async def work():
            await checkpoint()
            s.out = level
        await work()
    async def g():
        s.level = 2
    await both(f, g)


async def test_closure_over_an_own_object():
    async def f(k):
        box = S(n=0)
        async def work():
            n = box.n
            await checkpoint()
            box.n = n + 1
        await work()
        await work()
        assert box.n == 2
    await two(f)


async def test_results_gathered_in_a_local_list():
    async def f(k):
        results = []
        async def one(i):
            await checkpoint()
            results.append(i)
        await one(1)
        await one(len(results))
        assert results == [1, 1]
    await two(f)


async def test_results_gathered_by_children():
    results = []
    async def one(i):
        await checkpoint()
        results.append(i)
    async with trio.open_nursery() as nursery:
        for i in range(3):
            nursery.start_soon(one, i)
    assert sorted(results) == [0, 1, 2]


async def test_parent_counts_and_children_add():
    s = S(done=0)
    async def job():
        await checkpoint()
        s.done += 1
    async with trio.open_nursery() as nursery:
        for _ in range(3 - s.done):
            nursery.start_soon(job)
    assert s.done == 3


async def test_child_stores_before_parent_goes_on():
    s = S(n=0)
    async def store(v, task_status=trio.TASK_STATUS_IGNORED):
        s.n = v
        task_status.started()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            await nursery.start(store, s.n + 1)
    assert s.n == 3


async def test_thread_stores_for_one_task():
    s = S(n=0)
    def store(v): s.n = v
    for _ in range(3):
        await trio.to_thread.run_sync(store, s.n + 1)
    assert s.n == 3
