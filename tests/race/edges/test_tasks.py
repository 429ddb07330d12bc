"""Births, ends and wake-ups of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from conftest import Marks


def test_what_the_parent_does_in_the_step_of_the_start_precedes_the_child(mark: Marks) -> None:
    async def child() -> None:
        mark("child")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            mark("before")
            nursery.start_soon(child)
            mark("same step")
            await checkpoint()
            mark("later step")

    trio.run(main)
    assert mark.ordered("before", "child")
    assert mark.ordered("same step", "child")
    assert mark.concurrent("later step", "child")


@pytest.mark.parametrize("early", [True, False])
def test_the_end_of_every_child_precedes_the_exit_of_the_nursery(mark: Marks, early: bool) -> None:
    async def child(name: str, steps: int) -> None:
        for _ in range(steps):
            await checkpoint()
        mark(name)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child, "one", 1)
            nursery.start_soon(child, "two", 3)
            for _ in range(6 if early else 1):
                await checkpoint()
            mark("inside")
        mark("after")

    trio.run(main)
    for name in ("one", "two"):
        assert mark.ordered(name, "after")
        assert mark.concurrent(name, "inside")
    assert mark.concurrent("one", "two")


def test_nested_nurseries_join_only_their_own(mark: Marks) -> None:
    async def leave(name: str) -> None:
        await checkpoint()
        mark(name)

    async def main() -> None:
        async with trio.open_nursery() as outer:
            outer.start_soon(leave, "outer")
            async with trio.open_nursery() as inner:
                inner.start_soon(leave, "inner")
            for _ in range(3):
                await checkpoint()
            mark("between")
        mark("after")

    trio.run(main)
    assert mark.ordered("inner", "between")
    assert mark.concurrent("outer", "between")
    assert mark.ordered("outer", "after")


def test_started_precedes_the_return_of_start_and_the_rest_does_not(mark: Marks) -> None:
    async def server(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await checkpoint()
        mark("set up")
        task_status.started()
        mark("same step")
        await checkpoint()
        mark("serving")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(server)
            for _ in range(4):
                await checkpoint()
            mark("client")
        mark("after")

    trio.run(main)
    assert mark.ordered("set up", "client")
    assert mark.ordered("same step", "client")
    assert mark.concurrent("serving", "client")
    assert mark.ordered("serving", "after")


def test_a_child_that_raises_is_joined_too(mark: Marks) -> None:
    async def fail() -> None:
        mark("fails")
        raise KeyError

    async def main() -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)
                await trio.sleep_forever()
        except* KeyError:
            mark("caught")

    trio.run(main, strict_exception_groups=True)
    assert mark.ordered("fails", "caught")


def test_sleeping_and_checkpoints_order_nothing(mark: Marks) -> None:
    async def one() -> None:
        await trio.sleep(1)
        mark("one")

    async def two() -> None:
        await trio.sleep(2)
        mark("two")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(two)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert mark.concurrent("one", "two")


def test_a_system_task_comes_after_its_maker_and_before_the_end_of_the_run(mark: Marks) -> None:
    async def background() -> None:
        mark("system")

    async def main() -> None:
        mark("maker")
        trio.lowlevel.spawn_system_task(background)
        await checkpoint()
        await checkpoint()
        mark("meanwhile")

    async def second() -> None:
        mark("next run")

    trio.run(main)
    trio.run(second)
    assert mark.ordered("maker", "system")
    assert mark.concurrent("system", "meanwhile")
    assert mark.ordered("system", "next run")


def test_reschedule_orders(mark: Marks) -> None:
    waiting: list[trio.lowlevel.Task] = []

    async def sleeper() -> None:
        waiting.append(trio.lowlevel.current_task())
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        mark("woken")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeper)
            await checkpoint()
            await checkpoint()
            mark("before")
            trio.lowlevel.reschedule(waiting[0])
            mark("same step")
            await checkpoint()
            mark("later")

    trio.run(main)
    assert mark.ordered("before", "woken")
    assert mark.ordered("same step", "woken")
    assert not mark.ordered("later", "woken")


def test_wait_all_tasks_blocked_comes_after_what_others_did(mark: Marks) -> None:
    async def ends() -> None:
        mark("ended")

    async def lives() -> None:
        mark("blocked")
        await trio.sleep_forever()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ends)
            nursery.start_soon(lives)
            await trio.testing.wait_all_tasks_blocked()
            mark("seen")
            nursery.cancel_scope.cancel()
        mark("after")

    trio.run(main)
    assert mark.ordered("ended", "seen")
    assert mark.ordered("blocked", "seen")
    assert mark.ordered("ended", "after")


def test_a_sequencer_orders(mark: Marks) -> None:
    async def main() -> None:
        sequence = trio.testing.Sequencer()

        async def first() -> None:
            async with sequence(0):
                mark("first")

        async def second() -> None:
            async with sequence(1):
                mark("second")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(second)
            nursery.start_soon(first)

    trio.run(main)
    assert mark.ordered("first", "second")


def test_where_a_task_was_started_is_outside_of_trio(mark: Marks) -> None:
    async def child() -> None:
        mark("child")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    trio.run(main)
    started = mark.moment("child").actor.started
    assert started is not None
    assert started.path == __file__
    assert started.function.endswith("main")
    assert started.column == 13


def test_the_host_of_a_guest_run_is_followed(mark: Marks) -> None:
    todo: list[object] = []
    done: list[object] = []

    async def child() -> None:
        mark("child")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            mark("parent")
            nursery.start_soon(child)
        mark("after")

    trio.lowlevel.start_guest_run(
        main,
        run_sync_soon_threadsafe=todo.append,
        run_sync_soon_not_threadsafe=todo.append,
        done_callback=done.append,
    )
    while not done:
        if todo:
            todo.pop(0)()  # type: ignore[operator]
    assert mark.ordered("parent", "child")
    assert mark.ordered("child", "after")
