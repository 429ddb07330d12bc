"""Calls through which values pass: what comes out of them tells something of what went in.

PYTEST_DONT_REWRITE

Of a function that is not known nothing is assumed, or every value would seem to depend on every other. These are
known by name: builtin functions, methods of strings, numbers and containers that change nothing, modules of pure
functions, functions that call what they are given, and classes, whose names begin with a capital.
"""

from __future__ import annotations

import ast
from typing import Final

# fmt: off
_FUNCTIONS: Final = frozenset({
    "abs", "all", "any", "bool", "bytearray", "bytes", "ceil", "copy", "deepcopy", "dict", "divmod", "dumps",
    "enumerate", "evolve", "filter", "float", "floor", "format", "frozenset", "getattr", "hasattr", "hash", "int",
    "isinstance", "iter", "len", "list", "loads", "map", "max", "min", "next", "ord", "partial", "pow", "range",
    "reduce", "replace", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "type", "vars", "zip",
})
_METHODS: Final = frozenset({
    "_asdict", "_replace", "capitalize", "casefold", "center", "copy", "decode", "difference", "encode",
    "endswith", "evolve", "format", "hex", "intersection", "isdigit", "isdisjoint", "issubset",
    "issuperset", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rjust",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "symmetric_difference", "title",
    "union", "upper", "zfill",
})
_MODULES: Final = frozenset({
    "attr", "attrs", "copy", "dataclasses", "functools", "itertools", "json", "math", "operator", "statistics",
})
_CALLERS: Final = frozenset({"run_sync", "start"})
# fmt: on


def function_carries(name: str) -> bool:
    """Return whether the result of a function tells something about its arguments."""
    return name in _FUNCTIONS or name.lstrip("_")[:1].isupper()


def method_carries(function: ast.Attribute) -> bool:
    """Return whether the result of a method, or of a module's function, tells something about its arguments."""
    of_module = isinstance(function.value, ast.Name) and function.value.id in _MODULES
    return of_module or function.attr in _METHODS or function.attr in _CALLERS


def receiver_carries(function: ast.Attribute) -> bool:
    """Return whether the result of a method tells something about the object itself."""
    return function.attr in _METHODS
