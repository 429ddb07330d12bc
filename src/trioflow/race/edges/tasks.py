"""Tasks: steps, births, ends, wake-ups, and one run after another.

PYTEST_DONT_REWRITE

Everything in Trio that wakes a task does so from the step that caused it, so `reschedule` gives
most edges there are. Tasks that are woken between steps, by the clock or by I/O, are woken by nobody.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor
from trioflow.race.edges import foreign
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, local
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context


@final
class RunInstrument(trio.abc.Instrument):
    """Follows the tasks of one run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tasks = session.tasks
        caller = session.actor()
        self._outer = None if caller is None or caller.kind == "task" else caller
        """Who calls `trio.run`: somebody only where a thread runs a loop of its own."""
        # A run that crashed has left in the middle of a step.
        context.actor = self._outer

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """A task was made; it has not run yet."""
        session = self._session
        try:
            parent = context.actor
            if task.parent_nursery is None:
                parent = self._outer or session.host()
            release = parent.release_now() if parent is not None and parent.kind == "thread" else None
            actor = session.spawn(parent, task.name, session.place(), release=release)
            self._tasks[task] = local.newborn = actor
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A step begins."""
        try:
            actor = context.actor = self._tasks.get(task)
            if actor is not None:
                actor.begin_step()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """A step ends, perhaps the task's last."""
        actor = context.actor
        context.actor = self._outer
        try:
            if actor is not None:
                actor.end_step()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)


@final
class _ExitWatch(Watch):
    """A task is done; its last step has not been closed yet.

    Instruments are told as well, but Trio's own tests want to find no other instrument that listens to that.
    """

    def before(self, runner: object, task: trio.lowlevel.Task, *_: object) -> trio.lowlevel.Task:  # noqa: ARG002
        return task

    def after(self, note: trio.lowlevel.Task, result: object) -> None:  # noqa: ARG002
        session = sessions.current()
        actor = None if session is None else session.tasks.pop(note, None)
        if session is None or actor is None:
            return
        nursery = note.parent_nursery
        if nursery is None:
            session.registry.run_ended(actor)
            caller = actor.parent or session.host()
            if caller is not None:
                caller.acquire(actor.release_now())
        else:
            session.group(nursery).add(actor)
            if _trio.is_closed_nursery(nursery):
                join(session, nursery)
        session.registry.ended(actor)


def join(session: Session, nursery: trio.Nursery) -> None:
    """The ends of a nursery's tasks happen before its exit."""
    group = session.groups.get(nursery)
    parent = session.tasks.get(nursery.parent_task)
    if group is None or parent is None:
        return
    if parent is not context.actor:
        advance(parent)
    group.join_into(parent)


def advance(sleeping: Actor) -> None:
    """Give a task that sleeps a new moment, since what it learns now was not yet part of its last step."""
    sleeping.release_now()


@final
class _NurseryWatch(Watch):
    """A nursery may have closed without a task ending: all had ended before."""

    def before(self, nursery: trio.Nursery) -> trio.Nursery:
        return nursery

    def after(self, note: trio.Nursery, result: object) -> None:  # noqa: ARG002
        session = sessions.current()
        if session is None or not _trio.is_closed_nursery(note):
            return
        running = _trio.running_task()
        if running is None or running.parent_nursery is not note:
            join(session, note)


def _watching_setup(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def setup_runner(*arguments: Any, **options: Any) -> Any:
        runner = original(*arguments, **options)
        session = sessions.current()
        if session is not None:
            foreign.catch_up()
            runner.instruments.add_instrument(RunInstrument(session))
        return runner

    return setup_runner


def _watching_reschedule(original: Callable[..., Any]) -> Callable[..., Any]:
    """A task will run soon; whoever runs now has woken it.

    Instruments hear of this too, but it happens in every step, and this costs a third of it.
    """

    @functools.wraps(original)
    def reschedule(self: Any, task: trio.lowlevel.Task, *next_send: Any, **options: Any) -> None:
        actor = context.actor
        if actor is not None:
            try:
                session = sessions.current()
                woken = None if session is None else session.tasks.get(task)
                if woken is None or woken is actor or actor.kind == "thread":
                    pass
                elif woken is local.newborn and actor.kind == "task":
                    # Being born it already comes after this step.
                    local.newborn = None
                else:
                    woken.wake(actor.release(), lock=local.handing_over)
                    if local.woken is not None:
                        local.woken.append(woken)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.tasks", error)
        original(self, task, *next_send, **options)

    return reschedule


def install(patches: Patches) -> None:
    """Follow the tasks of all runs that start from now on."""
    run = _trio.module("trio._core._run")
    patches.replace(run, "setup_runner", _watching_setup(run.setup_runner))
    patches.replace(run.Runner, "reschedule", _watching_reschedule(run.Runner.reschedule))
    patches.watch(run.Runner, "task_exited", _ExitWatch())
    patches.watch(trio.Nursery, "_check_nursery_closed", _NurseryWatch())
