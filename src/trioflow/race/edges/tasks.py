"""Tasks: steps, births, ends, wake-ups, and one run after another.

PYTEST_DONT_REWRITE

Everything in Trio that wakes a task does so from the step that caused it, so `reschedule` gives
most edges there are. Tasks that are woken between steps, by the clock or by I/O, are woken by nobody.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.places import place
from trioflow.race.edges import foreign
from trioflow.race.edges import session as sessions
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.session import Session, local, watching
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context

_OF_TRIO = 3
"""How many of Trio's functions there are between an instrument and whoever starts a task."""

_runs: weakref.WeakSet[RunInstrument] = weakref.WeakSet()


@final
class RunInstrument(trio.abc.Instrument):
    """Follows the tasks of one run."""

    def __init__(self, session: Session, runner: Any) -> None:
        self._session: Session | None = session
        self._runner = weakref.ref(runner)
        self._tasks = session.tasks
        caller = session.actor()
        self._outer = None if caller is None or caller.kind == "task" else caller
        """Who calls `trio.run`: somebody only where a thread runs a loop of its own."""
        self.ticked: list[Actor] | None = None
        """Guest runs: who has run since the host had its last turn."""
        # A run that crashed has left in the middle of a step.
        context.actor = self._outer
        _runs.add(self)

    def follows(self, runner: object) -> bool:
        """Whether this is the instrument of that run."""
        return self._runner() is runner

    def go_on(self, running: trio.lowlevel.Task | None) -> None:
        """The session has changed: the tasks of this run start anew, after what the session has seen so far.

        Args:
            running: The task that is in the midst of a step, if one is.
        """
        session = self._session = watching.session
        runner = self._runner()
        context.actor = self._outer = None
        self._tasks = {}
        if session is None or runner is None:
            return
        tasks = self._tasks = session.tasks
        host = session.host()
        for task in runner.tasks:
            if task not in tasks:
                release = None if host is None else host.release_now()
                tasks[task] = session.spawn(host, _trio.task_name(task), None, release=release)
        if running is not None:
            actor = context.actor = tasks[running]
            actor.begin_step()

    def let_go(self) -> None:
        """The run has ended, and what Trio keeps of it may stay until the garbage collector comes."""
        self._tasks = {}
        self._session = None
        _runs.discard(self)

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """A task was made; it has not run yet."""
        try:
            if self._session is not watching.session:
                self.go_on(None)
                return
            session = self._session
            if session is None:
                return
            parent = context.actor
            if task.parent_nursery is None:
                parent = self._outer or session.host()
            release = parent.release_now() if parent is not None and parent.kind == "thread" else None
            actor = session.spawn(parent, _trio.task_name(task), place(skipped=_OF_TRIO), release=release)
            self._tasks[task] = local.newborn = actor
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A step begins."""
        try:
            if self._session is not watching.session:
                self.go_on(None)
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
                if self.ticked is not None:
                    self.ticked.append(actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)


def go_on() -> None:
    """The session has changed: if that happens within a run, the run goes on in the new one.

    Other runs follow with their next steps, in their own threads.
    """
    runner = _trio.current_runner()
    if runner is not None:
        for run in _instruments(runner):
            run.go_on(_trio.running_task())


def _instruments(runner: object) -> list[RunInstrument]:
    return [run for run in list(_runs) if run.follows(runner)]


def _watching_exit(original: Callable[..., Any]) -> Callable[..., Any]:
    """A task is done; its last step has not been closed yet.

    Instruments are told as well, but Trio's own tests want to find no other instrument that listens to that.
    """

    def task_exited(self: Any, task: trio.lowlevel.Task, outcome: Any) -> None:
        original(self, task, outcome)
        try:
            session = watching.session
            actor = None if session is None else session.tasks.pop(task, None)
            if session is not None and actor is not None:
                _ended(session, actor, task.parent_nursery)
            if task.parent_nursery is None:
                for run in _instruments(self):
                    run.let_go()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)

    return task_exited


def _watching_close(original: Callable[..., Any]) -> Callable[..., Any]:
    """A run is over; one that crashed leaves its tasks where they were, and what they hold must not live on here."""

    def close(self: Any) -> None:
        original(self)
        try:
            session = watching.session
            if session is not None and self.tasks:
                _crashed(session, self)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.tasks", error)

    return close


def _crashed(session: Session, runner: Any) -> None:
    running = context.actor
    if running is not None and running.kind == "task":
        running.end_step()
        context.actor = None
    first: Actor | None = None
    others: list[Actor] = []
    for task in runner.tasks:
        for nursery in task.child_nurseries:
            session.groups.pop(nursery, None)
        actor = session.tasks.pop(task, None)
        if actor is None:
            continue
        if task.parent_nursery is None:
            first = actor
        else:
            others.append(actor)
    if first is not None:
        # Whoever called `trio.run` comes after all of them, as does the next run.
        advance(first)
        for other in others:
            first.acquire(other.release_now())
            session.registry.ended(other)
        _ended(session, first, None)
    for run in _instruments(runner):
        run.let_go()


def _ended(session: Session, actor: Actor, nursery: trio.Nursery | None) -> None:
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
    group = session.groups.pop(nursery, None)
    parent = session.tasks.get(nursery.parent_task)
    if group is None or parent is None:
        return
    if parent is not context.actor:
        advance(parent)
    group.join_into(parent)


def advance(sleeping: Actor) -> None:
    """Give a task that sleeps a new moment, since what it learns now was not yet part of its last step."""
    sleeping.release_now()


def _watching_nursery(original: Callable[..., Any]) -> Callable[..., Any]:
    """A nursery may have closed without a task ending: all had ended before."""

    def check_nursery_closed(self: trio.Nursery) -> None:
        original(self)
        session = watching.session
        if session is not None and self in session.groups:
            try:
                if _trio.is_closed_nursery(self):
                    running = _trio.running_task()
                    if running is None or running.parent_nursery is not self:
                        join(session, self)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.tasks", error)

    return check_nursery_closed


def _watching_setup(original: Callable[..., Any]) -> Callable[..., Any]:
    def setup_runner(*arguments: Any, **options: Any) -> Any:
        runner = original(*arguments, **options)
        session = sessions.current()
        if session is not None:
            foreign.catch_up()
            local.hosting = False
            runner.instruments.add_instrument(RunInstrument(session, runner))
        return runner

    return setup_runner


def _watching_reschedule(original: Any) -> Callable[..., Any]:
    """A task will run soon; whoever runs now has woken it.

    Instruments hear of this too, but it happens in every step, and this costs a third of it.
    """
    nothing = original.__defaults__[0]

    def reschedule(self: Any, task: trio.lowlevel.Task, next_send: Any = nothing) -> None:
        actor = context.actor
        if actor is not None or local.hosting:
            try:
                session = watching.session
                if actor is None:
                    actor = None if session is None else session.actor()
                woken = None if session is None or actor is None else session.tasks.get(task)
                newborn = woken is not None and woken is local.newborn
                if newborn:
                    local.newborn = None
                if actor is None or woken is None or woken is actor or (actor.kind == "thread" and not local.hosting):
                    pass
                elif newborn and actor.kind == "task":
                    pass  # Being born it already comes after this step.
                else:
                    woken.wake(actor.release(), lock=local.handing_over)
                    if local.woken is not None:
                        local.woken.append(woken)
            except Exception as error:  # noqa: BLE001
                faults.report("edges.tasks", error)
        original(self, task, next_send)

    return reschedule


def _watching_tick(original: Callable[..., Any]) -> Callable[..., Any]:
    """A guest run has its turn. In between the host runs, in the same thread and so after all that was done.

    The host is one actor: whom it wakes, and what it asks to be called, comes after all that it has seen.
    """

    def guest_tick(self: Any) -> None:
        runner = self.runner
        runs = _instruments(runner)
        for run in runs:
            run.ticked = []
        local.hosting = False
        try:
            original(self)
        finally:
            try:
                session = watching.session
                host = None if session is None else session.actor_or_host()
                for run in runs:
                    ticked, run.ticked = run.ticked, None
                    for actor in dict.fromkeys(ticked or ()):
                        if host is not None:
                            host.acquire(actor.so_far())
                local.hosting = _trio.current_runner() is runner
            except Exception as error:  # noqa: BLE001
                faults.report("edges.tasks", error)

    return guest_tick


def install(patches: Patches) -> None:
    """Follow the tasks of all runs that start from now on."""
    run = _trio.module("trio._core._run")
    patches.wrap(run, "setup_runner", _watching_setup)
    patches.wrap(run.Runner, "reschedule", _watching_reschedule)
    patches.wrap(run.Runner, "task_exited", _watching_exit)
    patches.wrap(run.Runner, "close", _watching_close)
    patches.wrap(run.GuestState, "guest_tick", _watching_tick)
    patches.wrap(trio.Nursery, "_check_nursery_closed", _watching_nursery)
