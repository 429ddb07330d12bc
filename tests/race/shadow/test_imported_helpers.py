"""Values pass through plain functions of other modules."""

from __future__ import annotations

import sys
from pathlib import Path

from race.conftest import Watch

HELPERS = """
def unpack(text):
    return int(text)

def answer(text):
    return 42
"""

PROGRAM = """
import trio
from {helpers} import answer, unpack

class Store:
    text = "0"

async def main():
    store = Store()

    async def add(after):
        await trio.sleep(after)
        number = {function}(store.text)
        await trio.lowlevel.checkpoint()
        store.text = str(number + 1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(add, 0)
        nursery.start_soon(add, 0.01)
"""


def findings(watch: Watch, tmp_path: Path, function: str) -> list[tuple[str, str]]:
    """What is found where a helper stands between a read and a write."""
    helpers = f"helpers_of_{function}"
    (tmp_path / f"{helpers}.py").write_text(HELPERS)
    try:
        return watch(PROGRAM.format(helpers=helpers, function=function)).kinds()
    finally:
        sys.modules.pop(helpers, None)


def test_value_passes_through_an_imported_function(watch: Watch, tmp_path: Path) -> None:
    """What a helper of another module makes of a value still depends on it."""
    assert ("unguarded-section", "Store.text") in findings(watch, tmp_path, "unpack")


def test_value_ends_in_an_imported_function(watch: Watch, tmp_path: Path) -> None:
    """A helper that makes no use of what it is given passes nothing on."""
    assert ("unguarded-section", "Store.text") not in findings(watch, tmp_path, "answer")
