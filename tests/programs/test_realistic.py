"""Realistic small classes: what people write, right and wrong."""

import enum
import math
import random
import threading
import queue
from collections import OrderedDict, defaultdict, deque
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import attrs
import trio
import trio.testing
from trio.lowlevel import checkpoint

EXPECT = {
    "test_bank_transfer": {"data-race": ["accounts"], "section": ["accounts"], "other": [], "origin": "own: review"},
    "test_batch_cleared_after_sending": {"data-race": ["batch"], "section": ["batch"], "other": [], "origin": "own: review"},
    "test_batch_swapped_out": {"data-race": ["batch"], "section": [], "other": [], "origin": "own: review"},
    "test_broadcast": {"data-race": ["_subscribers"], "section": [], "other": [], "origin": "own: review"},
    "test_chat_join": {"data-race": ["users"], "section": ["users"], "other": [], "origin": "own: review"},
    "test_chat_join_in_one_step": {"data-race": ["users"], "section": [], "other": [], "filtered": {"users": "covered"}, "origin": "own: review"},
    "test_circuit_breaker": {"data-race": ["failures", "open"], "section": [], "other": [], "filtered": {"failures": "commuting", "open": "covered"}, "origin": "own: review"},
    "test_closed_twice": {"data-race": ["closed", "steps"], "section": ["closed"], "other": [], "filtered": {"steps": "commuting"}, "origin": "own: review"},
    "test_connection_phases": {"data-race": ["phase"], "section": [], "other": [], "origin": "own: review"},
    "test_connection_pool": {"data-race": ["_free", "_made"], "section": [], "other": [], "filtered": {"_free": "covered", "_made": "commuting"}, "origin": "own: review"},
    "test_event_queue": {"data-race": ["_items", "_event"], "section": [], "other": [], "filtered": {"_event": "covered", "_items": "covered"}, "origin": "own: review"},
    "test_free_list_through_a_channel": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_gathered_by_index": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_heartbeat": {"data-race": ["last"], "section": [], "other": [], "origin": "own: review"},
    "test_identifier_across_a_checkpoint": {"data-race": ["next_id", "rows"], "section": ["next_id"], "other": [], "filtered": {"rows": "commuting"}, "origin": "own: review"},
    "test_inventory": {"data-race": ["stock"], "section": ["stock"], "other": [], "origin": "own: review"},
    "test_keyed_locks": {"data-race": ["_locks"], "section": [], "other": [], "filtered": {"_locks": "covered"}, "origin": "own: review"},
    "test_last_one_sets_the_event": {"data-race": ["done"], "section": [], "other": [], "filtered": {"done": "commuting"}, "origin": "own: review"},
    "test_line_reader_of_one_task": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lru_under_a_lock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_objects_of_one_task_in_turn": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_once_by_flag_and_event": {"data-race": ["_started"], "section": [], "other": [], "filtered": {"_started": "covered"}, "origin": "own: review"},
    "test_once_wrong": {"data-race": ["_done", "result"], "section": ["_done"], "other": [], "origin": "own: review"},
    "test_own_async_iterator": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_ping_pong": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_pipeline_of_ownership": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_pool_opens_too_many": {"data-race": ["open"], "section": ["open"], "other": [], "origin": "own: review"},
    "test_priority_queue": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_queue_polled_from_a_task": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_rate_limiter": {"data-race": ["tokens"], "section": [], "other": [], "filtered": {"tokens": "commuting"}, "origin": "own: review"},
    "test_refcount": {"data-race": ["count"], "section": [], "other": [], "filtered": {"count": "commuting"}, "origin": "own: review"},
    "test_refresh_checked_outside_only": {"data-race": ["token"], "section": ["token"], "other": [], "origin": "own: review"},
    "test_refresh_checked_twice": {"data-race": ["token"], "section": [], "other": [], "origin": "own: review"},
    "test_request_and_reply": {"data-race": ["next_id", "futures"], "section": [], "other": [], "filtered": {"futures": "commuting", "next_id": "commuting"}, "origin": "own: review"},
    "test_session_read_back": {"data-race": ["user"], "section": ["user"], "other": [], "origin": "own: review"},
    "test_setting_overridden_for_a_while": {"data-race": ["config"], "section": ["config"], "other": [], "origin": "own: review"},
    "test_shared_async_iterator": {"data-race": ["page"], "section": ["page"], "other": [], "origin": "own: review"},
    "test_statistics": {"data-race": ["hits", "by_key"], "section": [], "other": [], "filtered": {"hits": "commuting"}, "origin": "own: review"},
    "test_successive_nurseries": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_supervisor": {"data-race": ["restarts"], "section": [], "other": [], "filtered": {"restarts": "commuting"}, "origin": "own: review"},
    "test_threading_event_already_set": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_threading_event_seen_in_a_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_user_made_barrier": {"data-race": ["count", "event", "value"], "section": [], "other": [], "filtered": {"count": "covered", "event": "covered", "value": "covered"}, "origin": "own: review"},
    "test_wait_group_between_read_and_write": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
}


