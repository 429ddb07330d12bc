"""What is no section."""

import functools
from collections import deque
from contextlib import asynccontextmanager, contextmanager

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_asserted_again": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_blind_write_after_unrelated_read": {"data-race": ["value", "log"], "section": [], "other": [], "filtered": {"log": "commuting"}, "origin": "own: review"},
    "test_check_in_a_helper_that_raises": {"data-race": ["guest"], "section": [], "other": [], "origin": "own: review"},
    "test_checked_again_by_early_return": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_children_write_between": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_claimed_by_a_set": {"data-race": ["claimed"], "section": [], "other": [], "filtered": {"claimed": "covered"}, "origin": "own: review"},
    "test_closed_looked_at_before_and_after": {"data-race": ["closed"], "section": [], "other": [], "origin": "own: review"},
    "test_compare_and_swap_loop": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_condition_on_a_constant_local": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_conflict_detector": {"data-race": ["_busy", "data"], "section": [], "other": [], "filtered": {"_busy": "covered", "data": "covered"}, "origin": "own: review"},
    "test_counting_in_and_out": {"data-race": ["active"], "section": [], "other": [], "filtered": {"active": "commuting"}, "origin": "own: review"},
    "test_counting_slots": {"data-race": ["free"], "section": [], "other": [], "origin": "own: review"},
    "test_current_task_saved_and_restored": {"data-race": ["task"], "section": [], "other": [], "origin": "own: review"},
    "test_event_put_before_waiting": {"data-race": ["waiting"], "section": [], "other": [], "filtered": {"waiting": "covered"}, "origin": "own: review"},
    "test_every_task_its_own_key": {"data-race": ["totals"], "section": [], "other": [], "filtered": {"totals": "commuting"}, "origin": "own: review"},
    "test_idempotent_close": {"data-race": ["closed"], "section": [], "other": [], "filtered": {"closed": "commuting"}, "origin": "own: review"},
    "test_job_requeued": {"data-race": ["queue"], "section": [], "other": [], "origin": "own: review"},
    "test_lock_from_flag_and_events": {"data-race": ["locked", "waiters"], "section": [], "other": [], "filtered": {"locked": "covered", "waiters": "covered"}, "origin": "own: review"},
    "test_lock_from_flag_and_replaced_event": {"data-race": ["taken", "freed"], "section": [], "other": [], "filtered": {"freed": "covered", "taken": "covered"}, "origin": "own: review"},
    "test_loop_until_closed": {"data-race": ["closed"], "section": [], "other": [], "origin": "own: review"},
    "test_maximum_kept": {"data-race": ["best"], "section": [], "other": [], "origin": "own: review"},
    "test_own_object": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_parameter_rebound": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_parent_checks_before_the_children": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_placeholder_event": {"data-race": ["pending", "cache"], "section": [], "other": [], "filtered": {"cache": "covered", "pending": "covered"}, "origin": "own: review"},
    "test_placeholder_in_the_cache_itself": {"data-race": ["cache"], "section": [], "other": [], "filtered": {"cache": "covered"}, "origin": "own: review"},
    "test_pool_as_context_manager": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: review"},
    "test_pool_checked_then_taken_and_put_back": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: review"},
    "test_pool_grows_on_demand": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: review"},
    "test_pool_in_try_finally": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: review"},
    "test_pool_try_except": {"data-race": ["pool"], "section": [], "other": [], "origin": "own: review"},
    "test_re_read_then_set": {"data-race": ["cache"], "section": [], "other": [], "origin": "own: review"},
    "test_read_only_configuration": {"data-race": ["out"], "section": [], "other": [], "filtered": {"out": "commuting"}, "origin": "own: review"},
    "test_registered_and_removed": {"data-race": ["tasks"], "section": [], "other": [], "filtered": {"tasks": "commuting"}, "origin": "own: review"},
    "test_results_collected": {"data-race": ["results"], "section": [], "other": [], "filtered": {"results": "commuting"}, "origin": "own: review"},
    "test_retry_loop": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_saved_in_the_loop_but_read_afresh": {"data-race": ["depth"], "section": [], "other": [], "origin": "own: review"},
    "test_set_of_idle_workers": {"data-race": ["idle"], "section": [], "other": [], "origin": "own: review"},
    "test_setdefault_after_the_await": {"data-race": ["cache"], "section": [], "other": [], "origin": "own: review"},
    "test_spin_lock": {"data-race": ["busy", "data"], "section": [], "other": [], "filtered": {"busy": "covered", "data": "covered"}, "origin": "own: review"},
    "test_started_set_before_the_await": {"data-race": ["started"], "section": [], "other": [], "origin": "own: review"},
    "test_state_checked_again_after_its_write": {"data-race": ["state"], "section": [], "other": [], "origin": "own: review"},
    "test_state_machine": {"data-race": ["state"], "section": [], "other": [], "origin": "own: review"},
    "test_swap_out_in_one_step": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_try_lock": {"data-race": ["busy", "data"], "section": [], "other": [], "filtered": {"busy": "covered", "data": "covered"}, "origin": "own: review"},
    "test_try_lock_in_finally": {"data-race": ["busy", "data"], "section": [], "other": [], "filtered": {"busy": "covered", "data": "covered"}, "origin": "own: review"},
    "test_try_lock_in_helpers": {"data-race": ["taken", "data"], "section": [], "other": [], "filtered": {"data": "covered", "taken": "covered"}, "origin": "own: review"},
    "test_update_unrelated_to_an_earlier_read": {"data-race": ["stats", "seen"], "section": [], "other": [], "filtered": {"seen": "commuting", "stats": "commuting"}, "origin": "own: review"},
    "test_version_checked": {"data-race": ["value", "version"], "section": [], "other": [], "filtered": {"value": "covered"}, "origin": "own: review"},
    "test_wait_until_then_take": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
}


