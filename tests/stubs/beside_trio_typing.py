"""Proves that the package runs beside trio-typing, and that its stubs are noticed; for `nox -s typing-compat`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

PROJECT = """
import trio
import trio_typing


class Counter:
    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        self.value += 1


def count(nursery: trio.Nursery, counter: Counter) -> None:
    nursery.start_soon(add, counter)


async def add(counter: Counter, task_status: trio_typing.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    counter.add()
    await trio.lowlevel.checkpoint()
"""

TEST = """
import trio
from project import Counter, count


async def test_counter():
    counter = Counter()
    async with trio.open_nursery() as nursery:
        count(nursery, counter)
    assert counter.value == 1
"""


def pytest(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def main() -> None:
    """Run a program that uses both, under the detector; then the test that tells where stubs shadow Trio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "project.py").write_text(PROJECT, encoding="utf-8")
        (folder / "test_project.py").write_text(TEST, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n", encoding="utf-8")
        done = pytest("--detect-races", folder=folder)
        if done.returncode != 0:
            raise SystemExit(f"a suite that uses trio-typing does not run under the detector:\n{done.stdout}")

    done = pytest("-c", os.devnull, "--rootdir", str(HERE), "test_trio_types.py", folder=HERE)
    if done.returncode != 1 or "hides Trio's own types" not in done.stdout:
        raise SystemExit(f"nothing says that trio-stubs hides Trio's own types:\n{done.stdout}")
    print("trioflow runs beside trio-typing, and its stubs are noticed")


if __name__ == "__main__":
    main()