class Cell:
    def __init__(self, value=0):
        self.value = value


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


class WaitGroup:
    def __init__(self):
        self._count = 0
        self._zero = trio.Condition()

    async def add(self):
        async with self._zero:
            self._count += 1

    async def done(self):
        async with self._zero:
            self._count -= 1
            self._zero.notify_all()

    async def wait(self):
        async with self._zero:
            while self._count:
                await self._zero.wait()


async def test_wait_group_between_read_and_write():
    cell = Cell()
    group = WaitGroup()
    await group.add()

    async def work():
        cell.value = 5
        await group.done()

    async with trio.open_nursery() as nursery:
        cell.value = 1
        nursery.start_soon(work)
        for _ in range(5):
            await checkpoint()
        await group.wait()
        assert cell.value == 5


async def test_threading_event_already_set():
    cell = Cell()
    event = threading.Event()

    def work():
        cell.value = 5
        event.set()

    cell.value = 1
    thread = threading.Thread(target=work)
    thread.start()
    await trio.to_thread.run_sync(thread.join)
    event.wait()
    assert cell.value == 5


async def test_threading_event_seen_in_a_thread():
    cell = Cell()
    event = threading.Event()

    def work():
        cell.value = 5
        event.set()

    cell.value = 1
    thread = threading.Thread(target=work)
    thread.start()
    while not event.is_set():
        await trio.sleep(0.001)
    assert cell.value == 5
    thread.join()


async def test_queue_polled_from_a_task():
    cell = Cell()
    q = queue.Queue()

    def work():
        cell.value = 5
        q.put(1)

    cell.value = 1
    thread = threading.Thread(target=work)
    thread.start()
    while True:
        try:
            q.get_nowait()
            break
        except queue.Empty:
            await trio.sleep(0.001)
    assert cell.value == 5
    thread.join()


class Pool:
    """Connections, with a limiter in front."""

    def __init__(self, size):
        self._free = []
        self._made = 0
        self._limit = trio.CapacityLimiter(size)

    @asynccontextmanager
    async def connection(self):
        async with self._limit:
            if self._free:
                c = self._free.pop()
            else:
                self._made += 1
                c = await fetch(object())
            try:
                yield c
            finally:
                self._free.append(c)


async def test_connection_pool():
    pool = Pool(2)

    async def f(n):
        async with pool.connection():
            await checkpoint()

    await both(f)
    assert len(pool._free) == 2


class MaxPool:
    """The same without a limiter: the check and the count are a checkpoint apart."""

    def __init__(self):
        self.open = 0

    async def connect(self, n):
        if self.open >= 1:
            return None
        c = await fetch(n)
        self.open += 1
        return c


async def test_pool_opens_too_many():
    pool = MaxPool()
    await both(pool.connect)
    assert pool.open == 2


