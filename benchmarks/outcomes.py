"""A pytest plugin for suites.py: writes each test's outcome to a file, and can repeat each test."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_outcomes: dict[str, str] = {}
_repetitions = int(os.environ.get("OUTCOMES_REPETITIONS", "1"))


@pytest.fixture
def repetition() -> None:
    """Give pytest_generate_tests a name to parametrize."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test several times, where asked."""
    if _repetitions > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(_repetitions))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test went: the worst of setup, call and teardown."""
    # Where its author expects a test to fail now and then (a limit of 10 ms, say), failing and passing are the same.
    outcome = "expected to fail" if hasattr(report, "wasxfail") else report.outcome
    if report.when == "call" or outcome != "passed":
        _outcomes[report.nodeid] = outcome


def pytest_sessionfinish() -> None:
    """Write them down."""
    Path(os.environ["OUTCOMES_FILE"]).write_text(json.dumps(_outcomes), encoding="utf-8")
