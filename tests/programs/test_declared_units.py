"""What is declared to belong together by `race.critical`, and who may come in between."""

from __future__ import annotations

import contextlib
import threading

import trio
from trio.lowlevel import checkpoint

from trioflow import race

EXPECT = {
    "test_read_write_read": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_read_write_read_locked": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_write_write_write": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_write_read_write": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_write_read_write_locked": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_write_read_write_reader_locks_alone": {"section": ["a"], "data-race": ["a"], "other": [], "origin": "own"},
    "test_two_read_apart_both_written_in_one_step": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_two_read_in_one_step": {
        "section": [], "data-race": ["a", "b"], "other": [], "origin": "own", "filtered": {"b": "covered"},
    },
    "test_two_read_apart_one_written": {"section": [], "data-race": ["b"], "other": [], "origin": "own"},
    "test_two_read_apart_written_in_two_steps": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_two_read_apart_written_the_other_way_round": {
        "section": [], "data-race": ["a", "b"], "other": [], "origin": "own",
    },
    "test_two_written_apart_both_read": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_two_written_apart_one_read": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_two_blocks_that_cross": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_two_blocks_that_cross_locked": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_two_transfers_that_only_add": {
        "section": [], "data-race": ["a", "b"], "other": [], "origin": "own",
        "filtered": {"a": "commuting", "b": "commuting"},
    },
    "test_auditor_between_transfers": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_lock_released_in_between": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_lock_taken_after_the_first_access": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_lock_only_in_the_block": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_two_different_locks": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_semaphore_of_one": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_semaphore_of_two": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_ordered_by_an_event": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_event_that_is_set_too_early": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_ordered_by_a_channel": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_block_waits_for_the_writer": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_block_starts_the_writer_and_waits": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_block_starts_a_writer_that_lives_on": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_single_step": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_different_names_same_variables": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_different_names_different_variables": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_same_name_two_instances": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_same_name_one_instance": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_nested_inner_is_one_step": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_nested_of_the_same_name": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_block_is_over_before_the_checkpoint": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_two_blocks_one_after_the_other": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_left_by_an_exception": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_exception_before_the_second_access": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_left_by_cancellation": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_access_after_an_exception_is_outside": {"section": [], "data-race": ["a"], "other": [], "origin": "own"},
    "test_in_a_generator_based_context": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_in_a_generator_based_context_locked": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_in_an_exit_stack": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_decorated_coroutine_function": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_decorated_function_is_one_step": {"section": [], "data-race": ["a", "b"], "other": [], "origin": "own"},
    "test_one_block_shared_by_tasks": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_accesses_in_helpers": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_same_helper_before_and_in_the_block": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_writer_ran_long_before": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_writer_comes_long_after": {"section": ["a"], "data-race": ["b"], "other": [], "origin": "own"},
    "test_dict_two_keys": {"section": ["stock"], "data-race": [], "other": [], "origin": "own"},
    "test_dict_other_keys": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_dict_iterated_half_written": {"section": ["stock"], "data-race": [], "other": [], "origin": "own"},
    "test_set_other_element": {
        "section": [], "data-race": ["seen"], "other": [], "origin": "own", "filtered": {"seen": "covered"},
    },
    "test_list_cleared": {"section": ["items"], "data-race": [], "other": [], "origin": "own"},
    "test_global": {"section": ["total"], "data-race": [], "other": [], "origin": "own"},
    "test_closure": {"section": ["count"], "data-race": [], "other": [], "origin": "own"},
    "test_threads": {"section": ["a"], "data-race": ["a", "b"], "other": [], "origin": "own"},
    "test_threads_locked": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_task_and_thread_in_one_step": {"section": ["a"], "data-race": ["a"], "other": [], "origin": "own"},
    "test_thread_ordered_by_its_end": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_object_made_in_the_block": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_update_across_a_checkpoint": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
    "test_condition": {"section": [], "data-race": [], "other": [], "origin": "own"},
    "test_condition_waits_inside": {"section": ["a"], "data-race": [], "other": [], "origin": "own"},
}


class Pair:
    def __init__(self) -> None:
        self.a = 0
        self.b = 0
        self.lock = trio.Lock()
        self.other_lock = trio.Lock()


