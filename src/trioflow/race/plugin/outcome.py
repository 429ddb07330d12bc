"""How findings get into pytest's reports, and out of them again.

PYTEST_DONT_REWRITE

Findings ride on the test reports as plain values, which pytest-xdist carries to the process that has
the terminal. The outcome is set here, where the test ran. An error makes its test fail, also one that
is expected to fail or was skipped on the way: neither said anything about races, and a test that is
red under a strict `xfail` must not turn green because of one. The test's own failure stays what it
was, with the findings in a section beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import final

import pytest
from _pytest._code.code import ExceptionRepr, ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from trioflow.race.model.findings import Finding, Severity
from trioflow.race.report.document import Accepted
from trioflow.race.report.json import decode, encode
from trioflow.race.report.text import Paint, render

SECTION = "race detector"
_FINDINGS = "race_findings"
_ACCEPTED = "race_accepted"
_ALONE = "race_alone"
_MARKUP = {
    "error": {"red": True, "bold": True},
    "warning": {"yellow": True, "bold": True},
    "place": {"cyan": True},
    "faint": {"light": True},
}


def attach(report: pytest.TestReport, findings: list[Finding], accepted: list[Accepted], root: Path) -> None:
    """Puts findings on a report, and makes it a failure if one of them is an error."""
    if findings:
        setattr(report, _FINDINGS, [encode(finding, root) for finding in findings])
    if accepted:
        values = [{**encode(entry.finding, root), "reason": entry.reason} for entry in accepted]
        setattr(report, _ACCEPTED, values)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        _fail(report, "\n\n".join(render(finding, root) for finding in errors))


def findings_on(report: pytest.TestReport, root: Path) -> list[Finding]:
    """Returns the findings that a report carries."""
    return [decode(values, root) for values in getattr(report, _FINDINGS, ())]


def accepted_on(report: pytest.TestReport, root: Path) -> list[Accepted]:
    """Returns the accepted findings that a report carries."""
    return [Accepted(decode(values, root), values["reason"]) for values in getattr(report, _ACCEPTED, ())]


def beautify(report: pytest.TestReport, root: Path) -> None:
    """Prepares a report that failed for its findings alone for the terminal, which may have colours."""
    if getattr(report, _ALONE, False) and isinstance(report.longrepr, str):
        errors = [finding for finding in findings_on(report, root) if finding.severity is Severity.ERROR]
        report.longrepr = _FindingsRepr(errors, root)


def painter(writer: TerminalWriter) -> Paint:
    """Returns how to colour for a terminal, which decides by itself whether it has colours."""

    def paint(text: str, role: str) -> str:
        return writer.markup(text, **_MARKUP[role])

    return paint


def _fail(report: pytest.TestReport, text: str) -> None:
    own = report.longrepr
    if report.outcome == "failed" and isinstance(own, ExceptionRepr):
        own.addsection(SECTION, text)
    elif report.outcome == "failed" and own:
        report.longrepr = f"{own}\n\n{SECTION}\n\n{text}"
    else:
        # A test that passed, or failed as expected, or was skipped. What it had to say goes below.
        if report.outcome == "skipped" and own:
            report.sections.append(("outcome without the race detector", _as_text(report)))
        report.longrepr = text
        setattr(report, _ALONE, True)
    report.outcome = "failed"
    # pytest tells an expected failure by this attribute, whatever the outcome.
    report.__dict__.pop("wasxfail", None)


def _as_text(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"failed as expected {report.wasxfail}".rstrip() + f"\n\n{report.longreprtext}"
    if isinstance(report.longrepr, tuple):
        return f"skipped: {report.longrepr[2]}"
    return report.longreprtext


@final
class _FindingsRepr(TerminalRepr):
    """The findings of a test that failed because of them alone."""

    def __init__(self, findings: Iterable[Finding], root: Path) -> None:
        self._findings = list(findings)
        self._root = root
        first = self._findings[0]
        location = first.accesses[-1].location if first.accesses else None
        # What pytest's short summary shows behind the name of the test.
        self.reprcrash = ReprFileLocation(
            location.path if location else "",
            location.line if location else 0,
            f"{first.severity.value}[{first.kind.value}]: {first.headline}",
        )

    def toterminal(self, tw: TerminalWriter) -> None:
        paint = painter(tw)
        for index, finding in enumerate(self._findings):
            if index:
                tw.line("")
            for line in render(finding, self._root, paint).splitlines():
                tw.line(line)
