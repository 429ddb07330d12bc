"""Reads statements into a program: which blocks there are, and what leads from one to another.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from trioflow.race.instrument.control_flow import EXIT, Loop
from trioflow.race.instrument.definitions import Constancy
from trioflow.race.instrument.exits import LoopFrame, Way, name_raised
from trioflow.race.instrument.local_names import Function
from trioflow.race.instrument.program import NOTHING, UNKNOWN, Program, Value, joined
from trioflow.race.instrument.try_statements import TryReader


def read_function(function: Function, captured: frozenset[str] = frozenset()) -> Program:
    """Takes a function apart; `captured` are the locals of functions around that it reads."""
    reader = StatementReader(function, captured)
    reader.read(function)
    return reader


class StatementReader(TryReader):
    """A program with what it takes to read a whole function."""

    def read(self, function: Function) -> None:
        """Reads all of it."""
        if isinstance(function, ast.Lambda):
            self.define(self.returned, self.value(function.body))
        else:
            self.statements(function.body)
            self.define(self.returned, NOTHING)
        self.enter(EXIT)
        # The clauses of `try` statements are left by now, so this is no part of any of them.
        self.result = joined((self.use(self.returned), *self.yielded))

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Reads the statements of a block."""
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Expr():
                self.value(statement.value)
            case ast.Assign():
                self.assign(statement.targets, statement.value)
            case ast.AnnAssign():
                self._annotated(statement)
            case ast.AugAssign():
                self._augmented(statement)
            case ast.Return():
                self.define(self.returned, self.value(statement.value) if statement.value else NOTHING)
                self.leave(Way.RETURN)
            case ast.If():
                self._if(statement)
            case ast.While():
                self._while(statement)
            case ast.For() | ast.AsyncFor():
                self._for(statement)
            case ast.Try() | ast.TryStar():
                self.try_statement(statement)
            case ast.With() | ast.AsyncWith():
                self._with(statement)
            case ast.Match():
                self._match(statement)
            case ast.Assert():
                self._assert(statement)
            case ast.Raise():
                self.value(statement.exc)
                self.value(statement.cause)
                self.raise_exception(name_raised(statement.exc))
            case ast.Break():
                self.leave(Way.BREAK)
            case ast.Continue():
                self.leave(Way.CONTINUE)
            case ast.Delete():
                for target in statement.targets:
                    self.bind(target, UNKNOWN)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._definition(statement)
            case ast.Import() | ast.ImportFrom():
                self.may_raise()
                for alias in statement.names:
                    self.bind_name(alias.asname or alias.name.partition(".")[0], alias, UNKNOWN)
            case _:
                self._other(statement)

    def _other(self, statement: ast.stmt) -> None:
        # `type X = ...` (Python 3.12) evaluates nothing when it runs; what is left does nothing at all.
        name = getattr(statement, "name", None)
        if isinstance(name, ast.Name):
            self.bind(name, UNKNOWN)

    # Simple statements

    def _annotated(self, statement: ast.AnnAssign) -> None:
        if statement.value is not None:
            self.assign([statement.target], statement.value)
        elif isinstance(statement.target, (ast.Attribute, ast.Subscript)):
            self.object_of(statement.target.value)

    def _augmented(self, statement: ast.AugAssign) -> None:
        target = statement.target
        if isinstance(target, ast.Name):
            variable = self.variable(target.id)
            old = UNKNOWN if variable is None else self.use(variable)
            value = self.value(statement.value)
            self.may_raise()
            # A constant step tells which way the program went, as a constant does.
            self.bind_name(target.id, target, joined((old, value))._replace(constancy=value.constancy))
            return
        keys = self.object_of(target.value)[1]
        if isinstance(target, ast.Subscript):
            keys = joined((keys, self.value(target.slice)))
        self.may_raise()
        value = self.value(statement.value)
        self.may_raise()
        self.act(target, joined((value, keys)))

    def _definition(self, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """Evaluates what a definition needs; the body is another function's matter."""
        for decorator in statement.decorator_list:
            self.value(decorator)
        if isinstance(statement, ast.ClassDef):
            for base in statement.bases:
                self.value(base)
            for keyword in statement.keywords:
                self.value(keyword.value)
        else:
            for default in (*statement.args.defaults, *statement.args.kw_defaults):
                self.value(default)
        self.may_raise()
        self.bind_name(statement.name, statement, UNKNOWN)

    # Conditions and loops

    def _if(self, statement: ast.If) -> None:
        after = self.new_block()
        while True:
            body, other = self.new_block(), self.new_block()
            self.condition(statement.test, body, other)
            self.block = body
            self.statements(statement.body)
            self.graph.add_edge(self.block, after)
            self.block = other
            # A long chain of `elif` is nested as deeply in the tree as it is long.
            if len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
                statement = statement.orelse[0]
                continue
            self.statements(statement.orelse)
            self.enter(after)
            return

    def _while(self, statement: ast.While) -> None:
        after, ended, start = self.new_block(), self.new_block(), self.new_block()
        self.enter(start)
        if isinstance(statement.test, ast.Constant) and statement.test.value:
            self.graph.endless.append(start)
        body = self.new_block()
        self.condition(statement.test, body, ended)
        tests = range(start, len(self.graph.control))
        self.frames.append(LoopFrame(after, start))
        self.block = body
        self.statements(statement.body)
        self.graph.add_edge(self.block, start)
        self.frames.pop()
        self.graph.loops.append(Loop(start, tests, range(start, len(self.graph.control)), ended, after))
        self.block = ended
        self.statements(statement.orelse)
        self.enter(after)

    def _for(self, statement: ast.For | ast.AsyncFor) -> None:
        iterated = self.iterated(statement.iter)
        start, body, ended, after = (self.new_block() for _ in range(4))
        self.enter(start)
        self.reads.suspends |= isinstance(statement, ast.AsyncFor)
        self.may_raise()
        self.branch(iterated, body, ended)
        self.frames.append(LoopFrame(after, start))
        self.block = body
        self.bind(statement.target, iterated)
        self.statements(statement.body)
        self.graph.add_edge(self.block, start)
        self.frames.pop()
        self.block = ended
        self.statements(statement.orelse)
        self.enter(after)

    def _with(self, statement: ast.With | ast.AsyncWith) -> None:
        swallowed = _suppressed(statement)
        if swallowed is not None:
            self.try_statement(swallowed)
            return
        for item in statement.items:
            if isinstance(item.context_expr, (ast.Attribute, ast.Subscript)):
                value = self.iterated(item.context_expr)
            else:
                value = self.value(item.context_expr)
                if not isinstance(item.context_expr, ast.Call):
                    self.act(item.context_expr, UNKNOWN)
            self.reads.suspends |= isinstance(statement, ast.AsyncWith)
            self.may_raise()
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        self.statements(statement.body)
        for item in statement.items:
            if isinstance(item.optional_vars, ast.Name) and self.is_own(item.optional_vars.id):
                # What it was given in the meantime takes effect when it is left, as with an exit stack.
                self.act(item.context_expr, self.value(item.optional_vars))
        self.may_raise()

    def _assert(self, statement: ast.Assert) -> None:
        holds, fails = self.new_block(), self.new_block()
        self.condition(statement.test, holds, fails)
        self.block = fails
        self.value(statement.msg)
        self.raise_exception("AssertionError")
        self.block = holds

    def _match(self, statement: ast.Match) -> None:
        start = self.read_count()
        subject = self.contents(statement.subject)
        asked = joined((subject, self.read_since(start)))
        after = self.new_block()
        for case in statement.cases:
            body, other = self.new_block(), self.new_block()
            self.may_raise()
            start = self.read_count()
            self._pattern(case.pattern)
            condition = joined((asked, self.read_since(start)))
            if not _matches_all(case.pattern):
                fitting = self.new_block()
                self.branch(condition, fitting, other)
                self.block = fitting
            self._captures(case.pattern, subject)
            if case.guard is None:
                self.enter(body)
            else:
                self.condition(case.guard, body, other)
            self.block = body
            self.statements(case.body)
            self.graph.add_edge(self.block, after)
            self.block = other
        self.enter(after)

    def _pattern(self, pattern: ast.pattern) -> None:
        for part in ast.walk(pattern):
            match part:
                case ast.MatchValue():
                    self.value(part.value)
                case ast.MatchMapping():
                    for key in part.keys:
                        self.value(key)
                case _:
                    pass

    def _captures(self, pattern: ast.pattern, subject: Value) -> None:
        subject = subject._replace(constancy=Constancy.VARYING)
        for part in ast.walk(pattern):
            match part:
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                    self.bind_name(name, part, subject)
                case _:
                    pass


def _suppressed(statement: ast.With | ast.AsyncWith) -> ast.Try | None:
    """What `with suppress(...)` means, written as a `try` statement."""
    match statement:
        case ast.With(
            items=[
                ast.withitem(
                    context_expr=ast.Call(
                        func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=[_, *_] as exceptions
                    )
                )
            ]
        ):
            caught = ast.Tuple(elts=exceptions, ctx=ast.Load())
            return ast.Try(
                body=statement.body,
                handlers=[ast.ExceptHandler(type=caught, name=None, body=[])],
                orelse=[],
                finalbody=[],
            )
        case _:
            return None


def _matches_all(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs():
            return pattern.pattern is None or _matches_all(pattern.pattern)
        case ast.MatchOr():
            return any(map(_matches_all, pattern.patterns))
        case _:
            return False
