"""What annotations declare: `Annotated[list[str], race.guarded_by("_lock")]` in the body of a class or a module.

PYTEST_DONT_REWRITE

Annotations are looked at once for each class. Those that were not evaluated, as under `from __future__ import
annotations`, are text: of it only names and calls that lead to a declaration are evaluated, never the whole, which
may name what exists for type checkers alone. A class of which nothing is declared costs one look at its annotations.
"""

# Annotations may be anything.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs

from trioflow.race import api
from trioflow.race.model.declarations import Acceptance, GuardedBy
from trioflow.race.shadow.kinds import TypeTable, bases_of, is_a
from trioflow.race.shadow.values import Scope

if TYPE_CHECKING:
    from trioflow.race.shadow.identity import ObjectShadow

_Declaration: TypeAlias = GuardedBy | Acceptance
_DEPTH = 16


@final
@attrs.frozen(eq=False)
class Declared:
    """What is declared of one attribute or global variable."""

    owner: str
    """The name of the class or module that declares it."""
    name: str
    guard: GuardedBy | None = None
    lock_name: str = ""
    """What a lock that is no attribute of the same object is called where the declaration stands."""
    acceptance: Acceptance | None = None
    problem: str = ""
    """Why the declaration can't be meant as it is; empty if it can."""

    @property
    def variable(self) -> str:
        """What it is called in a report."""
        return f"{self.owner}.{self.name}"


@final
class Declarations:
    """What is declared of the variables of one object."""

    __slots__ = ("by_name", "holder")

    def __init__(self, by_name: Mapping[Hashable, Declared], holder: ObjectShadow | None = None) -> None:
        self.by_name = by_name
        self.holder = holder
        """For a container: the shadow of the object that holds it in the one attribute that is declared."""

    def of(self, where: Hashable) -> Declared | None:
        """What is declared of a variable."""
        if self.holder is not None:
            return next(iter(self.by_name.values()))
        return self.by_name.get(where)

    def accepted(self, where: Hashable) -> str:
        """Why whatever is found on a variable is accepted; empty if it is not."""
        declared = self.of(where)
        return "" if declared is None or declared.acceptance is None else declared.acceptance.reason


declared_by_type: TypeTable[type, Declarations | None] = TypeTable()
"""What is declared of the attributes of a class's instances, for those that were met; None for nothing."""
_modules: dict[str, Declarations | None] = {}


def forget() -> None:
    """Let go of the classes met so far."""
    declared_by_type.clear()
    _modules.clear()


def forget_local_types() -> None:
    """Let go of the classes that were made in functions."""
    declared_by_type.forget_local_types()


def declared_of(value: Any) -> Declarations | None:
    """What is declared of the attributes of an object, or of a module's global variables."""
    if type(value) is Scope:
        return _declared_by_module(value.name) if value.name else None
    return _declared_by_class(value if is_a(value, type) else type(value))


def is_declared(cls: type, name: str) -> bool:
    """Whether something is declared of an attribute of a class's instances."""
    declarations = _declared_by_class(cls)
    return declarations is not None and name in declarations.by_name


def _declared_by_class(cls: type) -> Declarations | None:
    """What is declared of the attributes of a class's instances, by itself or by what it derives from."""
    try:
        return declared_by_type[cls]
    except KeyError:
        pass
    found: dict[Hashable, Declared] = {}
    for base in reversed(bases_of(cls)):
        namespace = type.__dict__["__dict__"].__get__(base)
        annotations = namespace.get("__annotations__")
        if type(annotations) is dict:
            module = sys.modules.get(str(namespace.get("__module__")))
            scopes = (dict(namespace), {} if module is None else vars(module), vars(builtins))
            found |= _declared(annotations, base.__name__, scopes)
    return declared_by_type.learn(cls, Declarations(found) if found else None, cls)


def _declared_by_module(name: str) -> Declarations | None:
    """What is declared of the global variables of a module."""
    if name not in _modules:
        namespace = vars(sys.modules[name]) if name in sys.modules else {}
        annotations = namespace.get("__annotations__")
        found = _declared(annotations, name, (namespace, vars(builtins))) if type(annotations) is dict else {}
        _modules[name] = Declarations(found) if found else None
    return _modules[name]


