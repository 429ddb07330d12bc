"""Which locals of a function hold objects that it has made itself: what is put into these stays with the function.

PYTEST_DONT_REWRITE

A list in which a function collects what it reads carries these values as a local variable does. Of an object
that came from elsewhere nothing of the sort is assumed: others may put something else into it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, final

import attrs

from trioflow.race.instrument.local_names import Function

# fmt: off
KEEPING: Final = frozenset({
    "add", "append", "appendleft", "callback", "extend", "insert", "push_async_callback", "put", "put_nowait",
    "setdefault", "update",
})
"""Methods that put their arguments into their object."""
_CONTAINERS: Final = frozenset({
    "AsyncExitStack", "Counter", "ExitStack", "OrderedDict", "SimpleNamespace", "bytearray", "defaultdict", "deque",
    "dict", "list", "set",
})
# fmt: on
_DISPLAYS = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)


@final
@attrs.frozen
class OwnObjects:
    """The locals of one function that only ever hold something of a sort."""

    objects: frozenset[str]
    """Containers and exit stacks that were made here."""
    partials: frozenset[str]
    """Functions with arguments that were bound here."""


def made_here(function: Function) -> OwnObjects:
    """Looks at everything that binds a name in a function."""
    objects: set[str] = set()
    partials: set[str] = set()
    others: set[str] = set()
    for name, value in _bindings(function):
        called = _callee(value)
        if isinstance(value, _DISPLAYS) or called in _CONTAINERS:
            objects.add(name)
        elif called == "partial":
            partials.add(name)
        else:
            others.add(name)
    return OwnObjects(frozenset(objects - partials - others), frozenset(partials - objects - others))


def _bindings(function: Function) -> Iterator[tuple[str, ast.expr | None]]:
    """Each name that is bound in a function, with what is assigned to it if that is seen."""
    seen: set[ast.AST] = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        seen.add(target)
                        yield target.id, value
            case ast.AnnAssign(target=ast.Name() as target, value=value) | ast.NamedExpr(target=target, value=value):
                seen.add(target)
                yield target.id, value
            case ast.withitem(context_expr=value, optional_vars=ast.Name() as target):
                seen.add(target)
                yield target.id, value
            case ast.arg():
                yield node.arg, None
            case ast.Name(ctx=ast.Store()) if node not in seen:
                yield node.id, None
            case _:
                pass


def _callee(tree: ast.expr | None) -> str:
    match tree:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
        case _:
            return ""
