"""Pipes of the operating system between tasks of one process, and those to other processes.

PYTEST_DONT_REWRITE

Both ends of a pipe have one inode, by which they find each other. Trio's streams of file descriptors look functions of
`os` up in their module, where this puts others; those of `os` itself are watched for who uses descriptors without
Trio.

What another process makes of its input can't be seen. So all that it says, and its end, come after all that it was
told.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import Any, final

import trio

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor, Release
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import Session, at_any_time, watching
from trioflow.race.edges.streams import Pipe, Pool
from trioflow.race.shadow import faults


def _name(descriptor: int) -> tuple[int, int] | None:
    """What names a pipe; None of what is none."""
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino) if stat.S_ISFIFO(status.st_mode) else None


def _pipe(session: Session, descriptor: int) -> Pipe | Pool | None:
    found = _name(descriptor)
    if found is None:
        return None
    name = ("descriptor", found)
    pipe: Pipe | Pool | None = session.pipes.get(name)
    if pipe is None:
        pipe = session.pipes[name] = Pipe()
    return pipe


def _begin(descriptor: int) -> tuple[Pipe | Pool, Release] | None:
    """Something is about to be written."""
    try:
        here = at_any_time()
        pipe = None if here is None else _pipe(here[0], descriptor)
        if here is not None and pipe is not None:
            release = here[1].release()
            pipe.begin(release)
            return pipe, release
    except OSError:
        pass  # it is closed
    except Exception as error:  # noqa: BLE001
        faults.report("edges.pipes", error)
    return None


def _read(session: Session, actor: Actor, descriptor: int, size: int) -> None:
    pipe = _pipe(session, descriptor)
    if pipe is not None:
        pipe.receive(size, actor)


def _closes(session: Session, actor: Actor, descriptor: int) -> None:
    pipe = _pipe(session, descriptor)
    if pipe is not None:
        pipe.close(actor.release())


def _broken(descriptor: int) -> None:
    """Nobody reads any more."""
    try:
        here = at_any_time()
        pipe = None if here is None else _pipe(here[0], descriptor)
        if here is not None and pipe is not None:
            pipe.end(here[1])
    except Exception as error:  # noqa: BLE001
        faults.report("edges.pipes", error)


def _watching_write(original: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
    def write(fd: int, data: Any, /) -> int:
        begun = _begin(fd)
        try:
            written = original(fd, data)
        except BaseException as error:
            if begun is not None:
                begun[0].done(begun[1])
            if isinstance(error, BrokenPipeError):
                _broken(fd)
            raise
        try:
            if begun is not None:
                if written:
                    begun[0].send(written, begun[1])
                begun[0].done(begun[1])
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        return written

    return write


def _watching_read(original: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    def read(fd: int, length: int, /) -> bytes:
        data = original(fd, length)
        try:
            here = at_any_time()
            if here is not None:
                _read(*here, fd, len(data))
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        return data

    return read


def _watching_close(original: Callable[[int], None]) -> Callable[[int], None]:
    def close(fd: int) -> None:
        try:
            here = at_any_time()
            if here is not None:
                _closes(*here, fd)
        except OSError:
            pass  # it is closed
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        original(fd)

    return close


# Other processes


@final
class _Opened(Watch):
    """A process was started: its pipes are those of one pool, to which all belongs that it is told."""

    def before(self, process: trio.Process, *_: Any, **__: Any) -> trio.Process:
        return process

    def after(self, note: trio.Process, result: object) -> None:  # noqa: ARG002
        session = watching.session
        actor = None if session is None else session.actor()
        if session is None or actor is None:
            return
        pool = Pool()
        pool.send(0, actor.release())
        session.shadows.set(note, pool)
        for stream in (note.stdin, note.stdout, note.stderr):
            name = None if stream is None else _name(_trio.descriptor_of(stream))
            if name is not None:
                session.pipes["descriptor", name] = pool


@final
class _Told(Watch):
    """A process is sent a signal."""

    def before(self, process: trio.Process, *_: Any) -> None:
        session = watching.session
        actor = None if session is None else session.actor()
        pool = None if session is None else session.shadows.get(process)
        if actor is not None and pool is not None:
            pool.send(0, actor.release())


def _watched_code(original: property) -> property:
    """`returncode`, and through it `poll`: whether a process has ended."""
    getter = original.fget
    assert getter is not None

    def returncode(self: trio.Process) -> int | None:
        code: int | None = getter(self)
        if code is not None:
            _ended(self)
        return code

    return property(returncode, original.fset, original.fdel, original.__doc__)


def _watching_wait(original: Callable[..., Any]) -> Callable[..., Any]:
    async def wait(self: trio.Process) -> int:
        code: int = await original(self)
        _ended(self)
        return code

    return wait


def _ended(process: trio.Process) -> None:
    try:
        session = watching.session
        actor = None if session is None else session.actor()
        pool = None if session is None else session.shadows.get(process)
        if actor is not None and pool is not None:
            pool.receive(0, actor)
    except Exception as error:  # noqa: BLE001
        faults.report("edges.pipes", error)


def install(patches: Patches) -> None:
    """Watch pipes, and other processes."""
    patches.watch(trio.Process, "__init__", _Opened())
    for name in ("send_signal", "terminate", "kill"):
        patches.watch(trio.Process, name, _Told())
    patches.replace(trio.Process, "returncode", _watched_code(vars(trio.Process)["returncode"]))
    patches.wrap(trio.Process, "wait", _watching_wait)
    if sys.platform != "win32":
        patches.wrap(os, "write", _watching_write)
        patches.wrap(os, "read", _watching_read)
        patches.wrap(os, "close", _watching_close)