class LRU:
    def __init__(self):
        self._cache = OrderedDict()
        self._lock = trio.Lock()

    async def get(self, key):
        async with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            value = await fetch(key)
            self._cache[key] = value
            if len(self._cache) > 1:
                self._cache.popitem(last=False)
            return value


async def test_lru_under_a_lock():
    lru = LRU()
    await both(lru.get)
    assert len(lru._cache) == 1


class Once:
    def __init__(self):
        self._started = False
        self._done = trio.Event()
        self.result = None

    async def get(self, n):
        if not self._started:
            self._started = True
            self.result = await fetch(n)
            self._done.set()
        else:
            await self._done.wait()
        return self.result


async def test_once_by_flag_and_event():
    once = Once()

    async def f(n):
        assert await once.get(n) in (1, 2)

    await both(f)


class OnceWrong:
    def __init__(self):
        self._done = False
        self.result = None

    async def get(self, n):
        if not self._done:
            self.result = await fetch(n)
            self._done = n
        return self.result


async def test_once_wrong():
    once = OnceWrong()

    async def f(n):
        assert await once.get(n) in (1, 2)

    await both(f)


class KeyedLocks:
    def __init__(self):
        self._locks = defaultdict(trio.Lock)
        self.data = {}

    async def get(self, key, n):
        async with self._locks[key]:
            if key not in self.data:
                self.data[key] = await fetch(n)
            return self.data[key]


async def test_keyed_locks():
    k = KeyedLocks()

    async def f(n):
        assert await k.get("a", n) in (1, 2)

    await both(f)


class Broadcast:
    def __init__(self):
        self._subscribers = set()

    @asynccontextmanager
    async def subscribe(self):
        send, receive = trio.open_memory_channel(math.inf)
        self._subscribers.add(send)
        try:
            yield receive
        finally:
            self._subscribers.remove(send)

    async def publish(self, value):
        for send in list(self._subscribers):
            await send.send(value)


async def test_broadcast():
    b = Broadcast()

    async def listen():
        async with b.subscribe() as receive:
            with trio.move_on_after(0.01):
                await receive.receive()

    async def publish():
        await checkpoint()
        await b.publish(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        nursery.start_soon(publish)


class RateLimiter:
    def __init__(self):
        self.tokens = 1

    async def take(self, n):
        while self.tokens < 1:
            await checkpoint()
        self.tokens -= 1

    def refill(self):
        self.tokens += 1


async def test_rate_limiter():
    r = RateLimiter()

    async def refill():
        await checkpoint()
        r.refill()
        await checkpoint()
        r.refill()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(r.take, 1)
        nursery.start_soon(r.take, 2)
        nursery.start_soon(refill)


class Breaker:
    def __init__(self):
        self.failures = 0
        self.open = False

    async def call(self, function):
        if self.open:
            return None
        try:
            return await function()
        except ValueError:
            self.failures += 1
            if self.failures >= 2:
                self.open = True


async def test_circuit_breaker():
    b = Breaker()

    async def bad():
        await checkpoint()
        raise ValueError

    async def f(n):
        await b.call(bad)

    await both(f)
    assert b.failures == 2


class Phase(enum.Enum):
    NEW = 1
    OPENING = 2
    OPEN = 3
    CLOSED = 4


class Connection:
    def __init__(self):
        self.phase = Phase.NEW
        self._lock = trio.Lock()

    async def open(self):
        if self.phase is not Phase.NEW:
            raise RuntimeError
        self.phase = Phase.OPENING
        await checkpoint()
        if self.phase is Phase.OPENING:
            self.phase = Phase.OPEN

    async def close(self):
        if self.phase is Phase.CLOSED:
            return
        self.phase = Phase.CLOSED
        await checkpoint()


async def test_connection_phases():
    c = Connection()

    async def close():
        await checkpoint()
        await c.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(c.open)
        nursery.start_soon(close)


class Refcounted:
    def __init__(self):
        self.count = 0
        self.resource = None

    async def __aenter__(self):
        self.count += 1
        if self.count == 1:
            assert self.resource is None
        await checkpoint()

    async def __aexit__(self, *exc):
        self.count -= 1
        if self.count == 0:
            assert self.resource is None
        await checkpoint()


async def test_refcount():
    r = Refcounted()

    async def f(n):
        async with r:
            await checkpoint()

    await both(f)
    assert r.count == 0


class PriorityQueue:
    def __init__(self):
        self._items = []
        self._nonempty = trio.Condition()

    async def put(self, item):
        async with self._nonempty:
            self._items.append(item)
            self._items.sort()
            self._nonempty.notify()

    async def get(self):
        async with self._nonempty:
            while not self._items:
                await self._nonempty.wait()
            return self._items.pop(0)


async def test_priority_queue():
    q = PriorityQueue()
    got = []

    async def producer(n):
        await q.put(n)

    async def consumer():
        for _ in range(2):
            got.append(await q.get())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consumer)
        nursery.start_soon(producer, 1)
        nursery.start_soon(producer, 2)
    assert sorted(got) == [1, 2]


