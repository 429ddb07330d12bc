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

    def __init__(self) -> None:
        # All of them here, for what a thread-local object finds on its class it finds at half the speed.
        self.actor: Actor | None = None
        """The task or job that runs; None while nothing runs that is watched."""
        self.recording = False
        """Whether the detector itself is at work in this thread, so that what it triggers is not recorded."""
        self.pending: list[tuple[int, Any, bool]] = []
        """Halves of accesses whose object and key are seen in turn: site, value, and whether it is the key."""


context = Context()
