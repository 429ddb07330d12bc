"""Happens-before edges, made by watching Trio and threading while a detector runs.

PYTEST_DONT_REWRITE

This package alone patches Trio and `threading`. `install` puts all watches in place, `uninstall` takes
them away without a trace.
"""

from __future__ import annotations

from trioflow.race import _trio
from trioflow.race.clocks import places
from trioflow.race.clocks.registry import Registry
from trioflow.race.edges import (
    callbacks,
    channels,
    events,
    foreign,
    handovers,
    locks,
    looks,
    mutexes,
    observed,
    pipes,
    semaphores,
    session,
    signals,
    sockets,
    streams,
    tasks,
    testing,
    threads,
)
from trioflow.race.edges._patching import Patches

_installed: list[Patches] = []


def install(registry: Registry) -> None:
    """Watch Trio and `threading` for the actors of `registry`.

    Called again with another registry, it forgets what the first had seen. A run that goes on meanwhile goes on
    with new actors, which come after what the new registry has seen so far.

    Raises:
        UnsupportedTrioError: If this version of Trio lacks something that is needed.
    """
    if _installed:
        running = session.current()
        if running is None or running.registry is not registry:
            session.begin(registry)
            tasks.go_on()
        return
    _trio.check()
    patches = Patches()
    session.begin(registry)
    try:
        for part in (tasks, events, channels, locks, looks, threads, callbacks, mutexes, handovers, testing, streams):
            part.install(patches)
        for part in (sockets, pipes, signals, semaphores, foreign, observed):
            part.install(patches)
    except BaseException:
        foreign.forget()
        patches.undo()
        session.end()
        raise
    _installed.append(patches)


def uninstall() -> None:
    """Put everything back as it was; does nothing if nothing is installed."""
    foreign.forget()
    while _installed:
        _installed.pop().undo()
    session.end()
    places.forget()