def _declared(
    annotations: Mapping[str, object], owner: str, scopes: tuple[Mapping[str, Any], ...]
) -> dict[Hashable, Declared]:
    found: dict[Hashable, Declared] = {}
    for name, annotation in annotations.items():
        problem = ""
        try:
            declarations = list(_in_annotation(annotation, scopes, _DEPTH))
        except _WrongError as error:
            problem, declarations = str(error), []
        guards = list(dict.fromkeys(each for each in declarations if isinstance(each, GuardedBy)))
        acceptances = [each for each in declarations if isinstance(each, Acceptance)]
        if len(guards) > 1:
            problem = f"it is guarded by two locks, {guards[0]!r} and {guards[1]!r}; name the one that is always held"
        if problem or declarations:
            found[name] = Declared(
                owner=owner,
                name=name,
                guard=guards[0] if guards and not problem else None,
                lock_name=_name_of(guards[0].lock, scopes) if guards else "",
                acceptance=acceptances[0] if acceptances else None,
                problem=problem,
            )
    return found


def _name_of(lock: object, scopes: tuple[Mapping[str, Any], ...]) -> str:
    return next((name for scope in scopes[:-1] for name, value in list(scope.items()) if value is lock), "")


class _WrongError(Exception):
    """A declaration raises an error when it is evaluated; the text says which."""


def _in_annotation(annotation: object, scopes: tuple[Mapping[str, Any], ...], depth: int) -> Iterator[_Declaration]:
    """The declarations in an annotation, evaluated or as text."""
    if depth == 0:
        return
    if isinstance(annotation, (GuardedBy, Acceptance)):
        yield annotation
    elif type(annotation) is str:
        try:
            tree = ast.parse(annotation, mode="eval")
        except (SyntaxError, ValueError):
            return
        yield from _in_text(tree.body, scopes, depth)
    else:
        for part in (*_parts(annotation, "__metadata__"), *_parts(annotation, "__args__")):
            yield from _in_annotation(part, scopes, depth - 1)
        if type(annotation).__name__ == "TypeAliasType":
            yield from _in_annotation(_alias_value(annotation), scopes, depth - 1)
        forward = getattr(annotation, "__forward_arg__", None) if type(annotation).__name__ == "ForwardRef" else None
        if type(forward) is str:
            yield from _in_annotation(forward, scopes, depth - 1)


def _alias_value(alias: Any) -> object:
    """What a type alias stands for, which is worked out when it is asked for the first time."""
    try:
        return alias.__value__
    except Exception:
        return None


def _parts(annotation: object, name: str) -> tuple[object, ...]:
    """What a generic type is made of; a user's object, which may stand there too, is not asked."""
    if type(annotation).__module__ not in ("typing", "types", "typing_extensions"):
        return ()
    parts = getattr(annotation, name, ())
    return parts if type(parts) is tuple else ()


def _in_text(node: ast.expr, scopes: tuple[Mapping[str, Any], ...], depth: int) -> Iterator[_Declaration]:
    if isinstance(node, ast.Call):
        function = _lookup(node.func, scopes)
        if function in (api.guarded_by, api.ok):
            yield _evaluated(node, function, scopes)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        value = _lookup(node, scopes)
        if type(value).__module__ in ("typing", "typing_extensions") or isinstance(value, (GuardedBy, Acceptance)):
            yield from _in_annotation(value, scopes, depth - 1)
    elif isinstance(node, ast.Constant):
        if type(node.value) is str:
            yield from _in_annotation(node.value, scopes, depth - 1)
    elif isinstance(node, ast.Subscript):
        if not (isinstance(node.value, (ast.Name, ast.Attribute)) and _is_literal(node.value)):
            yield from _in_text(node.slice, scopes, depth)
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _in_text(child, scopes, depth)


def _is_literal(node: ast.Name | ast.Attribute) -> bool:
    """Whether what stands in brackets behind this are values, not types."""
    return (node.id if isinstance(node, ast.Name) else node.attr) == "Literal"


def _lookup(node: ast.expr, scopes: tuple[Mapping[str, Any], ...]) -> object:
    """What a dotted name stands for, as far as it leads through modules alone; else None."""
    if isinstance(node, ast.Name):
        return next((scope[node.id] for scope in scopes if node.id in scope), None)
    if isinstance(node, ast.Attribute):
        owner = _lookup(node.value, scopes)
        if isinstance(owner, type(sys)):
            return vars(owner).get(node.attr)
    return None


def _evaluated(node: ast.Call, function: Any, scopes: tuple[Mapping[str, Any], ...]) -> _Declaration:
    arguments = [each.value for each in node.keywords] + node.args
    if len(arguments) != 1:
        raise _WrongError(f"{ast.unparse(node)} needs exactly one argument")
    argument = arguments[0]
    value = argument.value if isinstance(argument, ast.Constant) else _lookup(argument, scopes)
    if value is None:
        raise _WrongError(f"{ast.unparse(node)} names nothing that is known where the annotation stands")
    try:
        made: _Declaration = function(value)
    except (TypeError, ValueError) as error:
        raise _WrongError(str(error)) from None
    return made