class EventQueue:
    """A queue from a deque and an event that is replaced."""

    def __init__(self):
        self._items = deque()
        self._event = trio.Event()

    def put(self, item):
        self._items.append(item)
        self._event.set()

    async def get(self):
        while not self._items:
            self._event = trio.Event()
            await self._event.wait()
        return self._items.popleft()


async def test_event_queue():
    q = EventQueue()

    async def put():
        await checkpoint()
        q.put(1)

    async def get():
        assert await q.get() == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(get)
        nursery.start_soon(put)


@dataclass
class Stats:
    hits: int = 0
    misses: int = 0
    by_key: dict = field(default_factory=dict)

    def hit(self, key):
        self.hits += 1
        self.by_key[key] = self.by_key.get(key, 0) + 1


async def test_statistics():
    stats = Stats()

    async def f(n):
        await checkpoint()
        stats.hit("a")
        await checkpoint()
        stats.hit("a")

    await both(f)
    assert stats.hits == 4


class Refresher:
    """Keeps a token; refreshes it if it is old."""

    def __init__(self):
        self.token = None
        self.expires = 0
        self._lock = trio.Lock()

    async def right(self, n):
        if self.token is None:
            async with self._lock:
                if self.token is None:
                    self.token = await fetch(n)
        return self.token

    async def wrong(self, n):
        if self.token is None:
            async with self._lock:
                self.token = await fetch(n)
        return self.token


async def test_refresh_checked_twice():
    r = Refresher()
    await both(r.right)


async def test_refresh_checked_outside_only():
    r = Refresher()
    await both(r.wrong)


class Inventory:
    def __init__(self):
        self.stock = {"a": 2}

    def available(self, key):
        return self.stock.get(key, 0) > 0

    async def reserve(self, key, n):
        if not self.available(key):
            raise KeyError(key)
        await checkpoint()
        self.stock[key] -= n


async def test_inventory():
    inventory = Inventory()

    async def f(n):
        await inventory.reserve("a", n)

    await both(f)
    assert inventory.stock["a"] == -1


class Bank:
    def __init__(self):
        self.accounts = {"a": 100, "b": 0}

    async def transfer(self, source, target, amount):
        if self.accounts[source] < amount:
            return False
        await checkpoint()
        self.accounts[source] -= amount
        self.accounts[target] += amount
        return True


async def test_bank_transfer():
    bank = Bank()

    async def f(n):
        await bank.transfer("a", "b", 60 + n)

    await both(f)
    assert sum(bank.accounts.values()) == 100


class Chat:
    def __init__(self):
        self.users = {}

    async def join(self, name, n):
        if name in self.users:
            raise ValueError
        await checkpoint()
        self.users[name] = n

    async def join_right(self, name, n):
        if name in self.users:
            return
        self.users[name] = n
        try:
            await checkpoint()
        finally:
            del self.users[name]


async def test_chat_join():
    chat = Chat()

    async def f(n):
        await chat.join("ada", n)

    await both(f)


