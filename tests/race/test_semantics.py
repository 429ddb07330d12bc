"""Parts of CPython's own tests give the same outcomes under the detector; `nox -s semantics` runs far more of them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent.parent.parent / "benchmarks" / "semantics.py"
SOME = ("test_named_expressions", "test_super", "test_unpack_ex", "test_userdict")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("test.test_super") is None, reason="no `test` package")
def test_some_of_cpythons_tests_give_the_same_outcomes() -> None:
    """Language, doctests, and a module of the standard library that is rewritten with its tests."""
    command = [sys.executable, str(DRIVER), "--jobs", "2", *SOME]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith(f"{len(SOME)} modules")
    assert result.stdout.splitlines()[-1].endswith(" 0 explained, 0 unexplained")
