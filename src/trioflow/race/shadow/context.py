"""Who runs in this thread now.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import threading
from typing import final

from trioflow.race.clocks.actor import Actor


@final
class Context(threading.local):
    """One per thread."""

    actor: Actor | None = None
    """The task or job that runs; None while nothing runs that is watched."""
    recording: bool = False
    """Whether the detector itself is at work in this thread, so that what it triggers is not recorded."""


context = Context()
