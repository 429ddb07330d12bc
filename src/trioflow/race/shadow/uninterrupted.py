"""Functions that the interpreter calls between two instructions, and that must lose no Ctrl-C.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from types import FunctionType
from typing import TypeVar

_Function = TypeVar("_Function")


def uninterrupted(function: _Function) -> _Function:
    """Let Trio raise no KeyboardInterrupt in a function: out of a callback it would go nowhere, and be lost.

    Trio spares whatever is called `__del__`, for the same reason; what counts is the name of the code.
    """
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace(co_name="__del__")
    return function
