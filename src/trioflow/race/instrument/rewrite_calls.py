"""Puts probes into calls.

PYTEST_DONT_REWRITE

A method call whose arguments contain an `await` takes place after it, while its receiver is
evaluated before it. So `x.append(await f())` gets two probes, one around the receiver and one
around the last argument that suspends: the access is made when the second is reached. Functions
that are known to change an argument are treated alike.
"""

from __future__ import annotations

import ast

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.calls import is_view, key_of, keys_stored, last_suspending
from trioflow.race.instrument.names import suspends
from trioflow.race.instrument.rewrite_places import PROBE_OF
from trioflow.race.instrument.rewrite_reflection import ReflectionRewriter
from trioflow.race.instrument.scopes import ScopeKind
from trioflow.race.instrument.temporaries import is_temporary
from trioflow.race.model.sites import Operation


class CallRewriter(ReflectionRewriter):
    """Rewrites calls; the probes in them return their argument as all others do."""

    def call(self, node: ast.Call) -> ast.expr:
        """Rewrite a call."""
        if names.is_foreign_expression(node):
            return node
        arguments = list(node.args)
        operations = self.facts.arguments(node, self.temporaries.meaning(node.func), self.scope)
        if node in self.kept and not is_view(node):
            operations = {}
        function = node.func
        if isinstance(function, ast.Name) and function.id in ("max", "min"):
            self.chosen.update(arguments)
        receiver = function.value if isinstance(function, ast.Attribute) else None
        if isinstance(function, ast.Attribute):
            function.value = self.expression(function.value)
        else:
            node.func = self.expression(function)
        node.args = [self._argument(each, operations.get(index), node) for index, each in enumerate(arguments)]
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = self._mapping(keyword.value)
            else:
                keyword.value = self._passed(keyword.value, node)
        if self.reflects(node, arguments):
            return node
        if self._called_on_argument(node, arguments):
            return self.made(node)
        if isinstance(function, ast.Attribute) and receiver is not None and self._may_be_container(function, receiver):
            self._method(node, function, receiver, arguments)
        elif is_temporary(function):
            self._bound_method(node, arguments)
        elif isinstance(function, ast.Name) and self._is_variable(function.id):
            self._kept_method(node, function, arguments)
        for index, operation in operations.items():
            if operation is Operation.CONTENTS_WRITE and self._changes(arguments[index]):
                self._change_of_argument(node, arguments, index)
        if self._shows_locals(node):
            return nodes.around_locals(node)
        return self.made(node)

    def _argument(self, node: ast.expr, operation: Operation | None, call: ast.Call) -> ast.expr:
        match call.func:
            case ast.Name(id="bool") if len(call.args) == 1 and self.scopes.is_builtin(self.scope, "bool"):
                return self.condition(node)
            case _:
                pass
        # What the call changes is probed with its other arguments in mind.
        if operation is None or operation is Operation.CONTENTS_WRITE:
            return self._passed(node, call)
        name = self._name_of(self.temporaries.meaning(call.func))
        if name == "next" and self.can_be_observed(node, operation):
            return nodes.probe("taken", self.expression(node), node, self.site(operation, node, name=name))
        if name in names.CHANGING and self.can_be_observed(node, operation):
            without = [keyword.arg for keyword in call.keywords if keyword.arg is not None]
            return nodes.fields(self.expression(node), node, self.site(operation, node, name=name), without)
        return self.observed(node, operation, name)

    def _passed(self, node: ast.expr, call: ast.Call) -> ast.expr:
        """Rewrite an argument, which may be a method of a container that the callee calls."""
        receiver = node.value if isinstance(node, ast.Attribute) and node.attr in names.HANDED else None
        rewritten = self.expression(node)
        if receiver is None or not self.active or self.is_silent(receiver):
            return rewritten
        if isinstance(node, ast.Attribute) and isinstance(rewritten, ast.Attribute):
            at_once = call not in self.kept and self.facts.dotted(call.func, self.scope) in names.CALLING
            site = self.site(Operation.CALL, node, expression=receiver, name=node.attr)
            rewritten.value = nodes.probe("used" if at_once else "handed", rewritten.value, receiver, site)
        return rewritten

    def _called_on_argument(self, node: ast.Call, arguments: list[ast.expr]) -> bool:
        """Put a probe around the first argument of `operator.setitem(d, k, v)`, `list.append(xs, v)` and the like."""
        found = self.facts.on_first(self.temporaries.meaning(node.func), self.scope)
        if found is None or not arguments or not self._changes(arguments[0]) or suspends(node):
            return False
        operation, method = found
        accessed, keys = arguments[0], arguments[1:2]
        copies = [nodes.copied_key(key, accessed) for key in keys if nodes.can_be_copied(key, accessed)]
        if not copies and operation in (Operation.ITEM_READ, Operation.MEMBER):
            operation = Operation.CONTENTS_READ
        elif not copies and operation is not Operation.CALL:
            operation = Operation.CONTENTS_WRITE
        probe = (
            "call"
            if operation is Operation.CALL
            else "member"
            if operation is Operation.MEMBER
            else PROBE_OF[operation]
        )
        if operation in (Operation.CONTENTS_READ, Operation.CONTENTS_WRITE):
            copies = []
        site = self.site(operation, node, expression=accessed, name=method)
        node.args[0] = nodes.probe(probe, node.args[0], accessed, site, *copies)
        return True

    def _name_of(self, function: ast.expr) -> str | None:
        """Return the name of a known function, or that by which another one is called; `format` for the method."""
        dotted = self.facts.dotted(function, self.scope)
        match function:
            case _ if dotted is not None:
                return dotted.rpartition(".")[2]
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Constant(), attr="format"):
                return "format"
            case _:
                return None

    def _mapping(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name) and self.function is not None and self.function.gathers(node.id):
            return self.expression(node)
        return self.observed(node, Operation.CONTENTS_READ)

    def _may_be_container(self, function: ast.Attribute, receiver: ast.expr) -> bool:
        if names.is_foreign_expression(receiver) or self.facts.is_silent_receiver(receiver, self.scope):
            return False
        return not self.facts.is_own_method(receiver, function.attr, self.scope, self.function)

    def _method(self, node: ast.Call, function: ast.Attribute, receiver: ast.expr, arguments: list[ast.expr]) -> None:
        if node in self.kept and is_view(node):
            # What a view shows is read when it is used.
            site = self.site(Operation.READ, function, expression=receiver, name=function.attr)
            function.value = nodes.probe("read", function.value, receiver, site)
            return
        stored = keys_stored(node, arguments) if function.attr == "update" else []
        for each in stored:
            site = self.site(Operation.ITEM_WRITE, node, expression=receiver, constant_key=True)
            copied = nodes.copied_key(each, receiver)
            function.value = nodes.probe("item_write", function.value, receiver, site, copied)
        if stored:
            return
        key = key_of(arguments, function.attr)
        site = self.site(
            Operation.CALL,
            node,
            expression=receiver,
            name=names.mangled(function.attr, self.class_name),
            constant_key=key is not None and names.is_constant(key),
        )
        simple = key is not None and nodes.can_be_copied(key, receiver)
        copies = [nodes.copied_key(key, receiver)] if key is not None and simple else []
        if self._finish_after(node, arguments, site):
            function.value = nodes.probe("call_begin", function.value, receiver, site, *copies)
        elif key is not None and not simple:
            function.value = nodes.probe("base", function.value, receiver, site)
            node.args[0] = nodes.probe("key", node.args[0], key, site)
        else:
            function.value = nodes.probe("call", function.value, receiver, site, *copies)

    def _bound_method(self, node: ast.Call, arguments: list[ast.expr]) -> None:
        """Put a probe around a method that an assertion has looked up before."""
        meaning = self.temporaries.meaning(node.func)
        if not isinstance(meaning, ast.Attribute) or not self._may_be_container(meaning, meaning.value):
            return
        key = key_of(arguments, meaning.attr)
        simple = key is not None and names.is_simple_key(key)
        site = self.site(
            Operation.CALL, node, expression=meaning.value, name=names.mangled(meaning.attr, self.class_name)
        )
        copies = [nodes.copied_key(key, node)] if key is not None and simple else []
        node.func = nodes.probe("bound", node.func, node, site, *copies)

    def _is_variable(self, name: str) -> bool:
        """Return whether a function that is called by name may be any, even a method of a container."""
        scope = self.scope.lookup(name)
        return scope is not None and name not in scope.definitions

    def _kept_method(self, node: ast.Call, function: ast.Name, arguments: list[ast.expr]) -> None:
        site = self.site(Operation.CALL, node, expression=function)
        first = arguments[0] if arguments else None
        copies = []
        if first is not None and nodes.can_be_copied(first, function):
            copies = [nodes.copied_key(first, function)]
        node.func = nodes.probe("bound", node.func, function, site, *copies)

    def _change_of_argument(self, node: ast.Call, arguments: list[ast.expr], index: int) -> None:
        changed = arguments[index]
        site = self.site(Operation.CONTENTS_WRITE, changed, stands_for=node)
        suspended = self._finish_after(node, arguments, site)
        probe = "call_begin" if suspended else "contents_write"
        node.args[index] = nodes.probe(probe, node.args[index], changed, site)

    def _changes(self, node: ast.expr) -> bool:
        return names.is_place(node) and not self.is_silent(node)

    def _finish_after(self, node: ast.Call, arguments: list[ast.expr], site: int) -> bool:
        index, keyword = last_suspending(arguments, node.keywords)
        if keyword is not None:
            keyword.value = nodes.probe("call_end", keyword.value, keyword.value, site)
        elif index is not None:
            original, rewritten = arguments[index], node.args[index]
            if isinstance(rewritten, ast.Starred) and isinstance(original, ast.Starred):
                rewritten.value = nodes.probe("call_end", rewritten.value, original.value, site)
            else:
                node.args[index] = nodes.probe("call_end", rewritten, original, site)
        return keyword is not None or index is not None

    def _shows_locals(self, node: ast.Call) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="locals" | "vars" as name), args=[], keywords=[]):
                if self.scope.kind is ScopeKind.CLASS:
                    return False  # its namespace itself, which may be changed
                return self.scopes.is_builtin(self.scope, name) and any(scope.rebound for scope in self.scope.chain())
            case _:
                return False
