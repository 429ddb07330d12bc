"""The labelled programs of the corpus: what is racy is reported, what is safe is not.

Deadlocks, lock orders and leaks have labels there too, which this test leaves to the analyses that will find them.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

CORPUS = Path(__file__).parent.parent / "corpus"
JUDGED = ("data-race", "section")
LEAST_RECALL = 0.9
# Trio 0.23 renamed the argument with which that program abandons a thread.
HAS_ABANDON = "abandon_on_cancel" in inspect.signature(trio.to_thread.run_sync).parameters
LEFT_OUT = () if HAS_ABANDON else ("--deselect", "test_threads.py::test_thread_abandoned")


@dataclass(frozen=True)
class Score:
    """One row of what score.py prints."""

    found: int
    missed: int
    filtered: int
    false_errors: int
    false_warnings: int


def run_corpus(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run all programs in a process of their own, which no other test has touched."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CORPUS), *LEFT_OUT, *arguments]
    return subprocess.run(command, cwd=CORPUS, capture_output=True, text=True, check=False)


def score(report: Path, *arguments: str) -> tuple[dict[str, Score], str]:
    """Return the rows that score.py prints, and all of its output."""
    command = [sys.executable, str(CORPUS / "score.py"), str(report), "--verbose", *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows: dict[str, Score] = {}
    for line in printed.splitlines():
        label, *numbers = line.split()
        if len(numbers) == 5 and all(number.isdigit() for number in numbers):
            rows[label] = Score(*map(int, numbers))
    return rows, printed


@pytest.mark.slow
def test_corpus_passes_without_the_detector() -> None:
    """Every program passes its own assertions."""
    done = run_corpus()
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("level", ["default", "strict"])
def test_corpus_is_judged_as_labelled(level: str, tmp_path: Path) -> None:
    """At least nine in ten races and sections are found, and no error is a false alarm."""
    report = tmp_path / "findings.json"
    strict = level == "strict"
    flag = "--detect-races=strict" if strict else "--detect-races"
    done = run_corpus(flag, f"--race-report=json:{report}")
    assert done.returncode == 1, done.stdout + done.stderr
    rows, printed = score(report, *(["--strict"] if strict else []))
    judged = [rows[label] for label in JUDGED]
    found, missed = sum(row.found for row in judged), sum(row.missed for row in judged)
    assert found / (found + missed) >= LEAST_RECALL, printed
    assert not any(row.false_errors for row in rows.values()), printed
