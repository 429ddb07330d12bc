"""Which names are local to a function, and which of them inner functions see.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeAlias, final

import attrs

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@final
@attrs.frozen
class LocalNames:
    """The names of one function."""

    local: frozenset[str]
    """Parameters and everything that the body binds, without what is declared global or nonlocal."""
    rebound: frozenset[str]
    """Those that the body binds."""
    shared: frozenset[str]
    """Those that a function or class inside refers to, and that are bound more often than by the call."""


def parameters(function: Function) -> list[ast.arg]:
    """All parameters, in the order in which they are declared."""
    arguments = function.args
    found = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg is not None:
        found.append(arguments.vararg)
    found.extend(arguments.kwonlyargs)
    if arguments.kwarg is not None:
        found.append(arguments.kwarg)
    return found


def local_names(function: Function) -> LocalNames:
    """Sorts the names of a function by how they are bound."""
    names = _names_of(function)
    local = names.local(function)
    rebound = names.bound - names.declared
    shared = local & names.seen_inside & (rebound | names.rebound_inside)
    return LocalNames(frozenset(local), frozenset(rebound), frozenset(shared))


@final
class _Names:
    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.declared: set[str] = set()
        self.outside: set[str] = set()
        """Names that are declared global: no function around is meant."""
        self.used: set[str] = set()
        self.seen_inside: set[str] = set()
        self.rebound_inside: set[str] = set()
        """Names that inner functions declare nonlocal."""
        self.nonlocal_names: set[str] = set()

    def local(self, function: Function) -> set[str]:
        return (self.bound | {parameter.arg for parameter in parameters(function)}) - self.declared

    def visit(self, nodes: Iterable[ast.AST | None]) -> None:
        stack = [node for node in nodes if node is not None]
        while stack:
            node = stack.pop()
            match node:
                case ast.Name():
                    self.used.add(node.id)
                    if not isinstance(node.ctx, ast.Load):
                        self.bound.add(node.id)
                    continue
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.bound.add(node.name)
                    self._visit_inside(node)
                    stack.extend(node.decorator_list)
                    stack.extend(_defaults(node))
                    continue
                case ast.Lambda():
                    self._visit_inside(node)
                    stack.extend(_defaults(node))
                    continue
                case ast.ClassDef():
                    self.bound.add(node.name)
                    inner = _Names()
                    inner.visit(node.body)
                    self.seen_inside |= (inner.used | inner.seen_inside) - inner.outside
                    self.rebound_inside |= inner.rebound_inside | inner.nonlocal_names
                    stack.extend((*node.decorator_list, *node.bases, *node.keywords))
                    continue
                case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                    self._visit_comprehension(node)
                    continue
                case ast.Global():
                    self.declared.update(node.names)
                    self.outside.update(node.names)
                case ast.Nonlocal():
                    self.declared.update(node.names)
                    self.used.update(node.names)
                    self.nonlocal_names.update(node.names)
                case ast.alias():
                    self.bound.add(node.asname or node.name.partition(".")[0])
                case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                    if node.name is not None:
                        self.bound.add(node.name)
                case ast.MatchMapping():
                    if node.rest is not None:
                        self.bound.add(node.rest)
                case _:
                    pass
            stack.extend(ast.iter_child_nodes(node))

    def _visit_inside(self, function: Function) -> None:
        inner = _names_of(function)
        hidden = inner.local(function) | inner.outside
        self.seen_inside |= (inner.used | inner.seen_inside) - hidden
        self.rebound_inside |= (inner.nonlocal_names | inner.rebound_inside) - hidden

    def _visit_comprehension(self, node: Comprehension) -> None:
        own = comprehension_variables(node)
        inner = _Names()
        for generator in node.generators:
            inner.visit((generator.iter, *generator.ifs))
        inner.visit((node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,))
        # What is bound in there is bound by `:=`, which binds in the function around.
        self.bound |= inner.bound
        self.used |= inner.used - own
        self.seen_inside |= inner.seen_inside - own
        self.rebound_inside |= inner.rebound_inside


def comprehension_variables(node: Comprehension) -> set[str]:
    """The names that exist only inside a comprehension."""
    return {
        name.id
        for generator in node.generators
        for name in ast.walk(generator.target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def _defaults(function: Function) -> list[ast.AST]:
    return [*function.args.defaults, *(default for default in function.args.kw_defaults if default is not None)]


def _names_of(function: Function) -> _Names:
    names = _Names()
    names.visit([function.body] if isinstance(function, ast.Lambda) else function.body)
    return names
