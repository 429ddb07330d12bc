"""Finds reads of attributes that repeat one made just before, and so need no probe of their own.

PYTEST_DONT_REWRITE

In `self.x * self.x` the second read says nothing that the first did not say: no checkpoint, no assignment and no call
is between the two. What depends on it is taken to depend on the first. A read repeats another only if that is
certain to be made before it: of `a and b` only `a` is.
"""

from __future__ import annotations

import ast
from typing import TypeAlias

_CALM = (
    ast.Attribute
    | ast.BinOp
    | ast.BoolOp
    | ast.Compare
    | ast.Constant
    | ast.Name
    | ast.Subscript
    | ast.Tuple
    | ast.UnaryOp
    | ast.expr_context
    | ast.operator
    | ast.boolop
    | ast.cmpop
    | ast.unaryop
)

_Read: TypeAlias = tuple[str, str]


def calm_parts(node: ast.expr) -> list[ast.AST]:
    """Return all that an expression is made of if it combines several others, and calls and suspends nothing."""
    if not isinstance(node, ast.BinOp | ast.BoolOp | ast.Compare):
        return []
    parts = list(ast.walk(node))
    return parts if all(isinstance(part, _CALM) for part in parts) else []


def repeats_in(node: ast.expr) -> dict[ast.expr, ast.expr]:
    """Return the reads in a calm expression that repeat others, each with the one that it repeats."""
    found: dict[ast.expr, ast.expr] = {}
    _visit(node, {}, found)
    return found


def _visit(node: ast.expr, made: dict[_Read, ast.expr], found: dict[ast.expr, ast.expr]) -> None:
    """Go through an expression in the order in which it is evaluated; `made` are the reads made for certain."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            first = made.setdefault((name, attribute), node)
            if first is not node:
                found[node] = first
        case ast.BoolOp(values=[always, *others]):
            _visit(always, made, found)
            _visit_in_vain(others, made, found)
        case ast.Compare(left=left, comparators=[always, *others]):
            _visit(left, made, found)
            _visit(always, made, found)
            _visit_in_vain(others, made, found)
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    _visit(child, made, found)


def _visit_in_vain(nodes: list[ast.expr], made: dict[_Read, ast.expr], found: dict[ast.expr, ast.expr]) -> None:
    """Go through what is evaluated only as long as nothing before it has decided."""
    so_far = made.copy()
    for node in nodes:
        _visit(node, so_far, found)
