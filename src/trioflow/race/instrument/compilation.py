"""Makes rewritten code from the content of a file, or takes it from the cache.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Callable
from types import CodeType
from typing import final

import attrs

from trioflow.race.instrument import cache
from trioflow.race.model.errors import InstrumentationError
from trioflow.race.model.sites import ModuleTable


class InvalidSourceError(Exception):
    """The interpreter does not accept the source, whether or not it is rewritten."""


@final
@attrs.frozen
class AssertionRewriting:
    """What pytest does to a module before it is instrumented."""

    apply: Callable[[ast.Module, bytes], None]
    fingerprint: bytes
    """Tells one way of rewriting assertions from another."""


def compiled(
    source: bytes, *, module: str, path: str, assertions: AssertionRewriting | None, use_cache: bool
) -> tuple[CodeType, ModuleTable]:
    """Return the rewritten code of a module and its table.

    Args:
        source: The content of the file.
        module: The name of the module.
        path: The file.
        assertions: What pytest does to it first, if anything.
        use_cache: Whether rewritten code is kept in `__pycache__`.

    Raises:
        InvalidSourceError: The module can't be loaded at all.
        InstrumentationError: The module can't be rewritten; it is to be loaded as it is.
    """
    fingerprint = b"" if assertions is None else assertions.fingerprint
    if use_cache:
        found = cache.load(source, module=module, path=path, assertions=fingerprint)
        if found is not None:
            return found
    try:
        text = importlib.util.decode_source(source)
        # From the bytes, so that warnings about the source are given as if we were not there.
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidSourceError(str(error)) from error
    # Only here: where all comes from the cache, the rewriter is not needed at all.
    from trioflow.race.instrument.rewriter import rewrite  # noqa: PLC0415

    try:
        if assertions is not None:
            assertions.apply(tree, source)
        table = rewrite(tree, source=text, path=path, module=module)
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
    except Exception as error:
        _check_valid(source, path)
        raise InstrumentationError(f"{type(error).__name__}: {error}") from error
    if use_cache:
        cache.store(code, table, source, assertions=fingerprint)
    return code, table


def _check_valid(source: bytes, path: str) -> None:
    """Raise an error if the interpreter refuses a source that has been parsed, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InvalidSourceError(str(error)) from error
