"""The entry of the pytest plugin: its options, and the decision whether anything else is loaded.

PYTEST_DONT_REWRITE

This module is imported in every pytest run on an interpreter on which trioflow is installed. So it
imports pytest alone; what the detector consists of is loaded only once a run asks for it.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

_FLAG = "--detect-races"
_STRICT = "--detect-races=strict"
_LEVELS = {
    **dict.fromkeys(("", "false", "no", "off", "0"), None),
    **dict.fromkeys(("true", "yes", "on", "1", "default"), "default"),
    "strict": "strict",
}
# The options that mean nothing unless races are detected, with their names in the configuration file.
_DEPENDENT = {
    "race_packages": "--race-packages",
    "race_exclude": "--race-exclude",
    "race_report": "--race-report",
    "race_timeout": "--race-timeout",
}


class _LevelAction(argparse.Action):
    """Stores the level that the option's spelling names.

    An option with an optional value would take the path in `pytest --detect-races tests` for its
    value. So there are two options without a value, one of which contains an equals sign.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 (the base class names it)
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,  # noqa: ARG002 (the base class names it)
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, "strict" if option_string == _STRICT else "default")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declares the options, and refuses a level that does not exist."""
    config = pluginmanager.get_plugin("pytestconfig")
    if isinstance(config, pytest.Config):
        _refuse_unknown_levels(config)
    group = parser.getgroup("races", "race detection in Trio programs (trioflow)")
    group.addoption(
        _FLAG,
        _STRICT,
        action=_LevelAction,
        nargs=0,
        dest="detect_races",
        default=None,
        help="Detect races. With =strict, every race is an error and none is withheld.",
    )
    group.addoption(
        "--race-packages",
        action="append",
        metavar="NAME",
        help="A further package to instrument, by its import name, wherever it is installed. May be repeated.",
    )
    group.addoption(
        "--race-exclude",
        action="append",
        metavar="NAME_OR_PATTERN",
        help="A module, package or pattern of paths that is left as it is. May be repeated.",
    )
    group.addoption(
        "--race-report",
        action="append",
        metavar="FORMAT[:PATH]",
        help="Also write all findings: json:PATH, text:PATH, or text for the terminal. May be repeated.",
    )
    group.addoption(
        "--race-timeout",
        metavar="SECONDS",
        help="Fail a test whose setup, call or teardown takes longer, and say what its tasks wait for.",
    )
    parser.addini("detect_races", "Detect races: false (the default), true or strict.", default="false")
    parser.addini("race_packages", "As --race-packages, one a line.", type="linelist", default=[])
    parser.addini("race_exclude", "As --race-exclude, one a line.", type="linelist", default=[])
    parser.addini("race_report", "As --race-report, one a line.", type="linelist", default=[])
    parser.addini("race_timeout", "As --race-timeout.", default="")


def _refuse_unknown_levels(config: pytest.Config) -> None:
    for argument in _arguments(config):
        flag, equals, level = argument.partition("=")
        if flag == _FLAG and equals and argument != _STRICT:
            raise pytest.UsageError(
                f"the level in {argument!r} does not exist: use {_FLAG} or {_STRICT}, not {_FLAG}={level}"
            )


def _arguments(config: pytest.Config) -> Iterator[str]:
    """Yields the arguments of this run up to the first `--`, wherever they come from."""
    sources = [config.getini("addopts"), shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    for arguments in (*sources, config.invocation_params.args):
        for argument in arguments:
            if argument == "--":
                break
            yield str(argument)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marks, which tests may carry whether or not races are detected."""
    config.addinivalue_line("markers", "race_ok(reason): what the race detector finds in this test is accepted.")
    config.addinivalue_line(
        "markers",
        "detect_races(setting): False leaves this test unwatched, 'strict' or 'default' sets its level.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Installs the detector before any conftest file is imported, if this run asks for it."""
    options = early_config.known_args_namespace
    setting = str(early_config.getini("detect_races")).strip().lower()
    if setting not in _LEVELS:
        raise pytest.UsageError(f"detect_races must be false, true or strict, not {setting!r}")
    level = options.detect_races or _LEVELS[setting]
    if level is None:
        for name, option in _DEPENDENT.items():
            if getattr(options, name):
                raise pytest.UsageError(f"{option} does nothing without {_FLAG}: add {_FLAG} or {_STRICT}")
        return
    from trioflow.race.plugin.session import begin  # noqa: PLC0415 (nothing is loaded without the flag)

    begin(early_config, level)
