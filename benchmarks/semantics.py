"""Runs CPython's own tests plain and under the detector, and compares the outcome of each test.

The modules are those of the `test` package that comes with the interpreter; semantics.toml lists them, with the
modules of the standard library that are rewritten beside each, and the differences that are known, each with its
reason. Whatever else differs is an error, as is a fault of the detector itself.

A module runs in a process of its own. Where outcomes differ, both ways are run once more: a test whose outcomes vary
from run to run is no difference.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LIMIT = 300
"""Seconds for one module, one way."""

Outcomes = dict[str, tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module of tests."""

    name: str
    packages: tuple[str, ...] = ()
    """What of the standard library is rewritten with it."""

    def exists(self) -> bool:
        """Whether this interpreter has it."""
        import test  # noqa: PLC0415

        path = Path(next(iter(test.__path__)), *self.name.split("."))
        return path.is_dir() or path.with_suffix(".py").exists()


@dataclass(frozen=True, kw_only=True)
class Known:
    """A difference that is known."""

    tests: str
    """A pattern of names of tests, without the leading `test.`."""
    reason: str
    faults: bool = False
    """Whether it is a module in which the detector may fail at something."""

    def covers(self, test: str) -> bool:
        """Whether this explains why a test differs."""
        return fnmatch.fnmatchcase(test.removeprefix("test."), self.tests)


@dataclass(kw_only=True)
class Comparison:
    """What became of one module."""

    module: Module
    tests: int = 0
    same: int = 0
    known: dict[str, Known] = field(default_factory=dict[str, Known])
    different: dict[str, str] = field(default_factory=dict[str, str])
    trouble: list[str] = field(default_factory=list[str])
    instrumented: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(kw_only=True)
class Report:
    """What one process has to tell."""

    outcomes: Outcomes = field(default_factory=dict[str, tuple[str, str]])
    instrumented: dict[str, int] = field(default_factory=dict[str, int])
    trouble: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])


def run(module: Module, kind: str) -> Report:
    """Run a module one way."""
    with tempfile.TemporaryDirectory() as folder:
        output, log = Path(folder, "outcomes.json"), Path(folder, "log.txt")
        # Hashes of strings decide the order of sets, which some tests show.
        environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [FOLDER / "semantics_run.py", kind, module.name, *module.packages, "--output", output]
        with log.open("wb") as stream:
            try:
                process = subprocess.run(
                    [sys.executable, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    check=False,
                    cwd=folder,
                    env=environment,
                    timeout=LIMIT,
                )
            except subprocess.TimeoutExpired:
                return Report(trouble=[f"{kind}: took longer than {LIMIT} s"])
        if not output.exists():
            return Report(
                trouble=[f"{kind}: status {process.returncode}, {log.read_text('utf-8', 'replace')[-2000:].strip()}"]
            )
        found: dict[str, Any] = json.loads(output.read_text("utf-8"))
        return Report(
            outcomes={name: (outcome, text) for name, (outcome, text) in found["outcomes"].items()},
            instrumented=found.get("instrumented", {}),
            faults=[f"a fault of the detector: {text}" for text in found.get("faults", ())],
        )


def compare(module: Module, known: Sequence[Known]) -> Comparison:
    """Run a module both ways."""
    result = Comparison(module=module)
    seen: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    texts: dict[str, str] = {}
    differing: set[str] = set()
    for _ in range(2):
        reports = [run(module, kind) for kind in ("plain", "rewritten")]
        result.trouble = [text for report in reports for text in report.trouble]
        if not any(each.faults and each.covers(module.name) for each in known):
            result.trouble += reports[1].faults
        if not all(report.outcomes for report in reports):
            result.trouble = result.trouble or ["there are no tests in it"]
            return result
        result.instrumented = reports[1].instrumented
        for name in reports[0].outcomes.keys() | reports[1].outcomes.keys():
            for side, report in zip(seen[name], reports, strict=True):
                outcome, text = report.outcomes.get(name, ("not run", ""))
                side.append(outcome)
                texts[name] = f"{texts.get(name, '')}; {text}".strip("; ")
        # What varies from run to run is no difference.
        differing = {name for name, (before, after) in seen.items() if not set(before) & set(after)}
        if all(any(each.covers(name) for each in known) for name in differing):
            break
    result.tests, result.same = len(seen), len(seen) - len(differing)
    for name in sorted(differing):
        explained = next((each for each in known if each.covers(name)), None)
        if explained is None:
            before, after = seen[name]
            result.different[name] = f"plain {before[0]}, rewritten {after[0]}: {texts[name]}"
        else:
            result.known[name] = explained
    if f"test.{module.name}" not in result.instrumented:
        result.trouble.append("the module was not rewritten")
    return result


def main() -> None:
    """Compare the modules named on the command line, or all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="for example test_with; all, if none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many modules at a time")
    options = parser.parse_args()
    data = tomllib.loads((FOLDER / "semantics.toml").read_text("utf-8"))
    version = ".".join(platform.python_version_tuple()[:2])
    known = [
        Known(tests=each["tests"], reason=each["reason"], faults=each.get("faults", False))
        for each in data["difference"]
        if version in each.get("pythons", version)
    ]
    wanted = set(options.modules)
    modules = [Module(name=name, packages=tuple(packages)) for name, packages in data["modules"].items()]
    modules = [module for module in modules if (module.name in wanted or not wanted) and module.exists()]
    with ThreadPoolExecutor(options.jobs) as pool:
        comparisons = list(pool.map(lambda module: show(compare(module, known)), modules))
    sys.exit(summarise(comparisons, known, complete=not wanted))


def show(comparison: Comparison) -> Comparison:
    """Print the row of a module, and what is wrong with it."""
    lines = [
        f"{comparison.module.name:32} {comparison.tests:6} {comparison.same:6} {len(comparison.known):6} "
        f"{len(comparison.different):6}   {' '.join(comparison.module.packages)}"
    ]
    lines += [f"    {name}: {text}" for name, text in comparison.different.items()]
    lines += [f"    {text}" for text in comparison.trouble]
    print("\n".join(lines), flush=True)
    return comparison


def summarise(comparisons: Sequence[Comparison], known: Sequence[Known], *, complete: bool) -> int:
    """Print the sums and the reasons, and return the status to end with."""
    tests = sum(each.tests for each in comparisons)
    same = sum(each.same for each in comparisons)
    explained = sum(len(each.known) for each in comparisons)
    different = sum(len(each.different) for each in comparisons)
    print(f"{len(comparisons)} modules: {tests} tests, {same} same, {explained} explained, {different} unexplained")
    used = [each for comparison in comparisons for each in comparison.known.values()]
    for each in known:
        count = used.count(each)
        if count:
            print(f"  {count:3} {each.tests}: {each.reason}")
        elif complete and not each.faults:
            print(f"      {each.tests}: no longer needed, take it out of semantics.toml")
    return 1 if different or any(each.trouble for each in comparisons) else 0


if __name__ == "__main__":
    main()
