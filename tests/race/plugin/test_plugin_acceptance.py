"""Findings that are accepted: by marks and by comments."""

from __future__ import annotations

from typing import Any

import pytest

HEAD = "import trio, shop, pytest\n"
COMMENT = "self.level = level - quantity"


def test_race_ok_accepts_what_is_found_in_a_test(project: Any) -> None:
    project.write(
        "test_shop.py",
        HEAD + "@pytest.mark.race_ok('one loss is fine')\ndef test_lost(): trio.run(shop.lose_an_update)\n",
    )
    result, report = project.detect("--strict-markers")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["0 errors, 0 warnings, 1 accepted"])
    assert report["findings"] == []
    assert [finding["reason"] for finding in report["accepted"]] == ["one loss is fine"]


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("race_ok", '*the mark race_ok needs a reason: race_ok("reason"), not race_ok()*'),
        ("race_ok('  ')", "*the mark race_ok needs a reason: *"),
        ("race_ok(reason=3)", "*the mark race_ok needs a reason: *not race_ok(reason=3)*"),
        ("detect_races", "*the mark detect_races takes one argument: False, True, 'default' or 'strict', not ()*"),
        ("detect_races('loud')", "*the mark detect_races takes one argument: *not ('loud')*"),
    ],
)
@pytest.mark.parametrize("unittest", [False, True])
def test_a_mark_that_says_too_little_is_an_error(project: Any, mark: str, message: str, unittest: bool) -> None:
    if unittest:
        test = (
            f"import unittest\nclass Tests(unittest.TestCase):\n    @pytest.mark.{mark}\n    def test_it(self): pass\n"
        )
    else:
        test = f"@pytest.mark.{mark}\ndef test_it(): pass\n"
    project.write("test_shop.py", HEAD + test)
    result = project.run("--detect-races")
    assert result.ret != 0
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_detect_races_chooses_what_is_watched_and_how(project: Any) -> None:
    project.write(
        "test_shop.py",
        HEAD
        + "pytestmark = pytest.mark.detect_races(False)\n"
        + "def test_unwatched(): trio.run(shop.lose_an_update)\n"
        + "@pytest.mark.detect_races(True)\ndef test_watched(): trio.run(shop.lose_an_update)\n"
        + "@pytest.mark.detect_races('strict')\ndef test_strict(): trio.run(shop.race)\n"
        + "@pytest.mark.detect_races('default')\ndef test_default(): trio.run(shop.race)\n",
    )
    result, report = project.detect()
    result.assert_outcomes(passed=2, failed=2)
    assert {(finding["test"].rpartition("::")[2], finding["severity"]) for finding in report["findings"]} == {
        ("test_watched", "error"),
        ("test_strict", "error"),
        ("test_default", "warning"),
    }


def test_marks_are_declared_without_the_flag(project: Any) -> None:
    project.write(
        "test_shop.py", HEAD + "@pytest.mark.race_ok('x')\n@pytest.mark.detect_races(False)\ndef test(): pass\n"
    )
    project.run("--strict-markers").assert_outcomes(passed=1)


def test_code_accepts_a_finding_itself(project: Any) -> None:
    """What `race.ok` accepts fails nothing, is counted, and stands in the report with its reason."""
    accepting = "from trioflow import race as detector\n"
    loss = "async def lose():\n    with detector.ok('one loss is fine'):\n        await shop.lose_an_update()\n"
    take = "class Careful(shop.Stock):\n    take = detector.ok('levels are estimates')(shop.Stock.take)\n"
    use = (
        "async def use():\n    stock = Careful()\n    async with trio.open_nursery() as nursery:\n"
        "        nursery.start_soon(stock.take, 3)\n        nursery.start_soon(stock.take, 4)\n"
    )
    tests = "def test_kept(): trio.run(lose)\ndef test_accepted(): trio.run(use)\n"
    project.write("test_shop.py", HEAD + accepting + loss + take + use + tests)
    result, report = project.detect()
    result.assert_outcomes(passed=1, failed=1)
    assert [finding["reason"] for finding in report["accepted"]] == ["levels are estimates"]
    assert [finding["test"].rpartition("::")[2] for finding in report["findings"]] == ["test_kept"]
    result.stdout.fnmatch_lines(["1 error in 1 test, 0 warnings, 1 accepted"])


def test_a_comment_accepts_a_finding_and_unused_ones_are_told(project: Any) -> None:
    shop = (project.path / "shop.py").read_text()
    shop = shop.replace(COMMENT, f"{COMMENT}  # race: ok[unguarded-section] levels are estimates")
    project.write("shop.py", f"{shop}UNUSED = 1  # race: ok[data-race] was one once\n")
    project.write("test_shop.py", HEAD + "def test_lost(): trio.run(shop.lose_an_update)\n")
    result, report = project.detect()
    result.assert_outcomes(passed=1)
    assert [finding["reason"] for finding in report["accepted"]] == ["levels are estimates"]
    result.stdout.fnmatch_lines(
        ["0 errors, 0 warnings, 1 accepted", "unused: shop.py:*  # race: ok[[]data-race] was one once"]
    )
    assert result.stdout.str().count("unused: ") == 1


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_a_comment_without_a_reason_is_an_error_with_its_place(project: Any, processes: list[str]) -> None:
    shop = (project.path / "shop.py").read_text()
    project.write("shop.py", shop.replace(COMMENT, f"{COMMENT}  # race: ok[unguarded-section]"))
    project.write("test_shop.py", HEAD + "def test_fine(): trio.run(shop.do_nothing)\n")
    result = project.run("--detect-races", *processes)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert "shop.py:12: the comment gives no reason: write # race: ok[kind] reason" in output
