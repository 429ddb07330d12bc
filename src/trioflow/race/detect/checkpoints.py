"""Where a task may have been switched away from between two places.

PYTEST_DONT_REWRITE

Found in the source when a report is written, so that nothing has to be recorded while the program runs.
"""

from __future__ import annotations

import ast
import functools

from trioflow.race.detect.source import tree_of
from trioflow.race.model.findings import Location
from trioflow.race.model.sites import Site


def checkpoint_between(start: Site, end: Site) -> Location | None:
    """The first `await`, `async with` or `async for` after `start` on the way to `end`, if one is found."""
    if start.path == end.path and start.function == end.function:
        found = _first(start.path, start.function, (start.end_line, start.end_column - 1), (end.line + 1, 0))
        if found is not None:
            return found
        # Around a loop: from the first place to the end of the loop and on from its top.
        return _first(start.path, start.function, (start.end_line, start.end_column - 1), None) or _first(
            start.path, start.function, None, (end.line + 1, 0)
        )
    return _first(start.path, start.function, (start.end_line, start.end_column - 1), None) or _first(
        end.path, end.function, None, (end.line, end.column - 1)
    )


def _first(path: str, function: str, after: tuple[int, int] | None, before: tuple[int, int] | None) -> Location | None:
    for line, column in _checkpoints(path).get(function, ()):
        if after is not None and (line, column) < (after[0], 0) and line < after[0]:
            continue
        if before is not None and (line, column) >= before:
            continue
        return Location(path, line, column + 1, function)
    return None


@functools.lru_cache(maxsize=64)
def _checkpoints(path: str) -> dict[str, list[tuple[int, int]]]:
    """The checkpoints in each function of a file, by its qualified name, in the order of the source."""
    found: dict[str, list[tuple[int, int]]] = {}
    # Not by recursion: a long chain of `elif` is as deep as it is long.
    waiting: list[tuple[ast.AST, str]] = [(tree_of(path), "")]
    while waiting:
        node, scope = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{scope}{child.name}.<locals>."
            elif isinstance(child, ast.ClassDef):
                inner = f"{scope}{child.name}."
            elif isinstance(child, (ast.Await, ast.AsyncWith, ast.AsyncFor)):
                function = scope.removesuffix(".<locals>.")
                found.setdefault(function, []).append((child.lineno, child.col_offset))
            waiting.append((child, inner))
    return {name: sorted(places) for name, places in found.items()}
