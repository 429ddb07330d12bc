"""One pytest run under the detector: which test is watched when, and what becomes of its findings.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NoReturn, cast, final

import attrs
import pytest

from trioflow.race.model.errors import RaceError
from trioflow.race.model.findings import Finding
from trioflow.race.plugin import assertions
from trioflow.race.plugin.extent import is_test, packages_outside
from trioflow.race.plugin.markers import MarkError, Marks, read_marks
from trioflow.race.plugin.options import Options, importable_from, read_options, search_path
from trioflow.race.plugin.outcome import attach
from trioflow.race.plugin.summary import Summary
from trioflow.race.plugin.totals import WORKER_OUTPUT, Comment, Module, Totals
from trioflow.race.plugin.watch import Watch
from trioflow.race.report.document import Accepted
from trioflow.race.suppress.comments import Suppressions

if TYPE_CHECKING:
    from trioflow.race.detector import Detector


def begin(config: pytest.Config, level: str) -> None:
    """Puts the detector in place for a run, and takes it away at the run's end."""
    options = read_options(config, level)
    # Only now: the detector loads Trio, which a run that is refused for its options need not.
    from trioflow.race.detector import Detector  # noqa: PLC0415

    suppressions = Suppressions()
    detector = Detector(options.configuration, suppressions.accepts)
    try:
        with importable_from(search_path(config)):
            detector.install()
        config.add_cleanup(detector.uninstall)
        assertions.install(detector.hook)
        config.add_cleanup(assertions.uninstall)
    except RaceError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(RaceSession(config, options, detector, suppressions), "trioflow-session")


@final
@attrs.define
class _Attempt:
    """One go at one test: it may be made more than once, where a plugin repeats what failed."""

    item: pytest.Item
    marks: Marks
    reported: set[str] = attrs.field(factory=set[str])


