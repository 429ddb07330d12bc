"""The nodes that the rewriter puts into a tree.

PYTEST_DONT_REWRITE

Each carries the position of what it stands around, so that tracebacks, tracers and coverage see
what they would have seen.
"""

from __future__ import annotations

import ast
import sys
from typing import Final

from trioflow.race.instrument.names import is_constant, is_simple_key
from trioflow.race.instrument.positions import Span, place, span, tail

PROBES: Final = (
    "read",
    "write",
    "update",
    "named",
    "on",
    "imported",
    "matched",
    "begin",
    "finish",
    "call",
    "bound",
    "call_begin",
    "call_end",
    "base",
    "key",
    "item_read",
    "item_write",
    "item_update",
    "item_begin",
    "member",
    "shape",
    "iterate",
    "contents",
    "contents_write",
    "fields",
    "handed",
    "used",
    "loop",
    "made",
    "taken",
    "advance",
    "ended",
    "name_read",
    "name_write",
    "name_written",
    "enter",
    "locals",
    "scope",
)
"""All names of probes; each is in `builtins` with an `@` before it."""


TOKEN: Final = "\U0010ffffscope:"
"""How the names of tokens begin: with the last character that there is."""


def token_name(qualified_name: str) -> str:
    """Return the name of the variable that tells activations of a function apart.

    Cells are sorted by name: this one comes after all others, so that those in `__closure__` stay where they were.
    """
    return f"{TOKEN}{qualified_name}"


def token(qualified_name: str | None, where: Span) -> ast.expr:
    """Return an expression for the scope that owns a name; None is the module."""
    if qualified_name is None:
        return place(ast.Constant(None), where)
    return place(ast.Name(token_name(qualified_name), ast.Load()), where)


def probe(name: str, rewritten: ast.expr, original: ast.expr, site: int, *more: ast.expr) -> ast.Call:
    """Return a probe around an expression."""
    first, last = span(original), tail(original)
    return place(
        ast.Call(
            func=place(ast.Name("@" + name, ast.Load()), first),
            args=[rewritten, place(ast.Constant(site), last), *more],
            keywords=[],
        ),
        last,
    )


def name_probe(name: str, value: ast.expr, scope: ast.expr, site: int, where: Span) -> ast.Call:
    """Return a probe for a global name or a closure variable."""
    return place(
        ast.Call(
            func=place(ast.Name("@" + name, ast.Load()), where),
            args=[value, scope, place(ast.Constant(site), where)],
            keywords=[],
        ),
        where,
    )


def statement(name: str, where: Span, *arguments: ast.expr) -> ast.Expr:
    """Return a probe that is a statement."""
    call = ast.Call(func=place(ast.Name("@" + name, ast.Load()), where), args=list(arguments), keywords=[])
    return place(ast.Expr(place(call, where)), where)


def call(name: str, where: Span, site: int) -> ast.Call:
    """Return a probe that is an expression of its own."""
    function = place(ast.Name("@" + name, ast.Load()), where)
    return place(ast.Call(func=function, args=[number(site, where)], keywords=[]), where)


def fields(rewritten: ast.expr, original: ast.expr, site: int, without: list[str]) -> ast.Call:
    """Return a probe around an object whose fields are read, but for some."""
    return probe("fields", rewritten, original, site, *(place(ast.Constant(each), tail(original)) for each in without))


def imported(site: int, module: str, where: Span) -> ast.Expr:
    """Return a statement that tells that an import has read something of a module."""
    return statement("imported", where, number(site, where), place(ast.Constant(module), where))


def around(name: str, node: ast.expr, first: ast.expr, site: int) -> ast.Call:
    """Return a probe around an expression whose evaluation begins with a part of it."""
    whole = span(node)
    function = place(ast.Name("@" + name, ast.Load()), span(first))
    return place(ast.Call(func=function, args=[node, number(site, whole)], keywords=[]), whole)


def iterable(rewritten: ast.expr, where: Span) -> ast.expr:
    """Return what a loop goes through; since Python 3.13 the interpreter stands there when it takes an element."""
    return rewritten if sys.version_info < (3, 13) else place(rewritten, where)


def after_first(node: ast.expr, site: int) -> ast.expr:
    """Tell that an element has been taken, once what a condition evaluates first has been evaluated.

    A condition of its own would make the interpreter jump, and go back to the line of the comprehension for it.
    """
    match node:
        case ast.BoolOp(values=[first, *_]):
            node.values[0] = after_first(first, site)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            node.operand = after_first(operand, site)
        case ast.Compare(left=left):
            node.left = after_first(left, site)
        case _:
            return probe("ended", node, node, site)
    return node


def number(value: int, where: Span) -> ast.expr:
    """Return the number of a site as an expression."""
    return place(ast.Constant(value), where)


def name(identifier: str, where: Span) -> ast.expr:
    """Return an expression for the value of a name."""
    return place(ast.Name(identifier, ast.Load()), where)


def token_assignment(qualified_name: str, where: Span) -> ast.Assign:
    """Return the statement that makes the token of a function."""
    made = place(ast.Call(func=place(ast.Name("@scope", ast.Load()), where), args=[], keywords=[]), where)
    return place(ast.Assign([place(ast.Name(token_name(qualified_name), ast.Store()), where)], made), where)


def around_locals(call: ast.Call) -> ast.Call:
    """Return a call that hides tokens from the result of `locals()`."""
    where = span(call)
    return place(
        ast.Call(func=place(ast.Name("@locals", ast.Load()), where), args=[call], keywords=[]),
        where,
    )


def past_namespace(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the body of a class with its probes looked up past its namespace, which a metaclass may have made."""
    found: set[str] = set()
    rest: list[ast.AST] = list(body)
    while rest:
        node = rest.pop()
        match node:
            case ast.Name(id=name):
                if name[:1] == "@" and name[1:] in PROBES:
                    found.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                rest += [*node.decorator_list, node.args]
            case ast.Lambda():
                rest.append(node.args)
            case ast.ClassDef():
                rest += [*node.decorator_list, *node.bases, *node.keywords]
            case _:
                rest += ast.iter_child_nodes(node)
    if not found:
        return body
    where = span(body[0])
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    start = 1 if documented else 0
    return [*body[:start], place(ast.Global(sorted(found)), where), *body[start:]]


def can_be_copied(key: ast.expr, original: ast.expr) -> bool:
    """Return whether a copy of a key can be evaluated with the object, instead of after it.

    Names must stand on the line of the object: reading one may fail, and must do so on its own line,
    but a tracer would see that line before its turn.
    """
    if is_constant(key):
        return True
    return is_simple_key(key) and span(key).line == span(key).end_line == tail(original).line


def copied_key(key: ast.expr, original: ast.expr) -> ast.expr:
    """Return a copy of a key to be evaluated with the object."""
    where = tail(original) if isinstance(key, ast.Constant) else span(key)
    match key:
        case ast.Name():
            return place(ast.Name(key.id, ast.Load()), where)
        case ast.Tuple():
            where = tail(original) if is_constant(key) else where
            elements = [copied_key(element, original) for element in key.elts]
            return place(ast.Tuple(elements, ast.Load()), where)
        case ast.UnaryOp():
            return place(ast.UnaryOp(key.op, copied_key(key.operand, original)), tail(original))
        case ast.Constant():
            return place(ast.Constant(key.value, key.kind), where)
        case _:
            raise TypeError(f"no simple key: {ast.dump(key)}")
