"""Runs one module of CPython's own tests, plain or under the detector; semantics.py starts it for each.

Every test is a task of its own in one nursery, and they run one after another. No test is in an order with any other,
so that whatever two of them touch is shared for the detector, and takes the long way through it.
"""

from __future__ import annotations

import argparse
import ast
import doctest
import importlib
import json
import os
import re
import sys
import tempfile
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import trio

from trioflow.race.detector import Detector
from trioflow.race.instrument.rewriter import rewrite
from trioflow.race.model.configuration import Configuration
from trioflow.race.shadow.context import context

_WORST = ("passed", "skipped", "expected failure", "unexpected success", "failed", "error")
_OWN_CODE = re.compile(r"[/\\]trioflow[/\\]race[/\\]")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Outcomes(unittest.TestResult):
    """Keeps the worst that happened to each test, and the last line of what it raised."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}
        self.must_be_watched = False

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Make sure that the detector watches."""
        super().startTest(test)
        if self.must_be_watched and context.actor is None:
            raise SystemExit(f"nobody watches {test.id()}")

    def _note(self, test: unittest.TestCase, outcome: str, error: Any = None) -> None:
        name = test.id()
        before = self.found.get(name)
        if before is None or _WORST.index(before[0]) < _WORST.index(outcome):
            text = "" if error is None else _ADDRESS.sub("0x...", f"{error[0].__name__}: {error[1]}".partition("\n")[0])
            self.found[name] = (outcome, text[:300])

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Note it."""
        self._note(test, "passed")

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Note it."""
        self._note(test, "error", err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Note it."""
        self._note(test, "failed", err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: ARG002, N802
        """Note it."""
        self._note(test, "skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: ARG002, N802
        """Note it."""
        self._note(test, "expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Note it."""
        self._note(test, "unexpected success")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Note a subtest that went wrong, and so its test."""
        if err is not None:
            outcome = "failed" if issubclass(err[0], test.failureException) else "error"
            self._note(subtest, outcome, err)
            self._note(test, outcome, err)


def each_test(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """The tests in a suite, one by one."""
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from each_test(part)
        else:
            yield part


async def run_all(suite: unittest.TestSuite, result: Outcomes) -> None:
    """Run each test as a task, and the set-up of classes and modules between them, as unittest does."""
    frame: Any = suite
    frame._testRunEntered = False
    async with trio.open_nursery() as nursery:
        for test in each_test(suite):
            frame._tearDownPreviousClass(test, result)
            frame._handleModuleFixture(test, result)
            frame._handleClassSetUp(test, result)
            result._previousTestClass = kind = type(test)  # type: ignore[attr-defined]
            if getattr(kind, "_classSetupFailed", False) or getattr(result, "_moduleSetUpFailed", False):
                continue
            ended: list[None] = []
            nursery.start_soon(run_one, test, result, ended)
            while not ended:
                await trio.lowlevel.checkpoint()
        frame._tearDownPreviousClass(None, result)
        frame._handleModuleTearDown(result)


async def run_one(test: unittest.TestCase, result: Outcomes, ended: list[None]) -> None:
    """Run one test in this task."""
    try:
        # A test is no coroutine: nothing else runs until it is over.
        test.run(result)
    finally:
        ended.append(None)


def rewrite_doctests(detector: Detector) -> None:
    """Let the examples in documentation be rewritten, too, which are no modules to any hook."""

    def compile_example(source: str, path: str, mode: str, flags: int, dont_inherit: bool) -> CodeType:
        compile(source, path, mode, flags, dont_inherit)
        tree = compile(source, path, mode, flags | ast.PyCF_ONLY_AST, dont_inherit)
        module = ast.Module(tree.body, [])
        detector._tables.add(rewrite(module, source=source, path=path, module="doctest"))
        return compile(ast.Interactive(module.body), path, mode, flags, dont_inherit)

    vars(doctest)["compile"] = compile_example


def hide_probes_from_tracers() -> None:
    """Let what the tests trace and profile leave out the frames of the detector, as debuggers and coverage.py do.

    A probe is a function, so a tracer sees its calls. What the tests then compare is whether all else is as it was.
    """
    trace, profile = sys.settrace, sys.setprofile
    asked: dict[Any, Any] = {}

    def hiding(install: Any) -> Any:
        def replacement(function: Any) -> None:
            def hides(frame: Any, event: str, argument: Any) -> Any:
                return None if _OWN_CODE.search(frame.f_code.co_filename) else function(frame, event, argument)

            asked[install] = function
            install(None if function is None else hides)

        return replacement

    vars(sys).update(settrace=hiding(trace), setprofile=hiding(profile))
    vars(sys).update(gettrace=lambda: asked.get(trace), getprofile=lambda: asked.get(profile))


def main() -> None:
    """Run what the command line names, and write the outcomes to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["plain", "rewritten"])
    parser.add_argument("module")
    parser.add_argument("packages", nargs="*", help="modules of the standard library that are rewritten with it")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    output = options.output.absolute()
    name = f"test.{options.module}"
    result = Outcomes()
    detector = None
    if options.kind == "rewritten":
        # What is imported from here on is the module, what is below it, and the modules that it is about.
        detector = Detector(Configuration(root=Path("/nowhere"), packages=(name, *options.packages), cache=False))
        detector.install()
        detector.start(name)
        rewrite_doctests(detector)
        result.must_be_watched = True
    hide_probes_from_tracers()
    from test import support  # noqa: PLC0415

    support.use_resources = []
    for package in options.packages:
        for loaded in [each for each in sys.modules if each == package or each.startswith(package + ".")]:
            del sys.modules[loaded]
    for package in options.packages:
        importlib.import_module(package)
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        os.chdir(folder)
        suite = unittest.defaultTestLoader.loadTestsFromName(name)
        with warnings.catch_warnings():
            trio.run(run_all, suite, result)
        if detector is not None:
            detector.finish()
            report["instrumented"] = {module.name: module.functions for module in detector.instrumented()}
            warnings_of_ours = [str(each.message) for each in warned if "race" in str(each.category.__module__)]
            report["faults"] = warnings_of_ours
        os.chdir("/")
    report["outcomes"] = result.found
    output.write_text(json.dumps(report), encoding="utf-8")
    # Threads that a test left behind must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
