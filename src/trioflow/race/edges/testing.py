"""`trio.testing.wait_all_tasks_blocked`: all that other tasks did so far happens before its return.

PYTEST_DONT_REWRITE

`Sequencer` needs nothing: it is made of events.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from trioflow.race import _trio
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.looks import acquire_ended
from trioflow.race.edges.session import Session
from trioflow.race.shadow import faults


def _acquire_all(session: Session, runner: _trio.RunnerParts) -> None:
    """Acquire what all tasks of the run have done, those that have ended included."""
    waiting = session.actor()
    if waiting is None:
        return
    for task in list(runner.tasks):
        actor = session.tasks.get(task)
        if actor is not None and actor is not waiting:
            waiting.acquire(actor.release_now())
        for nursery in task.child_nurseries:
            acquire_ended(session, nursery, waiting)


def _watching_wait(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def wait_all_tasks_blocked(self: Any, *arguments: Any, **options: Any) -> Any:
        result = await original(self, *arguments, **options)
        session = sessions.current()
        if session is not None:
            try:
                _acquire_all(session, self)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.testing", error)
        return result

    return wait_all_tasks_blocked


def install(patches: Patches) -> None:
    """Watch what `trio.testing` offers."""
    runner = _trio.part("trio._core._run", "Runner")
    patches.replace(runner, "wait_all_tasks_blocked", _watching_wait(runner.wait_all_tasks_blocked))
