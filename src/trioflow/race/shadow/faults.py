"""Errors of the detector's own: they are noted, and never reach the program under test.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import traceback

_faults: dict[str, str] = {}


def report(where: str, error: BaseException) -> None:
    """Note an error; the first of each kind and place is kept."""
    _faults.setdefault(f"{where}: {type(error).__name__}", "".join(traceback.format_exception(error)))


def take() -> dict[str, str]:
    """The errors noted since the last call, by where they happened, with their tracebacks."""
    taken = dict(_faults)
    _faults.clear()
    return taken
