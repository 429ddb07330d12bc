"""What the temporary names stand for that pytest puts into rewritten assertions.

PYTEST_DONT_REWRITE

`assert cache.get(key) in known` becomes, step by step, `@py_assert1 = cache.get`, `@py_assert2 =
@py_assert1(key)` and so on. The accesses are the same as before, but a method is looked up in one statement and
called in another, and a report should show what was written.
"""

from __future__ import annotations

import ast
from typing import cast, final

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
        """Return a copy with meanings in place of names: the rewriter is going to change the node itself."""
        copied = self._copied(node)
        assert isinstance(copied, ast.expr)
        return copied

    def _copied(self, value: object) -> object:
        if isinstance(value, list):
            return [self._copied(each) for each in cast("list[object]", value)]
        if not isinstance(value, ast.AST):
            return value
        if isinstance(value, ast.Name) and value.id in self._meanings:
            return self._meanings[value.id]
        # Not by its constructor, which wants all fields at once; and copy.deepcopy() takes many times as long.
        copied = type(value).__new__(type(value))
        for field, part in ast.iter_fields(value):
            setattr(copied, field, self._copied(part))
        return copied
