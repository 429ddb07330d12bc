"""What each task waits for: for a test that hangs.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

import trio

from trioflow.race.edges import session as sessions


def waiting() -> list[str]:
    """For each live task a block of text: its name, where it was started, what it waits for and its stack.

    May be called from any thread, while the run goes on.
    """
    session = sessions.current()
    if session is None:
        return []
    blocks: list[str] = []
    for task, actor in list(session.tasks.items()):
        frames = list(_frames_of(task))
        if not frames:
            continue
        innermost = frames[-1][0]
        names = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in frames]
        own = [entry for entry, name in zip(frames, names, strict=True) if name != "trio"]
        waits = next((frame.f_code.co_qualname for frame, _ in frames[len(own) :]), innermost.f_code.co_qualname)
        started = "" if actor.started is None else f", started at {actor.started.path}:{actor.started.line}"
        stack = traceback.StackSummary.extract(iter(own or frames))
        blocks.append(f"{actor.name}{started}\n  waits in {waits}\n{''.join(stack.format())}")
    return blocks


def _frames_of(task: trio.lowlevel.Task) -> Iterator[tuple[FrameType, int]]:
    """The frames of a task that waits, from the outermost to the innermost."""
    if hasattr(task, "iter_await_frames"):
        yield from task.iter_await_frames()
        return
    # Trio 0.22.0 lacks it; what waits in an asynchronous generator is not followed.
    coroutine: Any = task.coro
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        yield frame, frame.f_lineno
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
