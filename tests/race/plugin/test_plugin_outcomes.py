"""What a finding does to the test in which it is made, and where it is shown."""

from __future__ import annotations

from typing import Any

import pytest

LOST = "import trio, shop, pytest\n"


def test_an_error_fails_its_test_with_the_report(project: Any) -> None:
    project.write("test_shop.py", LOST + "def test_lost(): trio.run(shop.lose_an_update)\ndef test_fine(): pass\n")
    result, report = project.detect()
    result.assert_outcomes(failed=1, passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*= FAILURES =*",
            "*_ test_lost _*",
            "error[[]unguarded-section]: Stock.level *",
            "  A reads     shop.py:10:*     level = self.level",
            "  A awaits    shop.py:11:*     await trio.lowlevel.checkpoint()",
            "  locks    A none, B none",
            "  test     test_shop.py::test_lost",
            "  id       *   to accept: # race: ok[[]unguarded-section] <reason>",
            "*= race detector =*",
            "1 error in 1 test, 0 warnings",
            "FAILED test_shop.py::test_lost - error[[]unguarded-section]: Stock*",
        ]
    )
    (finding,) = report["findings"]
    assert finding["kind"] == "unguarded-section"
    assert finding["test"] == "test_shop.py::test_lost"


def test_a_warning_is_listed_once_with_the_number_of_tests_and_fails_none(project: Any) -> None:
    project.write(
        "test_shop.py",
        LOST + "def test_one(): trio.run(shop.race)\ndef test_two(): trio.run(shop.race)\n",
    )
    result, report = project.detect()
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    assert result.stdout.str().count("warning[data-race]") == 1
    result.stdout.fnmatch_lines(["  test     test_shop.py::test_one and 1 more", "0 errors, 1 warning"])
    assert [finding["test"] for finding in report["findings"]] == ["test_shop.py::test_one", "test_shop.py::test_two"]


@pytest.mark.parametrize("flag", ["--show-capture=all", "--show-capture=no"])
def test_the_failure_of_the_test_itself_is_shown_beside_the_finding(project: Any, flag: str) -> None:
    project.write("test_shop.py", LOST + "def test_lost():\n    trio.run(shop.lose_an_update)\n    assert 1 == 2\n")
    result, _ = project.detect(flag)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E       assert 1 == 2", "*- race detector -*", "error[[]unguarded-section]*", "FAILED * - assert 1 == 2"]
    )


def test_expected_failures_do_not_excuse_races(project: Any) -> None:
    """A mark that expects a failure says nothing about races; a strict one must not turn green by one."""
    project.write(
        "test_shop.py",
        LOST
        + "@pytest.mark.xfail(strict=True)\ndef test_passes(): trio.run(shop.lose_an_update)\n"
        + "@pytest.mark.xfail\ndef test_fails():\n    trio.run(shop.lose_an_update)\n    assert 1 == 2\n"
        + "@pytest.mark.xfail\ndef test_fails_without_a_race(): assert 1 == 2\n",
    )
    result, _ = project.detect()
    result.assert_outcomes(failed=2, xfailed=1)
    result.stdout.fnmatch_lines(
        ["*_ test_passes _*", "[[]XPASS(strict)*", "error[[]unguarded*", "*_ test_fails _*", "error[[]unguarded*"]
    )
    result.stdout.fnmatch_lines(["*- outcome without the race detector -*", "failed as expected", "*assert 1 == 2"])


def test_skipped_tests_stay_skipped_unless_they_raced_before(project: Any) -> None:
    project.write(
        "test_shop.py",
        LOST
        + "@pytest.mark.skip\ndef test_marked(): trio.run(shop.lose_an_update)\n"
        + "def test_skips(): pytest.skip('later')\n"
        + "def test_races_first():\n    trio.run(shop.lose_an_update)\n    pytest.skip('later')\n",
    )
    result, _ = project.detect()
    result.assert_outcomes(failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*_ test_races_first _*", "error[[]unguarded-section]*", "skipped: *later"])


def test_unittest_tests_are_watched(project: Any) -> None:
    project.write(
        "test_shop.py",
        LOST
        + "import unittest\nclass Tests(unittest.TestCase):\n"
        + "    def test_lost(self): trio.run(shop.lose_an_update)\n    def test_fine(self): pass\n",
    )
    result, _ = project.detect()
    result.assert_outcomes(failed=1, passed=1)


def test_races_in_fixtures_belong_to_the_test(project: Any) -> None:
    project.write(
        "test_shop.py",
        LOST
        + "@pytest.fixture\ndef before(): trio.run(shop.lose_an_update)\n"
        + "@pytest.fixture\ndef after():\n    yield\n    trio.run(shop.lose_an_update)\n"
        + "def test_setup(before): pass\ndef test_teardown(after): pass\n",
    )
    result, report = project.detect()
    # What a setup did is reported when the call is over, so that it does not prevent the call.
    result.assert_outcomes(failed=1, passed=1, errors=1)
    result.stdout.fnmatch_lines(["*_ ERROR at teardown of test_teardown _*", "*_ test_setup _*"])
    assert [finding["test"].rpartition("::")[2] for finding in report["findings"]] == ["test_setup", "test_teardown"]


def test_nothing_of_one_test_is_compared_with_another(project: Any) -> None:
    project.write(
        "test_shop.py",
        LOST
        + "stock = shop.Stock()\n"
        + "def test_one(): trio.run(stock.open)\ndef test_two(): trio.run(stock.look)\n",
    )
    _, report = project.detect()
    assert report["findings"] == []


def test_withheld_races_are_counted(project: Any) -> None:
    project.write(
        "test_shop.py",
        """
import trio


class Counter:
    total = 0


async def add(counter):
    counter.total += 1


async def main():
    counter = Counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(add, counter)
        nursery.start_soon(add, counter)


def test_counter():
    trio.run(main)
""",
    )
    result, report = project.detect()
    result.assert_outcomes(passed=1)
    assert report["withheld"] == {"commuting": 1}
    result.stdout.fnmatch_lines(["1 race withheld: 1 commuting; --detect-races=strict reports it"])
    project.run("--detect-races=strict").assert_outcomes(failed=1)


def test_colours_are_those_of_pytest(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("test_shop.py", LOST + "def test_lost(): trio.run(shop.lose_an_update)\n")
    assert "\x1b[31m\x1b[1merror[unguarded-section]" in project.detect("--color=yes")[0].stdout.str()
    assert "\x1b[" not in project.detect("--color=no")[0].stdout.str()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in project.detect()[0].stdout.str()


def test_detector_is_gone_when_the_run_has_ended(project: Any) -> None:
    project.write("test_shop.py", LOST + "def test_lost(): trio.run(shop.lose_an_update)\n")
    project.write(
        "run.py",
        """
import sys, pytest, trio, trio.lowlevel
before = trio.lowlevel.reschedule, trio.Event.set, trio.run, list(sys.meta_path)
assert pytest.main(["--detect-races", "-p", "no:cacheprovider"]) == 1
assert (trio.lowlevel.reschedule, trio.Event.set, trio.run) == before[:3]
assert not [finder for finder in sys.meta_path if "trioflow" in type(finder).__module__]
""",
    )
    assert project.pytester.runpython("run.py").ret == 0
