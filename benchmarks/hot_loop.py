"""How much slower an attribute and container hot loop is under the detector.

The same file is loaded twice in one process, plainly and rewritten, and both are run in turn while the detector is
active; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType

import trio

from trioflow.race.detector import Detector
from trioflow.race.model.configuration import Configuration

PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 25.0


def plain() -> ModuleType:
    """Load the workload past all import hooks."""
    spec = importlib.util.spec_from_file_location("plain_hot_loop", PROGRAMS / "hot_loop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seconds(module: ModuleType, workload: str, steps: int) -> float:
    """Return the CPU time of one run."""
    started = time.process_time()
    trio.run(getattr(module, workload), steps)
    return time.process_time() - started


def main() -> int:
    """Print a row for each workload; 1 where one is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()

    without = plain()
    detector = Detector(Configuration(root=PROGRAMS, cache=False))
    detector.install()
    try:
        sys.path.insert(0, str(PROGRAMS))
        rewritten = importlib.import_module("hot_loop")
        assert [module.name for module in detector.instrumented()] == ["hot_loop"]
        print(f"{'hot loop':12}{'plain':>12}{'detector':>12}{'ratio':>10}{'limit':>10}")
        over = False
        for workload in ("alone", "in_turn"):
            times: dict[str, list[float]] = {"plain": [], "detector": []}
            for _ in range(options.rounds):
                times["plain"].append(seconds(without, workload, options.steps))
                detector.start(workload)
                times["detector"].append(seconds(rewritten, workload, options.steps))
                findings = detector.finish()
                assert not findings, findings
            before, after = (statistics.median(times[kind]) for kind in ("plain", "detector"))
            over = over or after / before > LIMIT
            print(f"{workload:12}{before:>11.4f}s{after:>11.4f}s{after / before:>9.1f}x{LIMIT:>9.0f}x")
    finally:
        detector.uninstall()
    return 1 if over else 0


if __name__ == "__main__":
    # The workload is imported by name from its own folder; this file has the same name.
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    sys.exit(main())
