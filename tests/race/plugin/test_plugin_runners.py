"""The ways in which tests run Trio, and in which pytest runs tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

HEAD = "import trio, shop, pytest\n"


def test_plugins_that_run_async_tests_are_served(project: Any) -> None:
    """Trio's own plugin in both of its modes' manners, anyio's on Trio, and tests that call trio.run."""
    project.write(
        "test_shop.py",
        HEAD
        + """
@pytest.fixture
def anyio_backend():
    return "trio"


@pytest.fixture
async def stock(nursery):
    stock = shop.Stock()
    nursery.start_soon(stock.take, 3)
    return stock


@pytest.mark.trio
async def test_trio():
    await shop.lose_an_update()


@pytest.mark.trio
async def test_trio_fixture(stock):
    await stock.take(4)


@pytest.mark.anyio
async def test_anyio():
    await shop.lose_an_update()


@pytest.mark.anyio
async def test_anyio_fine():
    await shop.do_nothing()


def test_run():
    trio.run(shop.lose_an_update)


def test_several_runs():
    trio.run(shop.do_nothing)
    trio.run(shop.lose_an_update)


@pytest.mark.trio
async def test_fine():
    await shop.do_nothing()
""",
    )
    result, report = project.detect()
    result.assert_outcomes(failed=5, passed=2)
    raced = {finding["test"].rpartition("::")[2] for finding in report["findings"] if finding["severity"] == "error"}
    assert raced == {"test_trio", "test_trio_fixture", "test_anyio", "test_run", "test_several_runs"}


def test_trio_mode(project: Any) -> None:
    project.write("pytest.ini", "[pytest]\ntrio_mode = true\ndetect_races = true\n")
    project.write("test_shop.py", HEAD + "async def test_lost(): await shop.lose_an_update()\n")
    project.run().assert_outcomes(failed=1)


def test_workers_of_xdist_report_to_one_summary(project: Any) -> None:
    project.write("conftest.py", "import shop\n")
    project.write("test_one.py", HEAD + "def test_lost(): trio.run(shop.lose_an_update)\ndef test_fine(): pass\n")
    project.write(
        "test_two.py",
        HEAD
        + "def test_warned(): trio.run(shop.race)\n"
        + "@pytest.mark.race_ok('fine')\ndef test_accepted(): trio.run(shop.lose_an_update)\n",
    )
    result, report = project.detect("-n", "2")
    result.assert_outcomes(failed=1, passed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_lost _*",
            "error[[]unguarded-section]: Stock.level *",
            "  A reads     shop.py:*",
            "warning[[]data-race]: Stock.ready *",
            "1 error in 1 test, 1 warning, 1 accepted",
            "4 modules and * instrumented",
            "FAILED test_one.py::test_lost - error[[]unguarded-section]*",
        ]
    )
    assert result.stdout.str().count("= race detector =") == 1
    assert sorted(finding["kind"] for finding in report["findings"]) == ["data-race", "unguarded-section"]
    assert report["instrumented"]["modules"] == 4


def test_import_mode_importlib(project: Any) -> None:
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.write("tests/test_shop.py", HEAD + "def test_lost(): trio.run(shop.lose_an_update)\n")
    result, _ = project.detect("--import-mode=importlib")
    result.assert_outcomes(failed=1)


def test_what_conftest_imports_is_instrumented(project: Any) -> None:
    project.write("conftest.py", "import shop\n")
    project.write("test_it.py", "import sys, trio\ndef test_lost(): trio.run(sys.modules['shop'].lose_an_update)\n")
    project.detect()[0].assert_outcomes(failed=1)


def test_messages_of_assertions_stay_as_they_were(project: Any) -> None:
    project.write(
        "test_shop.py",
        HEAD + "def test_it():\n    stock = shop.Stock()\n    assert stock.level == 11, 'too few'\n",
    )
    project.write("pytest.ini", "[pytest]\naddopts = --tb=short\n")
    plain = project.run().stdout.str()
    watched = project.run("--detect-races").stdout.str()

    def failure(output: str) -> str:
        return output.partition("= FAILURES =")[2].partition("=====\n")[2].partition("\n====")[0]

    assert "where 10 = <shop.Stock" in plain
    assert (
        failure(watched).replace("0x", "").split("object at")[0]
        == failure(plain).replace("0x", "").split("object at")[0]
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_repeated_examples_of_hypothesis_are_one_test(project: Any) -> None:
    project.write(
        "test_shop.py",
        HEAD
        + """
from hypothesis import given, settings, strategies


@settings(max_examples=5, database=None)
@given(strategies.integers())
def test_many_runs(number):
    trio.run(shop.lose_an_update)
""",
    )
    result, report = project.detect()
    result.assert_outcomes(failed=1)
    (finding,) = report["findings"]
    assert finding["occurrences"] >= 2
    assert json.dumps(finding)