class State:
    def __init__(self, value=None):
        self.value = value
        self.busy = False
        self.version = 0
        self.data = 0


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


async def test_checked_again_by_early_return():
    s = State()

    async def f(n):
        if s.value is not None:
            return
        made = await fetch(n)
        if s.value is not None:
            return
        s.value = made

    await both(f)


async def test_compare_and_swap_loop():
    s = State(0)

    async def f(n):
        while True:
            v = s.value
            new = await fetch(v + n)
            if s.value == v:
                s.value = new
                return

    await both(f)
    assert s.value == 3


async def test_version_checked():
    s = State(0)

    async def f(n):
        while True:
            version, v = s.version, s.value
            await checkpoint()
            if s.version != version:
                continue
            s.version += 1
            s.value = s.value + n
            break

    await both(f)
    assert s.value == 3


async def test_setdefault_after_the_await():
    cache = {}

    async def f(n):
        if "a" not in cache:
            made = await fetch(n)
            cache.setdefault("a", made)
        return cache["a"]

    await both(f)


async def test_re_read_then_set():
    cache = {}

    async def f(n):
        found = cache.get("a")
        if found is None:
            found = await fetch(n)
            found = cache.get("a") or found
            cache["a"] = found

    await both(f)


async def test_asserted_again():
    s = State()

    async def f(n):
        if s.value is None:
            await checkpoint()
            if not s.value:
                s.value = n

    await both(f)


async def test_try_lock(autojump_clock):
    s = State()

    async def f(n):
        if s.busy:
            raise Busy
        s.busy = True
        v = s.data
        await checkpoint()
        s.data = v + n
        s.busy = False

    await apart(f)
    assert s.data == 3


async def test_try_lock_in_finally(autojump_clock):
    s = State()

    async def f(n):
        if s.busy:
            return
        s.busy = True
        try:
            v = s.data
            await checkpoint()
            s.data = v + n
        finally:
            s.busy = False

    await apart(f)
    assert s.data == 3


async def test_conflict_detector(autojump_clock):
    s = State()

    class Detector:
        def __init__(self):
            self._busy = False

        def __enter__(self):
            if self._busy:
                raise Busy
            self._busy = True

        def __exit__(self, *exc):
            self._busy = False

    detector = Detector()

    async def f(n):
        with detector:
            v = s.data
            await checkpoint()
            s.data = v + n

    await apart(f)
    assert s.data == 3


async def test_spin_lock():
    s = State()

    async def f(n):
        while s.busy:
            await checkpoint()
        s.busy = True
        v = s.data
        await checkpoint()
        s.data = v + n
        s.busy = False

    await both(f)
    assert s.data == 3


class EventLock:
    """A lock from a flag and events."""

    def __init__(self):
        self.locked = False
        self.waiters = deque()

    async def acquire(self):
        if self.locked:
            event = trio.Event()
            self.waiters.append(event)
            await event.wait()
        else:
            self.locked = True

    def release(self):
        if self.waiters:
            self.waiters.popleft().set()
        else:
            self.locked = False

    @asynccontextmanager
    async def held(self):
        await self.acquire()
        try:
            yield
        finally:
            self.release()


async def test_lock_from_flag_and_events():
    s = State()
    lock = EventLock()

    async def f(n):
        async with lock.held():
            v = s.data
            await checkpoint()
            s.data = v + n

    await both(f)
    assert s.data == 3


class LoopLock:
    """A lock from a flag and an event that is replaced."""

    def __init__(self):
        self.taken = False
        self.freed = trio.Event()

    async def __aenter__(self):
        while self.taken:
            await self.freed.wait()
        self.taken = True

    async def __aexit__(self, *exc):
        self.taken = False
        self.freed.set()
        self.freed = trio.Event()


