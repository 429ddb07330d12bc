"""A variable that is read again and again is not looked at closely each time; what is new is noticed."""

from __future__ import annotations

from typing import Any

import pytest

PROGRAM = """
import trio


class Box:
    def __init__(self):
        self.value = 0


async def reader(box, first, second):
    for _ in range(3):
        box.value
        await trio.lowlevel.checkpoint()
    first.set()
    await second.wait()
    for _ in range(3):
        box.value
        await trio.lowlevel.checkpoint()
    {after}


async def writer(box, first, second):
    await first.wait()
    box.value = 1
    second.set()
    await trio.lowlevel.checkpoint()
    {late}


async def main():
    box = Box()
    first, second = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader, box, first, second)
        nursery.start_soon(writer, box, first, second)
"""


@pytest.mark.parametrize(
    ("after", "late", "found"),
    [
        ("pass", "pass", []),
        ("box.value = 3", "pass", []),
        ("pass", "box.value = 2", [("data-race", "Box.value")]),
    ],
)
def test_write_that_is_in_no_order_is_found_after_many_reads(
    watch: Any, after: str, late: str, found: list[tuple[str, str]]
) -> None:
    """The last of several reads is the one that counts, and a write since then is met."""
    assert watch(PROGRAM.format(after=after, late=late), level="strict").kinds() == found


def test_each_reading_place_is_reported(watch: Any) -> None:
    """A read that takes the place of an earlier one at another line does not hide what was found there."""
    source = """
        import trio


        class Box:
            def __init__(self):
                self.value = 0


        async def reader(box):
            for _ in range(4):
                box.value
                await trio.lowlevel.checkpoint()
                box.value
                await trio.lowlevel.checkpoint()


        async def writer(box):
            for number in range(4):
                await trio.lowlevel.checkpoint()
                box.value = number


        async def main():
            box = Box()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reader, box)
                nursery.start_soon(writer, box)
    """
    lines = {access.location.line for finding in watch(source).findings for access in finding.accesses}
    assert len(lines) == 3
