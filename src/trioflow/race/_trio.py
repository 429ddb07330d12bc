"""Every private part of Trio that the detector touches, and the check that they are there.

PYTEST_DONT_REWRITE

The rest of the detector asks here, so that what a version of Trio lacks is found in one place: `check`
looks for each part and raises an error that names what is missing. "Too new" is judged by that, never by
the version's number.
"""

from __future__ import annotations

import importlib
import types
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import trio

from trioflow.race.model.errors import UnsupportedTrioError

SUPPORTED = "0.22 to 0.35"

Task: TypeAlias = trio.lowlevel.Task
Nursery: TypeAlias = trio.Nursery
Seam: TypeAlias = tuple[str, str, tuple[str, ...]]

_SEAMS: tuple[Seam, ...] = (
    (
        "trio._core._run",
        "",
        ("setup_runner", "GLOBAL_RUN_CONTEXT", "Runner", "CancelScope", "CancelStatus", "GuestState"),
    ),
    (
        "trio._core._run",
        "Runner",
        ("wait_all_tasks_blocked", "instruments", "tasks", "task_exited", "reschedule", "close"),
    ),
    ("trio._core._run", "GuestState", ("guest_tick",)),
    ("trio._core._run", "Nursery", ("_check_nursery_closed",)),
    ("trio._core._run", "Task", ("_attempt_abort", "_abort_func", "_cancel_status")),
    ("trio._core._run", "CancelScope", ("cancel", "deadline", "shield", "cancel_called", "_cancel_called")),
    (
        "trio._core._run",
        "CancelStatus",
        ("recalculate", "effectively_cancelled", "effective_deadline", "_scope", "_parent"),
    ),
    ("trio._core._parking_lot", "ParkingLot", ("repark", "_parked")),
    ("trio._core._entry_queue", "EntryQueue", ("run_sync_soon", "lock")),
    ("trio._core._thread_cache", "ThreadCache", ("start_thread_soon",)),
    ("trio._channel", "MemorySendChannel", ("send_nowait", "close")),
    ("trio._channel", "MemoryReceiveChannel", ("receive_nowait", "close")),
    ("trio._channel", "MemoryChannelState", ("data", "send_tasks", "receive_tasks", "max_buffer_size")),
    ("trio._sync", "Event", ("_flag", "_tasks", "set")),
    ("trio._sync", "_LockImpl", ("acquire_nowait", "release")),
    ("trio._sync", "Semaphore", ("acquire_nowait", "release")),
    (
        "trio._sync",
        "CapacityLimiter",
        ("acquire_on_behalf_of_nowait", "release_on_behalf_of", "_wake_waiters", "total_tokens"),
    ),
    ("trio._threads", "", ("ThreadPlaceholder",)),
    ("trio._signals", "SignalReceiver", ("__init__", "_add")),
    ("trio._subprocess", "Process", ("__init__", "wait", "returncode", "send_signal", "terminate", "kill")),
    ("trio._socket", "_SocketType", ("_nonblocking_helper", "accept", "connect", "close", "shutdown")),
    ("trio.testing._memory_streams", "_UnboundedByteQueue", ("put", "get_nowait", "close", "_get_impl")),
    ("trio.testing._memory_streams", "_LockstepByteQueue", ("_something_happened",)),
)
"""Module, class (or none) and the attributes that must be there."""


def missing() -> list[str]:
    """The names of the parts that this version of Trio lacks."""
    lacking: list[str] = []
    for module_name, owner_name, names in _SEAMS:
        prefix = f"{module_name}.{owner_name}".rstrip(".")
        owner: object
        try:
            owner = importlib.import_module(module_name)
        except ImportError:
            lacking.append(module_name)
            continue
        if owner_name:
            owner = getattr(owner, owner_name, None)
            if owner is None:
                lacking.append(prefix)
                continue
        lacking += [f"{prefix}.{name}" for name in names if not hasattr(owner, name)]
    if not lacking and not isinstance(trio.Event.__dict__["_flag"], types.MemberDescriptorType):
        lacking.append("trio._sync.Event._flag as a slot")
    if not lacking and message_sender() is None:
        lacking.append("trio._threads._send_message_to_trio")
    return lacking


def check() -> None:
    """Find out whether this version of Trio can be watched.

    Raises:
        UnsupportedTrioError: If a part is missing; the text says which.
    """
    lacking = missing()
    if lacking:
        raise UnsupportedTrioError(
            f"trio {trio.__version__} lacks {', '.join(lacking)}, which the race detector needs; "
            f"install one of the versions {SUPPORTED}"
        )


def module(name: str) -> types.ModuleType:
    """One of Trio's private modules."""
    return importlib.import_module(name)


def part(module_name: str, name: str) -> Any:
    """A private class or function of Trio."""
    return getattr(importlib.import_module(module_name), name)


# The run loop


class RunnerParts(Protocol):
    """What is used of the runner."""

    instruments: Any
    tasks: set[Task]
    is_guest: bool


class CancelStatusParts(Protocol):
    """What is used of a cancel status: a contiguous extent of code that is cancelled as a unit."""

    effectively_cancelled: bool
    _scope: trio.CancelScope
    _parent: CancelStatusParts | None


def running_task() -> Task | None:
    """The task that runs in this thread now, if any."""
    return cast("Task | None", getattr(part("trio._core._run", "GLOBAL_RUN_CONTEXT"), "task", None))


def current_runner() -> RunnerParts | None:
    """The runner of this thread's run, if there is one."""
    return cast("RunnerParts | None", getattr(part("trio._core._run", "GLOBAL_RUN_CONTEXT"), "runner", None))


def is_closed_nursery(nursery: Nursery) -> bool:
    """Whether all of a nursery's tasks are done, its body included."""
    return bool(nursery._closed)


