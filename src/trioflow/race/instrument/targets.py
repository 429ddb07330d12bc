"""Reads what binds names and stores values into a program.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from trioflow.race.instrument.definitions import Constancy
from trioflow.race.instrument.expressions import ExpressionReader
from trioflow.race.instrument.program import Value, joined


class TargetReader(ExpressionReader):
    """A program with what it takes to read the targets of assignments."""

    def bind_name(self, name: str, tree: ast.AST, value: Value, scope: dict[str, int] | None = None) -> None:
        """Binds a name; `tree` is where that is written."""
        self.act(tree, value)
        variable = self.variable(name) if scope is None else scope.get(name)
        if variable is not None:
            self.define(variable, value)

    def bind(self, target: ast.expr, value: Value) -> None:
        """Stores a value in a target, or unbinds it."""
        match target:
            case ast.Name():
                self.bind_name(target.id, target, value)
            case ast.Attribute():
                keys = self.object_of(target.value)[1]
                self.may_raise()
                self.act(target, joined((value, keys)))
                self.keep_in(target.value, value)
            case ast.Subscript():
                keys = self.object_of(target.value)[1]
                key = self.value(target.slice)
                self.may_raise()
                self.act(target, joined((value, keys, key)))
                self.keep_in(target.value, value)
            case ast.Starred():
                self.bind(target.value, value._replace(constancy=Constancy.VARYING))
            case ast.Tuple() | ast.List():
                self.may_raise()
                for element in target.elts:
                    self.bind(element, value._replace(constancy=Constancy.VARYING))
            case _:
                raise TypeError(f"not a target of an assignment: {target!r}")

    def assign(self, targets: Sequence[ast.expr], tree: ast.expr) -> None:
        """Evaluates an expression and stores it; `a, b = x, y` keeps the two apart."""
        paired = isinstance(tree, (ast.Tuple, ast.List)) and any(
            isinstance(target, (ast.Tuple, ast.List)) for target in targets
        )
        if not paired:
            unpacked = any(isinstance(target, (ast.Tuple, ast.List)) for target in targets)
            value = self.contents(tree) if unpacked else self.value(tree)
            for target in targets:
                self.bind(target, value)
            return
        assert isinstance(tree, (ast.Tuple, ast.List))
        values = [self.value(element) for element in tree.elts]
        for target in targets:
            elements = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
            starred = any(isinstance(element, ast.Starred) for element in (*tree.elts, *elements))
            if elements and len(elements) == len(values) and not starred:
                for element, value in zip(elements, values, strict=True):
                    self.bind(element, value)
            else:
                self.bind(target, joined(values))

    def _value_of_namedexpr(self, tree: ast.NamedExpr) -> Value:
        value = self.value(tree.value)
        self.bind_name(tree.target.id, tree.target, value, self.variables)
        return value
