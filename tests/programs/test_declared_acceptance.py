"""What is accepted by `race.ok`, and what beside it is not."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import trio
from trio.lowlevel import checkpoint

from trioflow import race

EXPECT = {
    "test_write_accepted": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_read_accepted": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_not_accepted": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_other_variable_not_accepted": {"section": [], "data-race": ["level"], "other": [], "origin": "own"},
    "test_another_place_of_the_same_task": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_accepted_first_and_not_later": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_same_helper_in_and_before_the_block": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_same_helper_in_one_step": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_only_owner_before": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_third_task_is_not_accepted": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_section_accepted_at_its_start": {
        "section": [], "data-race": ["seen"], "other": [], "origin": "own", "filtered": {"seen": "commuting"},
    },
    "test_section_accepted_at_its_end": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_section_accepted_as_a_whole": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_section_accepted_on_the_other_side": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_section_not_accepted": {"section": ["seen"], "data-race": [], "other": [], "origin": "own"},
    "test_critical_accepted": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_guard_accepted": {"access": [], "section": [], "data-race": [], "other": [], "origin": "own"},
    "test_guard_not_accepted_elsewhere": {"access": ["level"], "section": [], "data-race": [], "other": [], "origin": "own"},
    "test_attribute_accepted": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_attribute_beside_it": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_contents_of_an_accepted_attribute": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_accepts_no_further_than_its_end": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_left_by_an_exception": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_nested": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_decorator": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_child_is_not_in_the_block": {"section": [], "data-race": ["seen"], "other": [], "origin": "own"},
    "test_covers_nothing_else": {"section": [], "data-race": ["level"], "other": [], "origin": "own"},
    "test_thread_accepted": {"section": [], "data-race": [], "other": [], "origin": "own"},
}


class Metrics:
    hits: Annotated[int, race.ok("approximate by design")]
    names: Annotated[list[str], race.ok("any order will do")]
    level: Annotated[int, race.guarded_by("lock")]

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.hits = 0
        self.seen = 0
        self.names = []


async def together(*functions: Any) -> None:
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(function)


def writer(m: Metrics, value: int = 7) -> Any:
    async def write() -> None:
        await checkpoint()
        m.seen = value

    return write


async def test_write_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("the last one wins"):
            m.seen = 1

    await together(task, writer(m))


async def test_read_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("old or new"):
            assert m.seen in (0, 7)

    await together(task, writer(m))


async def test_not_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("nothing in here"):
            await checkpoint()
        m.seen = 1

    await together(task, writer(m))


class Plain:
    def __init__(self) -> None:
        self.seen = 0
        self.level = 0


async def test_other_variable_not_accepted() -> None:
    m = Plain()

    async def task() -> None:
        with race.ok("the last one wins"):
            m.seen = 1
        m.level = 1

    async def other() -> None:
        m.level = 2
        m.seen = 2

    await together(task, other)


async def test_another_place_of_the_same_task() -> None:
    m = Metrics()

    async def task() -> None:
        m.seen = 1
        await checkpoint()
        with race.ok("the last one wins"):
            m.seen = 2

    async def late() -> None:
        await trio.sleep(1)
        m.seen = 3

    await together(task, late)


async def test_accepted_first_and_not_later() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("the last one wins"):
            m.seen = 1
        await checkpoint()
        m.seen = 2

    async def late() -> None:
        await trio.sleep(1)
        m.seen = 3

    await together(task, late)


def put(m: Metrics, value: int) -> None:
    m.seen = value


async def test_same_helper_in_and_before_the_block() -> None:
    m = Metrics()

    async def task() -> None:
        put(m, 1)
        await checkpoint()
        with race.ok("the last one wins"):
            put(m, 2)

    async def late() -> None:
        await trio.sleep(1)
        m.seen = 3

    await together(task, late)


async def test_same_helper_in_one_step() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("the last one wins"):
            put(m, 1)
        put(m, 2)

    async def late() -> None:
        await trio.sleep(1)
        m.seen = 3

    await together(task, late)


async def test_only_owner_before() -> None:
    m = Metrics()
    await checkpoint()

    async def task() -> None:
        assert m.seen == 0
        await checkpoint()
        with race.ok("old or new"):
            assert m.seen == 0

    async def late() -> None:
        await trio.sleep(1)
        m.seen = 3

    await together(task, late)


async def test_third_task_is_not_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("the last one wins"):
            m.seen = 1

    await together(task, writer(m), writer(m, 8))


async def test_section_accepted_at_its_start() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("an old one will do"):
            before = m.seen
        await checkpoint()
        m.seen = before + 1

    await together(task, task)


async def test_section_accepted_at_its_end() -> None:
    m = Metrics()

    async def task() -> None:
        before = m.seen
        await checkpoint()
        with race.ok("the last one wins"):
            m.seen = before + 1

    await together(task, task)


async def test_section_accepted_as_a_whole() -> None:
    m = Metrics()

    @race.ok("the last one wins")
    async def task() -> None:
        before = m.seen
        await checkpoint()
        m.seen = before + 1

    await together(task, task)


async def test_section_accepted_on_the_other_side() -> None:
    m = Metrics()

    async def task() -> None:
        before = m.seen
        await checkpoint()
        m.seen = before + 1

    async def reset() -> None:
        with race.ok("a reset may be lost"):
            m.seen = 100

    await together(task, reset)


async def test_section_not_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        before = m.seen
        with race.ok("the pause"):
            await checkpoint()
        m.seen = before + 1

    await together(task, task)


async def test_critical_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        with race.critical("both"):
            m.seen = 1
            await checkpoint()
            m.seen = 2

    async def other() -> None:
        with race.ok("may be cut"):
            m.seen = 3

    await together(task, other)


async def test_guard_accepted() -> None:
    m = Metrics()
    await checkpoint()
    with race.ok("nobody else is here yet"):
        m.level = 1


async def test_guard_not_accepted_elsewhere() -> None:
    m = Metrics()
    await checkpoint()
    with race.ok("nobody else is here yet"):
        m.level = 1
    m.level = 2


async def test_attribute_accepted() -> None:
    m = Metrics()

    async def task() -> None:
        before = m.hits
        await checkpoint()
        m.hits = before + 1

    await together(task, task)


async def test_attribute_beside_it() -> None:
    m = Metrics()

    async def task() -> None:
        m.hits = 1
        m.seen = 1

    await together(task, writer(m))


async def test_contents_of_an_accepted_attribute() -> None:
    m = Metrics()

    async def task() -> None:
        m.names.append("x")
        await checkpoint()
        m.names[0] = "y"

    async def other() -> None:
        await trio.sleep(1)
        assert m.names[0] == "y"

    await together(task, other)


async def test_accepts_no_further_than_its_end() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("the pause"):
            pass
        m.seen = 1

    await together(task, writer(m))


async def test_left_by_an_exception() -> None:
    m = Metrics()

    async def task() -> None:
        with contextlib.suppress(ValueError), race.ok("whatever happens"):
            raise ValueError
        m.seen = 1

    await together(task, writer(m))


async def test_nested() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("outer"):
            with race.ok("inner"):
                pass
            m.seen = 1

    await together(task, writer(m))


async def test_decorator() -> None:
    m = Metrics()

    @race.ok("the last one wins")
    def reset() -> None:
        m.seen = 0

    async def task() -> None:
        await checkpoint()
        reset()

    await together(task, writer(m))


async def test_child_is_not_in_the_block() -> None:
    m = Metrics()

    async def task() -> None:
        with race.ok("what this task does itself"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer(m, 8))

    await together(task, writer(m))


async def test_covers_nothing_else() -> None:
    m = Plain()

    async def task() -> None:
        m.level = 1
        m.seen = 1

    async def other() -> None:
        await trio.sleep(1)
        with race.ok("old or new"):
            seen = m.seen
        assert seen
        assert m.level == 1

    await together(task, other)


async def test_thread_accepted() -> None:
    m = Metrics()

    def work() -> None:
        with race.ok("the last one wins"):
            m.seen = 1

    await together(lambda: trio.to_thread.run_sync(work), writer(m))
