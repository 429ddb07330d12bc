"""Pipes of the operating system between tasks of one process: Trio's streams of file descriptors.

PYTEST_DONT_REWRITE

They read and write by functions of `os` that they look up in their module, where this puts others. Both ends of a
pipe have one inode, by which they find each other.
"""

from __future__ import annotations

import os
import sys
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Actor
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.session import watching
from trioflow.race.edges.streams import Pipe
from trioflow.race.shadow import faults


def _here(descriptor: int) -> tuple[Pipe, Actor] | None:
    session = watching.session
    actor = None if session is None else session.actor()
    if session is None or actor is None:
        return None
    status = os.fstat(descriptor)
    name = ("descriptor", (status.st_dev, status.st_ino))
    pipe: Pipe | None = session.pipes.get(name)
    if pipe is None:
        pipe = session.pipes[name] = Pipe()
    return pipe, actor


@final
class _System:
    """`os`, with reading, writing and closing watched."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def write(descriptor: int, data: Any) -> int:
        """Write to a file descriptor, as `os.write` does."""
        written = os.write(descriptor, data)
        try:
            here = _here(descriptor)
            if here is not None and written:
                pipe, actor = here
                pipe.send(written, actor.release())
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        return written

    @staticmethod
    def read(descriptor: int, size: int) -> bytes:
        """Read from a file descriptor, as `os.read` does."""
        data = os.read(descriptor, size)
        try:
            here = _here(descriptor)
            if here is not None:
                pipe, actor = here
                pipe.receive(len(data), actor)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        return data

    @staticmethod
    def close(descriptor: int) -> None:
        """Close a file descriptor, as `os.close` does."""
        try:
            here = _here(descriptor)
            if here is not None:
                pipe, actor = here
                pipe.closed = actor.release()
        except OSError:
            pass  # it is closed
        except Exception as error:  # noqa: BLE001
            faults.report("edges.pipes", error)
        os.close(descriptor)


def install(patches: Patches) -> None:
    """Watch streams of file descriptors, where there are any."""
    if sys.platform != "win32":
        patches.replace(_trio.module("trio._unix_pipes"), "os", _System())
