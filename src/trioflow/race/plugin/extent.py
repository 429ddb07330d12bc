"""Whether a run watched what it is about, and not its tests alone.

PYTEST_DONT_REWRITE

A project that is installed, rather than installed editable, lies in site-packages, where nothing is
instrumented: its tests would run, nothing would be found, and the run would look clean. On the other
hand a file of tests may well hold the whole program under test. So a run in which nothing but tests
was instrumented is an error if one of these packages was imported and not instrumented:

1. the project itself: the name in pyproject.toml, setup.cfg or setup.py, and what a distribution of
   this name installs;
2. a package that lies in the root directory or in `src` below it, whichever copy was imported;
3. an installed package that a test module imports, if its distribution requires Trio or anyio and is
   no plugin of pytest's: who tests another one's code keeps no copy of it.

A package that is named in `race_exclude` is left alone on purpose, and is none of these.

Test modules are those that pytest collects or that are named like them, conftest files, and all that
lies in a folder called `test` or `tests`.
"""

from __future__ import annotations

import ast
import configparser
import fnmatch
import importlib.metadata
import re
import sys
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import cast

import pytest

_TEST_FOLDERS = frozenset({"test", "tests"})
_NO_PROJECT = frozenset({"setup.py", "noxfile.py", "conftest.py", "tasks.py"})
_ASYNC = frozenset({"trio", "anyio"})


def is_test(path: str, collected: Iterable[str], patterns: Iterable[str], root: Path) -> bool:
    """Whether a file belongs to the tests rather than to what they test.

    Args:
        path: The file.
        collected: The files that pytest collected tests from.
        patterns: What test modules are called, as pytest's `python_files` says.
        root: The root directory.
    """
    pure = PurePath(path)
    inside = pure.relative_to(root) if pure.is_relative_to(root) else pure
    return (
        path in collected
        or pure.name == "conftest.py"
        or any(fnmatch.fnmatch(pure.name, pattern) for pattern in patterns)
        or not _TEST_FOLDERS.isdisjoint(inside.parts[:-1])
    )


def packages_outside(
    config: pytest.Config, instrumented: Iterable[str], test_files: Iterable[str], exclude: Iterable[str]
) -> dict[str, str]:
    """Returns the packages that the tests are about and that were not instrumented, with where they lie.

    Args:
        config: The run's.
        instrumented: The names of the instrumented modules.
        test_files: The files from which tests were collected.
        exclude: What the user left out.
    """
    covered = {name.partition(".")[0] for name in instrumented}
    left_out = set(exclude)
    outside: dict[str, str] = {}
    modules = dict(sys.modules)
    about = [*_project(config.rootpath), *_found_at(config.rootpath), *_imported_by(test_files, modules)]
    for name in dict.fromkeys(about):
        module = modules.get(name)
        if module is None or name in covered or name in left_out:
            continue
        outside[name] = _where(module)
    return outside


def _project(root: Path) -> Iterator[str]:
    for name in _project_names(root):
        try:
            yield from _installs(importlib.metadata.distribution(name))
        except importlib.metadata.PackageNotFoundError:
            yield re.sub(r"[-.]+", "_", name)


def _project_names(root: Path) -> Iterator[str]:
    try:
        settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    poetry = _table(settings.get("tool")).get("poetry")
    for table in (settings.get("project"), poetry):
        name = _table(table).get("name")
        if isinstance(name, str):
            yield name
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(root / "setup.cfg", "utf-8")
    except (configparser.Error, ValueError):
        parser.clear()
    if name := parser.get("metadata", "name", fallback=None):
        yield name
    yield from _named_in_setup(root / "setup.py")


def _table(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _named_in_setup(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "name" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _installs(distribution: importlib.metadata.Distribution) -> set[str]:
    """Returns the names of the packages and modules that a distribution installs."""
    top_level = distribution.read_text("top_level.txt")
    if top_level is not None:
        return set(top_level.split())
    names = {
        file.parts[0].removesuffix(".py")
        for file in distribution.files or ()
        if file.suffix == ".py" and ".." not in file.parts
    }
    return names or {re.sub(r"[-.]+", "_", distribution.metadata["Name"])}


def _found_at(root: Path) -> Iterator[str]:
    for folder in (root, root / "src"):
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            if (entry / "__init__.py").is_file() and entry.name not in _TEST_FOLDERS:
                yield entry.name
            elif entry.suffix == ".py" and entry.name not in _NO_PROJECT and not entry.name.startswith("test_"):
                yield entry.stem


def _imported_by(test_files: Iterable[str], modules: Mapping[str, types.ModuleType]) -> Iterator[str]:
    files = set(test_files)
    names: set[str] = set()
    for module in list(modules.values()):
        if getattr(module, "__file__", None) in files:
            for value in list(vars(module).values()):
                name = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
                if isinstance(name, str):
                    names.add(name.partition(".")[0])
    names -= sys.stdlib_module_names | _ASYNC
    if not names:
        return
    distributions = importlib.metadata.packages_distributions()
    for name in sorted(names):
        if any(_is_async_code(found) for found in distributions.get(name, ())):
            yield name


def _is_async_code(distribution_name: str) -> bool:
    """Whether a distribution is a library on top of Trio, and not a plugin that helps to test."""
    try:
        distribution = importlib.metadata.distribution(distribution_name)
    except importlib.metadata.PackageNotFoundError:
        # The folder of its metadata is not named as installers name it.
        return False
    if any(entry.group == "pytest11" for entry in distribution.entry_points):
        return False
    # An extra is no requirement: a library with one for Trio works without it, too.
    required = {
        match[0].lower()
        for requirement in distribution.requires or ()
        if "extra ==" not in requirement and (match := re.match(r"[A-Za-z0-9._-]+", requirement))
    }
    return not _ASYNC.isdisjoint(required)


def _where(module: types.ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if file:
        path = Path(file)
        return str(path.parent if path.name == "__init__.py" else path)
    return str(next(iter(getattr(module, "__path__", ())), "nowhere"))