async def together(*functions) -> None:
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(function)


async def test_read_write_read() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a  # noqa: B018
            await checkpoint()
            p.a  # noqa: B018

    async def writer() -> None:
        p.a = 1

    await together(block, writer)


async def test_read_write_read_locked() -> None:
    p = Pair()

    async def block() -> None:
        async with p.lock:
            with race.critical("pair"):
                p.a  # noqa: B018
                await checkpoint()
                p.a  # noqa: B018

    async def writer() -> None:
        async with p.lock:
            p.a = 1

    await together(block, writer)


async def test_write_write_write() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_write_read_write() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


async def test_write_read_write_locked() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            async with p.lock:
                p.a = 1
                await checkpoint()
                p.a = 2

    async def reader() -> None:
        async with p.lock:
            assert p.a in (0, 2)

    await together(block, reader)


async def test_write_read_write_reader_locks_alone() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def reader() -> None:
        async with p.lock:
            assert p.a in (0, 1, 2)

    await together(block, reader)


async def look_at_both(p: Pair, *, apart: bool = True) -> None:
    with race.critical("pair"):
        p.a  # noqa: B018
        if apart:
            await checkpoint()
        p.b  # noqa: B018


async def test_two_read_apart_both_written_in_one_step() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 1
        p.b = 1

    await together(lambda: look_at_both(p), writer)


async def test_two_read_in_one_step() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 1
        p.b = 1

    await together(lambda: look_at_both(p, apart=False), writer)


async def test_two_read_apart_one_written() -> None:
    p = Pair()

    async def writer() -> None:
        p.b = 1

    await together(lambda: look_at_both(p), writer)


async def test_two_read_apart_written_in_two_steps() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 1
        await checkpoint()
        p.b = 1

    await together(lambda: look_at_both(p), writer)


async def test_two_read_apart_written_the_other_way_round() -> None:
    p = Pair()

    async def writer() -> None:
        p.b = 1
        await checkpoint()
        p.a = 1  # whoever saw the old `a` may see the new `b`: so it was in between

    await together(lambda: look_at_both(p), writer)


async def write_both(p: Pair) -> None:
    with race.critical("pair"):
        p.a = 1
        await checkpoint()
        p.b = 1


async def test_two_written_apart_both_read() -> None:
    p = Pair()

    async def reader() -> None:
        assert p.a >= p.b

    await together(lambda: write_both(p), reader)


async def test_two_written_apart_one_read() -> None:
    p = Pair()

    async def reader() -> None:
        assert p.a in (0, 1)

    await together(lambda: write_both(p), reader)


async def move(p: Pair, source: str, target: str) -> None:
    with race.critical("move"):
        setattr(p, source, 1)
        await checkpoint()
        setattr(p, target, 2)


async def test_two_blocks_that_cross() -> None:
    p = Pair()
    await together(lambda: move(p, "a", "b"), lambda: move(p, "b", "a"))


async def test_two_blocks_that_cross_locked() -> None:
    p = Pair()

    async def locked(source: str, target: str) -> None:
        async with p.lock:
            await move(p, source, target)

    await together(lambda: locked("a", "b"), lambda: locked("b", "a"))


async def transfer(p: Pair) -> None:
    with race.critical("transfer"):
        p.a -= 1
        await checkpoint()
        p.b += 1


async def test_two_transfers_that_only_add() -> None:
    p = Pair()
    await together(lambda: transfer(p), lambda: transfer(p))
    assert (p.a, p.b) == (-2, 2)


async def test_auditor_between_transfers() -> None:
    p = Pair()

    async def audit() -> None:
        assert p.a + p.b in (-1, 0)

    await together(lambda: transfer(p), audit)


async def test_lock_released_in_between() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            async with p.lock:
                p.a  # noqa: B018
            await checkpoint()
            async with p.lock:
                p.a  # noqa: B018

    async def writer() -> None:
        async with p.lock:
            p.a = 1

    await together(block, writer)


async def test_lock_taken_after_the_first_access() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a  # noqa: B018
            async with p.lock:
                p.a = 2

    async def writer() -> None:
        async with p.lock:
            p.a = 1

    await together(block, writer)


