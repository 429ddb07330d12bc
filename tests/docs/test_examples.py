"""The programs and commands in the documentation do what it says.

A code block under `<!-- file: NAME -->` is a file. A block under `<!-- run: CODE -->` is a command, of which the exit
code and the lines below it are compared with what happens: each line must occur in the output, in this order, and
`...` stands for anything in between.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
BLOCK = re.compile(
    r"^<!-- (?P<what>file|run): (?P<argument>\S+) -->\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PAGES = sorted(path for path in DOCS.rglob("*.md") if BLOCK.search(path.read_text(encoding="utf-8")))


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the documentation with this interpreter's scripts."""
    scripts = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_page_tells_what_happens(page: Path, tmp_path: Path) -> None:
    """Every command on the page has the exit code and the output that the page shows."""
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["what"] == "file":
            (tmp_path / block["argument"]).write_text(block["text"], encoding="utf-8")
            continue
        command, *shown = block["text"].splitlines()
        done = run(command.removeprefix("$ "), tmp_path)
        assert done.returncode == int(block["argument"]), done.stdout + done.stderr
        position = 0
        for line in shown:
            if line != "...":
                position = done.stdout.find(line, position)
                assert position >= 0, f"{line!r} is not in the output, or not there:\n{done.stdout}"
                position += len(line)


def test_some_pages_have_examples() -> None:
    """The collector finds them."""
    assert DOCS / "tutorial" / "first-race.md" in PAGES
