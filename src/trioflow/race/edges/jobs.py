"""Jobs: functions that run in a thread, each with a clock of its own.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, final

from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.clocks.places import place
from trioflow.race.edges.session import Session
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context
from trioflow.race.shadow.handed import about_to_call


def name_of(function: object) -> str:
    """What a job is called in a report."""
    if isinstance(function, functools.partial):
        function = function.func
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return f"{module}.{name}" if module and name else repr(type(function))


@final
class Job:
    """A function that runs in a thread, with a clock of its own."""

    def __init__(self, session: Session, parent: Actor, function: object, name: str = "") -> None:
        self._function = function
        self.session = session
        self.actor = session.spawn(
            parent, name or name_of(function), place(), kind="thread", release=parent.release_now()
        )
        if parent.free_slots:
            # For the callback that will report its end.
            self.actor.free_slots.append(parent.free_slots.pop())
        self.end: Release | None = None

    def run(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Run something as this job."""
        outer, context.actor = context.actor, self.actor
        try:
            about_to_call(self._function)
            return function(*arguments, **options)
        finally:
            context.actor = outer

    def finish(self) -> Release | None:
        """The job will do nothing more."""
        try:
            if self.end is None:
                self.end = self.actor.release_now()
                self.session.registry.ended(self.actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.threads", error)
        return self.end


def start_job(session: Session | None, parent: Actor | None, function: object) -> Job | None:
    """A job for `function`, if anybody watches."""
    if session is None or parent is None:
        return None
    return Job(session, parent, function)
