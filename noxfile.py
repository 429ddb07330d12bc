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


# Each test stands alone, so all processors share them; one that starts processes must not hold up others behind it.
PARALLEL = ("-n", "auto", "--dist", "worksteal")


def run_tests(session: nox.Session) -> None:
    """Install the project with what its tests need, and run them."""
    session.install("-e", ".[race]", *group("test"))
    session.run("pytest", *PARALLEL, *session.posargs)


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


@nox.session(name="tests-trio", python="3.11")
@nox.parametrize("trio", ["0.22.2", "0.27.0", "newest"], ids=["0.22.2", "0.27.0", "newest"])
def tests_on_trio(session: nox.Session, trio: str) -> None:
    """Run the tests that depend on what is inside Trio, and the labelled programs, on several versions of it."""
    # Named with its extra, AnyIO is taken in a version that works with that Trio.
    requirement = "trio" if trio == "newest" else f"trio=={trio}"
    session.install("-e", ".[race]", *group("test"), "anyio[trio]", requirement)
    tests = session.posargs or ["tests/race/edges", "tests/race/clocks", "tests/race/test_corpus.py"]
    session.run("pytest", *PARALLEL, *tests)


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


@nox.session
def demo(session: nox.Session) -> None:
    """Show the detector on the booking server: four bugs in one version, none in the other, and the same tests."""
    session.install("-e", ".[race]", "pytest-trio")
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session
def races(session: nox.Session) -> None:
    """Run a suite under the race detector; copy this into another project's noxfile and name its own requirements."""
    session.install("-e", ".[race]", "pytest-trio")
    session.run("pytest", "--detect-races=strict", *(session.posargs or ["examples/booking", "--fixed"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error. The test suite runs its examples."""
    session.install("-e", ".[race]", *group("docs"))
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--nitpicky", "docs", "docs/_build/html")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the detector costs."""
    session.install("-e", ".[race]")
    for command in (["hot_loop.py"], ["many_tasks.py"], ["soak.py"], ["suites.py", "--measure"]):
        session.run("python", f"benchmarks/{command[0]}", *command[1:])


@nox.session
def ecosystem(session: nox.Session) -> None:
    """Run real libraries' suites with and without the detector: the outcomes must be the same."""
    session.run("python", "benchmarks/suites.py", *session.posargs)


@nox.session(name="known-bugs")
def known_bugs(session: nox.Session) -> None:
    """Find races that have been fixed in released projects in the releases before, and not in the ones after."""
    session.run("python", "benchmarks/known_bugs.py", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def semantics(session: nox.Session) -> None:
    """Run CPython's own tests plain and rewritten, with the detector watching: the outcomes must be the same."""
    session.install("-e", ".[race]")
    session.run("python", "benchmarks/semantics.py", *session.posargs)


@nox.session(name="typing-compat")
def typing_compat(session: nox.Session) -> None:
    """Prove that the package runs beside trio-typing, whose stubs must never be where types are checked."""
    session.install(".[race,typing]", "pytest-trio")
    session.run("python", "tests/stubs/beside_trio_typing.py")
