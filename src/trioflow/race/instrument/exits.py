"""The ways out of a statement: `return`, `break`, `continue`, `raise`, and `finally` on the way.

PYTEST_DONT_REWRITE

A `finally` clause is read once for each way out of its `try` statement that the source has, as
the compiler does it: so what follows the statement depends on a `return` inside it. One more copy
is for exceptions that come from anywhere; for control it leads on to what follows, since else all
that follows would seem to depend on there being none.
"""

from __future__ import annotations

import ast
import enum
from typing import final

import attrs

from trioflow.race.instrument.control_flow import EXIT

_LOOKUP = frozenset({"KeyError", "IndexError", "LookupError"})
_ARITHMETIC = frozenset({"ZeroDivisionError", "ArithmeticError", "OverflowError"})
_UNFIT = frozenset({"ValueError", "TypeError"})
_ANY = frozenset({"Exception", "BaseException"})
_FROM_OUTSIDE = frozenset({"Cancelled", "TooSlowError"})
"""Exceptions that tell nothing about what was read."""


class Way(enum.Enum):
    """How a statement is left."""

    NORMAL = enum.auto()
    UNFORESEEN = enum.auto()
    RETURN = enum.auto()
    BREAK = enum.auto()
    CONTINUE = enum.auto()
    RAISE = enum.auto()


@final
@attrs.frozen(eq=False)
class LoopFrame:
    """A loop around what is read."""

    after: int
    start: int


@final
@attrs.frozen
class Handler:
    """An `except` clause."""

    block: int
    names: frozenset[str]
    """Last names of the exceptions; empty if it has none."""

    @property
    def catches_look_ups(self) -> bool:
        """Whether a failed look-up ends here."""
        return not self.names.isdisjoint(_LOOKUP)

    @property
    def catches_missing_attributes(self) -> bool:
        """Whether a read of a missing attribute ends here."""
        return "AttributeError" in self.names

    @property
    def catches_any(self) -> bool:
        """Whether ordinary exceptions of every type end here."""
        return not self.names or not self.names.isdisjoint(_ANY)

    @property
    def catches_all(self) -> bool:
        """Whether nothing gets past this clause."""
        return not self.names or "BaseException" in self.names


@final
@attrs.define(eq=False)
class Reads:
    """What is read in the body of a `try` statement, one bit for each source."""

    items: int = 0
    attributes: int = 0
    calls: int = 0
    """Calls that are not awaited."""
    awaited: int = 0
    operands: int = 0
    """What arithmetic is done with."""
    converted: int = 0
    """What is given to functions that are known."""
    suspends: bool = False
    """Whether there is a checkpoint in the body."""

    def add(self, other: Reads) -> None:
        """Adds what is read in a body around or inside."""
        self.items |= other.items
        self.attributes |= other.attributes
        self.calls |= other.calls
        self.awaited |= other.awaited
        self.operands |= other.operands
        self.converted |= other.converted
        self.suspends |= other.suspends

    def reason_for(self, handler: Handler) -> int:
        """The reads that can be the reason why a handler runs.

        A failed look-up is one wherever it stands. Any other exception tells something about what
        was read in the task's own step only if the body has no checkpoint: else it comes from what
        was awaited, as a rule; and where everything is caught the handler tidies up.
        """
        if handler.names and handler.names <= _FROM_OUTSIDE:
            return 0
        reads = 0
        if handler.catches_look_ups:
            reads |= self.items | self.calls
        if handler.catches_missing_attributes:
            reads |= self.attributes | self.calls
        if not handler.names.isdisjoint(_ARITHMETIC):
            reads |= self.operands
        if not handler.names.isdisjoint(_UNFIT):
            reads |= self.operands | self.converted
        if not handler.catches_any:
            reads |= self.awaited
        elif not self.suspends:
            reads |= self.items
        return reads if self.suspends else reads | self.calls


@final
@attrs.frozen(eq=False)
class Handlers:
    """The `except` clauses of a `try` statement whose body is read."""

    handlers: tuple[Handler, ...]


@final
@attrs.frozen(eq=False)
class Finally:
    """A `finally` clause that everything passes on its way out."""

    copies: dict[Way, int]
    """Where the copies of the clause start."""
    used: set[Way]
    """The ways out that the source has."""

    def copy_for(self, way: Way) -> int:
        """The copy for this way out, which the source has."""
        self.used.add(way)
        return self.copies[way]


Frame = LoopFrame | Handlers | Finally


def names_of_exceptions(tree: ast.expr | None) -> frozenset[str]:
    """The last names of the exception types in an `except` clause."""
    match tree:
        case None:
            return frozenset()
        case ast.Tuple():
            return frozenset[str]().union(*map(names_of_exceptions, tree.elts))
        case ast.Name():
            return frozenset({tree.id})
        case ast.Attribute():
            return frozenset({tree.attr})
        case _:
            return frozenset({"?"})


def name_raised(tree: ast.expr | None) -> str | None:
    """The last name of the exception in a `raise` statement."""
    match tree:
        case ast.Call():
            return name_raised(tree.func)
        case ast.Name():
            return tree.id
        case ast.Attribute():
            return tree.attr
        case _:
            return None


def unforeseen_targets(frames: list[Frame]) -> tuple[int, ...]:
    """Where an exception may go that comes from anywhere."""
    targets: list[int] = []
    for frame in reversed(frames):
        match frame:
            case Finally():
                targets.append(frame.copies[Way.UNFORESEEN])
                break
            case Handlers():
                targets.extend(handler.block for handler in frame.handlers)
                if any(handler.catches_all for handler in frame.handlers):
                    break
            case LoopFrame():
                pass
    return tuple(targets)


def raise_targets(frames: list[Frame], name: str | None) -> tuple[list[int], Finally | None]:
    """The blocks to which a `raise` may go, or the `finally` clause that it meets first."""
    targets: list[int] = []
    for frame in reversed(frames):
        match frame:
            case Finally():
                return targets, frame
            case Handlers():
                exact = [handler.block for handler in frame.handlers if name in handler.names]
                if exact:
                    return [*targets, exact[0]], None
                targets.extend(handler.block for handler in frame.handlers)
                if any(handler.catches_any for handler in frame.handlers):
                    return targets, None
            case LoopFrame():
                pass
    return [*targets, EXIT], None


def precise_handlers(frames: list[Frame]) -> tuple[int | None, int | None]:
    """Where a look-up that finds nothing goes, and a read of an attribute that isn't there."""
    look_up: int | None = None
    attribute: int | None = None
    for frame in reversed(frames):
        match frame:
            case Finally():
                break
            case Handlers():
                for handler in frame.handlers:
                    if look_up is None and handler.catches_look_ups:
                        look_up = handler.block
                    if attribute is None and handler.catches_missing_attributes:
                        attribute = handler.block
                    if handler.catches_any:
                        return look_up, attribute
            case LoopFrame():
                pass
    return look_up, attribute
