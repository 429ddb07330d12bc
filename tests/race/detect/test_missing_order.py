"""What a finding says of the order that is missing: where the two sides were last in order, and what could help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trioflow.race.model.configuration import Level

PROGRAM = """
import trio


class Box:
    value = 0


async def give(box, event, send):
    await trio.lowlevel.checkpoint()
    {give}
    await trio.lowlevel.checkpoint()
    box.value = 1


async def take(box, event, receive):
    await trio.lowlevel.checkpoint()
    {take}
    box.value = 2


async def main():
    box = Box()
    event = trio.Event()
    send, receive = trio.open_memory_channel({room})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(give, box, event, send)
        nursery.start_soon(take, box, event, receive)
"""


def missing(watch: Any, give: str, take: str, room: int = 5) -> tuple[str, str, dict[str, int]]:
    """The order and the help of the only finding, and in which line each of the two accesses is."""
    (finding,) = watch(PROGRAM.format(give=give, take=take, room=room)).findings
    return finding.order, finding.help, {access.actor: access.location.line for access in finding.accesses}


def test_never_met(watch: Any) -> None:
    """Two tasks that never hear of each other parted in the nursery in which both start."""
    order, advice, _ = missing(watch, "pass", "pass")
    assert "both start in the nursery at " in order
    assert order.endswith(":26:5; nothing orders them after that")
    assert "let one wait for the other" in advice


@pytest.mark.parametrize(
    ("give", "take", "room"),
    [
        ("event.set()", "await event.wait()", 5),
        ("event.set()", "await trio.lowlevel.checkpoint(); event.is_set()", 5),
        ("await send.send(1)", "await receive.receive()", 5),
        ("send.send_nowait(1)", "await receive.receive()", 5),
    ],
)
def test_edge_that_comes_too_early(watch: Any, give: str, take: str, room: int) -> None:
    """What is handed over before the access does not order it: the report says where, and what could be moved."""
    order, advice, lines = missing(watch, give, take, room)
    giver, taker = sorted(lines, key=lambda label: lines[label])
    assert lines[giver] == 13
    assert ":11:" in order
    assert f"where {giver} lets {taker} go on; what {giver} does here comes after that" in order
    assert advice.startswith(f"let {giver} do it before ")
    assert advice.endswith(f"or let {taker} wait for something that comes after it")


def test_different_nurseries(watch: Any) -> None:
    """Where no nursery has started both, the report names what each comes from."""
    source = PROGRAM.format(give="pass", take="pass", room=1).replace(
        "        nursery.start_soon(take, box, event, receive)",
        "        async with trio.open_nursery() as inner:\n            inner.start_soon(take, box, event, receive)",
    )
    (finding,) = watch(source).findings
    assert "starts A in line 29 of main and starts B in line 27 of main" in finding.order


@pytest.mark.filterwarnings("ignore::trioflow.race.model.errors.InternalWarning")
def test_nursery_in_a_module_too_deep_to_be_rewritten(watch: Any, tmp_path: Path) -> None:
    """A long chain of conditions keeps no report from being written."""
    chain = "".join(f"    elif number == {number}:\n        pass\n" for number in range(2500))
    both = "async def both(one, other, box):\n    async with trio.open_nursery() as nursery:\n"
    both += "        nursery.start_soon(one, box)\n        nursery.start_soon(other, box)\n"
    text = f"import trio\n\n\n{both}\n\ndef choose(number):\n    if number is None:\n        pass\n{chain}"
    (tmp_path / "too_deep.py").write_text(text)
    source = """
import too_deep


class Box:
    value = 0


async def write(box):
    box.value = 1


async def read(box):
    box.value


async def main():
    await too_deep.both(write, read, Box())
"""
    (finding,) = watch(source, level=Level.STRICT).findings
    assert "too_deep.py:5:5; nothing orders them after that" in finding.order
