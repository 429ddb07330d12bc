"""Reads conditions, and expressions that evaluate only a part of themselves.

PYTEST_DONT_REWRITE

`and`, `or` and conditional expressions are branches wherever they stand in a condition, and else
where something inside them acts. In a condition everything counts that is read, also what only
tells which object is asked, and the arguments of unknown calls.
"""

from __future__ import annotations

import ast

from trioflow.race.instrument.local_names import Comprehension, comprehension_variables
from trioflow.race.instrument.program import UNKNOWN, Value, joined
from trioflow.race.instrument.targets import TargetReader

_ACTING = (
    ast.Call,
    ast.Await,
    ast.NamedExpr,
    ast.Yield,
    ast.YieldFrom,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


class DecisionReader(TargetReader):
    """A program with what it takes to read conditions and comprehensions."""

    def truth(self, tree: ast.expr) -> Value:
        """Evaluates an expression for being true: everything that is read in it counts."""
        start = self.read_count()
        value = self.contents(tree)
        return joined((value, self.read_since(start)))._replace(constancy=value.constancy)

    def condition(self, tree: ast.expr, true: int, false: int) -> Value:
        """Goes to one block or the other; nothing follows in the current one."""
        match tree:
            case ast.Constant():
                self.graph.add_edge(self.block, true if tree.value else false)
                return UNKNOWN
            case ast.UnaryOp(op=ast.Not()):
                return self.condition(tree.operand, false, true)
            case ast.BoolOp():
                values: list[Value] = []
                for operand in tree.values[:-1]:
                    following = self.new_block()
                    if isinstance(tree.op, ast.And):
                        values.append(self.condition(operand, following, false))
                    else:
                        values.append(self.condition(operand, true, following))
                    self.block = following
                values.append(self.condition(tree.values[-1], true, false))
                return joined(values)
            case ast.IfExp():
                first, second = self.new_block(), self.new_block()
                values = [self.condition(tree.test, first, second)]
                self.block = first
                values.append(self.condition(tree.body, true, false))
                self.block = second
                values.append(self.condition(tree.orelse, true, false))
                return joined(values)
            case _:
                value = self.truth(tree)
                self.branch(value, true, false)
                return value

    def _value_of_boolop(self, tree: ast.BoolOp) -> Value:
        if not any(_acts(operand) for operand in tree.values[1:]):
            values = [self.contents(operand) for operand in tree.values[:-1]]
            return joined((*values, self.value(tree.values[-1])))
        result = self.new_variable()
        after = self.new_block()
        for operand in tree.values[:-1]:
            value = self.truth(operand)
            self.define(result, value)
            following = self.new_block()
            self.branch(value, following, after)
            self.block = following
        self.define(result, self.value(tree.values[-1]))
        self.enter(after)
        return self.use(result)

    def _value_of_ifexp(self, tree: ast.IfExp) -> Value:
        result = self.new_variable()
        first, second, after = self.new_block(), self.new_block(), self.new_block()
        tested = self.condition(tree.test, first, second)
        arms = (tree.body, tree.orelse)
        if any(isinstance(arm, ast.Constant) and arm.value is None for arm in arms):
            tested = UNKNOWN  # a missing value tells only to who asks for that, as everywhere
        for block, arm in zip((first, second), arms, strict=True):
            self.block = block
            value = self.value(arm)
            self.define(result, joined((value, tested))._replace(constancy=value.constancy))
            self.graph.add_edge(self.block, after)
        self.block = after
        return self.use(result)

    # Comprehensions

    def _value_of_comprehension(self, tree: Comprehension) -> Value:
        values: list[Value] = []
        after = continued = self.new_block()
        scope = {name: self.new_variable() for name in sorted(comprehension_variables(tree))}
        for generator in tree.generators:
            iterated = self.iterated(generator.iter)
            if generator is tree.generators[0]:
                self.scopes.append(scope)
            values.append(iterated)
            self.enter(self.new_block())
            self.reads.suspends |= bool(generator.is_async)
            self.may_raise()
            start, body = self.block, self.new_block()
            self.branch(iterated, body, continued)
            self.block, continued = body, start
            self.bind(generator.target, iterated)
            for test in generator.ifs:
                following = self.new_block()
                values.append(self.condition(test, following, continued))
                self.block = following
        if isinstance(tree, ast.DictComp):
            values.append(self.value(tree.key))
            values.append(self.value(tree.value))
        else:
            values.append(self.value(tree.elt))
        self.scopes.pop()
        self.graph.add_edge(self.block, continued)
        self.block = after
        return joined(values)

    _value_of_listcomp = _value_of_setcomp = _value_of_dictcomp = _value_of_generatorexp = _value_of_comprehension

    def iterated(self, tree: ast.expr) -> Value:
        """Evaluates the object that a loop goes through, and takes note that it does."""
        if isinstance(tree, (ast.Attribute, ast.Subscript)):
            carried, keys = self._item_or_attribute(tree)
            self.act(tree, keys)
            return joined((carried, self.source(tree)))
        value = self.contents(tree)
        if not isinstance(tree, ast.Call):
            self.act(tree, UNKNOWN)
        return value


def _acts(tree: ast.expr) -> bool:
    return any(isinstance(inner, _ACTING) for inner in ast.walk(tree))