async def test_chat_join_in_one_step():
    chat = Chat()

    async def f(n):
        await chat.join_right("ada", n)

    await both(f)
    assert not chat.users


class Pending:
    def __init__(self):
        self.futures = {}
        self.next_id = 0

    async def request(self, send):
        self.next_id += 1
        ident = self.next_id
        event = trio.Event()
        self.futures[ident] = event
        await send(ident)
        await event.wait()
        del self.futures[ident]
        return ident

    def reply(self, ident):
        self.futures[ident].set()


async def test_request_and_reply():
    p = Pending()
    send, receive = trio.open_memory_channel(2)

    async def server():
        for _ in range(2):
            ident = await receive.receive()
            p.reply(ident)

    async def client(n):
        await p.request(send.send)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server)
        nursery.start_soon(client, 1)
        nursery.start_soon(client, 2)


class NextId:
    def __init__(self):
        self.next_id = 0
        self.rows = {}

    async def insert(self, row):
        ident = self.next_id
        await checkpoint()
        self.rows[ident] = row
        self.next_id = ident + row


async def test_identifier_across_a_checkpoint(autojump_clock):
    t = NextId()
    await apart(t.insert)
    assert len(t.rows) == 2


class Buffer:
    def __init__(self):
        self.data = bytearray()

    async def read_line(self, receive):
        while b"\n" not in self.data:
            self.data += await receive()
        index = self.data.index(b"\n")
        line = bytes(self.data[:index])
        del self.data[: index + 1]
        return line


async def test_line_reader_of_one_task():
    b = Buffer()
    parts = [b"ab", b"c\n", b"d\n"]

    async def receive():
        await checkpoint()
        return parts.pop(0)

    assert await b.read_line(receive) == b"abc"
    assert await b.read_line(receive) == b"d"


class Batcher:
    def __init__(self):
        self.batch = []

    async def add(self, item):
        self.batch.append(item)
        if len(self.batch) >= 2:
            batch, self.batch = self.batch, []
            await checkpoint()
            assert len(batch) == 2

    async def add_wrong(self, item):
        self.batch.append(item)
        if len(self.batch) >= 1:
            await fetch(list(self.batch))
            self.batch.clear()


async def test_batch_swapped_out():
    b = Batcher()
    await both(b.add)
    assert b.batch == []


async def test_batch_cleared_after_sending():
    b = Batcher()
    await both(b.add_wrong)


class Heartbeat:
    def __init__(self):
        self.last = 0.0
        self.alive = True

    async def watch(self):
        while self.alive:
            seen = self.last
            await trio.sleep(1)
            if self.last == seen:
                self.alive = False

    async def beat(self):
        for i in range(3):
            await trio.sleep(0.6)
            self.last = 1.0 + i


async def test_heartbeat(autojump_clock):
    h = Heartbeat()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(h.watch)
        nursery.start_soon(h.beat)
    assert not h.alive


class Progress:
    def __init__(self):
        self.done = 0
        self.total = 2
        self.finished = trio.Event()

    async def work(self, n):
        await checkpoint()
        self.done += 1
        if self.done == self.total:
            self.finished.set()


async def test_last_one_sets_the_event():
    p = Progress()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(p.work, 1)
        nursery.start_soon(p.work, 2)
        await p.finished.wait()
    assert p.done == 2


class Barrier:
    def __init__(self, n):
        self.n = n
        self.count = 0
        self.event = trio.Event()

    async def wait(self):
        self.count += 1
        if self.count == self.n:
            self.count = 0
            self.event.set()
            self.event = trio.Event()
        else:
            await self.event.wait()


async def test_user_made_barrier():
    barrier = Barrier(2)
    cells = [Cell(), Cell()]

    async def f(n):
        cells[n - 1].value = n
        await barrier.wait()
        assert cells[0].value + cells[1].value == 3

    await both(f)


class Supervisor:
    def __init__(self):
        self.restarts = 0

    async def run(self, function):
        while True:
            try:
                await function()
                return
            except ValueError:
                self.restarts += 1
                if self.restarts > 3:
                    raise


