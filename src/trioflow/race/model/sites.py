"""Sites: the places in source code where a probe stands.

PYTEST_DONT_REWRITE

A probe passes the number of its site, and everything that is known about the place before the
program runs is looked up here: where it is, what it does to which name, and on which earlier
reads it depends. Numbers are derived from the path of the file, so that they are the same in
every process and can be stored in cached code.
"""

from __future__ import annotations

import enum
from typing import Final, final

import attrs

from trioflow.race.model.members import store_plainly

STARTING: Final = frozenset(
    {"start", "start_soon", "run_sync", "run_sync_soon", "spawn_system_task", "submit", "Thread"}
)
"""Names of what starts a task, a job or a thread with the function that it is given."""


class Operation(enum.Enum):
    """What the code at a site does to its variable."""

    __hash__ = object.__hash__  # not the one of `Enum`, which is written in Python

    READ = "reads"
    WRITE = "writes"
    DELETE = "deletes"
    UPDATE = "updates"
    """Reads and writes in one step, as `x.a += 1` does."""
    SUSPENDED_UPDATE = "updates across a checkpoint"
    """Reads, passes a checkpoint and writes, as `x.a += await f()` does."""
    ITEM_READ = "reads item"
    ITEM_WRITE = "writes item"
    ITEM_DELETE = "deletes item"
    ITEM_UPDATE = "updates item"
    SUSPENDED_ITEM_UPDATE = "updates item across a checkpoint"
    CALL = "calls"
    """A method call: an access if the object is a container and the method reads or changes it."""
    MEMBER = "tests membership"
    SHAPE = "reads length"
    ITERATE = "iterates"
    CONTENTS_READ = "reads contents"
    CONTENTS_WRITE = "writes contents"
    NAME_READ = "reads name"
    NAME_WRITE = "writes name"
    NAME_UPDATE = "updates name"
    ENTER = "enters"
    """The start of an activation of a coroutine function or asynchronous generator."""


VIEW = "view"
"""The name at a site that iterates over what is most likely a view, whose contents have been read by then."""


store_plainly(Operation)


@final
@attrs.frozen
class Dependence:
    """On which earlier reads and calls of the same function something depends.

    Each entry is the number of a site (a read) or the number of a call (see `CallSite`), or,
    for a parameter of the function, its name.
    """

    data: tuple[int | str, ...] = ()
    """The value read or returned there flows into what is stored, or into which key is."""
    control: tuple[int | str, ...] = ()
    """This is reached only because of what a condition on the value read there said."""


NO_DEPENDENCE = Dependence()


@final
@attrs.frozen(eq=False)
class Site:
    """One place where code accesses a variable."""

    number: int
    path: str
    """Absolute path of the source file."""
    line: int
    column: int
    """From 1, as editors count."""
    end_line: int
    end_column: int
    operation: Operation
    expression: str
    """Source text of the object that is accessed (`self.pool` in `self.pool.append(x)`)."""
    name: str | None
    """The attribute, method or name; None where there is none (subscripts, iteration)."""
    module: str
    function: str
    """Qualified name of the enclosing function; empty at module level."""
    global_name: bool = False
    """For NAME operations: a module global, not a closure variable."""
    constant_key: bool = False
    """The key at this site is a constant, so site and object tell which variable is meant."""
    source: bool = False
    """Some act of the program (a write, a call or a return) depends on what is read here."""
    depends: Dependence = NO_DEPENDENCE
    """For a site that writes: on what the write depends."""
    operator: str | None = None
    """For an augmented assignment: its operator, such as `+=`."""
    condition: bool = False
    """What is read here only decides what is done next (`if`, `while`, `match`; not `assert`)."""
    chosen: bool = False
    """What is read here may be taken as it is, in `x.a or new` or `max(x.a, new)`: it is checked once more."""
    indirect: bool = False
    """What is accessed here is known under another name: it was reached through a view or an iterator."""


@final
@attrs.frozen(eq=False)
class CallSite:
    """A call, an `async with` or an `async for`, and on what its taking place and its arguments depend.

    A local variable that inner functions read is written as one, in line 0.

    A call site has no probe. At run time it is found from the position of the instruction at
    which the calling frame stands.
    """

    number: int
    line: int
    column: int
    """From 0, as `code.co_positions()` counts."""
    end_line: int
    end_column: int
    depends: Dependence = NO_DEPENDENCE
    callee: str = ""
    """The last part of the name of what is called; empty if it has none."""


@final
@attrs.frozen(eq=False)
class FunctionTable:
    """The calls in one function, by the position at which a frame that makes them stands."""

    qualified_name: str
    first_line: int
    """`co_firstlineno` of the function's code."""
    is_async: bool
    """Whether its activations can be suspended: a coroutine function or a generator."""
    calls: tuple[CallSite, ...] = ()
    returns: Dependence = NO_DEPENDENCE
    """On which reads and calls the returned (or yielded) value depends."""


@final
@attrs.frozen(eq=False)
class ModuleTable:
    """All sites and functions of one rewritten module."""

    module: str
    path: str
    sites: tuple[Site, ...]
    functions: tuple[FunctionTable, ...]
    function_count: int
    """How many functions were rewritten, for the header of a run."""
    declares: bool = False
    """Whether it may say of an attribute that a lock guards it, so that each read of it counts."""