async def test_lock_from_flag_and_replaced_event():
    s = State()
    lock = LoopLock()

    async def f(n):
        async with lock:
            v = s.data
            await checkpoint()
            s.data = v + n

    await both(f)
    assert s.data == 3


async def test_placeholder_event():
    cache = {}
    pending = {}

    async def look_up(n):
        if "a" in cache:
            return cache["a"]
        if "a" in pending:
            await pending["a"].wait()
            return cache["a"]
        pending["a"] = trio.Event()
        cache["a"] = await fetch(n)
        pending.pop("a").set()
        return cache["a"]

    async def f(n):
        assert await look_up(n) in (1, 2)

    await both(f)


async def test_placeholder_in_the_cache_itself():
    cache = {}

    async def f(n):
        if "a" not in cache:
            cache["a"] = None
            cache["a"] = await fetch(n)

    await both(f)


async def test_started_set_before_the_await():
    s = State()
    s.started = False

    async def f(n):
        if s.started:
            return
        s.started = True
        await checkpoint()

    await both(f)
    assert s.started


async def test_pool_checked_then_taken_and_put_back():
    pool = ["a", "b"]

    async def f(n):
        if not pool:
            return
        c = pool.pop()
        await checkpoint()
        pool.append(c)

    await both(f)
    assert len(pool) == 2


async def test_pool_in_try_finally():
    pool = deque(["a", "b"])

    async def f(n):
        if len(pool) == 0:
            raise Busy
        c = pool.popleft()
        try:
            await checkpoint()
        finally:
            pool.append(c)

    await both(f)
    assert len(pool) == 2


async def test_pool_grows_on_demand():
    pool = []

    async def f(n):
        c = pool.pop() if pool else n
        await checkpoint()
        pool.append(c)

    await both(f)
    assert len(pool) in (1, 2)


async def test_pool_try_except():
    pool = []

    async def f(n):
        try:
            c = pool.pop()
        except IndexError:
            c = await fetch(n)
        await checkpoint()
        pool.append(c)

    await both(f)


async def test_pool_as_context_manager():
    pool = ["a", "b"]

    @asynccontextmanager
    async def borrowed():
        while not pool:
            await checkpoint()
        c = pool.pop()
        try:
            yield c
        finally:
            pool.append(c)

    async def f(n):
        async with borrowed():
            await checkpoint()

    await both(f)
    assert len(pool) == 2


async def test_set_of_idle_workers():
    idle = {1, 2}

    async def f(n):
        if idle:
            w = idle.pop()
            await checkpoint()
            idle.add(w)

    await both(f)
    assert idle == {1, 2}


async def test_job_requeued():
    queue = deque([1, 2, 3])

    async def f(n):
        for _ in range(2):
            job = queue.popleft()
            await checkpoint()
            if job > 1:
                queue.append(job)

    await both(f)


async def test_counting_slots():
    s = State()
    s.free = 2

    async def f(n):
        if s.free == 0:
            return
        s.free -= 1
        try:
            await checkpoint()
        finally:
            s.free += 1

    await both(f)
    assert s.free == 2


async def test_counting_in_and_out():
    s = State()
    s.active = 0

    async def f(n):
        s.active += 1
        await checkpoint()
        s.active -= 1

    await both(f)
    assert s.active == 0


async def test_parameter_rebound():
    async def f(n):
        if n > 0:
            await checkpoint()
            n = n - 1
        assert n in (0, 1)

    await both(f)


async def test_own_object():
    async def f(n):
        s = State(0)
        v = s.value
        await checkpoint()
        s.value = v + n
        assert s.value == n

    await both(f)


async def test_state_machine():
    s = State()
    s.state = "new"

    async def f(n):
        s.state = f"connecting {n}"
        await checkpoint()
        s.state = f"open {n}"
        await checkpoint()
        s.state = f"closed {n}"

    await both(f)
    assert s.state in ("closed 1", "closed 2")


async def test_state_checked_again_after_its_write():
    s = State()
    s.state = "new"

    async def connect():
        s.state = "connecting"
        await checkpoint()
        if s.state == "connecting":
            s.state = "open"

    async def close():
        await checkpoint()
        s.state = "closed"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        nursery.start_soon(close)
    assert s.state in ("open", "closed")


async def test_closed_looked_at_before_and_after():
    s = State()
    s.closed = False

    async def f():
        if s.closed:
            return None
        await checkpoint()
        if s.closed:
            return None
        return 1

    async def close():
        await checkpoint()
        s.closed = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(close)


async def test_loop_until_closed():
    s = State()
    s.closed = False
    log = []

    async def f():
        while not s.closed:
            log.append(1)
            await checkpoint()
            if s.closed:
                break

    async def close():
        await checkpoint()
        await checkpoint()
        s.closed = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f)
        nursery.start_soon(close)


