"""What is known about calls from the text of a module.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
from typing import final

from trioflow.race.instrument import names
from trioflow.race.instrument.names import is_constant, is_literal, is_simple_key, suspends
from trioflow.race.instrument.scopes import Scope, Scopes
from trioflow.race.instrument.table import Function
from trioflow.race.model.sites import Operation


@final
class Facts:
    """Facts about the classes and imports of a module that make probes needless, or call for some."""

    def __init__(self, tree: ast.Module, scopes: Scopes) -> None:
        self._scopes = scopes
        self._stored_attributes: set[str] = set()
        self._methods: dict[ast.AST, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                self._stored_attributes.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                self._methods[node] = {
                    statement.name
                    for statement in node.body
                    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
                }

    def is_own_method(self, receiver: ast.expr, name: str, scope: Scope, function: Function | None) -> bool:
        """Return whether a call in a method is of another method of its class, so that it reads no variable."""
        if not isinstance(receiver, ast.Name) or name in self._stored_attributes or name == "__init__":
            return False
        method = function
        while method is not None:
            if method.parameter == receiver.id and method.class_node is not None:
                return (
                    scope.lookup(receiver.id) is method.scope
                    and len(method.scope.bindings[receiver.id]) == 1
                    and name in self._methods[method.class_node]
                )
            method = method.outer
        return False

    def is_silent_receiver(self, node: ast.expr, scope: Scope) -> bool:
        """Return whether the methods of an object are no variables, and neither are its contents."""
        if is_literal(node):
            return True
        match node:
            case ast.Name(id=name):
                return self._scopes.is_builtin(scope, name) or self._scopes.is_module(scope, name)
            case ast.Call(func=ast.Name(id="super")):
                return True
            case _:
                return False

    def arguments(self, call: ast.Call, function: ast.expr, scope: Scope) -> dict[int, Operation]:
        """Return what a call is known to do to which of its positional arguments, by what it calls."""
        rule = self._rule(call, function, scope)
        if rule is None:
            return {}
        which, operation = rule
        return dict.fromkeys(range(len(call.args))[which], operation)

    def on_first(self, function: ast.expr, scope: Scope) -> tuple[Operation, str | None] | None:
        """Return what a function does to its first argument as an operator or a method would, and by which method."""
        match function:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if name in names.CONTAINERS:
                if self._scopes.is_builtin(scope, name) and method not in names.MAKING:
                    return Operation.CALL, method
            case _:
                pass
        dotted = self.dotted(function, scope)
        return None if dotted is None else names.ON_FIRST.get(dotted)

    def is_lazy(self, node: ast.expr, scope: Scope) -> bool:
        """Return whether a call makes an iterator that reads its arguments when it is used."""
        return isinstance(node, ast.Call) and self.dotted(node.func, scope) in names.LAZY

    def _rule(self, call: ast.Call, function: ast.expr, scope: Scope) -> tuple[slice, Operation] | None:
        name = self.dotted(function, scope)
        if name is not None:
            if name in names.ALONE:
                return names.ALONE[name] if len(call.args) == 1 else None
            if name in names.FUNCTIONS:
                return names.FUNCTIONS[name]
        match function:
            case ast.Attribute(value=ast.Constant(), attr="format"):
                return slice(0, None), Operation.CONTENTS_READ
            case ast.Attribute(attr=method) if method != "join" or len(call.args) == 1:
                return names.METHODS.get(method)
            case _:
                return None

    def dotted(self, function: ast.expr, scope: Scope) -> str | None:
        """Return the name of a builtin function or of one that was imported, with its module."""
        match function:
            case ast.Name(id=name):
                if self._scopes.is_builtin(scope, name):
                    return name
                return self._scopes.imported(scope, name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if self._scopes.is_module(scope, name):
                return f"{self._scopes.imported(scope, name)}.{attribute}"
            case _:
                return None


def is_view(node: ast.expr) -> bool:
    """Return whether a call makes a view of a dictionary, if it is a method of one."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names.VIEWS
        and not node.args
        and not node.keywords
    )


def looked_into(node: ast.expr) -> ast.expr:
    """Return what an iterator or a view goes through, if it is a single thing that shows."""
    while True:
        match node:
            case ast.GeneratorExp(generators=[ast.comprehension(iter=inner), *_]):
                node = inner
            case ast.Call(func=ast.Attribute(value=receiver)) if is_view(node):
                return receiver
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[_, inner]):
                node = inner
            case ast.Call(func=ast.Name(id="enumerate" | "iter" | "reversed" | "islice"), args=[inner, *_]):
                node = inner
            case _:
                return node


def key_of(arguments: list[ast.expr], method: str) -> ast.expr | None:
    """Return the argument of a method call that is or may be a key."""
    if not arguments or isinstance(arguments[0], ast.Starred):
        return None
    first = arguments[0]
    return first if is_simple_key(first) or method in names.KEYED_METHODS else None


def keys_stored(call: ast.Call, arguments: list[ast.expr]) -> list[ast.expr]:
    """Return the keys under which `d.update({"a": 1}, b=2)` stores, if all are written out as constants."""
    keys: list[ast.expr] = []
    for argument in arguments:
        if not isinstance(argument, ast.Dict) or not all(key is not None and is_constant(key) for key in argument.keys):
            return []
        keys += [key for key in argument.keys if key is not None]
    for keyword in call.keywords:
        if keyword.arg is None:
            return []
        keys.append(ast.Constant(keyword.arg))
    return [] if suspends(call) else keys


def last_suspending(arguments: list[ast.expr], keywords: list[ast.keyword]) -> tuple[int | None, ast.keyword | None]:
    """Return the last argument of a call in which other tasks may run: by index, or a keyword."""
    for keyword in reversed(keywords):
        if suspends(keyword.value):
            return None, keyword
    for index in range(len(arguments) - 1, -1, -1):
        if suspends(arguments[index]):
            return index, None
    return None, None
