"""Errors of the detector's own: they are noted, and never reach the program under test.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import traceback

_faults: dict[str, str] = {}


def report(where: str, error: BaseException) -> None:
    """Note an error; the first of each kind and place is kept."""
    if isinstance(error, RecursionError):
        return  # the program is at its limit, and will meet it itself
    key = f"{where}: {type(error).__name__}"
    if key not in _faults:
        _faults[key] = _text(error)


def _text(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception as another:
        # The program may have replaced what is needed to tell of it, `len` for example.
        return f"{type(error).__name__}, of which nothing can be told but {type(another).__name__}\n"


def take() -> dict[str, str]:
    """The errors noted since the last call, by where they happened, with their tracebacks."""
    taken = dict(_faults)
    _faults.clear()
    return taken
