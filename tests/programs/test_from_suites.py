"""What the suites of real projects do, and the detector once got wrong; each with a twin that lacks the order."""

import trio
import trio.testing
from trio.lowlevel import checkpoint

EXPECT = {
    "test_task_that_a_callback_started_is_woken_by_another": {"data-race": [], "section": [], "other": [], "origin": "own: the test client of a web framework"},
    "test_task_that_a_callback_started_does_not_wait": {"data-race": ["value"], "section": [], "other": [], "origin": "own: the test client of a web framework"},
    "test_limiter_that_nobody_uses_any_more": {"data-race": [], "section": [], "other": [], "origin": "own: Trio's tests of worker threads"},
    "test_limiter_that_somebody_may_still_use": {"data-race": ["value"], "section": [], "other": [], "origin": "own: Trio's tests of worker threads"},
    "test_abandoned_thread_gave_its_token_back": {"data-race": [], "section": [], "other": [], "origin": "own: Trio's tests of worker threads"},
    "test_assertions_of_the_test_decide_nothing": {"data-race": ["record"], "section": [], "other": [], "origin": "own: Trio's tests of worker threads", "filtered": {"record": "commuting"}},
    "test_what_is_shown_decides_nothing": {"data-race": ["names"], "section": [], "other": [], "origin": "own: tricycle's tests", "filtered": {"names": "commuting"}},
    "test_check_of_the_test_decides": {"data-race": ["record"], "section": ["record"], "other": [], "origin": "own: Trio's tests of worker threads"},
}


class Cell:
    def __init__(self):
        self.value = 0


async def start_by_callback(nursery, waits):
    cell = Cell()
    event = trio.Event()
    started = trio.Event()

    async def work():
        started.set()
        if waits:
            await event.wait()
        else:
            await checkpoint()
        assert cell.value in (0, 1)

    trio.lowlevel.current_trio_token().run_sync_soon(nursery.start_soon, work)
    await started.wait()
    cell.value = 1
    event.set()


async def test_task_that_a_callback_started_is_woken_by_another():
    async with trio.open_nursery() as nursery:
        await start_by_callback(nursery, waits=True)


async def test_task_that_a_callback_started_does_not_wait():
    async with trio.open_nursery() as nursery:
        await start_by_callback(nursery, waits=False)


async def write_under(limiter, cell, value, *, task_status=trio.TASK_STATUS_IGNORED):
    async with limiter:
        task_status.started()
        await checkpoint()
        cell.value = value


async def test_limiter_that_nobody_uses_any_more():
    cell = Cell()
    limiter = trio.CapacityLimiter(2)
    async with trio.open_nursery() as nursery:
        await nursery.start(write_under, limiter, cell, 1)
        while limiter.borrowed_tokens:
            await checkpoint()
        assert cell.value == 1


async def test_limiter_that_somebody_may_still_use():
    cell = Cell()
    limiter = trio.CapacityLimiter(2)
    async with trio.open_nursery() as nursery:
        await nursery.start(write_under, limiter, cell, 1)
        while limiter.total_tokens < 2:
            await checkpoint()
        assert cell.value in (0, 1)


async def test_abandoned_thread_gave_its_token_back():
    cell = Cell()
    limiter = trio.CapacityLimiter(1)

    def work(scope):
        trio.from_thread.run_sync(scope.cancel, trio_token=token)
        cell.value = 1

    token = trio.lowlevel.current_trio_token()
    with trio.CancelScope() as scope:
        await trio.to_thread.run_sync(work, scope, abandon_on_cancel=True, limiter=limiter)
    while limiter.borrowed_tokens:
        await trio.sleep(0.001)
    assert cell.value == 1


async def note(record, what):
    await checkpoint()
    record.append(what)


async def test_assertions_of_the_test_decide_nothing():
    record = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(note, record, "first")
        await trio.testing.wait_all_tasks_blocked()
        assert record == ["first"]
        nursery.start_soon(note, record, "second")
        await note(record, "third")


async def test_check_of_the_test_decides():
    record = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(note, record, "first")
        nursery.start_soon(note, record, "second")
        if len(record) < 2:
            await note(record, "third")


class Shown:
    def __init__(self):
        self.names = []

    def __repr__(self):
        return f"Shown({list(self.names)})"

    def add(self, name):
        self.names.append(name)


async def add_later(shown, name):
    await checkpoint()
    shown.add(name)


async def test_what_is_shown_decides_nothing():
    shown = Shown()
    async with trio.open_nursery() as nursery:
        assert repr(shown) == "Shown([])"
        nursery.start_soon(add_later, shown, "child")
        await checkpoint()
        shown.add("test")
