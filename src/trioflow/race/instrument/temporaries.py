"""What the temporary names stand for that pytest puts into rewritten assertions.

PYTEST_DONT_REWRITE

`assert cache.get(key) in known` becomes, step by step, `@py_assert1 = cache.get`, `@py_assert2 =
@py_assert1(key)` and so on. The accesses are the same as before, but a method is looked up in one statement and
called in another, and a report should show what was written.
"""

from __future__ import annotations

import ast
import copy
from typing import final

_PREFIX = "@py_assert"


def is_temporary(node: ast.AST) -> bool:
    """Return whether a node is a name for a value in the midst of an assertion."""
    return isinstance(node, ast.Name) and node.id.startswith(_PREFIX)


@final
class Temporaries:
    """The meanings of the temporary names at the statement that is being rewritten."""

    def __init__(self) -> None:
        self._meanings: dict[str, ast.expr] = {}

    def note(self, assignment: ast.Assign) -> None:
        """Take in an assignment, before it is rewritten."""
        target = assignment.targets[0]
        if not isinstance(target, ast.Name) or not is_temporary(target):
            return
        clears = isinstance(assignment.value, ast.Constant) and assignment.value.value is None
        if clears and target.id in self._meanings:
            # The end of an assertion: its temporary names are set to None, all of them at once.
            self._meanings.clear()
        elif len(assignment.targets) == 1:
            self._meanings[target.id] = self._without_positions(assignment.value)

    def meaning(self, node: ast.expr) -> ast.expr:
        """Return what was written in the source; the node itself if it contains no temporary name."""
        if self._meanings and any(is_temporary(each) for each in ast.walk(node)):
            return self._without_positions(node)
        return node

    def _without_positions(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name) and node.id in self._meanings:
            return self._meanings[node.id]
        meaning = _Substitution(self._meanings).visit(copy.deepcopy(node))
        assert isinstance(meaning, ast.expr)
        for each in ast.walk(meaning):
            for attribute in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
                vars(each).pop(attribute, None)
        return meaning


@final
class _Substitution(ast.NodeTransformer):
    def __init__(self, meanings: dict[str, ast.expr]) -> None:
        self._meanings = meanings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._meanings.get(node.id, node)
