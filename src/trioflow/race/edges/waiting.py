"""What each task waits for: for a test that hangs.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import traceback

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
        frames = list(task.iter_await_frames())
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
