"""Reads what leaves a statement before its end, and the statements that this passes: `try`.

PYTEST_DONT_REWRITE

Every point of a `try` body that may raise hands the definitions that hold there to the handlers.
For control it would be of no use if all that follows such a point depended on it. So a handler is
chosen at the start of its `try` statement, by what was read in the body and could be the reason;
the body itself does not depend on that choice. Only look-ups under `except KeyError`, and
attributes under `except AttributeError`, are decisions at the place where they stand.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence

from trioflow.race.instrument.control_flow import EXIT
from trioflow.race.instrument.decisions import DecisionReader
from trioflow.race.instrument.exits import (
    Finally,
    Frame,
    Handler,
    Handlers,
    LoopFrame,
    Reads,
    Way,
    names_of_exceptions,
    precise_handlers,
    raise_targets,
    unforeseen_targets,
)
from trioflow.race.instrument.local_names import Function
from trioflow.race.instrument.program import UNKNOWN, Value

_DEEPEST = 3
"""How many `finally` clauses may be nested in each other before one copy must do for exceptions, too."""


class TryReader(DecisionReader):
    """A program with what it takes to read `try` statements and the ways out of them."""

    def __init__(self, function: Function, captured: frozenset[str]) -> None:
        super().__init__(function, captured)
        self.frames: list[Frame] = []

    @abstractmethod
    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Reads the statements of a block."""

    def _value_of_yield(self, tree: ast.Yield) -> Value:
        # In a loop a generator yields again and again; only once, that it does is a decision.
        if isinstance(tree.value, ast.Constant | None) and not any(isinstance(each, LoopFrame) for each in self.frames):
            self.decided_yields.append(self.block)
        return super()._value_of_yield(tree)

    def leave(self, way: Way) -> None:
        """Goes where a `return`, `break` or `continue` goes."""
        for frame in reversed(self.frames):
            match frame:
                case Finally():
                    self.jump(frame.copy_for(way))
                    return
                case LoopFrame() if way is Way.BREAK:
                    self.jump(frame.after)
                    return
                case LoopFrame() if way is Way.CONTINUE:
                    self.jump(frame.start)
                    return
                case _:
                    pass
        self.jump(EXIT)

    def raise_exception(self, name: str | None) -> None:
        """Goes where a `raise` of the exception with this name may go."""
        self.may_raise()
        targets, clause = raise_targets(self.frames, name)
        if clause is not None:
            targets.append(clause.copy_for(Way.RAISE))
        for target in targets:
            self.graph.add_edge(self.block, target)
        self.block = self.new_block()

    def _push(self, frame: Handlers | Finally) -> None:
        self.frames.append(frame)
        self._aim_exceptions()

    def _pop(self) -> None:
        self.frames.pop()
        self._aim_exceptions()

    def _aim_exceptions(self) -> None:
        self.handlers = unforeseen_targets(self.frames)
        self.lookup_handler, self.attribute_handler = precise_handlers(self.frames)

    def try_statement(self, statement: ast.Try | ast.TryStar) -> None:
        """Reads a `try` statement, its `finally` clause once for each way out."""
        if not statement.finalbody:
            self._try_except(statement)
            return
        entry = self.new_block()
        self.enter(entry)
        region = len(self.graph.region_entries)
        self.graph.region_entries.append(entry)
        regions, ending = self.regions, self.ending_regions
        self.ending_regions = (*ending, region)
        clause = Finally({way: self.new_block() for way in Way}, {Way.NORMAL, Way.UNFORESEEN})
        if len(ending) >= _DEEPEST:
            clause.copies[Way.UNFORESEEN] = clause.copies[Way.NORMAL]
            clause.used.remove(Way.UNFORESEEN)
        self.ending_regions = ending
        after = self.new_block()
        self._push(clause)
        self.regions = regions | {region}
        body = self.new_block()
        self.graph.add_edge(entry, body, silent=True)
        self.graph.add_edge(entry, clause.copies[Way.UNFORESEEN], silent=True, values=False)
        self.block = body
        self._try_except(statement)
        self.graph.add_edge(self.block, clause.copies[Way.NORMAL])
        self.regions = regions
        self._pop()
        for way in Way:
            if way in clause.used:
                self.ending_regions = (*ending, region)
                self.block = clause.copies[way]
                self.statements(statement.finalbody)
                self.ending_regions = ending
                self._go_on(way, after)
        self.block = after

    def _go_on(self, way: Way, after: int) -> None:
        """Goes where a copy of a `finally` clause leads; what decides that is no part of the clause."""
        self.enter(self.new_block())
        match way:
            case Way.NORMAL:
                self.graph.add_edge(self.block, after)
            case Way.UNFORESEEN:
                self.may_raise()
                self.graph.add_edge(self.block, after, values=False)
                self.graph.pretended.add((self.block, after))
            case Way.RAISE:
                self.raise_exception(None)
            case _:
                self.leave(way)

    def _try_except(self, statement: ast.Try | ast.TryStar) -> None:
        if not statement.handlers:
            self.statements(statement.body)
            self.statements(statement.orelse)
            return
        handlers = [Handler(self.new_block(), names_of_exceptions(clause.type)) for clause in statement.handlers]
        after = self.new_block()
        choices: list[int] = []
        for handler in handlers:
            choice, following = self.new_block(), self.new_block()
            self.enter(choice)
            choices.append(choice)
            self.graph.add_edge(choice, handler.block, values=False)
            self.graph.add_edge(choice, following, silent=True)
            self.block = following
        self._try_body(statement.body, handlers, choices)
        self.enter(self.new_block())
        self.statements(statement.orelse)
        self.graph.add_edge(self.block, after)
        for index, (handler, clause) in enumerate(zip(handlers, statement.handlers, strict=True)):
            self.block = handler.block
            self.value(clause.type)
            if clause.name is not None:
                self.bind_name(clause.name, clause, UNKNOWN)
            self.statements(clause.body)
            if clause.name is not None and (variable := self.variable(clause.name)) is not None:
                self.define(variable, UNKNOWN)
            self.graph.add_edge(self.block, after)
            if isinstance(statement, ast.TryStar):
                for later in handlers[index + 1 :]:
                    self.graph.add_edge(self.block, later.block, silent=True)
        self.block = after

    def _try_body(self, body: Sequence[ast.stmt], handlers: list[Handler], choices: list[int]) -> None:
        """Reads the body, and then knows what the handlers depend on."""
        around, self.reads = self.reads, Reads()
        self._push(Handlers(tuple(handlers)))
        self.enter(self.new_block())
        self.statements(body)
        self._pop()
        for handler, choice in zip(handlers, choices, strict=True):
            self.conditions[choice] = Value(self.reads.reason_for(handler))
        self.reads.add(around)
