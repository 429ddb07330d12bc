"""Puts probes into expressions: around what operators, displays and comprehensions look into.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, cast

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.calls import Facts, is_view, looked_into
from trioflow.race.instrument.loops import element_suspends
from trioflow.race.instrument.names import suspends
from trioflow.race.instrument.positions import place, span
from trioflow.race.instrument.repeats import calm_parts, repeats_in
from trioflow.race.instrument.rewrite_places import PlaceRewriter
from trioflow.race.instrument.scopes import Comprehension, Scopes, has_own_frame
from trioflow.race.instrument.table import TableBuilder
from trioflow.race.model.sites import Operation


class ExpressionRewriter(PlaceRewriter):
    """Rewrites expressions in place; a method returns what takes the place of its argument."""

    def __init__(self, table: TableBuilder, scopes: Scopes, facts: Facts) -> None:
        super().__init__(table, scopes, facts)
        self._replaced: dict[ast.AST, ast.expr] = {}
        """What was visited: trees made by pytest may contain one node in several places."""
        self.kept: dict[ast.AST, bool] = {}
        """Iterators and views that are used later than they are made, and whether they are kept somewhere."""
        self._looked_at: set[ast.AST] = set()
        self._methods: dict[type[ast.expr], Callable[[Any], ast.expr]] = {
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Name: self._name,
            ast.Compare: self._compare,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.BinOp: self._binary,
            ast.IfExp: self._if,
            ast.NamedExpr: self._walrus,
            ast.Starred: self._starred,
            ast.YieldFrom: self._yield_from,
            ast.Yield: self._yield,
            ast.FormattedValue: self._formatted,
            ast.Dict: self._dict,
            ast.Call: self.call,
            ast.Await: self._await,
        }

    def expression(self, node: ast.expr) -> ast.expr:
        """Rewrite an expression that is evaluated."""
        known = self._replaced.get(node)
        if known is not None:
            return known
        self._look_for_repeats(node)
        if isinstance(node, ast.Lambda):
            result: ast.expr = self.lambda_expression(node)
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            result = self._comprehension(node)
        else:
            method = self._methods.get(type(node)) if self.active else None
            result = self.children(node) if method is None else method(node)
        self._replaced[node] = result
        return result

    def lambda_expression(self, node: ast.Lambda) -> ast.expr:
        """Rewrite a lambda."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> ast.expr:
        """Rewrite a call."""
        raise NotImplementedError

    def children(self, node: ast.expr) -> ast.expr:
        """Rewrite what an expression is made of."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, field, self.expression(value))
            elif isinstance(value, list):
                setattr(node, field, [self._child(each) for each in cast("list[object]", value)])
        return node

    def _child(self, node: Any) -> Any:
        if isinstance(node, ast.expr):
            return self.expression(node)
        if isinstance(node, ast.keyword):
            node.value = self.expression(node.value)
        return node

    def condition(self, node: ast.expr) -> ast.expr:
        """Rewrite an expression of which only the truth matters."""
        self._look_for_repeats(node)
        match node:
            case ast.BoolOp() if self.active:
                node.values = [self.condition(value) for value in node.values]
                return node
            case ast.IfExp() if self.active:
                node.test = self.condition(node.test)
                node.body = self.condition(node.body)
                node.orelse = self.condition(node.orelse)
                return node
            case _:
                return self.observed(node, Operation.SHAPE)

    def _look_for_repeats(self, node: ast.expr) -> None:
        """Find out once for each expression which reads in it repeat others."""
        if node not in self._looked_at:
            calm = calm_parts(node)
            self._looked_at.update(calm)
            if calm:
                self.repeats.update(repeats_in(node))

    def observed(self, node: ast.expr, operation: Operation, by: str | None = None) -> ast.expr:
        """Rewrite an expression whose value is looked into, by a function of that name if it is one."""
        return self.wrapped(node, self.expression(node), operation, by)

    def test(self, node: ast.expr) -> ast.expr:
        """Rewrite what a statement decides by."""
        before, self.testing = self.testing, True
        try:
            return self.condition(node)
        finally:
            self.testing = before

    # What is looked into later than it is made

    def keep(self, node: ast.expr, *, stored: bool = True) -> None:
        """Note that an iterator or a view, if an expression makes one, reads when it is used, not here."""
        if isinstance(node, ast.Starred):
            node = node.value
        if is_view(node) or isinstance(node, ast.GeneratorExp):
            self.kept[node] = stored
        elif isinstance(node, ast.Call) and self.facts.is_lazy(node, self.scope):
            self.kept[node] = stored
            for argument in node.args:
                self.keep(argument, stored=False)
        elif isinstance(node, ast.IfExp):
            self.keep(node.body, stored=stored)
            self.keep(node.orelse, stored=stored)
        elif isinstance(node, ast.Tuple):
            for element in node.elts:
                self.keep(element, stored=stored)

    def made(self, node: ast.expr) -> ast.expr:
        """Put a probe around an iterator that has been rewritten, if it is kept."""
        if not self.kept.get(node, False) or is_view(node) or not self.active or self.function is None:
            return node
        site = self.site(Operation.ITERATE, node, expression=looked_into(node))
        return nodes.probe("made", node, node, site)

    def looped(self, node: ast.expr) -> tuple[ast.expr, int | None]:
        """Rewrite what a loop goes through that goes on after a checkpoint; return the number of its site, too."""
        lazy = isinstance(node, ast.GeneratorExp) or self.facts.is_lazy(node, self.scope)
        if not self.active or not (lazy or self.can_be_observed(node, Operation.ITERATE)) or names.is_copy(node):
            return self.gone_through(node), None
        self.keep(node, stored=False)
        expression = looked_into(node)
        where = span(node)
        rewritten = self.expression(node)
        site = self.site(Operation.ITERATE, node, expression=expression)
        return nodes.iterable(nodes.probe("loop", rewritten, node, site), where), site

    def gone_through(self, node: ast.expr) -> ast.expr:
        """Rewrite what a loop goes through."""
        where = span(node)
        rewritten = self.observed(node, Operation.ITERATE)
        return rewritten if rewritten is node else nodes.iterable(rewritten, where)

    # Operators

    def _unary(self, node: ast.UnaryOp) -> ast.expr:
        node.operand = self.condition(node.operand) if isinstance(node.op, ast.Not) else self.expression(node.operand)
        return node

    def _binary(self, node: ast.BinOp) -> ast.expr:
        """Look into what may be containers: nearly all operands of other operators are numbers or text."""
        left, right = node.left, node.right
        node.left, node.right = self.expression(left), self.expression(right)
        if suspends(right):
            return node
        one, other = self.temporaries.meaning(left), self.temporaries.meaning(right)
        by: str | None = None
        match node.op:
            case ast.BitOr() | ast.BitAnd() | ast.BitXor() if not names.is_plain(one) and not names.is_plain(other):
                looks = True
            case ast.Add() | ast.Sub():
                looks = names.is_display(one) or names.is_display(other)
            case ast.Mod() if isinstance(one, ast.Constant | ast.JoinedStr):
                if isinstance(right, ast.Tuple) and isinstance(node.right, ast.Tuple):
                    pairs = zip(right.elts, node.right.elts, strict=True)
                    node.right.elts = [self.wrapped(*pair, Operation.CONTENTS_READ, "format") for pair in pairs]
                looks, by = True, "format"
            case _:
                looks = False
        if looks:
            node.left = self.wrapped(left, node.left, Operation.CONTENTS_READ)
            node.right = self.wrapped(right, node.right, Operation.CONTENTS_READ, by)
        return node

    def _boolean(self, node: ast.BoolOp) -> ast.expr:
        *tested, last = node.values
        self.chosen.update(node.values)
        node.values = [*(self.condition(value) for value in tested), self.expression(last)]
        return node

    def _if(self, node: ast.IfExp) -> ast.expr:
        node.test = self.test(node.test)
        node.body = self.expression(node.body)
        node.orelse = self.expression(node.orelse)
        return node

    def _compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn) and is_view(operand):
                self.keep(operand, stored=False)
        results = [self.expression(operand) for operand in operands]
        looked_into: dict[int, str | None] = {}
        for index, operator in enumerate(node.ops):
            left, right = operands[index], operands[index + 1]
            if isinstance(operator, ast.In | ast.NotIn):
                self._membership(node, index, operands, results)
                if names.compares_elements(self.temporaries.meaning(right)):
                    looked_into[index] = "__eq__"
            elif not isinstance(operator, ast.Is | ast.IsNot):
                by = "__eq__" if isinstance(operator, ast.Eq | ast.NotEq) else None
                if not names.is_constant(right) and not suspends(right):
                    looked_into[index] = by
                if not names.is_constant(left):
                    looked_into[index + 1] = by
        for index, by in looked_into.items():
            results[index] = self.wrapped(operands[index], results[index], Operation.CONTENTS_READ, by)
        node.left, *node.comparators = results
        return node

    def _membership(self, node: ast.Compare, index: int, operands: list[ast.expr], results: list[ast.expr]) -> None:
        key, container = operands[index], operands[index + 1]
        if not self.can_be_observed(container, Operation.ITERATE):
            return
        if nodes.can_be_copied(key, container) or (len(operands) > 2 and names.is_simple_key(key)):
            site = self.site(
                Operation.MEMBER, node, expression=container, stands_for=node, constant_key=names.is_constant(key)
            )
            copy = nodes.copied_key(key, container)
            results[index + 1] = nodes.probe("member", results[index + 1], container, site, copy)
        elif len(operands) == 2 and not suspends(node) and not names.is_foreign_expression(key):
            site = self.site(Operation.MEMBER, node, expression=container)
            results[index] = nodes.probe("key", results[index], key, site)
            results[index + 1] = nodes.probe("base", results[index + 1], container, site)

    # Everything that looks into its operand

    def _starred(self, node: ast.Starred) -> ast.expr:
        own = isinstance(node.value, ast.Name) and self.function is not None and self.function.gathers(node.value.id)
        node.value = self.expression(node.value) if own else self.observed(node.value, Operation.ITERATE)
        return node

    def _yield_from(self, node: ast.YieldFrom) -> ast.expr:
        node.value, loop = self.looped(node.value)
        return node if loop is None else nodes.around("ended", node, node.value, loop)

    def _yield(self, node: ast.Yield) -> ast.expr:
        if node.value is not None:
            self.keep(node.value)
            node.value = self.expression(node.value)
        return node

    def _formatted(self, node: ast.FormattedValue) -> ast.expr:
        node.value = self.observed(node.value, Operation.CONTENTS_READ, "format")
        if node.format_spec is not None:
            node.format_spec = self.expression(node.format_spec)
        return node

    def _dict(self, node: ast.Dict) -> ast.expr:
        node.values = [
            self.observed(value, Operation.CONTENTS_READ) if key is None else self.expression(value)
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        node.keys = [None if key is None else self.expression(key) for key in node.keys]
        return node

    def _await(self, node: ast.Await) -> ast.expr:
        self.table.awaits[node.value] = node
        node.value = self.expression(node.value)
        return node

    def _comprehension(self, node: Comprehension) -> ast.expr:
        first = node.generators[0]
        scope = self.scopes.of(node)
        if self.function is not None and has_own_frame(node):
            self.function.comprehensions.append((node, scope))
        iterable = first.iter
        first.iter, outermost = self._iterated(node, first)
        with self.within(scope):
            loop = outermost
            for generator in node.generators:
                self.store(generator.target)
                if generator is not first:
                    before, (generator.iter, following) = loop, self._iterated(node, generator)
                    generator.iter = _advancing(before, generator.iter)
                    loop = following
                generator.ifs = [self.condition(test) for test in generator.ifs]
                if loop is not None and generator.ifs:
                    generator.ifs[0] = nodes.after_first(generator.ifs[0], loop)
                    loop = None
            if isinstance(node, ast.DictComp):
                node.key = _advancing(loop, self.expression(node.key))
                node.value = self.expression(node.value)
            else:
                node.elt = _advancing(loop, self.expression(node.elt))
        if outermost is None:
            return self.made(node)
        return nodes.around("ended", node, node if has_own_frame(node) else iterable, outermost)

    def _iterated(self, node: Comprehension, generator: ast.comprehension) -> tuple[ast.expr, int | None]:
        """Rewrite what a clause goes through; return the number of its site if it goes on after a checkpoint, too."""
        if isinstance(node, ast.GeneratorExp):
            if node in self.kept and generator is node.generators[0]:
                self.keep(generator.iter, stored=False)
                return self.expression(generator.iter), None
        elif not generator.is_async and element_suspends(node, generator):
            return self.looped(generator.iter)
        if generator.is_async:
            return self.expression(generator.iter), None
        return self.gone_through(generator.iter), None


def _advancing(loop: int | None, node: ast.expr) -> ast.expr:
    """Put what tells that a clause has got its next element before what is evaluated next."""
    if loop is None:
        return node
    where = span(node)
    return place(ast.BoolOp(ast.And(), [nodes.call("advance", where, loop), node]), where)
