"""Puts probes into expressions.

PYTEST_DONT_REWRITE

Every probe returns its argument, and nothing is taken away, so what is evaluated, in which order,
and what it raises and where, stays as it was. In class bodies nothing is probed: they run once, in
one step. Only the functions in them are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.calls import Facts
from trioflow.race.instrument.names import is_place, suspends
from trioflow.race.instrument.positions import span
from trioflow.race.instrument.scopes import Comprehension, Scope, Scopes, has_own_frame
from trioflow.race.instrument.table import Function, TableBuilder
from trioflow.race.instrument.temporaries import Temporaries
from trioflow.race.model.sites import Operation

_PROBE_OF = {
    Operation.READ: "read",
    Operation.WRITE: "write",
    Operation.DELETE: "write",
    Operation.UPDATE: "update",
    Operation.SUSPENDED_UPDATE: "begin",
    Operation.ITEM_READ: "item_read",
    Operation.ITEM_WRITE: "item_write",
    Operation.ITEM_DELETE: "item_write",
    Operation.ITEM_UPDATE: "item_update",
    Operation.SUSPENDED_ITEM_UPDATE: "item_begin",
    Operation.SHAPE: "shape",
    Operation.ITERATE: "iterate",
    Operation.CONTENTS_READ: "contents",
    Operation.CONTENTS_WRITE: "contents_write",
}

_OF_ITEM = {
    Operation.READ: Operation.ITEM_READ,
    Operation.WRITE: Operation.ITEM_WRITE,
    Operation.DELETE: Operation.ITEM_DELETE,
    Operation.UPDATE: Operation.ITEM_UPDATE,
    Operation.SUSPENDED_UPDATE: Operation.SUSPENDED_ITEM_UPDATE,
}


class ExpressionRewriter:
    """Rewrites expressions in place; a method returns what takes the place of its argument."""

    def __init__(self, table: TableBuilder, scopes: Scopes, facts: Facts) -> None:
        self.table = table
        self.scopes = scopes
        self.facts = facts
        self.scope: Scope = scopes.module
        self.function: Function | None = None
        self.class_name: str | None = None
        self.active = True
        """Whether what is visited is not at the level of a class body."""
        self.temporaries = Temporaries()
        self.testing = False
        """Whether what is visited only decides what is done next."""
        self._replaced: dict[ast.AST, ast.expr] = {}
        """What was visited: trees made by pytest may contain one node in several places."""
        self._methods: dict[type[ast.expr], Callable[[Any], ast.expr]] = {
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Name: self._name,
            ast.Compare: self._compare,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.IfExp: self._if,
            ast.NamedExpr: self._walrus,
            ast.Starred: self._starred,
            ast.YieldFrom: self._yield_from,
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
                setattr(node, field, [self._child(each) for each in value])
        return node

    def _child(self, node: Any) -> Any:
        if isinstance(node, ast.expr):
            return self.expression(node)
        if isinstance(node, ast.keyword):
            node.value = self.expression(node.value)
        return node

    def condition(self, node: ast.expr) -> ast.expr:
        """Rewrite an expression of which only the truth matters."""
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

    def observed(self, node: ast.expr, operation: Operation, by: str | None = None) -> ast.expr:
        """Rewrite an expression whose value is looked into, by a function of that name if it is one."""
        return self._wrapped(node, self.expression(node), operation, by)

    def _wrapped(
        self, node: ast.expr, rewritten: ast.expr, operation: Operation, by: str | None = None
    ) -> ast.expr:
        if not self.active or not self._can_be_observed(node, operation):
            return rewritten
        return nodes.probe(_PROBE_OF[operation], rewritten, node, self.site(operation, node, name=by))

    def store(
        self, node: ast.expr, operation: Operation = Operation.WRITE, operator: str | None = None
    ) -> int | None:
        """Rewrite the target of an assignment or a deletion; return its site if it is a single one."""
        match node:
            case ast.Attribute():
                return self._access_attribute(node, operation, operator)
            case ast.Subscript():
                return self._access_item(node, operation, operator)
            case ast.Tuple() | ast.List():
                for element in node.elts:
                    self.store(element, operation)
            case ast.Starred():
                self.store(node.value, operation)
            case _:
                pass
        return None

    def site(self, operation: Operation, node: ast.AST, **more: Any) -> int:
        """Enter a site in the current function."""
        expression = more.pop("expression", node)
        if isinstance(expression, ast.expr):
            expression = self.temporaries.meaning(expression)
        more["condition"] = self.testing
        return self.table.site(operation, node, function=self.function, expression=expression, **more)

    def test(self, node: ast.expr) -> ast.expr:
        """Rewrite what a statement decides by."""
        before, self.testing = self.testing, True
        try:
            return self.condition(node)
        finally:
            self.testing = before

    @contextmanager
    def within(self, scope: Scope) -> Iterator[None]:
        """Resolve names as a scope does."""
        before, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = before

    # Which objects are worth a probe

    def is_silent(self, node: ast.expr) -> bool:
        """Return whether an object is private to the expression, or nothing of it is a variable."""
        node = self.temporaries.meaning(node)
        if names.is_literal(node) or names.is_foreign_expression(node):
            return True
        match node:
            case ast.Name(id=name):
                return name == "__debug__" or self.scopes.is_builtin(self.scope, name)
            case ast.Call(func=ast.Name(id="super")):
                return True
            case _:
                return False

    def _can_be_observed(self, node: ast.expr, operation: Operation) -> bool:
        if isinstance(node, ast.Starred) or self.is_silent(node):
            return False
        node = self.temporaries.meaning(node)
        if operation is not Operation.ITERATE:
            return is_place(node)
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in names.FRESH:
                return not self.scopes.is_builtin(self.scope, name)
            case _:
                return True

    # Attributes and items

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        self._access_attribute(node, Operation.READ)
        return node

    def _access_attribute(
        self, node: ast.Attribute, operation: Operation, operator: str | None = None
    ) -> int | None:
        value = node.value
        node.value = self.expression(value)
        if not self.active or self.is_silent(value):
            return None
        name = names.mangled(node.attr, self.class_name)
        site = self.site(operation, node, expression=value, name=name, operator=operator)
        node.value = nodes.probe(_PROBE_OF[operation], node.value, value, site)
        return site

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        self._access_item(node, Operation.READ)
        return node

    def _access_item(
        self, node: ast.Subscript, operation: Operation, operator: str | None = None
    ) -> int | None:
        value, key = node.value, node.slice
        node.value, node.slice = self.expression(value), self.expression(key)
        if not self.active or self.is_silent(value):
            return None
        if _is_slice(key):
            contents = Operation.CONTENTS_READ if operation is Operation.READ else Operation.CONTENTS_WRITE
            site = self.site(contents, node, expression=value)
            node.value = nodes.probe(_PROBE_OF[contents], node.value, value, site)
            return None
        operation = _OF_ITEM[operation]
        if nodes.can_be_copied(key, value):
            constant = names.is_constant(key)
            site = self.site(operation, node, expression=value, constant_key=constant, operator=operator)
            node.value = nodes.probe(_PROBE_OF[operation], node.value, value, site, nodes.copied_key(key, value))
        elif not suspends(key):
            site = self.site(operation, node, expression=value, operator=operator)
            node.value = nodes.probe("base", node.value, value, site)
            node.slice = nodes.probe("key", node.slice, key, site)
        else:
            return None
        return site

    # Names

    def owner(self, name: str) -> tuple[str | None] | None:
        """Return, in a tuple, whose variable a name is if it needs probes: None is the module."""
        if self.function is None or not self.active:
            return None
        scope = self.scope.lookup(name)
        if scope is None:
            return (None,) if name in self.scopes.rebound_globals else None
        return (scope.qualified_name,) if name in scope.rebound else None

    def _name(self, node: ast.Name) -> ast.expr:
        owner = self.owner(node.id)
        if owner is None or not isinstance(node.ctx, ast.Load) or node.id == "super":
            return node
        site = self.name_site(Operation.NAME_READ, node, owner[0], node.id)
        where = span(node)
        return nodes.name_probe("name_read", node, nodes.token(owner[0], where), site, where)

    def name_site(self, operation: Operation, node: ast.AST, owner: str | None, name: str, **more: Any) -> int:
        """Enter a site of a global name or a closure variable."""
        name = names.mangled(name, self.class_name)
        return self.site(operation, node, name=name, global_name=owner is None, **more)

    def _walrus(self, node: ast.NamedExpr) -> ast.expr:
        value = node.value
        node.value = self.expression(value)
        owner = self.owner(node.target.id)
        if owner is not None:
            site = self.name_site(Operation.NAME_WRITE, node.target, owner[0], node.target.id)
            where = span(value)
            node.value = nodes.name_probe("name_write", node.value, nodes.token(owner[0], where), site, where)
        return node

    # Operators

    def _unary(self, node: ast.UnaryOp) -> ast.expr:
        node.operand = self.condition(node.operand) if isinstance(node.op, ast.Not) else self.expression(node.operand)
        return node

    def _boolean(self, node: ast.BoolOp) -> ast.expr:
        *tested, last = node.values
        node.values = [*(self.condition(value) for value in tested), self.expression(last)]
        return node

    def _if(self, node: ast.IfExp) -> ast.expr:
        node.test = self.test(node.test)
        node.body = self.expression(node.body)
        node.orelse = self.expression(node.orelse)
        return node

    def _compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        results = [self.expression(operand) for operand in operands]
        looked_into: set[int] = set()
        for index, operator in enumerate(node.ops):
            left, right = operands[index], operands[index + 1]
            if isinstance(operator, ast.In | ast.NotIn):
                self._membership(node, index, operands, results)
            elif not isinstance(operator, ast.Is | ast.IsNot):
                if not names.is_constant(right) and not suspends(right):
                    looked_into.add(index)
                if not names.is_constant(left):
                    looked_into.add(index + 1)
        for index in looked_into:
            results[index] = self._wrapped(operands[index], results[index], Operation.CONTENTS_READ)
        node.left, *node.comparators = results
        return node

    def _membership(
        self, node: ast.Compare, index: int, operands: list[ast.expr], results: list[ast.expr]
    ) -> None:
        key, container = operands[index], operands[index + 1]
        if not self._can_be_observed(container, Operation.ITERATE):
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
        node.value = self.observed(node.value, Operation.ITERATE)
        return node

    def _formatted(self, node: ast.FormattedValue) -> ast.expr:
        node.value = self.observed(node.value, Operation.CONTENTS_READ)
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
        first.iter = self._iterated(first)
        with self.within(scope):
            for generator in node.generators:
                self.store(generator.target)
                if generator is not first:
                    generator.iter = self._iterated(generator)
                generator.ifs = [self.condition(test) for test in generator.ifs]
            if isinstance(node, ast.DictComp):
                node.key = self.expression(node.key)
                node.value = self.expression(node.value)
            else:
                node.elt = self.expression(node.elt)
        return node

    def _iterated(self, generator: ast.comprehension) -> ast.expr:
        if generator.is_async:
            return self.expression(generator.iter)
        return self.observed(generator.iter, Operation.ITERATE)


def _is_slice(key: ast.expr) -> bool:
    elements = key.elts if isinstance(key, ast.Tuple) else [key]
    return any(isinstance(element, ast.Slice) for element in elements)
