"""What a test itself asserts.

PYTEST_DONT_REWRITE

An assertion in a function may well be a check on which it acts. In the body of a test it looks at what has come out
so far; that the test goes on to its next call only if it holds is no decision. Nor is what a `__repr__` shows, which
is where tests of it look.
"""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

from trioflow.race.detect.source import tree_of

if TYPE_CHECKING:
    from trioflow.race.model.sites import Site

_SHOWING = frozenset({"__repr__", "__str__"})


def is_asserted(site: Site) -> bool:
    """Whether a place lies in an assertion that a test itself makes, not a function in it, or shows an object."""
    name = site.function.rpartition(".")[2]
    if name in _SHOWING:
        return True
    if "<locals>" in site.function or not name.startswith("test"):
        return False
    return any(first <= site.line <= last for first, last in _assertions(site.path))


@functools.lru_cache(maxsize=64)
def _assertions(path: str) -> tuple[tuple[int, int], ...]:
    """The first and last lines of a file's assertions."""
    return tuple(
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    )
