"""Each edge of the table in docs/reference/happens-before.md, with a program that has it and one that lacks it.

The programs are functions of the modules in `pairs`. One with a parameter `ordered` is run twice: with the edge it must
stay silent at the strictest level, and without the edge its variable is raced for. One without the parameter shows
what orders nothing.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from trioflow.race.detector import Detector
from trioflow.race.model.configuration import Configuration, Level
from trioflow.race.model.findings import Finding, Severity
from trioflow.race.shadow import faults

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "docs" / "reference" / "happens-before.md"
MODULES = sorted(path.stem for path in (HERE / "pairs").glob("*.py") if path.stem not in ("common", "__init__"))
WITH_THREADS = frozenset({"pools", "threads"})
NAMES = [
    f"{module}.{name}"
    for module in MODULES
    for name in re.findall(
        r"^(?:async )?def ([a-z]\w*)\((?:ordered: bool)?\)", (HERE / "pairs" / f"{module}.py").read_text(), re.MULTILINE
    )
]


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    """A detector that sees the programs, and nothing else."""
    sys.path.insert(0, str(HERE))
    detector = Detector(Configuration(root=HERE / "pairs", cache=False))
    detector.install()
    try:
        yield detector
    finally:
        detector.uninstall()
        sys.path.remove(str(HERE))
        for name in [name for name in sys.modules if name.partition(".")[0] == "pairs"]:
            del sys.modules[name]


def program(name: str) -> Callable[..., Any]:
    """A program by its name; what it needs may not be there."""
    module, function = name.split(".")
    try:
        loaded = importlib.import_module(f"pairs.{module}")
    except ImportError as error:
        pytest.skip(str(error))
    return getattr(loaded, function)


def run(detector: Detector, function: Callable[..., Any], level: Level, **options: bool) -> list[Finding]:
    """What is found in a program."""

    async def main() -> None:
        with trio.fail_after(20):
            if inspect.iscoroutinefunction(function):
                await function(**options)
            else:
                function(**options)

    faults.take()
    detector.start("test", level)
    try:
        if function.__module__ in ("pairs.guests", "pairs.runs"):
            function(**options)
        else:
            trio.run(main)
    except NotImplementedError as error:
        pytest.skip(str(error))
    else:
        assert faults.take() == {}
    finally:
        findings = detector.finish()
    return findings


def has_twins(function: Callable[..., Any]) -> bool:
    """Whether a program can be run with its edge and without."""
    return "ordered" in inspect.signature(function).parameters


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("name", NAMES)
def test_an_edge_keeps_its_program_silent(detector: Detector, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the edge nothing at all is found, however strict the level is."""
    function = program(name)
    if has_twins(function):
        findings = run(detector, function, Level.STRICT, ordered=True)
        assert [f"{finding.kind.value} of {finding.variable}" for finding in findings] == []


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("level", list(Level), ids=lambda level: level.value)
@pytest.mark.parametrize("name", NAMES)
def test_without_its_edge_a_program_is_racy(
    detector: Detector, name: str, level: Level, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it the variable is raced for; an error where a thread takes part, as there are no steps."""
    function = program(name)
    findings = run(detector, function, level, ordered=False) if has_twins(function) else run(detector, function, level)
    assert {finding.variable for finding in findings} == {"Box.value"}
    if function.__module__.partition(".")[2] in WITH_THREADS or level is Level.STRICT:
        assert {finding.severity for finding in findings} == {Severity.ERROR}


def test_the_table_names_every_program_and_no_other() -> None:
    """Each row of the table has its programs, and each program its row."""
    rows = re.findall(r"^\| `(\w+\.\w+)` \|", TABLE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(NAMES)
