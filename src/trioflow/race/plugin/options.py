"""The options of a run, read from the command line and the configuration file, and checked.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import math
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import final

import attrs
import pytest

from trioflow.race.model.configuration import Configuration, Level
from trioflow.race.model.errors import ConfigurationError
from trioflow.race.report.targets import Target, parse_target


@final
@attrs.frozen
class Options:
    """What a run was asked to do."""

    configuration: Configuration
    targets: tuple[Target, ...]
    timeout: float | None
    """After how many seconds a setup, call or teardown fails; None: never."""


def read_options(config: pytest.Config, level: str) -> Options:
    """Returns the options of this run.

    Raises:
        pytest.UsageError: One of them can't be used.
    """
    given = config.known_args_namespace
    packages = (*config.getini("race_packages"), *(given.race_packages or ()))
    exclude = (*config.getini("race_exclude"), *(given.race_exclude or ()))
    for package in packages:
        if not _exists(package, search_path(config)):
            raise pytest.UsageError(
                f"the package {package!r} in race_packages does not exist: "
                "name a package that can be imported, by its import name"
            )
    try:
        targets = tuple(
            parse_target(value, option, folder)
            for values, option, folder in (
                (config.getini("race_report"), "race_report", config.rootpath),
                (given.race_report or (), "--race-report", config.invocation_params.dir),
            )
            for value in values
        )
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
    return Options(
        configuration=Configuration(
            root=config.rootpath, level=Level(level), packages=tuple(packages), exclude=tuple(exclude)
        ),
        targets=targets,
        timeout=_timeout(given.race_timeout or config.getini("race_timeout")),
    )


def _timeout(value: str) -> float | None:
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise pytest.UsageError(f"race_timeout must be a number of seconds greater than 0, not {value!r}")
    return seconds


@contextlib.contextmanager
def importable_from(folders: Sequence[str]) -> Generator[None, None, None]:
    """Lets folders be searched by the import system meanwhile."""
    before = sys.path.copy()
    sys.path[:0] = folders
    try:
        yield
    finally:
        sys.path[:] = before


def search_path(config: pytest.Config) -> list[str]:
    """Returns where this run may import from, before pytest has put its own folders on sys.path."""
    root = config.rootpath
    return [str(folder) for folder in (*config.getini("pythonpath"), root, Path.cwd())]


def _exists(package: str, search_path: Sequence[str]) -> bool:
    """Whether a package can be found; none is imported, so nothing is loaded before it can be rewritten."""
    top, *rest = package.split(".")
    if not all(part.isidentifier() for part in (top, *rest)):
        return False
    spec = importlib.machinery.PathFinder.find_spec(top, search_path)
    if spec is None:
        # Editable installations have finders of their own, which only this asks.
        spec = importlib.util.find_spec(top)
    name = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return False
        name = f"{name}.{part}"
        spec = importlib.machinery.PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec is not None
