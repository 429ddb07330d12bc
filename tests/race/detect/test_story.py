"""What a finding says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from trioflow.race.model.configuration import Level
from trioflow.race.model.findings import Kind, Severity

LOST_UPDATE = """
import trio


class Account:
    def __init__(self):
        self.balance = 0
        self.lock = trio.Lock()

    async def deposit(self, amount):
        seen = self.balance
        await trio.lowlevel.checkpoint()
        self.balance = seen + amount


async def main():
    account = Account()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(account.deposit, 1)
        nursery.start_soon(account.deposit, 2)
"""


def test_section_tells_the_accesses_in_the_order_that_hurts(watch: Any) -> None:
    """Read, checkpoint, the other's write, own write: with lines, columns and functions."""
    (finding,) = watch(LOST_UPDATE).findings
    assert finding.kind is Kind.UNGUARDED_SECTION
    assert finding.severity is Severity.ERROR
    assert finding.variable == "Account.balance"
    story = [(access.actor, access.verb, access.location.line, access.location.column) for access in finding.accesses]
    assert story == [("A", "reads", 11, 16), ("A", "awaits", 12, 9), ("B", "writes", 13, 9), ("A", "writes", 13, 9)]
    assert {access.location.function for access in finding.accesses} == {"Account.deposit"}
    assert finding.accesses[-1].remark == "overwrites B"
    assert [actor.kind for actor in finding.actors] == ["task", "task"]
    assert {actor.started.line for actor in finding.actors if actor.started is not None} == {19, 20}
    assert finding.order.startswith("both start in the nursery at ")
    assert ":18:5; nothing orders them" in finding.order
    assert "lines 11-13" in finding.help
    assert re.match(
        r"in this run the write fell in between: B changed 0 to [12], and A stored [12] over it", finding.seen
    )
    assert finding.test == "test"


def test_fingerprint_holds_no_line_numbers(watch: Any) -> None:
    """Edits elsewhere in the file leave it as it is; another variable has another."""
    (first,) = watch(LOST_UPDATE).findings
    (moved,) = watch("\n\n# a comment\n" + LOST_UPDATE).findings
    assert first.accesses[0].location.line != moved.accesses[0].location.line
    assert len(first.identifier) == 8
    other = LOST_UPDATE.replace("balance", "total")
    (renamed,) = watch(other).findings
    assert renamed.identifier != first.identifier


def test_locks_are_named_by_where_they_were_made(watch: Any) -> None:
    """One side holds a lock, the other does not; the report says which."""
    source = LOST_UPDATE.replace(
        "        seen = self.balance\n        await trio.lowlevel.checkpoint()\n        self.balance = seen + amount\n",
        "        async with self.lock:\n            seen = self.balance\n            await trio.lowlevel.checkpoint()\n"
        "            self.balance = seen + amount\n\n    async def seize(self):\n        self.balance = 0\n",
    ).replace("account.deposit, 2", "account.seize")
    (finding,) = (found for found in watch(source).findings if found.kind is Kind.UNGUARDED_SECTION)
    held = {access.actor: access.locks for access in finding.accesses}
    assert held["B"] == ()
    (lock,) = held["A"]
    assert lock.startswith("trio.Lock made at ")
    assert lock.endswith(":8")


def test_race_of_a_thread_is_an_error_and_names_it(watch: Any) -> None:
    """Steps protect nothing against a thread."""
    watched = watch(
        """
import trio


class Metrics:
    sent = 0

    def drain(self):
        self.sent = 0


async def main():
    metrics = Metrics()

    async def count():
        metrics.sent += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, metrics.drain)
        nursery.start_soon(count)
"""
    )
    (finding,) = watched.findings
    assert finding.severity is Severity.ERROR
    assert {actor.kind for actor in finding.actors} == {"task", "thread"}
    assert "threading.Lock" in finding.help


def test_strict_level_makes_errors_of_races(watch: Any) -> None:
    """At the default level the same race is a warning."""
    source = """
import trio

state = "new"


async def write():
    global state
    state = "old"


async def read():
    return state


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        nursery.start_soon(read)
"""
    (warning,) = watch(source).findings
    (error,) = watch(source, level=Level.STRICT).findings
    assert (warning.severity, error.severity) == (Severity.WARNING, Severity.ERROR)
    assert warning.variable == f"global {Path(warning.accesses[0].location.path).stem}.state"


def test_task_of_a_server_is_named_for_its_handler(watch: Any) -> None:
    """Not for the function of Trio that calls the handler, and not started in whatever called `trio.run`."""
    watched = watch(
        """
import functools

import trio
import trio.testing

served = 0


async def greet(stream):
    global served
    before = served
    await stream.send_all(b"hello")
    served = before + 1


async def main():
    async with trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_tcp, greet, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        for _ in range(2):
            async with await trio.testing.open_stream_to_socket_listener(listener) as client:
                assert await client.receive_some() == b"hello"
        nursery.cancel_scope.cancel()
"""
    )
    (finding,) = (found for found in watched.findings if found.kind is Kind.UNGUARDED_SECTION)
    assert {actor.name.rpartition(".")[2] for actor in finding.actors} == {"greet"}
    assert {actor.started.function for actor in finding.actors if actor.started is not None} == {"main"}
