"""Programs that were told of though nothing is wrong with them, each with a twin in which something is."""

import trio
from trio.lowlevel import checkpoint

EXPECT = {
    "test_locked_in_each_turn_of_a_loop": {"data-race": [], "section": [], "other": [], "origin": "own: a worker that counts under a lock"},
    "test_unlocked_in_each_turn_of_a_loop": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: a worker that counts without a lock"},
    "test_other_element_of_a_set": {"data-race": ["seen"], "section": [], "other": [], "origin": "own: a crawler that marks what it has seen", "filtered": {"seen": "commuting"}},
    "test_same_element_of_a_set": {"data-race": ["seen"], "section": ["seen"], "other": [], "origin": "own: a crawler that marks what it has seen"},
    "test_set_cleared_after_the_look": {"data-race": ["seen"], "section": ["seen"], "other": [], "origin": "own: a crawler that forgets what it has seen"},
    "test_assertion_before_the_tasks": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: a check of the start value"},
}


class Counter:
    def __init__(self):
        self.total = 0


async def count_locked(counter, lock):
    for _ in range(3):
        async with lock:
            total = counter.total
            await checkpoint()
            counter.total = total + 1


async def count(counter):
    for _ in range(3):
        total = counter.total  # S
        await checkpoint()
        counter.total = total + 1  # E


async def test_locked_in_each_turn_of_a_loop():
    counter, lock = Counter(), trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_locked, counter, lock)
        nursery.start_soon(count_locked, counter, lock)


async def test_unlocked_in_each_turn_of_a_loop():
    counter = Counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count, counter)
        nursery.start_soon(count, counter)


async def visit(seen, address):
    if address not in seen:
        await checkpoint()
        seen.add(address)


async def clear(seen):
    seen.clear()


async def test_other_element_of_a_set():
    seen = set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(visit, seen, "one")
        nursery.start_soon(visit, seen, "other")


async def test_same_element_of_a_set():
    seen = set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(visit, seen, "one")
        nursery.start_soon(visit, seen, "one")


async def test_set_cleared_after_the_look():
    seen = {"another"}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(visit, seen, "one")
        nursery.start_soon(clear, seen)


async def test_assertion_before_the_tasks():
    counter = Counter()
    counter.total = 1
    assert counter.total == 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count, counter)
        nursery.start_soon(count, counter)