async def test_lock_only_in_the_block() -> None:
    p = Pair()

    async def block() -> None:
        async with p.lock:
            with race.critical("pair"):
                p.a = 1
                await checkpoint()
                p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_two_different_locks() -> None:
    p = Pair()

    async def block() -> None:
        async with p.lock:
            with race.critical("pair"):
                p.a = 1
                await checkpoint()
                p.a = 2

    async def writer() -> None:
        async with p.other_lock:
            p.a = 3

    await together(block, writer)


async def under(semaphore: trio.Semaphore, p: Pair, value: int) -> None:
    async with semaphore:
        with race.critical("pair"):
            p.a = value
            await checkpoint()
            p.a = value + 1


async def test_semaphore_of_one() -> None:
    p, semaphore = Pair(), trio.Semaphore(1)
    await together(lambda: under(semaphore, p, 1), lambda: under(semaphore, p, 3))


async def test_semaphore_of_two() -> None:
    p, semaphore = Pair(), trio.Semaphore(2)
    await together(lambda: under(semaphore, p, 1), lambda: under(semaphore, p, 3))


async def test_ordered_by_an_event() -> None:
    p, done = Pair(), trio.Event()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2
        done.set()

    async def writer() -> None:
        await done.wait()
        p.a = 3

    await together(block, writer)


async def test_event_that_is_set_too_early() -> None:
    p, begun = Pair(), trio.Event()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            begun.set()
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        await begun.wait()
        p.a = 3

    await together(block, writer)


async def test_ordered_by_a_channel() -> None:
    p = Pair()
    send, receive = trio.open_memory_channel(0)

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.b = 1
        await send.send(None)

    async def reader() -> None:
        await receive.receive()
        assert p.a == p.b

    await together(block, reader)


async def test_block_waits_for_the_writer() -> None:
    p, asked, done = Pair(), trio.Event(), trio.Event()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            asked.set()
            await done.wait()
            assert p.a == 2

    async def writer() -> None:
        await asked.wait()
        p.a = 2
        done.set()

    await together(block, writer)


async def test_block_starts_the_writer_and_waits() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 2

    with race.critical("pair"):
        p.a = 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer)
        assert p.a == 2


async def test_block_starts_a_writer_that_lives_on() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 2

    async with trio.open_nursery() as nursery:
        with race.critical("pair"):
            p.a = 1
            nursery.start_soon(writer)
            await checkpoint()
            p.a = 3


async def test_single_step() -> None:
    p = Pair()

    async def block() -> None:
        await checkpoint()
        with race.critical("pair"):
            p.a = 1
            p.a = 2
        await checkpoint()

    async def reader() -> None:
        assert p.a in (0, 2)

    await together(block, reader)


async def test_different_names_same_variables() -> None:
    p = Pair()

    async def one() -> None:
        with race.critical("one"):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def other() -> None:
        with race.critical("other"):
            p.a = 3

    await together(one, other)


async def test_different_names_different_variables() -> None:
    p = Pair()

    async def one() -> None:
        with race.critical("one"):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def other() -> None:
        with race.critical("other"):
            p.b = 1
            await checkpoint()
            p.b = 2

    await together(one, other)


async def twice(p: Pair, value: int) -> None:
    with race.critical("pair"):
        p.a = value
        await checkpoint()
        p.a = value + 1


async def test_same_name_two_instances() -> None:
    p, q = Pair(), Pair()
    await together(lambda: twice(p, 1), lambda: twice(q, 3))


async def test_same_name_one_instance() -> None:
    p = Pair()
    await together(lambda: twice(p, 1), lambda: twice(p, 3))


async def test_nested_inner_is_one_step() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("outer"):
            with race.critical("inner"):
                p.a = 1
            await checkpoint()
            with race.critical("inner"):
                p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_nested_of_the_same_name() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
            with race.critical("pair"):
                await checkpoint()
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_block_is_over_before_the_checkpoint() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
        await checkpoint()
        p.a = 2

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


async def test_two_blocks_one_after_the_other() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a = 1
        await checkpoint()
        with race.critical("pair"):
            p.a = 2

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


