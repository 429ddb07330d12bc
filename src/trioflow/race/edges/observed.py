"""What is learnt from looking at a limiter: that nobody has a token says that all have given theirs back.

PYTEST_DONT_REWRITE

Tests and shutdowns wait in this way for threads that were abandoned. That some tokens are free says nothing, since
it does not say whose.
"""

from __future__ import annotations

import trio

from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.locks import TokenShadow
from trioflow.race.shadow import faults


def _watched_borrowed(original: property) -> property:
    getter = original.fget
    assert getter is not None

    def borrowed_tokens(limiter: trio.CapacityLimiter) -> int:
        borrowed: int = getter(limiter)
        if not borrowed:
            try:
                _unused(limiter)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.observed", error)
        return borrowed

    return property(borrowed_tokens, original.fset, original.fdel, original.__doc__)


def _unused(limiter: trio.CapacityLimiter) -> None:
    session = sessions.current()
    actor = None if session is None else session.actor()
    if session is not None and actor is not None:
        shadow: TokenShadow | None = session.shadows.get(limiter)
        if shadow is not None:
            for release, _ in shadow.returned:
                actor.acquire(release)


def install(patches: Patches) -> None:
    """Watch who looks at limiters."""
    patches.replace(
        trio.CapacityLimiter, "borrowed_tokens", _watched_borrowed(vars(trio.CapacityLimiter)["borrowed_tokens"])
    )
