"""The plugin's options: what they do, and what is said where they can't be used."""

from __future__ import annotations

import json
from typing import Any

import pytest

CLEAN = "import trio, shop\ndef test_nothing(): trio.run(shop.do_nothing)\n"
RACY = "import trio, shop\ndef test_race(): trio.run(shop.race)\n"


def test_without_the_flag_nothing_is_loaded_and_nothing_changed(project: Any) -> None:
    project.write(
        "test_shop.py",
        """
        import sys, trio, builtins

        def test_nothing_is_there():
            loaded = {name for name in sys.modules if name.startswith("trioflow")}
            declarations = {"trioflow.race.api", "trioflow.race.model", "trioflow.race.model.declarations"}
            assert loaded <= {"trioflow", "trioflow.race", "trioflow.race.plugin"} | declarations
            assert not [finder for finder in sys.meta_path if "trioflow" in type(finder).__module__]
            assert not [name for name in vars(builtins) if name.startswith("@")
                        and not name.startswith(("@py", "@pytest"))]
            assert trio.Event.set.__code__.co_filename == trio._sync.__file__
        """.replace("\n        ", "\n"),
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*race*detector*")


def test_flag_does_not_take_a_path_for_its_value(project: Any) -> None:
    project.write("tests/test_shop.py", CLEAN)
    result = project.run("--detect-races", "tests")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["race detector: level default, recorder python, watching everything below *"])


def test_counts_are_told_after_collection_and_at_the_end(project: Any) -> None:
    project.write("test_shop.py", CLEAN)
    result = project.run("--detect-races")
    result.stdout.fnmatch_lines(["race detector: 2 modules and * functions instrumented so far"])
    result.stdout.fnmatch_lines(["0 errors, 0 warnings", "2 modules and * functions instrumented"])


@pytest.mark.parametrize(
    ("setting", "flags", "level"),
    [
        ("detect_races = true", [], "default"),
        ("detect_races = strict", [], "strict"),
        ("detect_races = false", ["--detect-races=strict"], "strict"),
        ("detect_races = strict", ["--detect-races"], "default"),
        ("addopts = --detect-races=strict", [], "strict"),
    ],
)
def test_level_comes_from_the_flag_or_the_configuration(
    project: Any, setting: str, flags: list[str], level: str
) -> None:
    project.write("pytest.ini", f"[pytest]\n{setting}\n")
    project.write("test_shop.py", RACY)
    result = project.run(*flags)
    result.stdout.fnmatch_lines([f"race detector: level {level}, *"])
    # A race between tasks is a warning by default, and an error where the run is strict.
    result.assert_outcomes(**{"failed" if level == "strict" else "passed": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detect-races=loud"], "*the level in '--detect-races=loud' does not exist: use --detect-races or "),
        (["-o", "detect_races=loud"], "*detect_races must be false, true or strict, not 'loud'"),
        (["--race-report=json:races.json"], "*--race-report does nothing without --detect-races: add "),
        (["--detect-races", "--race-packages=no_such"], "*the package 'no_such' in race_packages does not exist: "),
        (["--detect-races", "--race-packages=trio.no_such"], "*the package 'trio.no_such' in race_packages does not "),
        (["--detect-races", "--race-report=yaml:x"], "*the format 'yaml' in --race-report=yaml:x does not exist: "),
        (["--detect-races", "--race-report=json:shop.py/x"], "*--race-report=json:shop.py/x can't be written: "),
        (["--detect-races", "--race-timeout=soon"], "*race_timeout must be a number of seconds greater than 0, not "),
        (["--detect-races", "--race-timeout=0"], "*race_timeout must be a number of seconds greater than 0, not '0'"),
    ],
)
def test_an_option_that_can_not_be_used_is_a_usage_error(project: Any, arguments: list[str], message: str) -> None:
    project.write("test_shop.py", CLEAN)
    result = project.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"{message}*"])
    assert "Traceback" not in result.stderr.str()


def test_a_package_is_checked_without_being_imported(project: Any) -> None:
    project.write("lib/shouting/__init__.py", "print('imported before the hook')\n")
    project.write("pytest.ini", "[pytest]\npythonpath = lib\nrace_packages = shouting\n")
    project.write("test_shop.py", CLEAN)
    result = project.run("--detect-races", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*imported before the hook*")


def test_excluded_modules_are_left_alone(project: Any) -> None:
    project.write("pytest.ini", "[pytest]\nrace_exclude =\n    shop\n")
    project.write("test_shop.py", "import trio, shop\ndef test_lost(): trio.run(shop.lose_an_update)\n")
    result = project.run("--detect-races")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 module and * instrumented"])


def test_several_reports_can_be_written(project: Any) -> None:
    project.write("test_shop.py", RACY)
    result = project.run(
        "--detect-races", "--race-report=json:out/races.json", "--race-report=text:out/races.txt", "-q"
    )
    (finding,) = json.loads((project.path / "out/races.json").read_text())["findings"]
    assert finding["kind"] == "data-race"
    assert finding["severity"] == "warning"
    assert finding["test"] == "test_shop.py::test_race"
    assert (project.path / "out/races.txt").read_text().startswith("warning[data-race]: ")
    result.stdout.fnmatch_lines(["report written to */out/races.json", "report written to */out/races.txt"])


def test_plugin_can_be_left_out(project: Any) -> None:
    project.write("test_shop.py", CLEAN)
    result = project.run("-p", "no:trioflow", "--detect-races")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --detect-races"])
    project.run("-p", "no:trioflow").assert_outcomes(passed=1)
