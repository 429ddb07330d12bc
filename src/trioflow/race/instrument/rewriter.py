"""Rewrites a module so that it tells which variables it accesses.

PYTEST_DONT_REWRITE

Every operation of the program stays where it is. Around the objects that it works on, probes are
put that return what they are given: `x.a` becomes `@read(x, site).a`. So the order of evaluation,
exceptions, tracebacks with their carets, mangled names, and the interpreter's own caches stay as they
were. Probes are looked up in `builtins` under names that are no identifiers, so no namespace of the
program shows them and no name of the program hides them.

The tree may already have been rewritten by pytest for its assertions; what pytest put there, names
that begin with `@`, is left alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, final

from trioflow.race.instrument import nodes
from trioflow.race.instrument.calls import Facts
from trioflow.race.instrument.dependence import analyse
from trioflow.race.instrument.names import suspends
from trioflow.race.instrument.positions import SourceText, first_executed, span
from trioflow.race.instrument.rewrite_statements import StatementRewriter
from trioflow.race.instrument.scopes import FunctionNode, Scope, Scopes
from trioflow.race.instrument.table import Function, TableBuilder
from trioflow.race.model.sites import ModuleTable, Operation

_FRAMES_PER_LEVEL: Final = 5
_RESERVE: Final = 500


def rewrite(tree: ast.Module, *, source: str, path: str, module: str) -> ModuleTable:
    """Put probes into a module, in place, and return the table of its sites.

    Args:
        tree: The module.
        source: Its text.
        path: Where it is.
        module: Its name.
    """
    with _room_for(tree):
        scopes = Scopes(tree)
        table = TableBuilder(SourceText(source), module=module, path=path)
        rewriter = _Rewriter(table, scopes, Facts(tree, scopes))
        tree.body = rewriter.statements(tree.body)
        return table.finish()


@final
class _Rewriter(StatementRewriter):
    """Rewrites functions and classes: whatever opens a scope."""

    def function_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        """Rewrite a function definition."""
        node.decorator_list = [self.expression(decorator) for decorator in node.decorator_list]
        self._defaults(node.args)
        with self._inside(node) as function:
            documented = ast.get_docstring(node, clean=False) is not None
            start = node.body[:1] if documented else []
            rest = node.body[1:] if documented else node.body
            where = first_executed(rest or start)
            inserted: list[ast.stmt] = []
            if function.scope.rebound:
                inserted.append(nodes.token_assignment(function.qualified_name, where))
            rest = self.statements(rest)
            if function.is_async and self.table.matters(function):
                site = self.site(Operation.ENTER, (node.body[1:] or node.body)[0] if documented else node.body[0])
                inserted.append(nodes.statement("enter", where, nodes.number(site, where)))
            node.body = [*start, *inserted, *rest]
        return self.written(node.name, node)

    def lambda_expression(self, node: ast.Lambda) -> ast.expr:
        """Rewrite a lambda."""
        self._defaults(node.args)
        with self._inside(node):
            node.body = self.expression(node.body)
        return node

    def class_definition(self, node: ast.ClassDef) -> list[ast.stmt]:
        """Rewrite a class; that of a module is made while it is imported, so only its functions count."""
        node.decorator_list = [self.expression(decorator) for decorator in node.decorator_list]
        active, class_name = self.active, self.class_name
        self.active = active and self.function is not None
        if self.active:
            node.bases = [self.expression(base) for base in node.bases]
            for keyword in node.keywords:
                keyword.value = self.expression(keyword.value)
        self.class_name = node.name
        with self.within(self.scopes.of(node)):
            node.body = self.statements(node.body)
        if self.active:
            node.body = nodes.past_namespace(node.body)
        self.active, self.class_name = active, class_name
        return self.written(node.name, node)

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.expression(default) for default in arguments.defaults]
        arguments.kw_defaults = [
            None if default is None else self.expression(default) for default in arguments.kw_defaults
        ]

    @contextmanager
    def _inside(self, node: FunctionNode) -> Generator[Function]:
        scope = self.scopes.of(node)
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        class_node = scope.enclosing_class()
        positional = [*node.args.posonlyargs, *node.args.args]
        function = Function(
            scope=scope,
            qualified_name=scope.qualified_name,
            first_line=span(decorators[0] if decorators else node).line,
            # A generator, too, can be suspended while other tasks run.
            is_async=isinstance(node, ast.AsyncFunctionDef) or _is_generator(node),
            flow=analyse(node, frozenset(name for name in scope.uses if _is_captured(scope, name))),
            parameter=positional[0].arg if class_node is not None and positional else None,
            class_node=class_node,
            outer=self.function,
            gathering=frozenset(each.arg for each in (node.args.vararg, node.args.kwarg) if each is not None),
        )
        outer, active = self.function, self.active
        # To remember an object while it is finalized would bring it back to life, and finalize it again.
        finalizes = class_node is not None and isinstance(node, ast.FunctionDef) and node.name == "__del__"
        self.function, self.active = function, not finalizes
        with self.within(scope):
            yield function
        self.function, self.active = outer, active
        self.table.function(function)


def _is_captured(scope: Scope, name: str) -> bool:
    """Return whether a name is a local of a function around."""
    owner = scope.lookup(name)
    return owner is not None and owner is not scope and isinstance(owner.node, ast.AsyncFunctionDef)


def _is_generator(node: FunctionNode) -> bool:
    return not isinstance(node, ast.Lambda) and any(suspends(statement) for statement in node.body)


@contextmanager
def _room_for(tree: ast.AST) -> Generator[None]:
    """Let recursion go as deep as a tree needs.

    Long chains of operators and of `elif` nest one level for each link. The interpreter compiles
    more levels than its default limit lets Python code visit.
    """
    depth = 0
    level: list[ast.AST] = [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    before = sys.getrecursionlimit()
    needed = depth * _FRAMES_PER_LEVEL + _RESERVE
    if needed <= before - _RESERVE:
        yield
        return
    sys.setrecursionlimit(before + needed)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
