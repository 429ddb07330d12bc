"""Where things stand in the source text.

PYTEST_DONT_REWRITE

Positions in a tree count bytes of UTF-8, as the interpreter does; reports count characters from
one, as editors do. Trees that pytest has rewritten contain nodes without end positions and nodes
whose text is nowhere in the source, so nothing here may fail on a strange position.
"""

from __future__ import annotations

import ast
import sys
from typing import Final, TypeVar, final

import attrs

_LONGEST_EXPRESSION: Final = 200

_Node = TypeVar("_Node", bound=ast.expr | ast.stmt)


@final
@attrs.frozen
class Span:
    """A range of source: lines from one, columns in bytes from zero."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def start(self) -> tuple[int, int]:
        """Where it begins."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """Where it ends."""
        return self.end_line, self.end_column


def span(node: ast.AST) -> Span:
    """Return the range of a node; what it lacks is taken from what it has."""
    line = getattr(node, "lineno", None) or 1
    column = getattr(node, "col_offset", None) or 0
    end_line = getattr(node, "end_lineno", None) or line
    end_column = getattr(node, "end_col_offset", None)
    return Span(line, column, end_line, column if end_column is None else end_column)


def tail(node: ast.AST) -> Span:
    """Return the range of the last instruction that evaluates an expression.

    In a chain of methods over several lines the interpreter places the last attribute and the call
    on the line of the name after the dot. What is inserted behind it must stand on that line too,
    or a tracer would see the first line of the chain twice.
    """
    inner = node.value if isinstance(node, ast.Await) else node
    attribute = inner.func if isinstance(inner, ast.Call) else inner
    whole = span(node)
    if not isinstance(attribute, ast.Attribute):
        return whole
    end = span(attribute)
    if end.end_line == whole.line:
        return whole
    return Span(end.end_line, max(end.end_column - len(attribute.attr), 0), *whole.end)


def place(node: _Node, where: Span) -> _Node:
    """Give a new node a position."""
    node.lineno, node.col_offset = where.start
    node.end_lineno, node.end_col_offset = where.end
    return node


def first_executed(body: list[ast.stmt]) -> Span:
    """Return the position of the first statement of a body that leaves a trace when it is run.

    A statement inserted in front of it takes this position, so that no tracer sees a line that it
    would not have seen first anyway.
    """
    for statement in body:
        match statement:
            case ast.Global() | ast.Nonlocal() | ast.AnnAssign(value=None):
                continue
            case (
                ast.FunctionDef(decorator_list=[first, *_])
                | ast.AsyncFunctionDef(decorator_list=[first, *_])
                | ast.ClassDef(decorator_list=[first, *_])
            ):
                return span(first)
            case _:
                return span(statement)
    return span(body[-1])


def end_of_loop(node: ast.For | ast.AsyncFor) -> Span:
    """Return where the interpreter stands when a loop has come to its end."""
    where = span(node if sys.version_info < (3, 13) else node.iter)
    return Span(where.line, where.column, where.line, where.column + 1)


@final
class SourceText:
    """The text of a module, for looking up what is written at a position."""

    def __init__(self, source: str) -> None:
        # Only these end a line for the interpreter; str.splitlines() knows many more.
        self._lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def mentions(self, word: str) -> bool:
        """Return whether a word stands anywhere."""
        return any(word in line for line in self._lines)

    def column(self, line: int, offset: int) -> int:
        """Return the column in characters, from one, of an offset in bytes."""
        if 1 <= line <= len(self._lines):
            text = self._lines[line - 1]
            if not text.isascii():
                return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1
        return offset + 1

    def expression(self, node: ast.AST) -> str:
        """Return the text of an expression on one line."""
        where = span(node)
        text = self._segment(where) if where.end != where.start else ""
        if not text:
            text = ast.unparse(node)
        text = " ".join(text.split())
        return text if len(text) <= _LONGEST_EXPRESSION else text[: _LONGEST_EXPRESSION - 3] + "..."

    def _segment(self, where: Span) -> str:
        if not 1 <= where.line <= where.end_line <= len(self._lines):
            return ""
        lines = self._lines[where.line - 1 : where.end_line]
        first, last = where.column, where.end_column
        if all(line.isascii() for line in lines):
            lines[-1] = lines[-1][:last]
            lines[0] = lines[0][first:]
            return "\n".join(lines)
        encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
        encoded[-1] = encoded[-1][:last]
        encoded[0] = encoded[0][first:]
        return b"\n".join(encoded).decode("utf-8", "ignore")
