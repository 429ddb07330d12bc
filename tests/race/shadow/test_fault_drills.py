"""Drills: what goes wrong in the midst of the detector's work neither reaches the program nor blinds the detector."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from trioflow.race.model.errors import InternalWarning
from trioflow.race.shadow import memory

RACY = """
import gc
import weakref

import trio


class Account:
    def __init__(self):
        self.balance = 0


async def deposit(account):
    seen = account.balance
    await trio.lowlevel.checkpoint()
    account.balance = seen + 1


async def both(account):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deposit, account)
        nursery.start_soon(deposit, account)
"""

MAIN = """

async def main():
    await both(Account())
"""


def sections(watched: Any) -> list[str]:
    """The variables of the critical sections that were found."""
    return [variable for kind, variable in watched.kinds() if kind == "unguarded-section"]


def test_error_in_the_recorder_is_noted_and_changes_nothing(watch: Any) -> None:
    """The program ends as it would have; the detector says that it failed, and works again afterwards."""

    def fail(*_: object) -> None:
        raise RuntimeError("drill")

    patch = pytest.MonkeyPatch()
    patch.setattr(memory.Memory, "record", fail)
    with pytest.warns(InternalWarning, match="missed what happened there") as told:
        watched = watch(RACY + "    done.append(account.balance)\n\n\ndone = []\n" + MAIN)
    assert watched.module.done in ([1], [2])
    assert watched.findings == []
    assert all("drill" in str(warning.message) for warning in told)
    patch.undo()
    assert sections(watch(RACY + MAIN)) == ["Account.balance"]


def test_slow_and_odd_comparisons_are_left_to_the_program(watch: Any) -> None:
    """Values are compared by the program alone: the detector calls no `__eq__`, `__bool__` or `__repr__`."""
    watched = watch(
        RACY
        + """

class Odd:
    calls = []

    def __eq__(self, other):
        Odd.calls.append("eq")
        raise ValueError("eq")

    def __hash__(self):
        Odd.calls.append("hash")
        return 7

    def __bool__(self):
        Odd.calls.append("bool")
        raise ValueError("bool")

    def __repr__(self):
        Odd.calls.append("repr")
        raise ValueError("repr")

    def __len__(self):
        Odd.calls.append("len")
        raise ValueError("len")


async def swap(account):
    seen = account.balance
    await trio.lowlevel.checkpoint()
    account.balance = Odd()


async def main():
    account = Account()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(swap, account)
        nursery.start_soon(swap, account)
    table = {Odd(): 1}
    Odd.calls.clear()
    for key in table:
        table[key] = 2
    assert set(Odd.calls) == {"hash"}, Odd.calls
    Odd.calls.clear()
"""
    )
    assert watched.module.Odd.calls == []


def test_comparison_that_awaits_is_not_called(watch: Any) -> None:
    """An `__eq__` that returns a coroutine leaves none that was never awaited."""
    watched = watch(
        RACY
        + """

class Lazy:
    async def __eq__(self, other):
        await trio.lowlevel.checkpoint()
        return True

    __hash__ = object.__hash__


async def swap(account):
    seen = account.balance
    await trio.lowlevel.checkpoint()
    account.balance = Lazy() if seen is None else seen


async def main():
    account = Account()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(swap, account)
        nursery.start_soon(swap, account)
"""
    )
    assert sections(watched) == ["Account.balance"]


@pytest.mark.parametrize("shared", [False, True])
def test_what_dies_after_a_collection_is_dead(watch: Any, shared: bool) -> None:
    """What a program waits for after `gc.collect()` has happened, in the same step, too."""
    watched = watch(
        RACY
        + f"""

class Thing:
    def __init__(self, died):
        self.died = died
        self.me = self

    def __del__(self):
        self.died.append("del")


async def look(things):
    things[0].me
    len(things)


async def main():
    died = []
    things = [Thing(died)]
    weakref.finalize(things[0], died.append, "finalized")
    things.append(1)
    if {shared}:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look, things)
            nursery.start_soon(look, things)
    things[0].me = things[0]
    del things
    gc.collect()
    assert sorted(died) == ["del", "finalized"], died