def cancel_status(task: Task) -> CancelStatusParts | None:
    """What cancels a task at present."""
    return cast("CancelStatusParts | None", task._cancel_status)


def is_cancel_called(scope: trio.CancelScope) -> bool:
    """Whether a scope was cancelled, without looking at the clock."""
    return scope._cancel_called


def cancelling_method() -> str:
    """The name of the method through which each cancellation of a scope goes."""
    return "_cancel" if hasattr(trio.CancelScope, "_cancel") else "cancel"


def parked(owner: Any) -> OrderedDict[Task, None]:
    """The tasks that are parked at a parking lot."""
    return cast("OrderedDict[Task, None]", owner._parked)


def lot_of(primitive: Any) -> Any:
    """The parking lot of a lock, semaphore or limiter."""
    return primitive._lot


# Primitives


class ChannelState(Protocol):
    """What both ends of a memory channel share."""

    max_buffer_size: float
    data: deque[object]
    open_send_channels: int
    open_receive_channels: int
    send_tasks: OrderedDict[Task, object]
    receive_tasks: OrderedDict[Task, None]


def channel_state(end: Any) -> ChannelState:
    """The state that an end of a memory channel shares with the others."""
    return cast("ChannelState", end._state)


def is_closed_end(end: Any) -> bool:
    """Whether this end of a memory channel was closed."""
    return bool(end._closed)


def lock_owner(lock: Any) -> Task | None:
    """The task that holds a lock."""
    return cast("Task | None", lock._owner)


def semaphore_value(semaphore: trio.Semaphore) -> int:
    """The value of a semaphore."""
    return semaphore._value


def pending_borrowers(limiter: trio.CapacityLimiter) -> dict[Task, object]:
    """For whom the tasks that wait for a limiter will borrow."""
    return limiter._pending_borrowers


def available_tokens(limiter: trio.CapacityLimiter) -> float:
    """How many tokens of a limiter are free, without looking at it as a program does."""
    return limiter.total_tokens - len(limiter._borrowers)


def is_thread_placeholder(borrower: object) -> bool:
    """Whether a limiter is borrowed by a worker thread."""
    return isinstance(borrower, part("trio._threads", "ThreadPlaceholder"))


def lockstep_state(queue: Any) -> tuple[int, bool]:
    """How many bytes wait in a stream without a buffer, and whether its sender has closed it."""
    return len(queue._data), bool(queue._sender_closed)


def waiting_for(primitive: Any) -> list[Task]:
    """The tasks that wait for an event, a lock of any kind, a condition or at a parking lot."""
    if hasattr(primitive, "_lot"):
        return list(parked(primitive._lot))
    if hasattr(primitive, "_parked"):
        return list(parked(primitive))
    return list(primitive._tasks)


# Sockets


def standard_socket(socket: Any) -> Any:
    """The socket of the standard library below one of Trio's."""
    return getattr(socket, "_sock", socket)


def replace_pending(receiver: Any, pending: OrderedDict[int, None]) -> None:
    """Let a receiver of signals, which is new, keep in `pending` what has come."""
    receiver._pending = pending


def descriptor_of(stream: Any) -> int:
    """The file descriptor of a stream of a process; -1 if it is closed."""
    return int(stream.fileno())


def is_wakeup(caller: types.FrameType) -> bool:
    """Whether a socket is used by the run loop to wake itself, which orders nothing."""
    return bool(caller.f_globals.get("__name__") == "trio._core._wakeup_socketpair")


# Threads


def message_sender() -> str | None:
    """The function of `trio._threads` through which each call from a thread into the run goes."""
    threads = module("trio._threads")
    for name in ("_send_message_to_trio", "_run_fn_as_system_task"):
        if hasattr(threads, name):
            return name
    return None


def function_of_worker(worker: Callable[[], object]) -> object:
    """The user's function that a worker thread is about to run, or what is known of it."""
    inner: Any = worker
    if isinstance(worker, partial) and worker.args:
        inner = worker.args[0]
    if isinstance(inner, FunctionType) and inner.__closure__:
        for name, cell in zip(inner.__code__.co_freevars, inner.__closure__, strict=False):
            if name == "sync_fn":
                return cast("object", cell.cell_contents)
    return cast("object", inner)


# Protection from KeyboardInterrupt

_Function = TypeVar("_Function", bound=Callable[..., Any])


def protected(function: _Function) -> _Function:
    """`function` as one that KeyboardInterrupt does not interrupt, as what it stands for was."""
    return trio.lowlevel.enable_ki_protection(function)


def code_of(function: Any) -> CodeType:
    """The code that runs in the end where Trio has decorated a function."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return cast("CodeType", function.__code__)


def foreign_abort_function(task: Task) -> Callable[..., object] | None:
    """The function with which the wait of a task is aborted, unless it is Trio's own."""
    function: Callable[..., object] | None = task._abort_func
    if function is None or getattr(function, "__module__", None) is None:
        return function
    return None if function.__module__.partition(".")[0] == "trio" else function


def waits_for_thread(task: Task) -> bool:
    """Whether a task waits for a function that runs in a thread."""
    return getattr(task._abort_func, "__qualname__", "").startswith("to_thread_run_sync.")


def task_name(task: Task) -> str:
    """What a task runs; for a connection of a server, the handler and not what calls it."""
    frame = getattr(task.coro, "cr_frame", None)
    if frame is None or not task.name.endswith("._run_handler"):
        return task.name
    handler = frame.f_locals.get("handler")
    while isinstance(handler, partial):
        handler = handler.func
    if isinstance(handler, (FunctionType, types.MethodType)):
        return f"{handler.__module__}.{handler.__qualname__}"
    return task.name
