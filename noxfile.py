"""Every check of the project, each in an environment of its own: `nox -l` lists them."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests", "lint", "typecheck"]

PROJECT = nox.project.load_toml("pyproject.toml")
ROOT = Path(__file__).parent


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PROJECT, name)


def run_tests(session: nox.Session) -> None:
    """Install the project with what its tests need, and run them."""
    session.install("-e", ".[race]", *group("test"))
    session.run("pytest", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on the interpreter at hand."""
    run_tests(session)


@nox.session(name="tests-3.11", python="3.11")
def tests_on_3_11(session: nox.Session) -> None:
    """Run the tests on Python 3.11."""
    run_tests(session)


@nox.session(name="tests-3.12", python="3.12")
def tests_on_3_12(session: nox.Session) -> None:
    """Run the tests on Python 3.12."""
    run_tests(session)


@nox.session(name="tests-3.13", python="3.13")
def tests_on_3_13(session: nox.Session) -> None:
    """Run the tests on Python 3.13."""
    run_tests(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and who imports whom."""
    session.install("-e", ".[race]", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of the package and the examples; never beside trio-typing, whose stubs hide Trio's own types."""
    session.install("-e", ".[race]", *group("typecheck"))
    session.run("mypy")
    session.run("pyright")
