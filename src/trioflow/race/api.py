"""What code under test may say to the detector: what belongs together, what needs a lock, what is accepted.

PYTEST_DONT_REWRITE

None of it does anything while no detector runs: a block then costs some hundred nanoseconds, an annotation nothing.
"""

from __future__ import annotations

from trioflow.race.model.declarations import Acceptance, Critical, GuardedBy

__all__ = ["critical", "guarded_by", "ok"]


def critical(name: str) -> Critical:
    """Declares that all that is accessed in a block belongs together.

    Within the block a task or thread may pass checkpoints; all variables that it accesses there are one unit. A
    write by somebody else that may fall between two accesses of the unit is reported as an unguarded section,
    and so is a look at a state that the block has only half written, unless a lock held throughout the block keeps the
    other out, or the program orders the two.

    Entering and leaving never block, are no checkpoints, and let all exceptions through. The block may be used in
    synchronous and asynchronous code and in threads, nested, shared between tasks, and as a decorator of functions and
    coroutine functions. It guards nothing by itself.

    Example:
        >>> from trioflow import race
        >>> accounts = {"a": 100, "b": 0}
        >>> async def transfer(amount: int) -> None:
        ...     with race.critical("transfer"):
        ...         accounts["a"] -= amount
        ...         await write_to_journal(amount)
        ...         accounts["b"] += amount

    Args:
        name: What the report calls it.

    Raises:
        TypeError: The name is no string.
        ValueError: The name is empty.
    """
    return Critical(name)


def guarded_by(lock: object) -> GuardedBy:
    """Declares, in the annotation of an attribute, which lock must be held for every access to it.

    Each read or write of the attribute, and of the contents of a container that it holds, by a task or thread that does
    not hold the lock is reported, whether or not anybody else could come in between. What is done in `__init__`,
    and in the step in which the object is made, is not.

    Example:
        >>> import trio
        >>> from typing import Annotated
        >>> from trioflow import race
        >>> class Pool:
        ...     _idle: Annotated[list[str], race.guarded_by("_lock")]
        ...
        ...     def __init__(self) -> None:
        ...         self._lock = trio.Lock()
        ...         self._idle = []

    Args:
        lock: The name of the attribute of the same object that holds the lock; or a lock. Locks are
            `trio.Lock`, `trio.StrictFIFOLock` and `trio.Condition`, semaphores and capacity limiters that let
            in one at a time, `threading.Lock`, `threading.RLock` and `threading.Condition`, and those of AnyIO.

    Raises:
        TypeError: What is given is neither.
        ValueError: The name can't be that of an attribute.
    """
    return GuardedBy(lock)


def ok(reason: str) -> Acceptance:
    """Accepts what is found, in a block or in the annotation of an attribute.

    As a block (or a decorator) it accepts all findings of which one access is made in it by the task or
    thread that has entered it. In an annotation it accepts those on that attribute, and on the contents of a
    container that it holds. They are counted, and listed in the report with the reason, but fail no test.

    Entering and leaving never block, are no checkpoints, and let all exceptions through.

    Example:
        >>> from typing import Annotated
        >>> from trioflow import race
        >>> class Metrics:
        ...     requests: Annotated[int, race.ok("approximate by design")] = 0
        ...
        ...     def reset(self) -> None:
        ...         with race.ok("whoever resets it last wins"):
        ...             self.started = 0

    Args:
        reason: Why it may stay, for whoever reads it next.

    Raises:
        TypeError: The reason is no string.
        ValueError: The reason is empty.
    """
    return Acceptance(reason)
