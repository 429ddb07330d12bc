"""Runs the test suites of real Trio libraries with and without the detector, and compares.

Each suite comes from the library's source distribution, which pip fetches into a temporary folder; so does an
environment of its own, with this project in it. Nothing of it stays, unless a folder is named for it.

Three things are asked: are the outcomes the same, how much is found, and how much more CPU time does it take. A test
that fails only since the detector found an error in it is no difference in outcome: it is counted apart, and the
findings are to be judged by reading the code (docs/findings.md does). Where outcomes differ all is run once more, with
and without the detector: a test that can go either way with one of them is flaky, and counted apart as well.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import venv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projects import SUITES, Suite

REPOSITORY = Path(__file__).parent.parent
LIMIT = 1.3
ERRORS, WARNINGS = 1, 5
"""How many there may be in 100 tests."""


@dataclass
class Run:
    """How one run of a suite went."""

    cpu: float
    wall: float
    outcomes: dict[str, str]
    findings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Workshop:
    """A folder with an environment in which one suite is run."""

    def __init__(self, folder: Path, suite: Suite) -> None:
        self._folder = folder
        self._suite = suite
        scripts = "Scripts" if os.name == "nt" else "bin"
        self._python = folder / "environment" / scripts / "python"

    def prepare(self) -> None:
        """Fetch the suite and what it needs."""
        if (self._folder / "source").exists():
            return
        venv.create(self._folder / "environment", with_pip=True)
        requirement = f"{self._suite.name}=={self._suite.version}"
        self._pip("install", f"{REPOSITORY}[race]", "pytest-trio", requirement, *self._suite.requirements)
        self._pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(self._folder), requirement)
        (archive,) = self._folder.glob("*.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(self._folder / "source", filter="data")

    def run(self, arguments: Sequence[str] = (), repetitions: int = 1) -> Run:
        """Run the suite once."""
        (source,) = (self._folder / "source").iterdir()
        outcomes, report = self._folder / "outcomes.json", self._folder / "report.json"
        report.unlink(missing_ok=True)
        environment = {
            **os.environ,
            # The sources as they are now, also in an environment that was kept.
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(Path(__file__).parent)]),
            "OUTCOMES_FILE": str(outcomes),
            "OUTCOMES_REPETITIONS": str(repetitions),
        }
        # With it, neither Python nor the detector keeps what it compiled, and each run would measure the compilers.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if arguments:
            packages = [f"--race-packages={name}" for name in self._suite.packages]
            arguments = [*arguments, *packages, f"--race-report=json:{report}"]
        log = self._folder / "log.txt"
        with log.open("wb") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                [self._python, "-m", "pytest", "-q", "-p", "outcomes", "-p", "no:cacheprovider"]
                + [*self._suite.arguments, *arguments],
                cwd=source,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            limit = threading.Timer(60 * self._suite.minutes, os.killpg, (process.pid, signal.SIGKILL))
            limit.start()
            _, status, usage = os.wait4(process.pid, 0)
            limit.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - started
        if process.returncode not in {0, 1}:
            raise SystemExit(f"{self._suite.name} {' '.join(arguments)} could not be run:\n{log.read_text()}")
        findings = json.loads(report.read_text())["findings"] if arguments else []
        return Run(usage.ru_utime + usage.ru_stime, wall, json.loads(outcomes.read_text()), findings)

    def _pip(self, *arguments: str) -> None:
        subprocess.run([self._python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


@dataclass
class Verdict:
    """What the detector did to a suite."""

    suite: Suite
    tests: int = 0
    """Those that were run, by both."""
    accused: int = 0
    """Tests that fail for a finding, and pass otherwise."""
    flaky: int = 0
    changed: list[str] = field(default_factory=list[str])
    """Tests whose outcome differs for no such reason."""
    errors: int = 0
    warnings: int = 0

    def row(self) -> str:
        """A line of the table."""
        return line(
            f"{self.suite.name} {self.suite.version}",
            self.tests,
            self.tests - self.accused - self.flaky - len(self.changed),
            self.accused,
            self.flaky,
            len(self.changed),
            *(f"{number} ({100 * number / max(self.tests, 1):.1f})" for number in (self.errors, self.warnings)),
        )


def line(*cells: object) -> str:
    """Lay out a line of the table."""
    name, *others = cells
    return f"| {name!s:<22} | " + " | ".join(f"{cell!s:>12}" for cell in others) + " |"


HEADER = line("project", "tests", "same", "by finding", "flaky", "changed", "errors (%)", "warnings (%)")


def differences(before: Run, after: Run) -> set[str]:
    """Return the tests whose outcomes differ."""
    return {
        test
        for test in before.outcomes.keys() | after.outcomes.keys()
        if before.outcomes.get(test) != after.outcomes.get(test)
    }


def check(workshop: Workshop, suite: Suite) -> Verdict:
    """Run a suite with and without the detector at both levels; print the findings."""
    befores = [workshop.run()]
    verdict = Verdict(suite, tests=sum(outcome != "skipped" for outcome in befores[0].outcomes.values()))
    print(f"\n{suite.name} {suite.version}: {dict(Counter(befores[0].outcomes.values()))}", flush=True)
    for level in ("--detect-races", "--detect-races=strict"):
        afters = [workshop.run([level])]
        found = {finding["test"] for finding in afters[0].findings if finding["severity"] == "error"}
        different = differences(befores[0], afters[0])
        flaky: set[str] = set()
        if different - found:
            befores.append(workshop.run())
            afters.append(workshop.run([level]))
            found |= {finding["test"] for finding in afters[1].findings if finding["severity"] == "error"}
            without, within = (
                {test: {run.outcomes.get(test) for run in runs} for test in different} for runs in (befores, afters)
            )
            flaky = {test for test in different - found if without[test] & within[test]}
        changed = sorted(different - found - flaky)
        verdict.changed += [f"{test} at {level}" for test in changed]
        print(f"  {level}: {'the same outcomes' if not changed else 'OTHER OUTCOMES'}", flush=True)
        for test in changed:
            print(f"    {test}: {befores[0].outcomes.get(test)}, and {afters[0].outcomes.get(test)} with the detector")
        for test in sorted(flaky):
            print(f"    flaky: {test}")
        counted = Counter(map(described, afters[0].findings))
        if level == "--detect-races":
            verdict.accused = len(different & found)
            verdict.flaky = len(flaky)
            verdict.errors = sum(severity == "error" for severity, *_ in counted)
            verdict.warnings = len(counted) - verdict.errors
            for (severity, kind, variable, places), number in counted.items():
                print(f"    {severity} {kind} {variable} ({number}x)\n      {places}")
    return verdict


def judge(verdicts: Sequence[Verdict]) -> bool:
    """Print the table; whether the outcomes are the same and the noise is within its limits."""
    tests, errors, warnings = (
        sum(getattr(verdict, name) for verdict in verdicts) for name in ("tests", "errors", "warnings")
    )
    total = Suite(name="all", version="", packages=())
    print(f"\n{HEADER}")
    print("|" + "|".join("-" * len(cell) for cell in HEADER.split("|")[1:-1]) + "|")
    for verdict in verdicts:
        print(verdict.row())
    summary = Verdict(total, tests=tests, errors=errors, warnings=warnings)
    for verdict in verdicts:
        summary.accused += verdict.accused
        summary.flaky += verdict.flaky
        summary.changed += verdict.changed
    print(summary.row())
    noisy = errors > ERRORS * tests / 100 or warnings > WARNINGS * tests / 100
    print(f"\n{ERRORS} error and {WARNINGS} warnings in 100 tests are the limit: {'exceeded' if noisy else 'kept'}.")
    return not noisy and not summary.changed


def described(finding: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return what is printed of a finding."""
    places = ", ".join(
        f"{access['operation']} {access['file'].rpartition('site-packages/')[2]}:{access['line']}"
        for access in finding["accesses"]
    )
    return finding["severity"], finding["kind"], finding["variable"], places


