"""Puts probes where an attribute is accessed by a name that is a string.

PYTEST_DONT_REWRITE

`getattr(x, "a")`, `object.__setattr__(x, "a", v)`, `vars(x)["a"]` and `x.__dict__["a"] = v` access the same
variable as `x.a` does, and so get the same probes. A name that only the running program knows is
given to the probe. What a namespace is used for after it was bound to a name is the business of a dictionary.
"""

from __future__ import annotations

import ast
from typing import Final

from trioflow.race.instrument import nodes
from trioflow.race.instrument.names import suspends
from trioflow.race.instrument.positions import span
from trioflow.race.instrument.rewrite_expressions import ExpressionRewriter
from trioflow.race.instrument.rewrite_places import PROBE_OF
from trioflow.race.model.sites import Operation

_FUNCTIONS: Final = {
    "getattr": Operation.READ,
    "hasattr": Operation.READ,
    "setattr": Operation.WRITE,
    "delattr": Operation.DELETE,
}
_METHODS: Final = {
    "__getattribute__": Operation.READ,
    "__setattr__": Operation.WRITE,
    "__delattr__": Operation.DELETE,
}
_ON_NAMESPACES: Final = {"get": Operation.READ, "pop": Operation.DELETE}


class ReflectionRewriter(ExpressionRewriter):
    """Rewrites calls that access attributes by name."""

    def reflects(self, node: ast.Call, arguments: list[ast.expr]) -> bool:
        """Put a probe into a call whose arguments have been rewritten, if it accesses an attribute."""
        operation = self._access_in(node.func)
        if operation is not None:
            return self._access_by_name(node, arguments, operation)
        if self._access_by_super(node, arguments):
            return True
        if isinstance(node.func, ast.Attribute):
            return self._access_in_namespace(node, node.func, arguments)
        return False

    def _access_in(self, function: ast.expr) -> Operation | None:
        """Return what a function does to the attribute of its first argument that its second one names."""
        match function:
            case ast.Name(id=name) if name in _FUNCTIONS and self.scopes.is_builtin(self.scope, name):
                return _FUNCTIONS[name]
            case ast.Attribute(value=ast.Name(id="object"), attr=name) if name in _METHODS:
                return _METHODS[name] if self.scopes.is_builtin(self.scope, "object") else None
            case _:
                return None

    def _access_by_name(self, node: ast.Call, arguments: list[ast.expr], operation: Operation) -> bool:
        if len(arguments) < 2 or any(isinstance(each, ast.Starred) for each in arguments[:2]):
            return False
        accessed, name = arguments[0], self.temporaries.meaning(arguments[1])
        if self.is_silent(accessed):
            return False
        if not isinstance(name, ast.Constant):
            return self._access_by_unknown_name(node, accessed, arguments, operation)
        if not isinstance(name.value, str):
            return False
        site = self.site(operation, node, expression=accessed, name=name.value)
        suspended = [index for index in range(1, len(arguments)) if suspends(arguments[index])]
        probe = "call_begin" if suspended else PROBE_OF[operation]
        node.args[0] = nodes.probe(probe, node.args[0], accessed, site)
        if suspended:
            last = suspended[-1]
            node.args[last] = nodes.probe("call_end", node.args[last], arguments[last], site)
        return True

    def _access_by_unknown_name(
        self, node: ast.Call, accessed: ast.expr, arguments: list[ast.expr], operation: Operation
    ) -> bool:
        name = arguments[1]
        if any(map(suspends, arguments)):
            return False
        site = self.site(operation, node, expression=accessed)
        if not nodes.can_be_copied(name, accessed):
            node.args[0] = nodes.probe("call_begin", node.args[0], accessed, site)
            node.args[1] = nodes.probe("call_end", node.args[1], name, site)
            return True
        node.args[0] = nodes.probe("named", node.args[0], accessed, site, nodes.copied_key(name, accessed))
        return True

    def read_by_import(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> list[ast.stmt]:
        """Return what tells that `from module import name` in a function reads an attribute of the module."""
        if isinstance(node, ast.Import) or self.function is None or node.level or not node.module:
            return []
        return [nodes.imported(self.site(Operation.READ, node, name=alias.name), node.module, span(node))]

    def _access_by_super(self, node: ast.Call, arguments: list[ast.expr]) -> bool:
        """Put a probe around the name in `super().__setattr__(name, value)`, if that is a call in a method."""
        match node.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=method) if method in _METHODS:
                owner = None if self.function is None else self.function.parameter
            case _:
                return False
        if owner is None or not arguments or isinstance(arguments[0], ast.Starred) or suspends(arguments[0]):
            return False
        site = self.site(_METHODS[method], node, expression=node.func)
        node.args[0] = nodes.probe("on", node.args[0], arguments[0], site, nodes.name(owner, span(arguments[0])))
        return True

    def _access_in_namespace(self, node: ast.Call, function: ast.Attribute, arguments: list[ast.expr]) -> bool:
        holder = self.holder(function.value)
        if holder is None or suspends(node):
            return False
        if function.attr in _ON_NAMESPACES and arguments:
            name = self.temporaries.meaning(arguments[0])
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.access_in_namespace(function.value, holder, _ON_NAMESPACES[function.attr], node, name.value)
                return True
        elif function.attr in ("keys", "values", "items", "copy") and not arguments:
            self.whole_namespace(function.value, holder, node)
            return True
        elif function.attr == "update" and all(keyword.arg for keyword in node.keywords):
            for given in (*self._given(arguments), *(keyword.arg or "" for keyword in node.keywords)):
                self.access_in_namespace(function.value, holder, Operation.WRITE, node, given)
            return True
        return False

    def _given(self, arguments: list[ast.expr]) -> list[str]:
        """The names in a dictionary that is written out."""
        match [self.temporaries.meaning(each) for each in arguments]:
            case [ast.Dict(keys=keys)]:
                return [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            case _:
                return []
