"""Which names of a module are variables that several activations share.

PYTEST_DONT_REWRITE

A local variable that no inner function sees belongs to one activation, and nothing about it can
race. Two kinds of names can: globals that some function rebinds, and closure variables that are
bound again after an inner function captured them. Everything else is bound once before anybody
else can look, and needs no probe.

The scopes are found here and not by the `symtable` module, since that sees only source text, and
its tables can't be told apart where two functions of one name begin on one line.

"Bound again after capture" is decided from the text: some inner function declares the name
nonlocal and binds it; or its owner binds it behind the end of an inner function that uses it; or
both happen in one loop. A comprehension runs where it stands, so it captures nothing by itself,
and what its own variables hold is left out.
"""

from __future__ import annotations

import ast
import enum
import sys
from collections.abc import Iterable, Iterator
from typing import Final, final

import attrs

from trioflow.race.instrument.names import BUILTINS
from trioflow.race.instrument.positions import span

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

COMPREHENSION_NAMES: Final[dict[type[ast.AST], str]] = {
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
    ast.GeneratorExp: "<genexpr>",
}


class ScopeKind(enum.Enum):
    """What a scope belongs to."""

    MODULE = enum.auto()
    CLASS = enum.auto()
    FUNCTION = enum.auto()
    COMPREHENSION = enum.auto()
    TYPE_PARAMETERS = enum.auto()


@final
@attrs.frozen
class _Binding:
    start: tuple[int, int]
    loops: frozenset[ast.AST]


@final
@attrs.frozen
class _Capture:
    end: tuple[int, int]
    loops: frozenset[ast.AST]


@final
@attrs.define(eq=False)
class Scope:
    """One scope: what it binds, what it uses, and which of its variables are rebound after capture."""

    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    qualified_name: str
    loops: frozenset[ast.AST]
    """The loops of the parent in which it is defined."""
    uses: set[str] = attrs.Factory(set[str])
    globals: set[str] = attrs.Factory(set[str])
    nonlocals: set[str] = attrs.Factory(set[str])
    imports: dict[str, str] = attrs.Factory(dict[str, str])
    """What import statements bind, with the dotted name of what is imported."""
    definitions: set[str] = attrs.Factory(set[str])
    """What is bound by definitions of functions and classes, and by imports."""
    modules: dict[str, int] = attrs.Factory(dict[str, int])
    """How many `import` statements bind a name to a module."""
    rebound: set[str] = attrs.Factory(set[str])
    """Variables of this function that are bound again after an inner function captured them."""
    bindings: dict[str, list[_Binding]] = attrs.Factory(dict[str, list[_Binding]])

    def lookup(self, name: str) -> Scope | None:
        """Return the scope that owns a name used here; None for the module's and the builtins'."""
        scope: Scope | None = self
        first = True
        while scope is not None and scope.kind is not ScopeKind.MODULE:
            if first or scope.kind is not ScopeKind.CLASS:
                if name in scope.globals:
                    return None
                if name in scope.bindings and name not in scope.nonlocals:
                    return scope
            scope = scope.parent
            # A comprehension in a class body does not see the class's names.
            first = False
        return None

    def enclosing_class(self) -> ast.ClassDef | None:
        """Return the class in whose body a function is defined."""
        scope = self.parent
        if scope is not None and scope.kind is ScopeKind.TYPE_PARAMETERS:
            scope = scope.parent
        return scope.node if scope is not None and isinstance(scope.node, ast.ClassDef) else None

    def chain(self) -> Iterator[Scope]:
        """Yield this scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@final
class Scopes:
    """All scopes of a module."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(ScopeKind.MODULE, tree, None, "", frozenset())
        self.rebound_globals = {name for statement in tree.body for name in _declared(statement)}
        self._of: dict[ast.AST, Scope] = {tree: self.module}
        _Collector(self._of, self.module).statements(tree.body)
        for scope in self._of.values():
            if scope.kind is ScopeKind.FUNCTION:
                self.rebound_globals |= scope.globals & scope.bindings.keys()
        self._find_rebound()

    def of(self, node: ast.AST) -> Scope:
        """Return the scope that a function, class, comprehension or the module opens."""
        return self._of[node]

    def is_builtin(self, scope: Scope, name: str) -> bool:
        """Return whether a name used in a scope is that of a builtin that the module does not hide."""
        return name in BUILTINS and name not in self.module.bindings and scope.lookup(name) is None

    def is_module(self, scope: Scope, name: str) -> bool:
        """Return whether a name used in a scope always holds an imported module."""
        owner = scope.lookup(name) or self.module
        imports = owner.modules.get(name)
        return imports is not None and imports == len(owner.bindings[name]) and name not in self.rebound_globals

    def imported(self, scope: Scope, name: str) -> str | None:
        """Return the dotted name of what an import bound to a name."""
        owner = scope.lookup(name) or self.module
        return owner.imports.get(name)

    def _find_rebound(self) -> None:
        captures: dict[tuple[Scope, str], list[_Capture]] = {}
        for scope in self._of.values():
            for name in scope.uses | (scope.nonlocals & scope.bindings.keys()):
                owner = scope.lookup(name)
                if owner is None or owner.kind is not ScopeKind.FUNCTION or isinstance(owner.node, ast.Lambda):
                    continue
                inner = [each for each in scope.chain() if _is_inside(each, owner)]
                if not any(each.kind is ScopeKind.FUNCTION for each in inner):
                    continue
                if name in scope.nonlocals and name in scope.bindings:
                    owner.rebound.add(name)
                outermost = inner[-1]
                captures.setdefault((owner, name), []).append(_Capture(span(outermost.node).end, outermost.loops))
        for (owner, name), found in captures.items():
            if any(
                binding.start > capture.end or binding.loops & capture.loops
                for binding in owner.bindings[name]
                for capture in found
            ):
                owner.rebound.add(name)


