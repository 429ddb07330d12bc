"""Puts probes into statements, and statements that are probes between them.

PYTEST_DONT_REWRITE

Inserted statements stand at the position of what they tell about, so that no line is reached that
would not have been, and none of them is where a docstring or a `__future__` import must be. Names
bound in the head of a statement are told about at the start of its body.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.calls import Facts
from trioflow.race.instrument.loops import comes_back
from trioflow.race.instrument.names import suspends
from trioflow.race.instrument.positions import Span, end_of_loop, span
from trioflow.race.instrument.rewrite_patterns import PatternRewriter
from trioflow.race.instrument.scopes import Scopes
from trioflow.race.instrument.table import TableBuilder
from trioflow.race.instrument.temporaries import is_temporary
from trioflow.race.model.sites import Operation

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+=",
    ast.Sub: "-=",
    ast.Mult: "*=",
    ast.MatMult: "@=",
    ast.Div: "/=",
    ast.Mod: "%=",
    ast.Pow: "**=",
    ast.LShift: "<<=",
    ast.RShift: ">>=",
    ast.BitOr: "|=",
    ast.BitXor: "^=",
    ast.BitAnd: "&=",
    ast.FloorDiv: "//=",
}

_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "__iadd__",
    ast.Sub: "__isub__",
    ast.Mult: "__imul__",
    ast.BitOr: "__ior__",
    ast.BitXor: "__ixor__",
    ast.BitAnd: "__iand__",
}
"""The methods of containers that change them where they are."""

_Handler = Callable[[Any], "list[ast.stmt]"]


class StatementRewriter(PatternRewriter):
    """Rewrites statements in place; a method returns what comes after its argument."""

    def __init__(self, table: TableBuilder, scopes: Scopes, facts: Facts) -> None:
        super().__init__(table, scopes, facts)
        self._read_sites: dict[ast.AugAssign, int] = {}
        self._handlers: dict[type[ast.stmt], _Handler] = {
            ast.FunctionDef: self.function_definition,
            ast.AsyncFunctionDef: self.function_definition,
            ast.ClassDef: self.class_definition,
            ast.Assign: self._assign,
            ast.AugAssign: self._augmented,
            ast.AnnAssign: self._annotated,
            ast.Delete: self._delete,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.While: self._while_or_if,
            ast.If: self._while_or_if,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.Match: self.match_statement,
            ast.Try: self._try,
            ast.TryStar: self._try,
            ast.Assert: self._assert,
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.Return: self._value,
            ast.Expr: self._value,
            ast.Raise: self._raise,
        }

    def function_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        """Rewrite a function definition."""
        raise NotImplementedError

    def class_definition(self, node: ast.ClassDef) -> list[ast.stmt]:
        """Rewrite a class definition."""
        raise NotImplementedError

    def statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Rewrite statements, and return them with what is inserted."""
        result: list[ast.stmt] = []
        for statement in body:
            handler = self._handlers.get(type(statement))
            if handler is None:
                # `pass`, `global` and the like; the value of a type alias is left alone.
                result.append(statement)
                continue
            if isinstance(statement, ast.AugAssign):
                result += self._read_before(statement)
            result.append(statement)
            result += handler(statement)
        return result

    def written(self, name: str, where: ast.AST, at: Span | None = None) -> list[ast.stmt]:
        """Return what tells that a name has been bound."""
        return self._written(name, where, Operation.NAME_WRITE, at=at)

    def _written(
        self,
        name: str,
        where: ast.AST,
        operation: Operation,
        reads: tuple[int, ...] = (),
        operator: str | None = None,
        at: Span | None = None,
    ) -> list[ast.stmt]:
        owner = self.owner(name)
        if owner is None:
            return []
        name_operation = Operation.NAME_WRITE if operation is Operation.DELETE else operation
        site = self.name_site(name_operation, where, owner[0], name, reads=reads, operator=operator)
        at = at or _head(where)
        value = [] if operation is Operation.DELETE else [nodes.name(name, at)]
        return [nodes.statement("name_written", at, nodes.token(owner[0], at), nodes.number(site, at), *value)]

    def _bound(
        self, target: ast.expr, operation: Operation = Operation.NAME_WRITE, at: Span | None = None
    ) -> list[ast.stmt]:
        """Return what tells that the names in a target have been bound or deleted."""
        # All of it stands where the last of them is bound: a tracer has seen the lines before that.
        at = at or span(_last(target))
        match target:
            case ast.Name(id=name):
                return self._written(name, target, operation, at=at)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return [statement for element in elements for statement in self._bound(element, operation, at)]
            case ast.Starred(value=value):
                return self._bound(value, operation, at)
            case _:
                return []

    # Assignments

    def _assign(self, node: ast.Assign) -> list[ast.stmt]:
        self.temporaries.note(node)
        unpacked = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
        if not is_temporary(node.targets[0]) and (not unpacked or isinstance(node.value, ast.Tuple)):
            self.keep(node.value)
        if unpacked:
            node.value = self.observed(node.value, Operation.ITERATE)
        else:
            node.value = self.expression(node.value)
        after: list[ast.stmt] = []
        for target in node.targets:
            self.store(target)
            after += self._bound(target, at=span(_last(node.targets[-1])))
        return after

    def _annotated(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            return []
        self.keep(node.value)
        node.value = self.expression(node.value)
        self.store(node.target)
        return self._bound(node.target)

    def _read_before(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Return what tells that a name has been read before something suspends."""
        if not isinstance(node.target, ast.Name) or not suspends(node.value):
            return []
        owner = self.owner(node.target.id)
        if owner is None:
            return []
        where = span(node.target)
        # The node stands for the write in the analysis, and so for the read only by number.
        site = self.name_site(Operation.NAME_READ, node.target, owner[0], node.target.id, stands_for=node)
        self._read_sites[node] = site
        nothing = nodes.token(None, where)
        return [nodes.statement("name_read", where, nothing, nodes.token(owner[0], where), nodes.number(site, where))]

    def _augmented(self, node: ast.AugAssign) -> list[ast.stmt]:
        suspended = suspends(node.value)
        in_place = type(node.op) in _IN_PLACE and not names.is_unchanging(node.value)
        looks = in_place and not suspended and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.BitXor)
        node.value = self.observed(node.value, Operation.CONTENTS_READ) if looks else self.expression(node.value)
        if isinstance(node.target, ast.Name):
            return self._augmented_name(node, node.target, in_place=in_place)
        operation = Operation.SUSPENDED_UPDATE if suspended else Operation.UPDATE
        site = self.store(node.target, operation, operator=augmented_operator(node))
        if site is None:
            return []
        where = span(node.target)
        inside = [nodes.number(self._in_place(node), where)] if in_place else []
        if suspended:
            return [nodes.statement("finish", where, nodes.number(site, where), *inside)]
        match node.target:
            case ast.Subscript(slice=ast.Call(func=ast.Name(id="@key"), args=arguments)):
                arguments += inside
            case ast.Subscript(value=ast.Call(func=ast.Name(id="@item_update"), args=arguments)):
                arguments += inside
            case ast.Attribute(value=ast.Call(func=ast.Name(id="@update"), args=arguments)):
                arguments += inside
            case _:
                pass
        return []

    def _augmented_name(self, node: ast.AugAssign, target: ast.Name, *, in_place: bool) -> list[ast.stmt]:
        read = self._read_sites.pop(node, None)
        if read is None:
            operator = augmented_operator(node)
            after = self._written(target.id, target, Operation.NAME_UPDATE, operator=operator)
        else:
            after = self._written(target.id, target, Operation.NAME_WRITE, (read,))
        if in_place and self.active and not self.is_silent(target):
            where = span(target)
            changed = nodes.name(target.id, where)
            after.append(nodes.statement("contents_write", where, changed, nodes.number(self._in_place(node), where)))
        return after

    def _in_place(self, node: ast.AugAssign) -> int:
        """Enter a site for what is done to a container that is in the target of an augmented assignment."""
        name = _IN_PLACE[type(node.op)]
        return self.site(Operation.CONTENTS_WRITE, node.target, name=name, operator=augmented_operator(node))

    def _delete(self, node: ast.Delete) -> list[ast.stmt]:
        after: list[ast.stmt] = []
        for target in node.targets:
            self.store(target, Operation.DELETE)
            after += self._bound(target, Operation.DELETE, span(_last(node.targets[-1])))
        return after

    # Compound statements

    def _for(self, node: ast.For | ast.AsyncFor) -> list[ast.stmt]:
        self.table.entered_at[node.iter] = node
        loop: int | None = None
        if isinstance(node, ast.AsyncFor):
            node.iter = self.expression(node.iter)
        elif self.function is not None and self.function.is_async and comes_back(node.body):
            node.iter, loop = self.looped(node.iter)
        else:
            node.iter = self.gone_through(node.iter)
        self.store(node.target)
        advanced: list[ast.stmt] = []
        ended: list[ast.stmt] = []
        if loop is not None:
            at, over = span(_last(node.target)), end_of_loop(node)
            advanced = [nodes.statement("advance", at, nodes.number(loop, at))]
            ended = [nodes.statement("advance", over, nodes.number(loop, over))]
        node.body = advanced + self._bound(node.target) + self.statements(node.body)
        node.orelse = ended + self.statements(node.orelse)
        return []

    def _while_or_if(self, node: ast.While | ast.If) -> list[ast.stmt]:
        node.test = self.test(node.test)
        node.body = self.statements(node.body)
        node.orelse = self.statements(node.orelse)
        return []

    def _with(self, node: ast.With | ast.AsyncWith) -> list[ast.stmt]:
        before: list[ast.stmt] = []
        end = node.items[-1].optional_vars
        at = span(node.items[-1].context_expr if end is None else _last(end))
        for item in node.items:
            self.table.entered_at[item.context_expr] = node
            item.context_expr = self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.store(item.optional_vars)
                before += self._bound(item.optional_vars, at=at)
        node.body = before + self.statements(node.body)
        return []

    def _try(self, node: ast.Try | ast.TryStar) -> list[ast.stmt]:
        node.body = self.statements(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                handler.type = self.expression(handler.type)
            caught = [] if handler.name is None else self.written(handler.name, handler)
            handler.body = caught + self.statements(handler.body)
        node.orelse = self.statements(node.orelse)
        node.finalbody = self.statements(node.finalbody)
        return []

    # Simple statements

    def _assert(self, node: ast.Assert) -> list[ast.stmt]:
        node.test = self.condition(node.test)
        if node.msg is not None:
            node.msg = self.expression(node.msg)
        return []

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        after: list[ast.stmt] = []
        for alias in node.names:
            after += self.read_by_import(node, alias)
            if alias.name != "*":
                after += self.written(alias.asname or alias.name.partition(".")[0], node)
        return after

    def _value(self, node: ast.Return | ast.Expr) -> list[ast.stmt]:
        if node.value is not None and not isinstance(node.value, ast.Constant):
            name = "" if self.function is None else self.function.qualified_name.rpartition(".")[2]
            if isinstance(node, ast.Return) and name not in names.ITERATING:
                self.keep(node.value)
            node.value = self.expression(node.value)
        return []

    def _raise(self, node: ast.Raise) -> list[ast.stmt]:
        if node.exc is not None:
            node.exc = self.expression(node.exc)
        if node.cause is not None:
            node.cause = self.expression(node.cause)
        return []


def augmented_operator(node: ast.AugAssign) -> str:
    """Return the operator of an augmented assignment."""
    return _OPERATORS[type(node.op)]


def _last(target: ast.expr) -> ast.expr:
    """Return what is bound last in a target."""
    while isinstance(target, ast.Tuple | ast.List) and target.elts:
        target = target.elts[-1]
    return target


def _head(node: ast.AST) -> Span:
    """Return the position for a statement that tells about what a node has bound."""
    where = span(node)
    if isinstance(node, ast.ExceptHandler | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        # Only its first line: nothing in its body has been reached.
        return Span(where.line, where.column, where.line, where.column + 1)
    return where
