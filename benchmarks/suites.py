"""Runs the test suites of real Trio libraries with and without the detector, and compares.

Each suite comes from the library's source distribution, which pip fetches into a temporary folder; so does an
environment of its own, with this project in it. Nothing of it stays.

Two things are asked: are the outcomes the same, and how much more CPU time does it take. A test that fails only since
the detector found an error in it is no difference in outcome: it is listed among the findings, which are to be judged
by reading the code (docs/explanation/real-suites.md has the table).
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
import time
import venv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
LIMIT = 1.3


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A library whose suite is run."""

    name: str
    version: str
    package: str
    requirements: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    repetitions: int = 1
    """How often each test is run, for suites that are over before they can be measured."""


SUITES = (
    # A websocket library. It waits for nothing, so that its time is CPU time.
    Suite(
        name="trio-websocket",
        version="0.12.2",
        package="trio_websocket",
        requirements=("trustme", "exceptiongroup"),
        arguments=("-o", "trio_mode=true"),
        repetitions=10,
    ),
    # An HTTP client, on Trio and on asyncio; its tests for threads have nothing to do with either.
    Suite(
        name="httpcore",
        version="1.0.9",
        package="httpcore",
        requirements=("httpcore[http2,socks,trio]", "pytest-httpbin", "anyio"),
        arguments=("tests/_async", "tests/test_cancellations.py"),
    ),
    # Helpers for Trio programs. One module needs trio.MultiError, which Trio no longer has.
    Suite(
        name="trio-util",
        version="0.8.0",
        package="trio_util",
        arguments=("-o", "trio_mode=true", "--ignore", "tests/test_exceptions.py"),
        repetitions=10,
    ),
    # A web server, for HTTP/1, HTTP/2 and websockets. Its tests for asyncio alone are left out.
    Suite(
        name="hypercorn",
        version="0.18.0",
        package="hypercorn",
        requirements=("hypercorn[trio]", "httpx[http2]", "pytest-asyncio", "pytest-cov"),
        arguments=("tests/trio", "tests/protocol", "tests/middleware", "tests/e2e"),
    ),
    # A bridge between Trio and asyncio; the tests it brings along of asyncio itself are left out.
    Suite(
        name="trio-asyncio",
        version="0.16.0",
        package="trio_asyncio",
        arguments=("tests", "--ignore", "tests/python", "--ignore", "tests/scripts"),
    ),
)


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
            "PYTHONPATH": str(Path(__file__).parent),
            "OUTCOMES_FILE": str(outcomes),
            "OUTCOMES_REPETITIONS": str(repetitions),
        }
        # With it, neither Python nor the detector keeps what it compiled, and each run would measure the compilers.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if arguments:
            arguments = [*arguments, "--race-packages", self._suite.package, f"--race-report=json:{report}"]
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
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - started
        if process.returncode not in {0, 1}:
            raise SystemExit(f"{self._suite.name} {' '.join(arguments)} could not be run:\n{log.read_text()}")
        findings = json.loads(report.read_text())["findings"] if arguments else []
        return Run(usage.ru_utime + usage.ru_stime, wall, json.loads(outcomes.read_text()), findings)

    def _pip(self, *arguments: str) -> None:
        subprocess.run([self._python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def differences(before: Run, after: Run) -> list[str]:
    """Return what the detector changed in the outcomes, other than by the errors it found."""
    found = {finding["test"] for finding in after.findings if finding["severity"] == "error"}
    return [
        f"{test}: {before.outcomes.get(test)} without, {after.outcomes.get(test)} with the detector"
        for test in sorted(before.outcomes.keys() | after.outcomes.keys())
        if before.outcomes.get(test) != after.outcomes.get(test) and test not in found
    ]


def check(workshop: Workshop, suite: Suite) -> bool:
    """Run a suite with and without the detector at both levels; print the findings; whether the outcomes agree."""
    before = workshop.run()
    print(f"\n{suite.name} {suite.version}: {dict(Counter(before.outcomes.values()))}")
    agree = True
    for level in ("--detect-races", "--detect-races=strict"):
        after = workshop.run([level])
        different = differences(before, after)
        agree = agree and not different
        print(f"  {level}: {'the same outcomes' if not different else 'OTHER OUTCOMES'}")
        for line in different:
            print(f"    {line}")
        for (severity, kind, variable, places), number in Counter(map(described, after.findings)).items():
            print(f"    {severity} {kind} {variable} ({number}x)\n      {places}")
    return agree


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
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    # What a shell runs in the background ignores interrupts, as does what that starts; some suites send them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if options.measure:
        print(f"{'suite':24}{'tests':>7}{'busy':>8}{'plain':>11}{'detector':>11}{'ratio':>9}{'limit':>8}", flush=True)
    good = True
    for suite in SUITES:
        if options.names and suite.name not in options.names:
            continue
        with tempfile.TemporaryDirectory(prefix="trioflow-") as folder:
            workshop = Workshop(Path(folder), suite)
            workshop.prepare()
            good = (measure(workshop, suite, options.rounds) if options.measure else check(workshop, suite)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
