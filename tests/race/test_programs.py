"""The programs of two reviews: nothing may go wrong but what is listed here, and the list may only become shorter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PROGRAMS = TESTS / "programs"

FALSE_ALARMS = {
    "test_ticket_lock": "a lock made of two counters: that nobody else writes between two turns is beyond locksets",
}
MISSED = {
    "value patterns, and class bodies in functions": "test_case_value test_class_body",
    "which of two accesses fails depends on the run": "test_del_name",
    "only the first of several elements added at one place": "test_index_of_an_extended_element",
    "a value carried by an exception, or by a field of an object that is replaced": """
        test_dataclass_field_of_frozen test_exception_carries
    """,
    "the element itself and what is computed from it are not told apart": """
        test_insert_at_a_position_found test_last_plus_one_appended
    """,
    "an update across a checkpoint through a property": "test_property_augmented_with_await",
}
LIMITS = {name for names in MISSED.values() for name in names.split()}


def verdict(tmp_path: Path, level: str, *arguments: str) -> tuple[set[str], set[str]]:
    """The names of the programs that were missed in, and of those with a false alarm."""
    report = tmp_path / "findings.json"
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", level]
    subprocess.run(
        [*pytest_command, f"--race-report=json:{report}"], cwd=PROGRAMS, capture_output=True, text=True, check=False
    )
    score_command = [sys.executable, str(TESTS / "corpus" / "score.py"), str(report), "--folder", str(PROGRAMS)]
    printed = subprocess.run(
        [*score_command, "--verbose", *arguments], capture_output=True, text=True, check=False
    ).stdout
    assert "recall" in printed
    missed = set(re.findall(r"^missed .*::(\w+)", printed, re.MULTILINE))
    false = set(re.findall(r"^false (?:error|warning) .*::(\w+)", printed, re.MULTILINE))
    return missed, false


@pytest.mark.slow
def test_programs_pass_without_the_detector() -> None:
    """Every program passes its own assertions."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("level", "arguments"), [("--detect-races", ()), ("--detect-races=strict", ("--strict",))])
def test_programs_are_judged_as_labelled(tmp_path: Path, level: str, arguments: tuple[str, ...]) -> None:
    """What is racy is found and what is safe is silent, with the exceptions that are listed."""
    missed, false = verdict(tmp_path, level, *arguments)
    assert sorted(missed - LIMITS) == []
    assert sorted(false - FALSE_ALARMS.keys()) == []
