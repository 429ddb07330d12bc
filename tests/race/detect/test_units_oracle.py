"""Critical blocks against an oracle: a block is reported if, and only if, some schedule gives the whole no place.

The oracle knows nothing of clocks. It goes through all interleavings of two small tasks and looks for a cycle in the
conflict graph, of which the block is one node, and so is each step of the other task, or that task's block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

Step = list[tuple[str, str]]
"""Variables, each with `r` or `w`."""

accesses = st.tuples(st.sampled_from("ab"), st.sampled_from("rw"))
tasks = st.lists(st.lists(accesses, min_size=1, max_size=2), min_size=1, max_size=3)


def interleavings(one: int, other: int) -> Iterator[list[str]]:
    if not one and not other:
        yield []
    if one:
        yield from (["block", *rest] for rest in interleavings(one - 1, other))
    if other:
        yield from (["other", *rest] for rest in interleavings(one, other - 1))


def has_a_cycle(edges: set[tuple[str, str]]) -> bool:
    reached = set(edges)
    while True:
        further = {(one, last) for one, middle in reached for again, last in edges if middle == again}
        if further <= reached:
            return any(one == last for one, last in reached)
        reached |= further


def can_be_broken(block: list[Step], other: list[Step], whole: bool) -> bool:
    for order in interleavings(len(block), len(other)):
        steps = {"block": iter(block), "other": iter(other)}
        seen: list[tuple[str, str, str]] = []
        edges: set[tuple[str, str]] = {(f"step {index}", f"step {index + 1}") for index in range(len(other) - 1)}
        count = 0
        for task in order:
            node = "block" if task == "block" else "whole" if whole else f"step {count}"
            count += task == "other"
            for variable, kind in next(steps[task]):
                edges |= {
                    (earlier, node)
                    for earlier, name, what in seen
                    if name == variable and "w" in (kind, what) and earlier != node
                }
                seen.append((node, variable, kind))
        if has_a_cycle(edges):
            return True
    return False


def source_of(block: list[Step], other: list[Step], whole: bool) -> str:
    numbers = iter(range(1, 100))

    def body(steps: list[Step], indent: str) -> str:
        lines: list[str] = []
        for index, step in enumerate(steps):
            if index:
                lines.append("await checkpoint()")
            lines += [f"pair.{name} = {next(numbers)}" if kind == "w" else f"pair.{name}" for name, kind in step]
        return "".join(f"{indent}{line}\n" for line in lines)

    return f"""
import contextlib

import trio
from trio.lowlevel import checkpoint

from trioflow import race


class Pair:
    def __init__(self):
        self.a = self.b = 0


async def main():
    pair = Pair()

    async def block():
        await checkpoint()
        with race.critical("block"):
{body(block, " " * 12)}
    async def other():
        await checkpoint()
        with {"race.critical('other')" if whole else "contextlib.nullcontext()"}:
{body(other, " " * 12)}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(block)
        nursery.start_soon(other)
"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(block=tasks, other=tasks, whole=st.booleans())
@example(block=[[("a", "r")], [("b", "r")]], other=[[("a", "w"), ("b", "w")]], whole=False)
@example(block=[[("a", "r")], [("b", "r")]], other=[[("b", "w")], [("a", "w")]], whole=False)
@example(block=[[("a", "w")], [("b", "r"), ("a", "w")]], other=[[("a", "r")], [("b", "w")]], whole=False)
@example(block=[[("a", "w")], [("b", "w")]], other=[[("b", "w")], [("a", "w")]], whole=True)
def test_block_is_reported_if_a_schedule_breaks_it(
    watch: Any, block: list[Step], other: list[Step], whole: bool
) -> None:
    """Neither is a block reported that nothing can break, nor is one missed that something can."""
    findings = watch(source_of(block, other, whole)).findings
    reported = any("critical block" in finding.headline for finding in findings)
    assert reported == can_be_broken(block, other, whole)
