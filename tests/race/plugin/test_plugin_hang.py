"""Tests that do not end: what their tasks wait for is said."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

HANG = """
import trio


async def wait_for_the_gate(gate):
    await gate.wait()


async def main():
    gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_the_gate, gate)
        print("hanging", flush=True)


def test_hang():
    trio.run(main)


def test_after():
    trio.run(trio.lowlevel.checkpoint)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [[], ["-n", "1"]])
def test_a_test_that_passes_the_limit_fails_and_says_what_its_tasks_wait_for(
    project: Any, processes: list[str]
) -> None:
    project.write("test_it.py", HANG)
    result = project.run("--detect-races", "--race-timeout=0.5", *processes)
    result.assert_outcomes(failed=1, passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*_ test_hang _*",
            "the test did not end within 0.5 s (race_timeout); its tasks wait:",
            "*wait_for_the_gate*",
            "*await gate.wait()*",
        ]
    )
    result.stderr.fnmatch_lines(["race detector: test_it.py::test_hang did not end within 0.5 s; its tasks wait:"])


@pytest.mark.slow
def test_limit_is_read_from_the_configuration(project: Any) -> None:
    project.write("pytest.ini", "[pytest]\ndetect_races = true\nrace_timeout = 0.5\n")
    project.write("test_it.py", "import time\ndef test_sleep(): time.sleep(60)\ndef test_fine(): pass\n")
    project.run().assert_outcomes(failed=1, passed=1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process can't be sent an interrupt there")
def test_an_interrupt_by_hand_says_what_the_tasks_wait_for(project: Any) -> None:
    project.write("test_it.py", HANG)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--detect-races",
        "-p",
        "no:cacheprovider",
        "-s",
        "--race-timeout=50",
    ]
    with subprocess.Popen(
        command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "hanging" in line:
                break
        # The detector looks at the tasks for the first time after a second, by its own clock.
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    # As without the detector: Trio wraps the interrupt in a group, which pytest takes for a failure.
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "KeyboardInterrupt" in output
    assert "race detector: test_it.py::test_hang was interrupted; its tasks wait:" in errors
    assert "await gate.wait()" in errors
