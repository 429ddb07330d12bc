"""Whether the detector's overhead grows with the number of tasks that are alive.

Runs one program with 1,000, 10,000 and 100,000 tasks, plainly and under `trioflow race run`, each in a process of its
own, and compares the ratios with the first. The CPU time is what the program itself needs, without starting Python.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "many_tasks.py"
NUMBERS = (1_000, 10_000, 100_000)
LIMIT = 1.5
FOUND = 66
"""The exit code of `trioflow race run` where it found an error."""


def seconds(command: list[str], number: int) -> float:
    """Return the CPU time that the program reports."""
    done = subprocess.run([*command, str(PROGRAM), str(number)], capture_output=True, text=True, check=False)
    match = re.search(r"^seconds ([0-9.]+)$", done.stdout, re.MULTILINE)
    if done.returncode not in {0, FOUND} or match is None:
        raise SystemExit(f"{command} failed with exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return float(match[1])


def main() -> int:
    """Print a row for each number of tasks; 1 where the ratio grows too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    plain = [sys.executable]
    detector = [sys.executable, "-m", "trioflow", "race", "run"]
    ratios: list[float] = []
    print(f"{'tasks alive':12}{'plain':>12}{'detector':>12}{'ratio':>10}")
    for number in NUMBERS:
        before = statistics.median(seconds(plain, number) for _ in range(options.rounds))
        after = statistics.median(seconds(detector, number) for _ in range(options.rounds))
        ratios.append(after / before)
        print(f"{number:<12,}{before:>11.3f}s{after:>11.3f}s{ratios[-1]:>9.1f}x", flush=True)
    growth = max(ratios) / ratios[0]
    print(f"the highest ratio is {growth:.2f} times that at {NUMBERS[0]:,} tasks; the limit is {LIMIT}")
    return 1 if growth > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