@final
class RaceSession:
    """The hooks that run in each process in which tests run."""

    def __init__(self, config: pytest.Config, options: Options, detector: Detector, suppressions: Suppressions) -> None:
        self._config = config
        self._options = options
        self._root = options.configuration.root
        self._exclude = options.configuration.exclude
        self._detector = detector
        self._summary: Summary | None = None
        self._suppressions = suppressions
        self._watch = Watch(detector.waiting, options.timeout, self._write)
        self._attempt: _Attempt | None = None
        self._stderr: int | None = None
        self._watched_tests = 0
        self._collected: set[str] = set()

    # What is collected

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self) -> Generator[None, Any, object]:
        """Refuses marks that say nothing that is understood, as an error of the collection."""
        made = yield
        for item in cast("list[object]", made) if isinstance(made, list) else [made]:
            if isinstance(item, pytest.Item):
                try:
                    read_marks(item)
                except MarkError as error:
                    where = f"{item.location[0]}:{(item.location[1] or 0) + 1}"
                    raise pytest.Collector.CollectError(f"{where}: {error}") from None
        return cast("object", made)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Refuses comments that are written wrongly, before any test runs."""
        self._collected.update(str(item.path) for item in session.items)
        if self._summary is None:
            # An error in a worker of pytest-xdist would look like a crash; the summary tells it instead.
            return
        problems = self._suppressions.problems(module.path for module in self._detector.instrumented())
        if problems:
            raise pytest.UsageError("\n".join(f"{problem.path}:{problem.line}: {problem.text}" for problem in problems))

    def pytest_report_collectionfinish(self) -> str:
        """Says how much has been instrumented so far."""
        modules = self._detector.instrumented()
        functions = sum(module.functions for module in modules)
        return f"race detector: {len(modules)} modules and {functions} functions instrumented so far"

    # What is watched

    def pytest_configure(self) -> None:
        """Adds the summary where there is a terminal, and keeps a way to it that capturing does not catch."""
        # Not earlier: a worker of pytest-xdist can't be told from other processes while options are parsed.
        if not hasattr(self._config, "workerinput"):
            self._summary = Summary(self._config, self._options)
            self._config.pluginmanager.register(self._summary, "trioflow-summary")
        try:
            self._stderr = os.dup(sys.stderr.fileno())
        except (AttributeError, OSError, ValueError):
            self._stderr = None

    def pytest_unconfigure(self) -> None:
        """Ends the watch, and closes the way to the terminal."""
        self._watch.close()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Begins with a test: its fixtures are watched, too."""
        try:
            marks = read_marks(item)
        except MarkError as error:
            # Only afterwards, as the teardown counts on a setup; a test of unittest is first seen here.
            yield
            pytest.fail(str(error), pytrace=False)
        if marks.watched:
            if marks.level is None:
                self._detector.start(item.nodeid)
            else:
                self._detector.start(item.nodeid, level=marks.level)
            self._attempt = _Attempt(item, marks)
            self._watched_tests += 1
        yield from self._watched(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Looks at the clock."""
        yield from self._watched(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Looks at the clock."""
        yield from self._watched(item)

    def _watched(self, item: pytest.Item) -> Generator[None, None, None]:
        if self._attempt is None:
            yield
            return
        self._watch.start(item.nodeid)
        try:
            yield
        except BaseException as error:
            last_look = self._watch.stop()
            if last_look is not None:
                self._fail_for_time(last_look)
            if _is_interrupt(error) and self._watch.last_look():
                self._write(f"race detector: {item.nodeid} was interrupted; {self._watch.last_look()}")
            raise
        else:
            last_look = self._watch.stop()
            if last_look is not None:
                self._fail_for_time(last_look)

    def _fail_for_time(self, last_look: str) -> NoReturn:
        text = f"the test did not end within {self._options.timeout:g} s (race_timeout); {last_look}"
        # The interrupt that ended it is our own, and would only be in the way of the text.
        raise pytest.fail.Exception(text, pytrace=False) from None

    def _write(self, text: str) -> None:
        if self._stderr is not None:
            os.write(self._stderr, f"\n{text}\n".encode(errors="replace"))

    # What is found

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the findings on the report of the phase in which they were made."""
        report = yield
        attempt = self._attempt
        if attempt is None or attempt.item is not item:
            return report
        if call.when == "teardown":
            self._attempt = None
            self._report(report, attempt, self._detector.finish())
        elif call.when == "call" or not report.passed:
            # What is found in a setup that passed waits for the call: a failed setup would prevent it.
            self._report(report, attempt, self._detector.findings())
        return report

    def _report(self, report: pytest.TestReport, attempt: _Attempt, findings: list[Finding]) -> None:
        new = [finding for finding in findings if finding.identifier not in attempt.reported]
        attempt.reported.update(finding.identifier for finding in new)
        kept: list[Finding] = []
        accepted: list[Accepted] = []
        for finding in new:
            suppression = self._suppressions.matches(finding)
            if suppression is not None:
                accepted.append(Accepted(finding, suppression.reason))
            elif finding.accepted:
                accepted.append(Accepted(finding, finding.accepted))
            elif attempt.marks.accepted is not None:
                accepted.append(Accepted(finding, attempt.marks.accepted))
            else:
                kept.append(finding)
        attach(report, kept, accepted, self._root)

    # The end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Hands over what this process knows, to the summary or to the controller of pytest-xdist."""
        totals = self._totals()
        if self._summary is not None:
            self._summary.add(totals)
        else:
            self._config.workeroutput[WORKER_OUTPUT] = totals.to_values()  # type: ignore[attr-defined]

    def _totals(self) -> Totals:
        instrumented = self._detector.instrumented()
        patterns = self._config.getini("python_files")
        modules = {
            Module(
                name=module.name,
                path=module.path,
                functions=module.functions,
                test=is_test(module.path, self._collected, patterns, self._root),
            )
            for module in instrumented
        }
        totals = Totals(watched_tests=self._watched_tests, modules=modules)
        totals.missed.update(self._detector.hook.missed())
        totals.withheld.update(self._detector.withheld())
        if self._watched_tests and all(module.test for module in modules):
            names = [module.name for module in modules]
            totals.outside.update(packages_outside(self._config, names, self._collected, self._exclude))
        paths = {module.path for module in modules}
        totals.comments.update(
            _comment(entry.path, entry.line, entry.text()) for entry in self._suppressions.known(paths)
        )
        totals.used.update(_comment(entry.path, entry.line, entry.text()) for entry in self._suppressions.used())
        totals.problems.update(
            _comment(entry.path, entry.line, entry.text) for entry in self._suppressions.problems(paths)
        )
        return totals


def _is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C; where tasks run in a nursery, Trio wraps it in a group."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return any(_is_interrupt(member) for member in group.exceptions)
    return isinstance(error, KeyboardInterrupt)


def _comment(path: str, line: int, text: str) -> Comment:
    return Comment(path=path, line=line, text=text)