def measure(workshop: Workshop, suite: Suite, rounds: int) -> bool:
    """Print how much more CPU time a suite takes; whether that is within the limit."""
    workshop.run(["--detect-races"], suite.repetitions)  # fills the caches
    plain: list[Run] = []
    detected: list[Run] = []
    for _ in range(rounds):
        plain.append(workshop.run(repetitions=suite.repetitions))
        detected.append(workshop.run(["--detect-races"], suite.repetitions))
    before, after = (statistics.median(run.cpu for run in runs) for runs in (plain, detected))
    busy = statistics.median(run.cpu / run.wall for run in plain)
    print(
        f"{suite.name + ' ' + suite.version:24}{len(plain[0].outcomes):>7}{busy:>8.0%}"
        f"{before:>10.2f}s{after:>10.2f}s{after / before:>8.2f}x{LIMIT:>7.1f}x"
    )
    return after / before <= LIMIT


def main() -> int:
    """Check or measure the suites that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--measure", action="store_true", help="compare CPU time instead of outcomes")
    parser.add_argument("--folder", help="keep what was fetched there, and use it again")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    # What a shell runs in the background ignores interrupts, as does what that starts; some suites send them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if options.measure:
        print(f"{'suite':24}{'tests':>7}{'busy':>8}{'plain':>11}{'detector':>11}{'ratio':>9}{'limit':>8}", flush=True)
    good = True
    verdicts: list[Verdict] = []
    for suite in SUITES:
        if suite.name not in options.names if options.names else options.measure and not suite.measured:
            continue
        with tempfile.TemporaryDirectory(prefix="trioflow-") as temporary:
            folder = Path(options.folder or temporary) / suite.name
            folder.mkdir(parents=True, exist_ok=True)
            workshop = Workshop(folder.absolute(), suite)
            workshop.prepare()
            if options.measure:
                good = measure(workshop, suite, options.rounds) and good
            else:
                verdicts.append(check(workshop, suite))
    return 0 if good and (options.measure or judge(verdicts)) else 1


if __name__ == "__main__":
    sys.exit(main())
