"""Collects the sites of a module while it is rewritten, and makes its table at the end.

PYTEST_DONT_REWRITE

What depends on what is known as nodes of the tree (see `dependence`), what runs knows numbers. A
node can have several numbers: `for x in self.items` reads the attribute and iterates over what it
finds there, at two sites. Nodes without any (a local variable, say) drop out here.
"""

from __future__ import annotations

import ast
import os
import zlib
from collections.abc import Iterable
from typing import Final, final

import attrs

from trioflow.race.instrument.dependence import FunctionFlow
from trioflow.race.instrument.positions import SourceText, Span, span, tail
from trioflow.race.instrument.scopes import Comprehension, Scope
from trioflow.race.model.sites import (
    NO_DEPENDENCE,
    STARTING,
    CallSite,
    Dependence,
    FunctionTable,
    ModuleTable,
    Operation,
    Site,
)

_BITS_OF_INDEX: Final = 20

READS: Final = frozenset(
    {
        Operation.READ,
        Operation.ITEM_READ,
        Operation.MEMBER,
        Operation.SHAPE,
        Operation.ITERATE,
        Operation.CONTENTS_READ,
        Operation.NAME_READ,
        Operation.ENTER,
    }
)
"""Operations that change nothing, so that nothing they depend on matters."""


def number_of_module(path: str) -> int:
    """Return what the numbers of the sites of a file have in common."""
    normalised = os.path.normcase(os.path.abspath(path))
    return (zlib.crc32(normalised.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF) << _BITS_OF_INDEX


@final
@attrs.define(eq=False)
class Function:
    """A function that is being rewritten."""

    scope: Scope
    qualified_name: str
    first_line: int
    is_async: bool
    flow: FunctionFlow
    parameter: str | None
    """The first parameter, if this is a method."""
    class_node: ast.ClassDef | None
    """The class in whose body it is a method."""
    outer: Function | None
    comprehensions: list[tuple[Comprehension, Scope]] = attrs.Factory(list[tuple[Comprehension, Scope]])
    """Those that run in frames of their own."""
    sites: list[_Draft] = attrs.Factory(list["_Draft"])
    gathering: frozenset[str] = frozenset()
    """The names of `*args` and `**kwargs`."""

    def gathers(self, name: str) -> bool:
        """Return whether a name is that of the arguments nobody else has a reference to."""
        return name in self.gathering


@final
@attrs.define(eq=False)
class _Draft:
    number: int
    operation: Operation
    where: Span
    expression: str
    name: str | None
    function: Function | None
    stands_for: ast.AST
    global_name: bool
    constant_key: bool
    reads: tuple[int, ...]
    operator: str | None
    condition: bool
    chosen: bool


@final
class TableBuilder:
    """Gives out the numbers of one module."""

    def __init__(self, source: SourceText, *, module: str, path: str) -> None:
        self._source = source
        self._module = module
        self._path = path
        self._base = number_of_module(path)
        self._used = 0
        self._drafts: list[_Draft] = []
        self._sites_of: dict[ast.AST, list[int]] = {}
        self._call_numbers: dict[ast.AST, int] = {}
        self._captured: dict[tuple[Scope, str], int] = {}
        """Numbers of locals that inner functions read, by the scope that owns them."""
        self._functions: list[Function] = []
        self._loop_tests: set[ast.AST] = set()
        """All that conditions of `while` loops consist of."""
        self.awaits: dict[ast.AST, ast.Await] = {}
        """For a call whose result is awaited on the spot, the `await`."""
        self.entered_at: dict[ast.AST, ast.stmt] = {}
        """For what `with` and `for` are given, the statement: before Python 3.13 frames stand there."""

    def site(
        self,
        operation: Operation,
        node: ast.AST,
        *,
        function: Function | None,
        expression: ast.AST | None = None,
        name: str | None = None,
        stands_for: ast.AST | None = None,
        global_name: bool = False,
        constant_key: bool = False,
        reads: tuple[int, ...] = (),
        operator: str | None = None,
        condition: bool = False,
        chosen: bool = False,
    ) -> int:
        """Enter a site and return its number.

        Args:
            operation: What is done there.
            node: What gives it its position.
            function: In which function it is.
            expression: The object that is accessed, if it is not the node itself.
            name: The attribute, method or name.
            stands_for: The node that stands for it in the analysis, if it is not `node`.
            global_name: Whether the name is a module global.
            constant_key: Whether the key is a constant.
            operator: The operator of an augmented assignment.
            condition: Whether what is read only decides what is done next.
            chosen: Whether what is read may be taken as it is, after a look at it.
            reads: Sites on which this one depends by data, besides what the analysis says.
        """
        draft = _Draft(
            self._next(),
            operation,
            span(node),
            self._source.expression(node if expression is None else expression),
            name,
            function,
            node if stands_for is None else stands_for,
            global_name,
            constant_key,
            reads,
            operator,
            condition,
            chosen,
        )
        self._drafts.append(draft)
        self._sites_of.setdefault(draft.stands_for, []).append(draft.number)
        if function is not None:
            function.sites.append(draft)
        return draft.number

    def repeats(self, node: ast.AST, first: ast.AST) -> bool:
        """Let the sites of one node stand for another that does the same; return whether it has any."""
        sites = self._sites_of.get(first)
        if sites is None:
            return False
        self._sites_of[node] = sites.copy()
        return True

    def function(self, function: Function) -> None:
        """Take in a function whose body has been rewritten; number the calls that matter in it."""
        self._functions.append(function)
        self._loop_tests.update(
            inside
            for node in ast.walk(function.scope.node)
            if isinstance(node, ast.While)
            for inside in ast.walk(node.test)
        )
        for call in _calls_that_matter(function.flow):
            self._call_numbers[call] = self._next()
        for source in _sources(function.flow):
            if isinstance(source, ast.arg) and source.arg.startswith("^"):
                owner = function.scope.lookup(source.arg[1:])
                if owner is not None and (owner, source.arg[1:]) not in self._captured:
                    self._captured[owner, source.arg[1:]] = self._next()

    def matters(self, function: Function) -> bool:
        """Return whether something in a function could be one end of a section."""
        sources = _sources(function.flow)
        return (
            bool(function.flow.returns)
            or any(draft.operation not in READS or draft.stands_for in sources for draft in function.sites)
            or any(True for _ in _calls_that_matter(function.flow))
        )

    def finish(self) -> ModuleTable:
        """Return the table of the module."""
        sources = {
            number
            for function in self._functions
            for node in _sources(function.flow)
            for number in self._sites_of.get(node, ())
        }
        sources.update(number for draft in self._drafts for number in draft.reads)
        tables: list[FunctionTable] = []
        for function in self._functions:
            tables.extend(self._function_tables(function))
        return ModuleTable(
            module=self._module,
            path=self._path,
            sites=tuple(self._finished(draft, sources) for draft in self._drafts),
            functions=tuple(tables),
            function_count=len(self._functions),
            declares=self._source.mentions("guarded_by"),
        )

    def _next(self) -> int:
        self._used += 1
        return self._base | self._used

    def _numbers(self, nodes: Iterable[ast.AST], function: Function) -> tuple[int | str, ...]:
        numbers: set[int] = set()
        names: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.arg):
                if node.arg.startswith("^"):
                    owner = function.scope.lookup(node.arg[1:])
                    if owner is not None and (owner, node.arg[1:]) in self._captured:
                        numbers.add(self._captured[owner, node.arg[1:]])
                else:
                    names.add(node.arg)
                continue
            numbers.update(self._sites_of.get(node, ()))
            if node in self._call_numbers:
                numbers.add(self._call_numbers[node])
        return (*sorted(numbers), *sorted(names))

    def _dependence(self, function: Function, act: ast.AST) -> Dependence:
        flow = function.flow
        data = self._numbers(flow.data.get(act, ()), function)
        deciding = flow.control.get(act, frozenset[ast.AST]())
        if isinstance(act, ast.Call) and _callee(act) in STARTING:
            # What goes on as long as something holds does not rely on it for what it starts.
            deciding -= self._loop_tests
        control = self._numbers(deciding, function)
        return Dependence(data, control) if data or control else NO_DEPENDENCE

    def _finished(self, draft: _Draft, sources: set[int]) -> Site:
        depends = NO_DEPENDENCE
        function = draft.function
        if function is not None and draft.operation not in READS:
            depends = self._dependence(function, draft.stands_for)
            if draft.reads:
                depends = Dependence((*draft.reads, *depends.data), depends.control)
        where = draft.where
        return Site(
            number=draft.number,
            path=self._path,
            line=where.line,
            column=self._source.column(where.line, where.column),
            end_line=where.end_line,
            end_column=self._source.column(where.end_line, where.end_column),
            operation=draft.operation,
            expression=draft.expression,
            name=draft.name,
            module=self._module,
            function="" if function is None else function.qualified_name,
            global_name=draft.global_name,
            constant_key=draft.constant_key,
            source=draft.number in sources,
            depends=depends,
            operator=draft.operator,
            condition=draft.condition,
            chosen=draft.chosen,
        )

    def _function_tables(self, function: Function) -> Iterable[FunctionTable]:
        calls = {
            node: self._call_sites(node, self._dependence(function, node)) for node in _calls_that_matter(function.flow)
        }
        returns = Dependence(self._numbers(function.flow.returns, function))
        if calls or function.is_async or returns.data:
            every = tuple(call for found in calls.values() for call in found)
            every += tuple(self._captured_locals(function))
            yield FunctionTable(function.qualified_name, function.first_line, function.is_async, every, returns)
        for comprehension, scope in function.comprehensions:
            inside = {id(node) for node in ast.walk(comprehension)}
            some = tuple(call for node, found in calls.items() if id(node) in inside for call in found)
            if some:
                line = span(comprehension).line
                yield FunctionTable(scope.qualified_name, line, is_async=False, calls=some)

    def _captured_locals(self, function: Function) -> Iterable[CallSite]:
        """Yield what flows into locals that inner functions read, as calls that are nowhere."""
        for (owner, name), number in self._captured.items():
            if owner is function.scope:
                sources: set[ast.AST] = set()
                for act, flowing in function.flow.data.items():
                    if isinstance(act, ast.Name) and act.id == name:
                        sources |= flowing
                parameters = {name} & {each.arg for each in ast.walk(owner.node) if isinstance(each, ast.arg)}
                data = (*self._numbers(sources, function), *parameters)
                yield CallSite(number, 0, 0, 0, 0, Dependence(tuple(dict.fromkeys(data))))

    def _call_sites(self, node: ast.AST, depends: Dependence) -> tuple[CallSite, ...]:
        number = self._call_numbers[node]
        wheres = [span(node), tail(node)]
        if node in self.awaits:
            wheres.append(span(self.awaits[node]))
        if node in self.entered_at:
            wheres.append(span(self.entered_at[node]))
        return tuple(
            CallSite(number, where.line, where.column, where.end_line, where.end_column, depends, _callee(node))
            for where in dict.fromkeys(wheres)
        )


def _callee(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
        case _:
            return ""


def _sources(flow: FunctionFlow) -> set[ast.AST]:
    found = set(flow.returns)
    for flows in (flow.control, flow.data):
        for sources in flows.values():
            found |= sources
    return found


def _calls_that_matter(flow: FunctionFlow) -> dict[ast.AST, None]:
    """Return calls that depend on something, or on whose results something depends."""
    targets = (ast.Attribute, ast.Subscript, ast.Name)
    found: dict[ast.AST, None] = {}
    for flows in (flow.control, flow.data):
        for act, sources in flows.items():
            stored = isinstance(act, targets) and not isinstance(act.ctx, ast.Load)
            if sources and not stored:
                found[act] = None
    for source in _sources(flow):
        if isinstance(source, ast.Call):
            found[source] = None
    return dict.fromkeys(sorted(found, key=lambda node: (span(node).start, span(node).end)))
