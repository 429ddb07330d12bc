"""The source of what was run, as a tree: a report looks up there what nothing has recorded.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
import functools
import linecache


@functools.lru_cache(maxsize=8)
def tree_of(path: str) -> ast.Module:
    """The tree of a file; an empty one where there is no source that can be parsed."""
    try:
        return ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])
