"""Keeps rewritten code between runs.

PYTEST_DONT_REWRITE

A cached module is a file in `__pycache__` whose name has a tag of its own, so that neither plain
Python nor pytest ever takes it for theirs. It is complete or absent: it is written to a temporary
file in the same directory that takes its place in one step. It holds what it was made from (the
source's hash, the versions of Python and of the rewriter, whether pytest had rewritten assertions),
and is not used for anything else. The hash, not the time of modification, decides: a checkout may set
any time, and hashing a file costs far less than what follows.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import marshal
import os
import sys
import tempfile
from pathlib import Path
from types import CodeType
from typing import Any, Final

from trioflow.race.model.sites import (
    NO_DEPENDENCE,
    CallSite,
    Dependence,
    FunctionTable,
    ModuleTable,
    Operation,
    Site,
)

FORMAT: Final = 5
"""Raised with every change of what is written, so that code cached by another version is not used."""
_OPERATIONS: Final = tuple(Operation)


@functools.cache
def _fingerprint_of_rewriter() -> bytes:
    """Return a hash of the rewriter itself, so that a changed one makes everything anew."""
    folder = Path(__file__).parent
    digest = b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.glob("*.py")))
    return importlib.util.source_hash(digest)


def cache_path(path: str) -> str:
    """Return where the rewritten code of a source file is kept."""
    head, tail = os.path.split(path)
    name = tail.rpartition(".")[0] or tail
    tag = f"{sys.implementation.cache_tag}{'.opt-' + str(sys.flags.optimize) if sys.flags.optimize else ''}"
    if sys.pycache_prefix is not None:
        drive_free = os.path.splitdrive(os.path.abspath(head))[1].lstrip(os.sep)
        folder = os.path.join(sys.pycache_prefix, drive_free)
    else:
        folder = os.path.join(head, "__pycache__")
    return os.path.join(folder, f"{name}.{tag}.trioflow-race-{FORMAT}.pyc")


def _key(source: bytes, module: str, path: str, assertions: bytes) -> bytes:
    return b"\0".join(
        (
            b"trioflow",
            str(FORMAT).encode(),
            _fingerprint_of_rewriter(),
            importlib.util.MAGIC_NUMBER,
            sys.version.encode(),
            importlib.util.source_hash(source),
            str(len(source)).encode(),
            module.encode("utf-8", "surrogatepass"),
            path.encode("utf-8", "surrogatepass"),
            assertions,
        )
    )


def load(source: bytes, *, module: str, path: str, assertions: bytes) -> tuple[CodeType, ModuleTable] | None:
    """Return cached code and its table, if they were made from exactly this.

    Args:
        source: The content of the file.
        module: The name of the module.
        path: The file.
        assertions: What tells how assertions have been rewritten; empty if they have not been.
    """
    try:
        content = Path(cache_path(path)).read_bytes()
        key, code, table = marshal.loads(content)
        if key != _key(source, module, path, assertions) or not isinstance(code, CodeType):
            return None
        return code, _table_from(table, module, path)
    except (OSError, ValueError, EOFError, TypeError, IndexError):
        # Absent, or damaged by something else than us.
        return None


def store(code: CodeType, table: ModuleTable, source: bytes, *, assertions: bytes) -> None:
    """Keep code and its table; does nothing where that is not possible or not wanted."""
    if sys.dont_write_bytecode:
        return
    key = _key(source, table.module, table.path, assertions)
    content = marshal.dumps((key, code, _table_to(table)))
    target = cache_path(table.path)
    temporary = None
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=os.path.basename(target) + ".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # As the interpreter does: whoever may read the source may read this.
        os.chmod(temporary, os.stat(table.path).st_mode & 0o666 | 0o200)
        os.replace(temporary, target)
    except OSError:
        # A directory that can't be written to is no error: the next run rewrites again.
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _dependence_to(depends: Dependence) -> tuple[Any, ...]:
    return (depends.data, depends.control) if depends is not NO_DEPENDENCE else ()


def _dependence_from(found: tuple[Any, ...]) -> Dependence:
    return Dependence(*found) if found else NO_DEPENDENCE


def _table_to(table: ModuleTable) -> tuple[Any, ...]:
    sites = tuple(
        (
            site.number,
            site.line,
            site.column,
            site.end_line,
            site.end_column,
            _OPERATIONS.index(site.operation),
            site.expression,
            site.name,
            site.function,
            site.global_name,
            site.constant_key,
            site.source,
            _dependence_to(site.depends),
            site.operator,
            site.condition,
            site.chosen,
        )
        for site in table.sites
    )
    functions = tuple(
        (
            function.qualified_name,
            function.first_line,
            function.is_async,
            tuple(
                (
                    call.number,
                    call.line,
                    call.column,
                    call.end_line,
                    call.end_column,
                    _dependence_to(call.depends),
                    call.callee,
                )
                for call in function.calls
            ),
            _dependence_to(function.returns),
        )
        for function in table.functions
    )
    return sites, functions, table.function_count, table.declares


def _table_from(found: tuple[Any, ...], module: str, path: str) -> ModuleTable:
    sites, functions, count, declares = found
    return ModuleTable(
        module=module,
        path=path,
        sites=tuple(
            Site(
                number,
                path,
                line,
                column,
                end_line,
                end_column,
                _OPERATIONS[int(operation)],
                expression,
                name,
                module,
                function,
                global_name,
                constant_key,
                source,
                _dependence_from(depends),
                operator,
                condition,
                chosen,
            )
            for (
                number,
                line,
                column,
                end_line,
                end_column,
                operation,
                expression,
                name,
                function,
                global_name,
                constant_key,
                source,
                depends,
                operator,
                condition,
                chosen,
            ) in sites
        ),
        functions=tuple(
            FunctionTable(
                name,
                first_line,
                is_async,
                tuple(
                    CallSite(number, line, column, end_line, end_column, _dependence_from(depends), callee)
                    for number, line, column, end_line, end_column, depends, callee in calls
                ),
                _dependence_from(returns),
            )
            for name, first_line, is_async, calls, returns in functions
        ),
        function_count=count,
        declares=declares,
    )
