"""Findings: what the detector reports, as plain data that any renderer can use.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import enum
from typing import final

import attrs


class Kind(enum.Enum):
    """What is wrong."""

    DATA_RACE = "data-race"
    UNGUARDED_SECTION = "unguarded-section"
    UNGUARDED_ACCESS = "unguarded-access"
    WRONG_DECLARATION = "wrong-declaration"
    DEADLOCK = "deadlock"
    LOCK_ORDER = "lock-order"
    LEAK = "leak"


class Severity(enum.Enum):
    """Whether a finding fails the test in which it was made."""

    ERROR = "error"
    WARNING = "warning"


@final
@attrs.frozen
class Location:
    """A place in source code."""

    path: str
    """Absolute path; a report shows it relative to the root of the project."""
    line: int
    column: int
    """From 1."""
    function: str = ""
    """Qualified name of the function in which it is, without the module."""


@final
@attrs.frozen
class Actor:
    """A task, or a job that ran in a thread."""

    label: str
    """`A` or `B`, as the report calls it."""
    kind: str
    """`task` or `thread`."""
    name: str
    """What it runs, such as `shop.stock.Stock.reserve`."""
    started: Location | None = None
    """Where it was started, in the code under test where possible."""


@final
@attrs.frozen
class Access:
    """One line of the story that a finding tells, in the order that hurts."""

    actor: str
    """The label of the actor."""
    verb: str
    """`reads`, `writes`, `updates`, `deletes`, `awaits` ..."""
    location: Location
    operation: str
    """The operation as the JSON report names it: `read`, `write`, `update`, `delete`, `checkpoint`."""
    locks: tuple[str, ...] = ()
    """The locks held, by the names of the variables that hold them, or by where they were made."""
    remark: str = ""
    """Such as `overwrites B`; may be empty."""
    source: str = ""
    """The line of source code, without indentation; empty where a report is to look it up in the file."""


@final
@attrs.frozen
class Finding:
    """One defect: one variable and one pair of places."""

    kind: Kind
    severity: Severity
    variable: str
    """Such as `Stock.levels['tea']`, `closure variable 'count' of main`, `global app.state`."""
    headline: str
    """What goes wrong, in one sentence without a full stop and without the kind."""
    accesses: tuple[Access, ...]
    actors: tuple[Actor, ...]
    order: str
    """Why nothing orders the two."""
    seen: str
    """What was observed in this run, or that it was predicted from the order."""
    help: str
    """What would fix it."""
    identifier: str
    """Eight hexadecimal digits; the same for the same defect after unrelated edits."""
    test: str = ""
    """The node id of the test; empty for a program."""
    occurrences: int = 1
    object: str = ""
    """Which object it is about, where there were several of its class."""
    accepted: str = ""
    """Why the code itself accepts it, by `race.ok`; empty where it does not."""
