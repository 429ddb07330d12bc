"""Findings in which threads take part, and how the detector bears many of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from trioflow.race.model.configuration import Level
from trioflow.race.model.findings import Severity
from trioflow.race.shadow import faults

if TYPE_CHECKING:
    from conftest import Watch

TWO_THREADS = """
    import collections
    import threading

    class Box:
        def __init__(self):
            self.items = {made}
            self.value = 0

    async def main():
        box = Box()

        def first():
            {first}

        def second():
            {second}

        threads = [threading.Thread(target=each) for each in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
"""


@pytest.mark.parametrize(
    ("made", "first", "second"),
    [
        ("[]", "box.items.append(1)", "box.items.append(2)"),
        ("set()", "box.items.add(1)", "box.items.add(2)"),
        ("collections.deque()", "box.items.append(1)", "box.items.append(2)"),
        ("{}", "box.items[1] = 1", "box.items[2] = 2"),
    ],
)
def test_single_additions_of_threads_commute(watch: Watch, made: str, first: str, second: str) -> None:
    """What the interpreter does as a whole is an error at the strict level only."""
    source = TWO_THREADS.format(made=made, first=first, second=second)
    assert watch(source).findings == []
    if made != "{}":
        assert {finding.severity for finding in watch(source, level=Level.STRICT).findings} == {Severity.ERROR}


@pytest.mark.parametrize(
    ("made", "first", "second"),
    [
        ("0", "box.value += 1", "box.value += 1"),
        ("0", "box.value = 1", "box.value = 2"),
        ("0", "box.value = 1", "print(box.value)"),
        ("[]", "box.items.append(1)", "print(len(box.items))"),
        ("[]", "box.items += [1]", "box.items += [2]"),
        ("{}", "box.items[1] = 1", "box.items[1] = 2"),
        ("{1: 0}", "box.items[1] += 1", "box.items[1] += 1"),
        ("{1: 0}", "box.items[2] = 1", "list(box.items)"),
        ("type('Own', (list,), {})()", "box.items.append(1)", "box.items.append(2)"),
    ],
)
def test_everything_else_between_threads_is_an_error(watch: Watch, made: str, first: str, second: str) -> None:
    """No step protects from a thread, so nothing else commutes."""
    findings = watch(TWO_THREADS.format(made=made, first=first, second=second)).findings
    assert findings
    assert {finding.severity for finding in findings} == {Severity.ERROR}


def test_tasks_of_runs_in_two_threads_are_threads(watch: Watch) -> None:
    """The steps of one run are not whole to the other."""
    findings = watch("""
        import threading
        import trio

        class Box:
            value = 0

        async def add(box):
            box.value += 1

        async def main():
            box = Box()
            threads = [threading.Thread(target=trio.run, args=(add, box)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    """).findings
    assert {finding.severity for finding in findings} == {Severity.ERROR}


def test_what_a_task_does_with_an_object_it_made_is_seen_by_a_thread_it_starts(watch: Watch) -> None:
    """A thread runs in the middle of a step, so only the making of an object precedes it, not all of the step."""
    found = watch("""
        import threading

        class Box:
            def __init__(self):
                self.value = 0

        async def main():
            box = Box()

            def work():
                print(box.value)

            thread = threading.Thread(target=work)
            thread.start()
            box.value = 1
            thread.join()
    """)
    assert found.kinds() == [("data-race", "Box.value")]


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads change over as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


STRESS = """
    import queue
    import threading
    from concurrent.futures import ThreadPoolExecutor
    import trio

    class Box:
        def __init__(self):
            self.racy = 0
            self.guarded = 0
            self.handed = 0

    async def main():
        box, lock, line = Box(), threading.Lock(), queue.Queue()
        items, table = [], {}

        def work(number):
            own = Box()
            for turn in range(60):
                box.racy += 1
                with lock:
                    box.guarded += 1
                    items.append(turn)
                    table[turn] = number
                own.handed += 1
                line.put(own)
                taken = line.get()
                taken.handed += 1
                own = Box()

        async def task():
            for _ in range(60):
                with lock:
                    box.guarded += 1
                await trio.to_thread.run_sync(work, -1) if _ == 0 else await trio.lowlevel.checkpoint()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(task)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(16)))
        for thread in threads:
            thread.join()
        box.guarded += 1
        assert len(items) == 60 * 32
"""


@pytest.mark.slow
def test_many_threads_at_once_lose_no_finding_and_break_nothing(watch: Watch, hasty: None) -> None:
    """With thirty threads that change over all the time, the race is found and nothing else, and no error is ours."""
    for _ in range(3):
        faults.take()
        found = watch(STRESS)
        assert faults.take() == {}
        assert found.kinds() == [("data-race", "Box.racy")]