async def test_supervisor():
    s = Supervisor()
    tries = {1: 0, 2: 0}

    async def f(n):
        async def work():
            await checkpoint()
            tries[n] += 1
            if tries[n] == 1:
                raise ValueError

        await s.run(work)

    await both(f)
    assert s.restarts == 2


@contextmanager
def overridden(config, key, value):
    old = config[key]
    config[key] = value
    try:
        yield
    finally:
        config[key] = old


async def test_setting_overridden_for_a_while():
    config = {"level": 0}

    async def f(n):
        with overridden(config, "level", n):
            await checkpoint()

    await both(f)


class Session:
    def __init__(self):
        self.user = None

    async def log_in(self, name):
        self.user = await fetch(name)
        await checkpoint()
        return f"hello {self.user}"


async def test_session_read_back():
    s = Session()

    async def f(n):
        await s.log_in(n)

    await both(f)


class Closer:
    def __init__(self):
        self.closed = False
        self.steps = []

    async def aclose(self, n):
        if self.closed:
            return
        await checkpoint()
        self.closed = n
        self.steps.append(n)


async def test_closed_twice():
    c = Closer()
    await both(c.aclose)
    assert sorted(c.steps) == [1, 2]


class Paginator:
    def __init__(self):
        self.page = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.page >= 3:
            raise StopAsyncIteration
        page = self.page
        await checkpoint()
        self.page = page + 1
        return page


async def test_shared_async_iterator():
    p = Paginator()

    async def f(n):
        async for _ in p:
            if n == 2:
                break

    await both(f)


async def test_own_async_iterator():
    async def f(n):
        p = Paginator()
        async for _ in p:
            pass
        assert p.page == 3

    await both(f)


async def test_objects_of_one_task_in_turn():
    cells = {}

    async def f(n):
        cell = cells.setdefault(n, Cell())
        v = cell.value
        await checkpoint()
        cell.value = v + n

    await f(1)
    await f(1)
    assert cells[1].value == 2


async def test_successive_nurseries():
    cell = Cell()

    async def f(n):
        v = cell.value
        await checkpoint()
        cell.value = v + n

    for n in (1, 2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(f, n)
    assert cell.value == 3


async def test_ping_pong():
    cell = Cell()
    a_send, a_receive = trio.open_memory_channel(0)
    b_send, b_receive = trio.open_memory_channel(0)

    async def ping():
        for _ in range(3):
            v = cell.value
            await b_send.send(v)
            cell.value = await a_receive.receive()

    async def pong():
        for _ in range(3):
            v = await b_receive.receive()
            cell.value = v + 1
            await a_send.send(v + 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ping)
        nursery.start_soon(pong)
    assert cell.value == 6


async def test_pipeline_of_ownership():
    one_s, one_r = trio.open_memory_channel(1)
    two_s, two_r = trio.open_memory_channel(1)

    async def first():
        async with one_s:
            for n in range(3):
                await one_s.send({"n": n})

    async def second():
        async with two_s:
            async for d in one_r:
                n = d["n"]
                await checkpoint()
                d["n"] = n + 1
                await two_s.send(d)

    total = []

    async def third():
        async for d in two_r:
            total.append(d["n"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        nursery.start_soon(second)
        nursery.start_soon(third)
    assert total == [1, 2, 3]


async def test_free_list_through_a_channel():
    send, receive = trio.open_memory_channel(2)
    for _ in range(2):
        await send.send(Cell())

    async def f(n):
        for _ in range(3):
            cell = await receive.receive()
            v = cell.value
            await checkpoint()
            cell.value = v + 1
            await send.send(cell)

    async with trio.open_nursery() as nursery:
        for n in range(3):
            nursery.start_soon(f, n)


async def test_gathered_by_index():
    results = [None] * 2

    async def f(i):
        results[i] = await fetch(i)

    async with trio.open_nursery() as nursery:
        for i in range(2):
            nursery.start_soon(f, i)
    assert results == [0, 1]
