"""Whether the detector's memory stays bounded over millions of accesses to objects that live briefly.

Runs one program plainly and under `trioflow race run`, each in a process of its own, with four million accesses and
with ten, and compares the peaks of memory.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "soak.py"
LIMIT = 1.2
"""How much more the detector may need for the second than for the first, when all bounds have been reached."""
FOUND = 66
"""The exit code of `trioflow race run` where it found an error."""


def megabytes(command: list[str], millions: float) -> float:
    """Return the peak of memory that the program reports."""
    done = subprocess.run([*command, str(PROGRAM), str(millions)], capture_output=True, text=True, check=False)
    match = re.search(r"^megabytes ([0-9.]+)$", done.stdout, re.MULTILINE)
    if done.returncode not in {0, FOUND} or match is None:
        raise SystemExit(f"{command} failed with exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return float(match[1])


def main() -> int:
    """Print a row for each number of accesses; 1 where memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=10.0)
    options = parser.parse_args()

    plain = [sys.executable]
    detector = [sys.executable, "-m", "trioflow", "race", "run"]
    peaks: list[float] = []
    print(f"{'accesses':12}{'plain':>14}{'detector':>14}")
    for millions in (0.4 * options.millions, options.millions):
        before, after = megabytes(plain, millions), megabytes(detector, millions)
        peaks.append(after)
        print(f"{round(millions * 1_000_000):<12,}{before:>11.1f} MB{after:>11.1f} MB", flush=True)
    growth = peaks[1] / peaks[0]
    print(f"under the detector the second peak is {growth:.2f} times the first; the limit is {LIMIT}")
    return 1 if growth > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