def _declared(statement: ast.stmt) -> Iterator[str]:
    """Yield the global whose annotation may say which lock it needs: each access to it counts, rebound or not."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        text = ast.unparse(statement.annotation)
        if "Annotated" in text or "guarded_by" in text:
            yield statement.target.id


def _is_inside(scope: Scope, owner: Scope) -> bool:
    return scope is not owner and any(each is owner for each in scope.chain())


@final
class _Collector:
    """Walks the statements of one scope and opens collectors for the scopes in it."""

    def __init__(self, scopes: dict[ast.AST, Scope], scope: Scope) -> None:
        self._scopes = scopes
        self._scope = scope
        self._loops: frozenset[ast.AST] = frozenset()

    def statements(self, body: Iterable[ast.AST]) -> None:
        for statement in body:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(node.name, node)
                self._scope.definitions.add(node.name)
                self.statements(node.decorator_list)
                self._defaults(node.args)
                self._function(node, node.name)
            case ast.Lambda():
                self._defaults(node.args)
                self._function(node, "<lambda>")
            case ast.ClassDef():
                self._bind(node.name, node)
                self._scope.definitions.add(node.name)
                self.statements(node.decorator_list)
                outer = self._type_parameters(node)
                outer.statements(node.bases)
                outer.statements(keyword.value for keyword in node.keywords)
                outer._open(ScopeKind.CLASS, node, node.name).statements(node.body)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.For() | ast.AsyncFor():
                self.visit(node.iter)
                self._loop(node, [node.target, *node.body])
                self.statements(node.orelse)
            case ast.While():
                self._loop(node, [node.test, *node.body])
                self.statements(node.orelse)
            case ast.Name():
                if isinstance(node.ctx, ast.Load):
                    self._scope.uses.add(node.id)
                else:
                    self._bind(node.id, node)
            case ast.NamedExpr():
                self.visit(node.value)
                self._walrus(node.target)
            case ast.AnnAssign():
                if isinstance(node.target, ast.Name):
                    self._bind(node.target.id, node)
                else:
                    self.visit(node.target)
                if node.value is not None:
                    self.visit(node.value)
            case ast.Import() | ast.ImportFrom():
                self._imports(node)
            case ast.Global():
                self._scope.globals.update(node.names)
            case ast.Nonlocal():
                self._scope.nonlocals.update(node.names)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                if node.name is not None:
                    self._bind(node.name, node)
                self._children(node)
            case ast.MatchMapping():
                if node.rest is not None:
                    self._bind(node.rest, node)
                self._children(node)
            case _ if type(node).__name__ == "TypeAlias":
                # Its value is evaluated lazily and not rewritten.
                self.visit(getattr(node, "name"))  # noqa: B009
            case _:
                self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def _bind(self, name: str, node: ast.AST) -> None:
        self._scope.bindings.setdefault(name, []).append(_Binding(span(node).start, self._loops))

    def _walrus(self, target: ast.Name) -> None:
        scope = self._scope
        loops = self._loops
        while scope.kind is ScopeKind.COMPREHENSION and scope.parent is not None:
            loops = scope.loops | {scope.node}
            scope = scope.parent
        scope.bindings.setdefault(target.id, []).append(_Binding(span(target).start, loops))

    def _loop(self, node: ast.AST, body: list[ast.AST]) -> None:
        before = self._loops
        self._loops = before | {node}
        self.statements(body)
        self._loops = before

    def _imports(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                self._scope.imports[name] = alias.name if alias.asname else name
                self._scope.modules[name] = self._scope.modules.get(name, 0) + 1
            elif alias.name == "*":
                continue
            else:
                name = alias.asname or alias.name
                self._scope.imports[name] = f"{node.module}.{alias.name}" if not node.level else ""
            self._scope.definitions.add(name)
            self._bind(name, node)

    def _open(self, kind: ScopeKind, node: ast.AST, name: str) -> _Collector:
        parent = self._scope
        scope = Scope(kind, node, parent, _qualified_name(parent, name), self._loops)
        if kind is not ScopeKind.TYPE_PARAMETERS:
            self._scopes[node] = scope
        return _Collector(self._scopes, scope)

    def _type_parameters(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> _Collector:
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        if not parameters:
            return self
        inner = self._open(ScopeKind.TYPE_PARAMETERS, node, node.name)
        for parameter in parameters:
            inner._bind(getattr(parameter, "name"), parameter)  # noqa: B009
        return inner

    def _defaults(self, arguments: ast.arguments) -> None:
        self.statements(arguments.defaults)
        self.statements(default for default in arguments.kw_defaults if default is not None)

    def _function(self, node: FunctionNode, name: str) -> None:
        outer = self if isinstance(node, ast.Lambda) else self._type_parameters(node)
        inner = outer._open(ScopeKind.FUNCTION, node, name)
        for parameter in parameters(node):
            inner._bind(parameter.arg, node)
        if isinstance(node, ast.Lambda):
            inner.visit(node.body)
        else:
            inner.statements(node.body)

    def _comprehension(self, node: Comprehension) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        inner = self._open(ScopeKind.COMPREHENSION, node, COMPREHENSION_NAMES[type(node)])
        inner.visit(first.target)
        inner.statements(first.ifs)
        inner.statements(others)
        if isinstance(node, ast.DictComp):
            inner.statements([node.key, node.value])
        else:
            inner.visit(node.elt)


def parameters(node: FunctionNode) -> list[ast.arg]:
    """Return all parameters of a function."""
    arguments = node.args
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def has_own_frame(node: ast.AST) -> bool:
    """Return whether a comprehension runs in a frame of its own; from Python 3.12 on most don't."""
    return isinstance(node, ast.GeneratorExp) or sys.version_info < (3, 12)


def _qualified_name(parent: Scope, name: str) -> str:
    if name in parent.globals:
        return name
    scope: Scope | None = parent
    while scope is not None:
        match scope.kind:
            case ScopeKind.MODULE:
                return name
            case ScopeKind.CLASS:
                return f"{scope.qualified_name}.{name}"
            case ScopeKind.FUNCTION:
                return f"{scope.qualified_name}.<locals>.{name}"
            case ScopeKind.COMPREHENSION if has_own_frame(scope.node):
                return f"{scope.qualified_name}.<locals>.{name}"
            case _:
                scope = scope.parent
    return name
