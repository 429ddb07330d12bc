"""Shows the race detector on the booking server, first with its four bugs and then without.

Exits with 1 where the detector found anything but the three errors and the warning that are there to be found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

BOOKING = Path(__file__).parent / "booking"

BUGS = Counter(
    {
        ("unguarded-section", "error", "seats"): 1,
        ("unguarded-section", "error", "_known"): 1,
        ("data-race", "error", "printed"): 1,
        ("data-race", "warning", "headline"): 1,
    }
)
"""Two customers act on the same number of seats; two ask the store for the same price; a thread counts tickets while
a session resets the count; and a headline is read after a sleep instead of after it was written."""

FAILED = 1
"""pytest's exit code where tests fail, as they do where the detector found an error in them."""


def run(*arguments: str) -> int:
    """Run the booking server's tests and return the exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(BOOKING), *arguments]
    return subprocess.run(command, check=False).returncode


def run_with_detector(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run them under the detector; return the exit code and what was found."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "findings.json"
        code = run("--detect-races", f"--race-report=json:{report}", *arguments)
        findings: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["findings"]
        return code, findings


def bug(finding: dict[str, Any]) -> tuple[str, str, str]:
    """Return which of the bugs a finding is."""
    name = next((name for _, _, name in BUGS if name in finding["variable"]), finding["variable"])
    return finding["kind"], finding["severity"], name


def say(text: str) -> None:
    """Print a headline of the demonstration."""
    print(f"\n--- {text}\n", flush=True)


def main() -> int:
    """Run the demonstration."""
    say("The booking server's own tests pass, without the detector:")
    if run() != 0:
        return 1
    say("The same tests with --detect-races:")
    code, findings = run_with_detector()
    found = Counter(map(bug, findings))
    if code != FAILED or found != BUGS:
        say(f"Expected {dict(BUGS)}, found {dict(found)} and exit code {code}")
        return 1
    say("That was expected: three errors and one warning, for the four bugs in it. Now the corrected version:")
    code, findings = run_with_detector("--fixed")
    if code != 0 or findings:
        say(f"Expected no findings, found {dict(Counter(map(bug, findings)))} and exit code {code}")
        return 1
    say("The corrected version is clean: the same tests, no findings.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
