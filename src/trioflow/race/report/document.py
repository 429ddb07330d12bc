"""All that a report tells of one run, as plain data.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import final

import attrs

from trioflow.race.model.configuration import Level
from trioflow.race.model.findings import Finding, Kind, Severity


@final
@attrs.frozen
class Accepted:
    """A finding that a comment or a mark accepts."""

    finding: Finding
    reason: str


@final
@attrs.frozen(kw_only=True)
class Report:
    """What was found in one run, and how much was watched."""

    root: Path
    level: Level
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...] = ()
    modules: int = 0
    functions: int = 0
    withheld: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """How many races were left out at this level, by reason."""

    def errors(self) -> tuple[Finding, ...]:
        """Returns the findings that fail their test."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def warnings(self) -> tuple[Finding, ...]:
        """Returns the findings that are only shown."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns one finding for each defect, whatever the number of tests in which it was made."""
    together: dict[tuple[str, Kind, Severity], list[Finding]] = {}
    for finding in findings:
        together.setdefault((finding.identifier, finding.kind, finding.severity), []).append(finding)
    return tuple(_one(same) for same in together.values())


def _one(same: list[Finding]) -> Finding:
    tests = list(dict.fromkeys(finding.test for finding in same if finding.test))
    test = tests[0] if tests else ""
    if len(tests) > 1:
        test += f" and {len(tests) - 1} more"
    return attrs.evolve(same[0], test=test, occurrences=sum(finding.occurrences for finding in same))


def withheld_line(withheld: Mapping[str, int], strict_option: str) -> str:
    """Returns the sentence that says how many races were left out and why; empty where none was.

    Args:
        withheld: The numbers, by reason.
        strict_option: How this run would have been told to leave out nothing.
    """
    counts = sorted((-count, reason) for reason, count in withheld.items() if count)
    if not counts:
        return ""
    reasons = ", ".join(f"{-count} {reason}" for count, reason in counts)
    total = -sum(count for count, _ in counts)
    return f"{counted(total, 'race')} withheld: {reasons}; {strict_option} reports {'it' if total == 1 else 'them'}"


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 race` or `2 races`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