"""
    )
    assert watched.findings == []


def test_deeply_nested_code(watch: Any) -> None:
    """Nested displays, calls and statements work, or the module is left as it is; the program never fails for it."""
    nested = "[" * 80 + "account.balance" + "]" * 80
    ladder = "".join("    " * depth + "if account:\n" for depth in range(1, 18)) + "    " * 18 + "account.balance = 1\n"
    source = RACY + f"\n\ndef look(account):\n    return {nested}\n\n\ndef climb(account):\n{ladder}"
    source += "\n\nasync def main():\n    account = Account()\n    climb(account)\n    assert account.balance == 1\n"
    source += "    look(account)\n    await both(account)\n"
    assert sections(watch(source)) == ["Account.balance"]


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit", "trio.Cancelled"])
def test_task_that_dies_in_mid_section(watch: Any, error: str) -> None:
    """Whatever ends a task between its read and its write leaves the others' sections to be found."""
    watched = watch(
        RACY
        + f"""

async def die(account):
    with trio.CancelScope() as scope:
        seen = account.balance
        try:
            await trio.lowlevel.checkpoint()
            if {error!r} == "trio.Cancelled":
                scope.cancel()
                await trio.lowlevel.checkpoint()
            else:
                raise {error if error != "trio.Cancelled" else "ValueError"}
        except {error if error != "trio.Cancelled" else "ValueError"}:
            return
        account.balance = seen


async def main():
    account = Account()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(die, account)
        nursery.start_soon(both, account)
"""
    )
    assert sections(watched) == ["Account.balance"]


def run(tmp_path: Path, source: str) -> str:
    """Run a script under the detector in a process of its own, and return all that it prints."""
    script = tmp_path / "drill.py"
    script.write_text(textwrap.dedent(source))
    command = [sys.executable, "-m", "trioflow", "race", "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def test_interrupts_at_any_point_of_a_probe(tmp_path: Path) -> None:
    """A KeyboardInterrupt comes out of the run as ever, whatever the detector was about, and blinds nobody."""
    printed = run(
        tmp_path,
        """
        import signal
        import trio

        class Account:
            def __init__(self):
                self.balance = 0
                self.log = []

        async def spin(account):
            while True:
                account.balance += 1
                account.log.append(account.balance)
                account.log.pop()
                await trio.lowlevel.checkpoint()

        async def until_interrupted():
            account = Account()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(spin, account)
                nursery.start_soon(spin, account)

        async def deposit(account):
            seen = account.balance
            await trio.lowlevel.checkpoint()
            account.balance = seen + 1

        async def both():
            account = Account()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(deposit, account)
                nursery.start_soon(deposit, account)

        signal.signal(signal.SIGVTALRM, lambda *_: signal.raise_signal(signal.SIGINT))
        interrupted = 0
        for turn in range(60):
            # Of the process's own time, so that each turn is interrupted at another point.
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.002 + turn * 0.00017)
            try:
                trio.run(until_interrupted)
            except* KeyboardInterrupt:
                interrupted += 1
        print("interrupted", interrupted)
        trio.run(both)
        """,
    )
    assert "interrupted 60" in printed
    assert "Account.balance can change between" in printed
    assert "internal error" not in printed


def test_fork_while_threads_are_watched(tmp_path: Path) -> None:
    """A child made while another thread is in a probe runs to its end, and so does the parent."""
    printed = run(
        tmp_path,
        """
        import os
        import threading
        import trio

        class Counter:
            def __init__(self):
                self.count = 0

        async def main():
            counter = Counter()
            stop = threading.Event()

            def spin():
                while not stop.is_set():
                    counter.count += 1

            thread = threading.Thread(target=spin)
            thread.start()
            ended = 0
            for _ in range(40):
                child = os.fork()
                if child == 0:
                    counter.count += 1
                    os._exit(7)
                counter.count += 1
                ended += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            stop.set()
            thread.join()
            print("ended", ended)

        trio.run(main)
        """,
    )
    assert "ended 40" in printed
    assert "Counter.count" in printed


def test_tasks_of_a_run_that_crashed_are_collected(tmp_path: Path) -> None:
    """Trio leaves their coroutines to the garbage collector, and tests wait for what that tells."""
    printed = run(
        tmp_path,
        """
        import gc
        import weakref
        import trio

        class Thing:
            pass

        died = []

        async def break_the_loop():
            thing = Thing()
            weakref.finalize(thing, died.append, "thing")
            trio.lowlevel.current_task()._schedule_points = "not a number"
            await trio.lowlevel.checkpoint()

        def crash():
            try:
                trio.run(break_the_loop)
            except trio.TrioInternalError:
                died.append("run")

        async def main():
            await trio.to_thread.run_sync(crash)
            gc.collect()
            print("died", died)

        trio.run(main)
        """,
    )
    assert "died ['run', 'thing']" in printed
