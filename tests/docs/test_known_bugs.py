"""The page on known bugs says what the command that finds them expects."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_page_lists_every_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a row with its releases and its variable, and a driver."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    try:
        import known_bugs
    finally:
        sys.modules.pop("known_bugs", None)
    page = (ROOT / "docs" / "explanation" / "known-bugs.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for bug in known_bugs.BUGS:
        assert (ROOT / "benchmarks" / "drivers" / bug.driver).exists()
        wanted = (f"| {bug.project} ", bug.before, bug.fixed, f"`{bug.variable}`", re.split("[#@]", bug.issue)[1])
        assert any(all(each in row for each in wanted) for row in rows), wanted