async def test_left_by_an_exception() -> None:
    p = Pair()

    async def block() -> None:
        with contextlib.suppress(ValueError), race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2
            raise ValueError

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


async def test_exception_before_the_second_access() -> None:
    p = Pair()

    async def block() -> None:
        with contextlib.suppress(ValueError):
            with race.critical("pair"):
                p.a = 1
                await checkpoint()
                raise ValueError

    async def reader() -> None:
        assert p.a in (0, 1)

    await together(block, reader)


async def test_left_by_cancellation() -> None:
    p = Pair()

    async def block() -> None:
        with trio.CancelScope() as scope, race.critical("pair"):
            p.a = 1
            await checkpoint()
            p.a = 2
            scope.cancel()
            await checkpoint()
            p.a = 3

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


async def test_access_after_an_exception_is_outside() -> None:
    p = Pair()

    async def block() -> None:
        try:
            with race.critical("pair"):
                p.a = 1
                raise ValueError
        except ValueError:
            await checkpoint()
            p.a = 2

    async def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, reader)


@contextlib.contextmanager
def unit():
    with race.critical("unit"):
        yield


@contextlib.asynccontextmanager
async def locked_unit(lock: trio.Lock):
    async with lock:
        with race.critical("unit"):
            yield


async def test_in_a_generator_based_context() -> None:
    p = Pair()

    async def block() -> None:
        with unit():
            p.a = 1
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_in_a_generator_based_context_locked() -> None:
    p = Pair()

    async def block() -> None:
        async with locked_unit(p.lock):
            p.a = 1
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        async with p.lock:
            p.a = 3

    await together(block, writer)


async def test_in_an_exit_stack() -> None:
    p = Pair()

    async def block() -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(race.critical("pair"))
            p.a = 1
            await checkpoint()
            p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_decorated_coroutine_function() -> None:
    p = Pair()

    @race.critical("pair")
    async def block() -> None:
        p.a = 1
        await checkpoint()
        p.a = 2

    async def writer() -> None:
        p.a = 3

    await together(block, writer)


async def test_decorated_function_is_one_step() -> None:
    p = Pair()

    @race.critical("pair")
    def both() -> None:
        p.a = 1
        p.b = 1

    async def block() -> None:
        await checkpoint()
        both()

    async def reader() -> None:
        assert p.a == p.b

    await together(block, reader)


PAIR = race.critical("one for all")


async def test_one_block_shared_by_tasks() -> None:
    p = Pair()

    async def block(value: int) -> None:
        with PAIR:
            p.a = value
            await checkpoint()
            p.a = value + 1

    await together(lambda: block(1), lambda: block(3))


def get(p: Pair) -> int:
    return p.a


def put(p: Pair, value: int) -> None:
    p.a = value


async def test_accesses_in_helpers() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            get(p)
            await checkpoint()
            get(p)

    async def writer() -> None:
        put(p, 1)

    await together(block, writer)


async def test_same_helper_before_and_in_the_block() -> None:
    p = Pair()

    async def block() -> None:
        get(p)
        with race.critical("pair"):
            get(p)
            await checkpoint()
            get(p)

    async def writer() -> None:
        await checkpoint()
        put(p, 1)

    await together(block, writer)


async def test_writer_ran_long_before() -> None:
    p = Pair()

    async def writer() -> None:
        p.a = 1
        p.b = 1

    async def block() -> None:
        await trio.sleep(5)
        await look_at_both(p)

    await together(block, writer)


async def test_writer_comes_long_after() -> None:
    p = Pair()

    async def writer() -> None:
        await trio.sleep(5)
        p.a = 1
        p.b = 1

    await together(lambda: look_at_both(p), writer)


async def test_dict_two_keys() -> None:
    stock = {"tea": 1, "cups": 1}

    async def block() -> None:
        with race.critical("stock"):
            stock["tea"]  # noqa: B018
            await checkpoint()
            stock["cups"]  # noqa: B018

    async def writer() -> None:
        stock["tea"] = 2
        stock["cups"] = 2

    await together(block, writer)


