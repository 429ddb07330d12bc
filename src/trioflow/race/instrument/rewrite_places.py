"""Puts probes around the objects whose attributes, items and names are accessed.

PYTEST_DONT_REWRITE

Every probe returns its argument, and nothing is taken away, so what is evaluated, in which order,
and what it raises and where, stays as it was. In the bodies of a module's classes nothing is probed:
they run once, while it is imported. Only the functions in them are.
"""

from __future__ import annotations

import ast
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.calls import Facts, is_view
from trioflow.race.instrument.names import is_place, suspends
from trioflow.race.instrument.positions import span
from trioflow.race.instrument.scopes import Scope, ScopeKind, Scopes
from trioflow.race.instrument.table import Function, TableBuilder
from trioflow.race.instrument.temporaries import Temporaries
from trioflow.race.model.sites import VIEW, Operation

PROBE_OF = {
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
"""For each operation the probe that goes around the object."""

_OF_ITEM = {
    Operation.READ: Operation.ITEM_READ,
    Operation.WRITE: Operation.ITEM_WRITE,
    Operation.DELETE: Operation.ITEM_DELETE,
    Operation.UPDATE: Operation.ITEM_UPDATE,
    Operation.SUSPENDED_UPDATE: Operation.SUSPENDED_ITEM_UPDATE,
}


_SUSPENDED = (Operation.SUSPENDED_UPDATE, Operation.SUSPENDED_ITEM_UPDATE)


class PlaceRewriter:
    """Rewrites accesses to places: attributes, items and names."""

    def __init__(self, table: TableBuilder, scopes: Scopes, facts: Facts) -> None:
        self.table = table
        self.scopes = scopes
        self.facts = facts
        self.scope: Scope = scopes.module
        self.function: Function | None = None
        self.class_name: str | None = None
        self.active = True
        """Whether what is visited is not at the level of the body of a module's class."""
        self.temporaries = Temporaries()
        self.testing = False
        """Whether what is visited only decides what is done next."""
        self.chosen: set[ast.AST] = set()
        """Expressions whose value may be taken as it is, after a look at it."""
        self.repeats: dict[ast.expr, ast.expr] = {}
        """Reads of attributes that say nothing that another one did not say, with that one."""

    def expression(self, node: ast.expr) -> ast.expr:
        """Rewrite an expression that is evaluated."""
        raise NotImplementedError

    def store(self, node: ast.expr, operation: Operation = Operation.WRITE, operator: str | None = None) -> int | None:
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
        more["chosen"] = node in self.chosen
        return self.table.site(operation, node, function=self.function, expression=expression, **more)

    def wrapped(self, node: ast.expr, rewritten: ast.expr, operation: Operation, by: str | None = None) -> ast.expr:
        """Put a probe around an expression that has been rewritten, if its value may be a container."""
        if not self.active:
            return rewritten
        holder = self.holder(node)
        if holder is not None:
            self.whole_namespace(rewritten, holder, node)
            return rewritten
        if not self.can_be_observed(node, operation):
            return rewritten
        if operation is Operation.ITERATE and is_view(node):
            by = VIEW  # reading it has been noted where it was made
        return nodes.probe(PROBE_OF[operation], rewritten, node, self.site(operation, node, name=by))

    @contextmanager
    def within(self, scope: Scope) -> Generator[None]:
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

    def can_be_observed(self, node: ast.expr, operation: Operation) -> bool:
        """Return whether others may have the container that an expression yields, if it is one."""
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

    def _access_attribute(self, node: ast.Attribute, operation: Operation, operator: str | None = None) -> int | None:
        value = node.value
        node.value = self.expression(value)
        if not self.active or self.is_silent(value):
            return None
        first = self.repeats.get(node)
        if first is not None and (first in self.chosen) == (node in self.chosen) and self.table.repeats(node, first):
            return None
        name = names.mangled(node.attr, self.class_name)
        site = self.site(operation, node, expression=value, name=name, operator=operator)
        node.value = nodes.probe(PROBE_OF[operation], node.value, value, site)
        return site

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        self._access_item(node, Operation.READ)
        return node

    def _access_item(self, node: ast.Subscript, operation: Operation, operator: str | None = None) -> int | None:
        value, key = node.value, node.slice
        holder = self.holder(value)
        node.value, node.slice = self.expression(value), self.expression(key)
        if holder is not None and isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self.access_in_namespace(node.value, holder, operation, node, key.value, operator)
        if not self.active or self.is_silent(value):
            return None
        if _is_slice(key):
            contents = Operation.CONTENTS_READ if operation is Operation.READ else Operation.CONTENTS_WRITE
            site = self.site(contents, node, expression=value)
            node.value = nodes.probe(PROBE_OF[contents], node.value, value, site)
            return None
        operation = _OF_ITEM[operation]
        if nodes.can_be_copied(key, value):
            constant = names.is_constant(key)
            site = self.site(operation, node, expression=value, constant_key=constant, operator=operator)
            node.value = nodes.probe(PROBE_OF[operation], node.value, value, site, nodes.copied_key(key, value))
        elif not suspends(key):
            site = self.site(operation, node, expression=value, operator=operator)
            node.value = nodes.probe("base", node.value, value, site)
            node.slice = nodes.probe("key", node.slice, key, site)
        elif operation in _SUSPENDED:
            return None
        else:
            site = self.site(operation, node, expression=value, operator=operator)
            node.value = nodes.probe("call_begin", node.value, value, site)
            node.slice = nodes.probe("call_end", node.slice, key, site)
        return site

    # Namespaces

    def holder(self, node: ast.expr) -> ast.expr | None:
        """Return the object whose namespace an expression yields, if it shows."""
        match node:
            case ast.Attribute(value=holder, attr="__dict__"):
                return holder
            case ast.Call(func=ast.Name(id="vars"), args=[holder], keywords=[]):
                return holder if self.scopes.is_builtin(self.scope, "vars") else None
            case _:
                return None

    def access_in_namespace(
        self,
        namespace: ast.expr,
        holder: ast.expr,
        operation: Operation,
        node: ast.expr,
        name: str,
        operator: str | None = None,
    ) -> int | None:
        """Put a probe around the holder of a namespace, which has been rewritten, for one of its attributes."""
        if not self.active or self.is_silent(holder):
            return None
        site = self.site(operation, node, expression=holder, name=name, operator=operator)
        self._around_holder(namespace, holder, PROBE_OF[operation], site)
        return site

    def whole_namespace(self, namespace: ast.expr, holder: ast.expr, node: ast.expr) -> None:
        """Put a probe around the holder of a namespace, which has been rewritten, for all its attributes."""
        if self.active and not self.is_silent(holder):
            site = self.site(Operation.CONTENTS_READ, node, expression=holder, name="__dict__")
            self._around_holder(namespace, holder, "contents", site)

    @staticmethod
    def _around_holder(namespace: ast.expr, holder: ast.expr, probe: str, site: int, *more: ast.expr) -> None:
        if isinstance(namespace, ast.Attribute):
            namespace.value = nodes.probe(probe, namespace.value, holder, site, *more)
        elif isinstance(namespace, ast.Call):
            namespace.args[0] = nodes.probe(probe, namespace.args[0], holder, site, *more)

    # Names

    def owner(self, name: str) -> tuple[str | None] | None:
        """Return, in a tuple, whose variable a name is if it needs probes: None is the module."""
        if self.function is None or not self.active:
            return None
        scope = self.scope.lookup(name)
        if scope is None:
            return (None,) if name in self.scopes.rebound_globals else None
        if self.scope.kind is ScopeKind.CLASS:
            return None  # the token would be looked up in the namespace of the class first
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

    def keep(self, node: ast.expr, *, stored: bool = True) -> None:
        """Note that an iterator or a view, if an expression makes one, reads when it is used, not here."""
        raise NotImplementedError

    def _walrus(self, node: ast.NamedExpr) -> ast.expr:
        value = node.value
        self.keep(value)
        node.value = self.expression(value)
        owner = self.owner(node.target.id)
        if owner is not None:
            site = self.name_site(Operation.NAME_WRITE, node.target, owner[0], node.target.id)
            where = span(value)
            node.value = nodes.name_probe("name_write", node.value, nodes.token(owner[0], where), site, where)
        return node


def _is_slice(key: ast.expr) -> bool:
    elements = key.elts if isinstance(key, ast.Tuple) else [key]
    return any(isinstance(element, ast.Slice) for element in elements)
