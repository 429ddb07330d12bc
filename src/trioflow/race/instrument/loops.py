"""Whether a loop goes on after a checkpoint in its body, and what makes an iterator that is used later.

PYTEST_DONT_REWRITE

A loop whose body always leaves after its first checkpoint takes no element after it, and relies on
nothing. So each way through the body is followed with one bit of state: whether a checkpoint has been
passed. A `yield` counts as one: others may run before the generator goes on.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final, final

import attrs

from trioflow.race.instrument.names import suspends

NOWHERE: Final = 0
FRESH: Final = 1
"""Reached without a checkpoint."""
PASSED: Final = 2
"""Reached after one."""

_SWALLOWING: Final = frozenset({"suppress", "move_on_after", "move_on_at", "CancelScope", "raises"})
"""Context managers after which a program goes on although their body has not come to its end."""


@final
@attrs.define
class _Ways:
    """In which states statements are left, by way; a state is a set of bits."""

    end: int = NOWHERE
    again: int = NOWHERE
    """By `continue`, or at the end of the body."""
    broken: int = NOWHERE
    raised: int = NOWHERE


def comes_back(body: Sequence[ast.stmt]) -> bool:
    """Return whether a loop with this body may take another element after a checkpoint in it."""
    ways = _Ways()
    ways.end = _block(body, FRESH, ways)
    return bool((ways.end | ways.again) & PASSED)


def element_suspends(node: ast.ListComp | ast.SetComp | ast.DictComp, generator: ast.comprehension) -> bool:
    """Return whether there is a checkpoint between two elements that a comprehension takes in one of its clauses."""
    later = node.generators[node.generators.index(generator) :]
    if any(suspends(test) for each in later for test in each.ifs):
        return True
    if any(each.is_async or suspends(each.iter) for each in later[1:]):
        return True
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    return any(map(suspends, results))


def _block(body: Sequence[ast.stmt], state: int, ways: _Ways) -> int:
    for statement in body:
        if not state:
            break
        state = _statement(statement, state, ways)
    return state


def _after(node: ast.AST | None, state: int) -> int:
    """The state after an expression has been evaluated."""
    return PASSED if state and node is not None and suspends(node) else state


def _statement(node: ast.stmt, state: int, ways: _Ways) -> int:
    match node:
        case ast.If():
            state = _after(node.test, state)
            ways.raised |= state
            return _block(node.body, state, ways) | _block(node.orelse, state, ways)
        case ast.While() | ast.For() | ast.AsyncFor():
            return _loop(node, state, ways)
        case ast.With() | ast.AsyncWith():
            return _with(node, state, ways)
        case ast.Try() | ast.TryStar():
            return _try(node, state, ways)
        case ast.Match():
            state = _after(node.subject, state)
            ways.raised |= state
            cases = [_block(each.body, _after(each.guard, state), ways) for each in node.cases]
            return _union((state, *cases))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return state
        case ast.Continue():
            ways.again |= state
            return NOWHERE
        case ast.Break():
            ways.broken |= state
            return NOWHERE
        case _:
            ways.raised |= state
            state = _after(node, state)
            ways.raised |= state
            return NOWHERE if isinstance(node, ast.Return | ast.Raise) else state


def _union(states: Sequence[int]) -> int:
    result = NOWHERE
    for state in states:
        result |= state
    return result


def _loop(node: ast.While | ast.For | ast.AsyncFor, state: int, ways: _Ways) -> int:
    head = node.test if isinstance(node, ast.While) else node.iter
    always = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
    state = PASSED if isinstance(node, ast.AsyncFor) else _after(head, state)
    inner = _Ways()
    for _ in range(3):  # what a turn leaves behind, the next one starts with: two bits settle in two turns
        state |= _block(node.body, state, inner) | inner.again
        if isinstance(node, ast.While):
            state |= _after(head, state)
    ways.raised |= inner.raised | state
    return inner.broken | (NOWHERE if always else _block(node.orelse, state, ways))


def _with(node: ast.With | ast.AsyncWith, state: int, ways: _Ways) -> int:
    asynchronous = isinstance(node, ast.AsyncWith)
    for item in node.items:
        state = _after(item.context_expr, state)
    if asynchronous:
        state = PASSED
    ways.raised |= state
    inner = _Ways()
    end = _block(node.body, state, inner)
    if any(_swallows(item.context_expr) for item in node.items):
        end |= inner.raised
    for way in ("again", "broken", "raised"):
        left = getattr(inner, way)
        setattr(ways, way, getattr(ways, way) | (PASSED if left and asynchronous else left))
    return PASSED if end and asynchronous else end


def _swallows(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else node
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _SWALLOWING
        case _:
            return False


def _try(node: ast.Try | ast.TryStar, state: int, ways: _Ways) -> int:
    inner = _Ways(raised=state)
    end = _block(node.orelse, _block(node.body, state, inner), inner)
    caught = inner.raised
    if not node.handlers:
        caught, uncaught = NOWHERE, caught
    else:
        uncaught = inner.raised
        inner.raised = NOWHERE
    for handler in node.handlers:
        end |= _block(handler.body, caught, inner)
    for way, left in (("again", inner.again), ("broken", inner.broken), ("raised", inner.raised | uncaught)):
        setattr(ways, way, getattr(ways, way) | _block(node.finalbody, left, ways))
    return _block(node.finalbody, end, ways)
