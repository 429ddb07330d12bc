"""What threads hand over without a lock that could be watched: `queue.SimpleQueue`, and `threading.Event` seen set.

PYTEST_DONT_REWRITE

Each item of a simple queue travels with the release of whoever put it. An event that is set already is looked at
without its lock.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, final

from trioflow.race.clocks.actor import Release
from trioflow.race.edges._patching import Patches
from trioflow.race.edges.session import Session, at_any_time
from trioflow.race.shadow import faults


@final
class _Item:
    """What is in a traced queue."""

    __slots__ = ("release", "session", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.session: Session | None = None
        self.release: Release | None = None
        try:
            here = at_any_time()
            if here is not None:
                self.session = here[0]
                self.release = here[1].release_now()
        except Exception as error:  # noqa: BLE001
            faults.report("edges.handovers", error)

    def taken(self) -> Any:
        """The value, which somebody has got now."""
        try:
            here = None if self.release is None else at_any_time()
            if here is not None and here[0] is self.session:
                here[1].acquire(self.release)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.handovers", error)
        return self.value


class TracedSimpleQueue(queue.SimpleQueue[Any]):
    """Stands in for `queue.SimpleQueue`."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item into the queue, as `queue.SimpleQueue.put` does."""
        super().put(_Item(item), block, timeout)

    def put_nowait(self, item: Any) -> None:
        """Put an item into the queue, as `queue.SimpleQueue.put_nowait` does."""
        super().put_nowait(_Item(item))

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item out of the queue, as `queue.SimpleQueue.get` does."""
        return super().get(block, timeout).taken()

    def get_nowait(self) -> Any:
        """Take an item out of the queue, as `queue.SimpleQueue.get_nowait` does."""
        return super().get_nowait().taken()


def _watching_set(original: Callable[..., Any]) -> Callable[..., Any]:
    def set_event(self: threading.Event) -> None:
        try:
            here = at_any_time()
            if here is not None:
                session, actor = here
                session.shadows.set(self, actor.release_now())
        except Exception as error:  # noqa: BLE001
            faults.report("edges.handovers", error)
        original(self)

    return set_event


def _watching_look(original: Callable[..., Any]) -> Callable[..., Any]:
    """`is_set` and `wait`, where they return true."""

    def look(self: threading.Event, *arguments: Any, **options: Any) -> Any:
        seen = original(self, *arguments, **options)
        if seen:
            try:
                here = at_any_time()
                if here is not None:
                    session, actor = here
                    actor.acquire(session.shadows.get(self))
            except Exception as error:  # noqa: BLE001
                faults.report("edges.handovers", error)
        return seen

    return look


def install(patches: Patches) -> None:
    """Replace the queue, and watch events; queues that exist already stay as they are."""
    patches.replace(queue, "SimpleQueue", TracedSimpleQueue)
    patches.wrap(threading.Event, "set", _watching_set)
    for name in ("is_set", "wait"):
        patches.wrap(threading.Event, name, _watching_look)