async def test_wait_until_then_take(autojump_clock):
    s = State()

    async def take():
        while s.value is None:
            await trio.sleep(1)
        v, s.value = s.value, None
        assert v == 5

    async def give():
        await trio.sleep(3)
        s.value = 5

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        nursery.start_soon(give)


async def test_swap_out_in_one_step():
    s = State(0)
    s.value = [1]

    async def flush(n):
        batch, s.value = s.value, []
        await checkpoint()
        assert len(batch) <= 1

    await both(flush)


async def test_blind_write_after_unrelated_read():
    s = State(0)
    log = []

    async def f(n):
        log.append(s.value)
        await checkpoint()
        s.value = n

    await both(f)


async def test_update_unrelated_to_an_earlier_read():
    stats = {"a": 0}
    seen = []

    async def f(n):
        seen.append(stats["a"])
        await checkpoint()
        stats["a"] += n

    await both(f)
    assert stats["a"] == 3


async def test_retry_loop():
    s = State(0)
    attempts = {1: 0, 2: 0}

    async def f(n):
        for attempt in range(3):
            attempts[n] += 1
            await checkpoint()
            if attempt == 1:
                break
        s.value = n

    await both(f)


class TakenLock:
    def __init__(self):
        self.taken = False

    def take(self):
        if self.taken:
            return False
        self.taken = True
        return True

    def give(self):
        self.taken = False


async def test_try_lock_in_helpers(autojump_clock):
    s = State()
    lock = TakenLock()

    async def f(n):
        if not lock.take():
            return
        v = s.data
        await checkpoint()
        s.data = v + n
        lock.give()

    await apart(f)
    assert s.data == 3


async def test_check_in_a_helper_that_raises():
    s = State()
    s.guest = None

    def ensure_free():
        if s.guest is not None:
            raise Busy

    async def f(n):
        ensure_free()
        await checkpoint()
        s.guest = n

    await both(f)


async def test_claimed_by_a_set():
    claimed = set()
    s = State()

    async def f(n):
        if "job" in claimed:
            return
        claimed.add("job")
        v = s.data
        await checkpoint()
        s.data = v + n
        claimed.discard("job")

    await both(f)
    assert s.data in (1, 2)


async def test_results_collected():
    results = {}

    async def f(n):
        if n not in results:
            results[n] = await fetch(n)

    await both(f)
    assert results == {1: 1, 2: 2}


async def test_maximum_kept():
    s = State()
    s.best = 0

    async def f(n):
        got = await fetch(n)
        if got > s.best:
            s.best = got

    await both(f)
    assert s.best == 2


async def test_current_task_saved_and_restored():
    s = State()
    s.task = None

    async def f(n):
        s.task = n
        await checkpoint()
        s.task = None

    await both(f)
    assert s.task is None


async def test_read_only_configuration():
    config = {"limit": 2}
    out = {}

    async def f(n):
        if n <= config["limit"]:
            await checkpoint()
            out[n] = config["limit"]

    await both(f)
    assert out == {1: 2, 2: 2}


async def test_parent_checks_before_the_children():
    s = State()

    async def child(n):
        assert s.value is None
        await checkpoint()

    if s.value is None:
        await both(child)
        s.value = 1


async def test_children_write_between():
    s = State(0)

    async def child():
        s.value += 1

    before = s.value
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
    s.value = before + s.value


async def test_every_task_its_own_key():
    totals = {}

    async def f(n):
        old = totals.get(n, 0)
        await checkpoint()
        totals[n] = old + n

    async with trio.open_nursery() as nursery:
        nursery.start_soon(f, 1)
        nursery.start_soon(f, 2)


async def test_condition_on_a_constant_local():
    s = State(0)

    async def f(n):
        verbose = n > 1
        if s.value and verbose:
            pass
        await checkpoint()
        s.value = n

    await both(f)


async def test_idempotent_close():
    s = State()
    s.closed = False

    async def f(n):
        s.closed = True
        await checkpoint()

    await both(f)
    assert s.closed


async def test_registered_and_removed():
    tasks = set()

    async def f(n):
        tasks.add(n)
        try:
            await checkpoint()
        finally:
            tasks.discard(n)

    await both(f)
    assert not tasks


async def test_saved_in_the_loop_but_read_afresh():
    s = State(0)
    s.depth = 0

    async def f(n):
        for _ in range(2):
            await checkpoint()
            d = s.depth
            s.depth = d + n

    await both(f)
    assert s.depth == 6


async def test_event_put_before_waiting():
    waiting = {}

    async def wait():
        event = waiting["a"] = trio.Event()
        await event.wait()
        del waiting["a"]

    async def wake():
        while "a" not in waiting:
            await checkpoint()
        waiting["a"].set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wake)
