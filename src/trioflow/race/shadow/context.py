"""Who runs in this thread now.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import threading
from typing import Any, final

from trioflow.race.clocks.actor import Actor


@final
class Context(threading.local):
    """One per thread."""

    actor: Actor | None = None
    """The task or job that runs; None while nothing runs that is watched."""
    recording: bool = False
    """Whether the detector itself is at work in this thread, so that what it triggers is not recorded."""

    def __init__(self) -> None:
        self.pending: list[tuple[int, Any, bool]] = []
        """Halves of accesses whose object and key are seen in turn: site, value, and whether it is the key."""


context = Context()
