"""The end of a run: what was found and how much was watched, in the terminal and in files.

PYTEST_DONT_REWRITE

This lives in the process that has the terminal. All that it tells comes from reports and totals, so that
it makes no difference whether the tests ran here or in the workers of pytest-xdist.
"""

from __future__ import annotations

from typing import Any, final

import pytest

from trioflow.race.model.findings import Finding
from trioflow.race.plugin.options import Options
from trioflow.race.plugin.outcome import accepted_on, beautify, findings_on, painter
from trioflow.race.plugin.totals import WORKER_OUTPUT, Totals
from trioflow.race.report.document import Accepted, Report, counted, merged, withheld_line
from trioflow.race.report.places import relative
from trioflow.race.report.text import render

RECORDER = "python"


@final
class Summary:
    """The hooks that run in the process that has the terminal."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._root = options.configuration.root
        self._level = options.configuration.level
        self._totals = Totals()
        self._findings: list[Finding] = []
        self._accepted: list[Accepted] = []
        self._faults: list[str] = []
        self._not_written: list[str] = []

    def add(self, totals: Totals) -> None:
        """Adds what a process of the run knows at its end."""
        self._totals.add(totals)

    def pytest_report_header(self) -> str:
        """Says what is known at the start; how much is instrumented shows as modules are imported."""
        watched = "everything below the root directory"
        if self._options.configuration.packages:
            watched += f" and {', '.join(self._options.configuration.packages)}"
        if self._options.configuration.exclude:
            watched += f", without {', '.join(self._options.configuration.exclude)}"
        return f"race detector: level {self._level.value}, recorder {RECORDER}, watching {watched}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes note of what the reports carry."""
        self._findings.extend(findings_on(report, self._root))
        self._accepted.extend(accepted_on(report, self._root))
        beautify(report, self._root)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes note of what a worker of pytest-xdist handed over, unless it crashed before it could."""
        values = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT)
        if values is not None:
            self.add(Totals.from_values(values))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Writes the files, and makes the run fail that watched nothing it is about."""
        report = self._report()
        for target in self._options.targets:
            try:
                target.write(report)
            except OSError as error:
                self._faults.append(f"the report {target.path} can't be written ({error})")
        self._faults.extend(self._what_is_wrong())
        if self._faults and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Shows the warnings, the counts and what is wrong with the run."""
        write = terminalreporter.write_line
        terminalreporter.section("race detector", yellow=bool(self._findings), red=bool(self._faults))
        report = self._report()
        paint = painter(terminalreporter._tw)
        again = any(target.path is None for target in self._options.targets)
        for finding in merged((*report.errors(), *report.warnings()) if again else report.warnings()):
            for line in render(finding, self._root, paint).splitlines():
                write(line)
            write("")
        for line in self._counts(report):
            write(line)
        for path in (target.path for target in self._options.targets if target.path is not None):
            write(f"report written to {path}")
        for fault in self._faults:
            write(f"ERROR: {fault}", red=True)

    def _report(self) -> Report:
        return Report(
            root=self._root,
            level=self._level,
            findings=tuple(self._findings),
            accepted=tuple(self._accepted),
            modules=len(self._totals.modules),
            functions=self._totals.functions(),
            withheld=self._totals.withheld,
        )

    def _counts(self, report: Report) -> list[str]:
        errors, warnings = merged(report.errors()), merged(report.warnings())
        lines = [f"{counted(len(errors), 'error')}, {counted(len(warnings), 'warning')}"]
        if errors:
            tests = len({finding.test for finding in report.errors()})
            lines[0] = (
                f"{counted(len(errors), 'error')} in {counted(tests, 'test')}, {counted(len(warnings), 'warning')}"
            )
        if report.accepted:
            lines[0] += f", {len(report.accepted)} accepted"
        if withheld := withheld_line(report.withheld, "--detect-races=strict"):
            lines.append(withheld)
        lines.append(f"{counted(report.modules, 'module')} and {counted(report.functions, 'function')} instrumented")
        if self._totals.missed:
            names = ", ".join(sorted(self._totals.missed))
            lines.append(
                f"not instrumented, as something imported it before the detector was there (a plugin, or -p): {names}"
            )
        lines.extend(
            f"unused: {relative(comment.path, self._root)}:{comment.line}  {comment.text}"
            for comment in self._totals.unused()
        )
        return lines

    def _what_is_wrong(self) -> list[str]:
        faults = [
            f"{relative(problem.path, self._root)}:{problem.line}: {problem.text}"
            for problem in sorted(self._totals.problems)
        ]
        totals = self._totals
        if not totals.watched_tests or not all(module.test for module in totals.modules):
            return faults
        early = [name for name in totals.outside if name in totals.missed]
        outside = {name: place for name, place in totals.outside.items() if name not in early}
        if early:
            faults.append(
                f"nothing but tests was instrumented: {', '.join(early)} had been imported before the detector was "
                "there; let a conftest file name the plugin that does so (pytest_plugins), instead of -p"
            )
        if outside:
            names = " ".join(outside)
            places = ", ".join(f"{name} (imported from {place})" for name, place in outside.items())
            faults.append(
                "nothing but tests was instrumented, so this run says nothing about "
                f"{places}: set race_packages = {names}, or name what is not to be watched in race_exclude"
            )
        elif not early and not totals.modules:
            faults.append(
                f"nothing was instrumented, so this run says nothing: nothing was imported from below {self._root}; "
                "set race_packages = NAME for what is to be watched"
            )
        return faults