async def test_dict_other_keys() -> None:
    stock = {"tea": 1, "cups": 1, "pots": 1}

    async def block() -> None:
        with race.critical("stock"):
            stock["tea"] = 2
            await checkpoint()
            stock["tea"] = 3

    async def writer() -> None:
        stock["cups"] = 2
        await checkpoint()
        stock["pots"] = 2

    await together(block, writer)


async def test_dict_iterated_half_written() -> None:
    stock = {"tea": 1, "cups": 1}

    async def block() -> None:
        with race.critical("stock"):
            stock["tea"] = 2
            await checkpoint()
            stock["cups"] = 2

    async def reader() -> None:
        assert sum(stock.values()) in (2, 3, 4)

    await together(block, reader)


async def test_set_other_element() -> None:
    seen = {"x"}

    async def block() -> None:
        with race.critical("seen"):
            seen.discard("a")
            await checkpoint()
            seen.add("a")

    async def other() -> None:
        seen.add("b")

    await together(block, other)


async def test_list_cleared() -> None:
    items = [1, 2]

    async def block() -> None:
        with race.critical("items"):
            len(items)
            await checkpoint()
            len(items)

    async def other() -> None:
        items.clear()

    await together(block, other)


total = 0


async def test_global() -> None:
    async def block() -> None:
        global total
        with race.critical("total"):
            total = 1
            await checkpoint()
            total = 2

    async def other() -> None:
        assert total in (0, 1, 2)

    await together(block, other)


async def test_closure() -> None:
    count = 0

    async def block() -> None:
        nonlocal count
        with race.critical("count"):
            count = 1
            await checkpoint()
            count = 2

    async def other() -> None:
        assert count in (0, 1, 2)

    await together(block, other)


def in_a_thread(p: Pair) -> None:
    with race.critical("pair"):
        p.a = 1
        p.b = 1


async def test_threads() -> None:
    p = Pair()
    await together(
        lambda: trio.to_thread.run_sync(in_a_thread, p),
        lambda: trio.to_thread.run_sync(lambda: (p.a, p.b)),
    )


async def test_threads_locked() -> None:
    p, lock = Pair(), threading.Lock()

    def block() -> None:
        with lock:
            in_a_thread(p)

    def reader() -> None:
        with lock:
            assert p.a == p.b

    await together(lambda: trio.to_thread.run_sync(block), lambda: trio.to_thread.run_sync(reader))


async def test_task_and_thread_in_one_step() -> None:
    p = Pair()

    async def block() -> None:
        await checkpoint()
        with race.critical("pair"):
            p.a = 1
            p.a = 2

    def reader() -> None:
        assert p.a in (0, 1, 2)

    await together(block, lambda: trio.to_thread.run_sync(reader))


async def test_thread_ordered_by_its_end() -> None:
    p = Pair()

    def write() -> None:
        p.a = 2

    with race.critical("pair"):
        p.a = 1
        await trio.to_thread.run_sync(write)
        assert p.a == 2


async def test_object_made_in_the_block() -> None:
    made: list[Pair] = []

    async def block() -> None:
        with race.critical("pair"):
            p = Pair()
            p.a = 1
            await checkpoint()
            p.a = 2
            made.append(p)

    async def other() -> None:
        q = Pair()
        q.a = 3

    await together(block, other)


async def one() -> int:
    await checkpoint()
    return 1


async def test_update_across_a_checkpoint() -> None:
    p = Pair()

    async def block() -> None:
        with race.critical("pair"):
            p.a += await one()

    async def writer() -> None:
        p.a = 5

    await together(block, writer)


async def test_condition() -> None:
    p, condition = Pair(), trio.Condition()

    async def block() -> None:
        async with condition:
            with race.critical("pair"):
                p.a = 1
                await checkpoint()
                p.a = 2
            condition.notify_all()

    async def writer() -> None:
        async with condition:
            p.a = 3

    await together(block, writer)


async def test_condition_waits_inside() -> None:
    p, condition = Pair(), trio.Condition()

    async def block() -> None:
        async with condition:
            with race.critical("pair"):
                p.a = 1
                await condition.wait()
                p.a = 2

    async def writer() -> None:
        await trio.sleep(1)
        async with condition:
            p.a = 3
            condition.notify_all()

    await together(block, writer)
