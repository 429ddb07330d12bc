"""Numbers for threads; those of the interpreter are given to the next thread when one has ended.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import threading
from typing import final

_numbers = itertools.count(1)


@final
class _Own(threading.local):
    """The number of each thread."""

    number: int = 0


_own = _Own()


def this_thread() -> int:
    """The number of the thread that runs."""
    number = _own.number
    if not number:
        number = _own.number = next(_numbers)
    return number
