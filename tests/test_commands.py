"""What the README tells a newcomer to run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_continuous_integration_runs_the_readme_s_command() -> None:
    """What is checked is what a newcomer does."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (command,) = (line for line in readme if line.endswith("nox -s tests"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_demonstration_finds_the_four_bugs_and_no_others() -> None:
    """The booking server has three errors and a warning; its corrected twin passes the same tests and is clean."""
    command = [sys.executable, str(ROOT / "examples" / "demo.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The corrected version is clean" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--fixed"], ["--fixed", "--detect-races=strict"]])
def test_booking_server_passes_its_tests(arguments: list[str]) -> None:
    """Without the detector both versions pass, and the corrected one is clean at the strict level."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "examples" / "booking")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
