"""Where in the user's code something was made or started.

PYTEST_DONT_REWRITE

Codes are told apart by their addresses, for to hash one takes its whole content; they are kept, so that no other gets
the address. What is known of them is true of every test.
"""

from __future__ import annotations

import itertools
import sys
from types import CodeType, FrameType
from typing import final

import attrs


@final
@attrs.frozen
class Place:
    """Where in the source an actor was started, a lock was made or something was handed on."""

    path: str
    line: int
    function: str
    column: int = 1


_INTERNAL = frozenset(
    {"trio", "anyio", "trioflow", "contextlib", "functools", "outcome", "pytest_trio", "threading", "concurrent"}
)

_internal: dict[int, CodeType] = {}
"""Code of Trio's or ours."""
_external: dict[int, CodeType] = {}
"""Other code."""
_places: dict[tuple[int, int], tuple[Place, CodeType]] = {}
"""Where each instruction of it stands, as far as it was asked for."""


def place(skipped: int = 0) -> Place | None:
    """Where the user's code called what led here; None if Trio itself did.

    Args:
        skipped: How many of the callers are known to be Trio's.
    """
    frame: FrameType | None = sys._getframe(1 + skipped)
    while frame is not None:
        code = frame.f_code
        identity = id(code)
        if identity not in _internal:
            if identity in _external:
                break
            if frame.f_globals.get("__name__", "").partition(".")[0] not in _INTERNAL:
                _external[identity] = code
                break
            if code.co_name == "unrolled_run":
                # Below the run loop stands whoever called `trio.run`, who has nothing to do with it.
                return None
            _internal[identity] = code
        frame = frame.f_back
    return None if frame is None else place_of(frame.f_code, frame.f_lasti)


def place_of(code: CodeType, offset: int) -> Place:
    """Where in the source the instruction at an offset of `code` stands."""
    known = _places.get((id(code), offset))
    if known is not None:
        return known[0]
    position = next(itertools.islice(code.co_positions(), offset // 2, None), None)
    line, _, column, _ = position or (None, None, None, None)
    found = Place(code.co_filename, line or code.co_firstlineno, code.co_qualname, (column or 0) + 1)
    _places[id(code), offset] = (found, code)
    return found


def forget() -> None:
    """Keep no code alive any longer."""
    for known in (_internal, _external, _places):
        known.clear()
