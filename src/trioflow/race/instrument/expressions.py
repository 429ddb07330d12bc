"""Reads expressions into a program: what flows into their values, and which acts they contain.

PYTEST_DONT_REWRITE

The value of `x.a` is one source, the attribute itself; in `x.pool.a` the inner attribute only
tells which object is meant. An unknown call is a source of its own and carries nothing of its
arguments on, since its function is analysed by itself; a few builtins are known to carry them.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable

from trioflow.race.instrument.carriers import function_carries, method_carries, receiver_carries
from trioflow.race.instrument.definitions import Constancy
from trioflow.race.instrument.exits import Reads
from trioflow.race.instrument.local_names import Function, local_names, parameters
from trioflow.race.instrument.own_objects import KEEPING, made_here
from trioflow.race.instrument.program import CONSTANT, NOTHING, UNKNOWN, Program, Value, joined

_CONSUMING = frozenset({"extend", "join", "update"})
"""Methods that read the contents of their arguments."""


class ExpressionReader(Program):
    """A program with what it takes to read expressions."""

    def __init__(self, function: Function, captured: frozenset[str]) -> None:
        super().__init__()
        names = local_names(function)
        self._captured = {name: ast.arg(arg=f"^{name}") for name in sorted(captured)}
        self._own = made_here(function)
        gathering = (function.args.vararg, function.args.kwarg)
        self._gathering = frozenset(each.arg for each in gathering if each is not None)
        self.returned = self.new_variable()
        self.yielded: list[Value] = []
        self.variables = {name: self.new_variable() for name in sorted(names.local)}
        self.lookup_handler: int | None = None
        """Where a failed look-up in the current `try` body goes, if its handler asks for that."""
        self.attribute_handler: int | None = None
        self.reads = Reads()
        """What is read in the current `try` body."""
        self._shared = names.shared
        self.scopes: list[dict[str, int]] = [self.variables]
        """The variables of the function, and of the comprehensions around."""
        self._methods: dict[type[ast.AST], Callable[[ast.expr], Value] | None] = {}
        self._steady = {parameter.arg for parameter in parameters(function)} - names.rebound
        for parameter in parameters(function):
            self.define(self.variables[parameter.arg], self.source(parameter))

    # Values

    def value(self, tree: ast.expr | None) -> Value:
        """Evaluates an expression here."""
        if tree is None:
            return UNKNOWN
        kind = type(tree)
        if kind not in self._methods:
            self._methods[kind] = getattr(self, f"_value_of_{kind.__name__.lower()}", None)
        method = self._methods[kind]
        if method is not None:
            return method(tree)
        self.may_raise()
        return joined([self.value(child) for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr)])

    def contents(self, tree: ast.expr) -> Value:
        """Evaluates an expression for what is in the object: there a local name is read, too."""
        value = self.value(tree)
        if isinstance(tree, ast.Name):
            value = joined((value, self.source(tree)))
        return value

    def _value_of_constant(self, tree: ast.Constant) -> Value:
        return NOTHING if tree.value is None else CONSTANT

    def _value_of_unaryop(self, tree: ast.UnaryOp) -> Value:
        value = self.truth(tree.operand) if isinstance(tree.op, ast.Not) else self.value(tree.operand)
        return value if value.constancy is not Constancy.NOTHING else CONSTANT

    def _value_of_binop(self, tree: ast.BinOp) -> Value:
        rights: list[ast.expr] = []
        left: ast.expr = tree
        while isinstance(left, ast.BinOp):
            rights.append(left.right)
            left = left.left
        values = [self.value(left)]
        values.extend(self.value(right) for right in reversed(rights))
        self.reads.operands |= joined(values).sources
        self.may_raise()
        return joined(values)

    def _value_of_compare(self, tree: ast.Compare) -> Value:
        operands = [tree.left, *tree.comparators]
        contained = [False, *(isinstance(operator, (ast.In, ast.NotIn)) for operator in tree.ops)]
        # A comparison with a constant doesn't look into a container.
        evaluate = self.value if any(isinstance(operand, ast.Constant) for operand in operands) else self.contents
        values: list[Value] = []
        for operand, is_container, before_container in zip(operands, contained, [*contained[1:], False], strict=True):
            if is_container:
                values.append(self.object_of(operand)[0])
            else:
                values.append(self.value(operand) if before_container else evaluate(operand))
        self.may_raise()
        if any(contained):
            values.append(self.source(tree))
        return joined(values)

    def _value_of_name(self, tree: ast.Name) -> Value:
        variable = self.variable(tree.id)
        if variable is None:
            read = self.source(tree)
            captured = self._captured.get(tree.id)
            return read if captured is None else joined((read, self.source(captured)))
        value = self.use(variable)
        if tree.id in self._shared:
            value = joined((value, self.source(tree)))
        return value

    def _value_of_attribute(self, tree: ast.Attribute | ast.Subscript) -> Value:
        value = self._item_or_attribute(tree)[0]
        return joined((value, self.source(tree)))

    _value_of_subscript = _value_of_attribute

    def _item_or_attribute(self, tree: ast.Attribute | ast.Subscript) -> tuple[Value, Value]:
        carried, keys = self.object_of(tree.value)
        if isinstance(tree, ast.Subscript):
            key = self.value(tree.slice)
            carried, keys = joined((carried, key)), joined((keys, key))
            handler = self.lookup_handler
            read = self.source(tree)
            self.reads.items |= read.sources
        else:
            handler = self.attribute_handler
            read = self.source(tree)
            self.reads.attributes |= read.sources
        self.may_raise()
        if handler is not None:
            found = self.new_block()
            self.branch(joined((carried, read)), found, handler)
            self.block = found
        return carried, keys

    def object_of(self, tree: ast.expr) -> tuple[Value, Value]:
        """Evaluates an object of which a part is accessed: what flows on, and the keys and arguments in it."""
        match tree:
            case ast.Name():
                variable = self.variable(tree.id)
                if variable is None:
                    self.source(tree)
                    return UNKNOWN, UNKNOWN
                if tree.id in self._shared:
                    self.source(tree)
                if tree.id in self._gathering:
                    return self.use(variable), UNKNOWN
                if tree.id in self._steady and variable == self.variables[tree.id]:
                    return UNKNOWN, UNKNOWN
                return self.use_as_object(variable), UNKNOWN
            case ast.Attribute() | ast.Subscript():
                return self._item_or_attribute(tree)
            case ast.Call():
                return self._call(tree)
            case ast.Await():
                return self._awaited(tree)
            case _:
                return self.value(tree), UNKNOWN

    def _value_of_call(self, tree: ast.Call) -> Value:
        return self._call(tree)[0]

    def _value_of_await(self, tree: ast.Await) -> Value:
        return self._awaited(tree)[0]

    def _awaited(self, tree: ast.Await) -> tuple[Value, Value]:
        self.reads.suspends = True
        if isinstance(tree.value, ast.Call):
            result, arguments = self._call(tree.value)
            self.reads.calls &= ~result.sources
            self.reads.awaited |= result.sources
        else:
            result, arguments = self.value(tree.value), UNKNOWN
        self.may_raise()
        return result, arguments

    def _call(self, tree: ast.Call) -> tuple[Value, Value]:
        """Returns what flows into the result, and what flows into the call."""
        name = ""
        inner = receiver = UNKNOWN
        carrying = False
        if isinstance(tree.func, ast.Attribute):
            name = tree.func.attr
            carrying = method_carries(tree.func)
            if receiver_carries(tree.func):
                receiver = self.value(tree.func.value)
            else:
                inner = self.object_of(tree.func.value)[1]
        elif isinstance(tree.func, ast.Name):
            variable = self.variable(tree.func.id)
            carrying = variable is None and function_carries(tree.func.id)
            if variable is not None and tree.func.id in self._own.partials:
                inner = self.use(variable)
        else:
            inner = self.object_of(tree.func)[1]
        evaluate = self.contents if carrying or name in _CONSUMING else self.value
        given = [evaluate(argument) for argument in tree.args]
        given.extend(
            self.value(keyword.value) if keyword.arg is not None else self.contents(keyword.value)
            for keyword in tree.keywords
        )
        self.may_raise()
        result = self.source(tree)
        self.reads.calls |= result.sources
        if carrying:
            self.reads.converted |= joined(given).sources
        self._keep(tree.func, given)
        arguments = joined((inner, *given))
        self.act(tree, arguments)
        return (joined((result, receiver, *given)) if carrying else result), arguments

    def _keep(self, function: ast.expr, given: list[Value]) -> None:
        """What is put into a container that was made here is in it from now on."""
        match function:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if method in KEEPING and name in self._own.objects:
                variable = self.variable(name)
                if variable is not None:
                    self.define(variable, joined((self.use(variable), *given)))
            case _:
                pass

    def is_own(self, name: str) -> bool:
        """Whether a name stands for a container or an exit stack that was made here."""
        return name in self._own.objects and self.variable(name) is not None

    def keep_in(self, target: ast.expr, value: Value) -> None:
        """The same for what is stored in an element or an attribute of an object that was made here."""
        if isinstance(target, ast.Name) and target.id in self._own.objects:
            variable = self.variable(target.id)
            if variable is not None:
                self.define(variable, joined((self.use(variable), value)))

    def _value_of_starred(self, tree: ast.Starred) -> Value:
        self.may_raise()
        return self.contents(tree.value)

    def _value_of_formattedvalue(self, tree: ast.FormattedValue) -> Value:
        value = self.contents(tree.value)
        self.may_raise()
        return joined((value, self.value(tree.format_spec)))

    def _value_of_dict(self, tree: ast.Dict) -> Value:
        values: list[Value] = []
        for key, value in zip(tree.keys, tree.values, strict=True):
            if key is None:
                values.append(self.contents(value))
            else:
                values += (self.value(key), self.value(value))
        return joined(values)

    def _value_of_lambda(self, tree: ast.Lambda) -> Value:
        for default in (*tree.args.defaults, *tree.args.kw_defaults):
            self.value(default)
        return UNKNOWN

    def _value_of_yield(self, tree: ast.Yield) -> Value:
        self.yielded.append(self.value(tree.value))
        self.reads.suspends = True
        self.may_raise()
        return UNKNOWN

    def _value_of_yieldfrom(self, tree: ast.YieldFrom) -> Value:
        value = self.contents(tree.value)
        self.yielded.append(value)
        self.reads.suspends = True
        self.may_raise()
        return value

    # Names and decisions

    def variable(self, name: str) -> int | None:
        """The local variable of that name, None if it isn't local."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    @abstractmethod
    def truth(self, tree: ast.expr) -> Value:
        """Evaluates an expression for being true."""
