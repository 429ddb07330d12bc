"""Programs under the detector: `trioflow race run`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RACY = """
import sys
import trio

value = 10


async def take(quantity):
    global value
    seen = value
    await trio.lowlevel.checkpoint()
    value = seen - quantity


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, 3)
        nursery.start_soon(take, 4)


if __name__ == "__main__":
    trio.run(main)
    print("done", *sys.argv[1:])
"""
REVEALING = """
import sys, os, json

print(json.dumps({
    "argv": sys.argv,
    "path": sys.path[0],
    "name": __name__,
    "file": __file__,
    "package": __package__,
    "spec": __spec__ and __spec__.name,
    "loader": type(__loader__).__name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "doc": __doc__,
}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip("\n"))
    return path


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "trioflow", "race", "run", *arguments)


def test_an_error_is_told_on_stderr_with_exit_code_66(folder: Path) -> None:
    write(folder, "shop.py", RACY)
    result = run(folder, "--report=json:out/races.json", "shop.py", "--report", "x")
    assert result.returncode == 66, result.stderr
    assert result.stdout == "done --report x\n"
    assert result.stderr.startswith("error[unguarded-section]: ")
    assert "  A reads     shop.py:9:12                 seen = value\n" in result.stderr
    assert "race detector: 1 error, 0 warnings; 1 module and 2 functions instrumented\n" in result.stderr
    assert "test " not in result.stderr
    (finding,) = json.loads((folder / "out/races.json").read_text())["findings"]
    assert finding["test"] == ""
    assert finding["accesses"][0]["file"] == "shop.py"


def test_imports_next_to_the_script_are_instrumented_and_modules_run_as_well(folder: Path) -> None:
    write(folder, "program/shop.py", RACY)
    write(folder, "program/start.py", "import shop, trio\ntrio.run(shop.main)\n")
    assert run(folder, "program/start.py").returncode == 66
    assert run(folder / "program", "-m", "shop").returncode == 66


def test_a_clean_program_prints_what_it_prints_and_ends_as_it_ends(folder: Path) -> None:
    write(folder, "clean.py", "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n")
    result = run(folder, "clean.py")
    assert (result.returncode, result.stdout, result.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.exit('a message')\n",
        "import sys\nsys.exit()\n",
        "def f():\n    1 / 0\nf()\n",
        "def f(:\n",
        "raise SystemExit(260)\n",
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.01), print('late'))).start()\n",
    ],
)
def test_a_program_ends_as_under_python(folder: Path, text: str) -> None:
    write(folder, "ends.py", text)
    expected = python(folder, "ends.py")
    result = run(folder, "ends.py")
    # Python names a script in tracebacks as it was given; here it is the whole path.
    errors = result.stderr.replace(f"{folder}/", "")
    assert (result.returncode, result.stdout) == (expected.returncode, expected.stdout)
    assert errors == expected.stderr.replace(f"{folder}/", "")


@pytest.mark.parametrize("arguments", [["main.py", "a", "-m"], ["-m", "tool", "b"], ["-m", "tool.part"], ["tool"]])
def test_a_program_finds_itself_as_under_python(folder: Path, arguments: list[str]) -> None:
    for name in ("main.py", "tool/__main__.py", "tool/part.py"):
        write(folder, name, REVEALING)
    write(folder, "tool/__init__.py", "")
    expected = python(folder, *arguments)
    result = run(folder, *arguments)
    assert expected.returncode == result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == json.loads(expected.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "can't open 'missing.py': there is no such file"),
        (["-m", "no_such_module"], "no_such_module"),
        (["-m"], "-m needs the name of a module"),
        ([], "nothing to run was given: use trioflow race run"),
        (["--report=yaml:x", "script.py"], "the format 'yaml' in --report=yaml:x does not exist"),
        (["--package=no_such", "script.py"], "no_such"),
        (["--loud", "script.py"], "unrecognized arguments: --loud"),
    ],
)
def test_what_can_not_be_run_is_a_clear_error(folder: Path, arguments: list[str], message: str) -> None:
    write(folder, "script.py", "print('ran')\n")
    result = run(folder, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "ran" not in result.stdout


def test_strictness_and_comments(folder: Path) -> None:
    racy = RACY.replace("    value = seen", "    value = seen").replace(
        "seen - quantity", "seen - quantity  # race: ok[unguarded-section, data-race] an estimate will do"
    )
    write(folder, "accepted.py", racy)
    assert run(folder, "--strict", "accepted.py").returncode == 0
    write(folder, "silent.py", racy.replace(" an estimate will do", ""))
    result = run(folder, "silent.py")
    assert result.returncode == 66
    assert f"trioflow: error: {folder}/silent.py:11: the comment gives no reason" in result.stderr


def test_help_names_the_command(folder: Path) -> None:
    assert "trioflow race run" in python(folder, "-m", "trioflow", "--help").stdout
    assert "--package" in run(folder, "--help").stdout
    unknown = python(folder, "-m", "trioflow", "race", "walk")
    assert unknown.returncode == 2
    assert "there is no command 'race walk'" in unknown.stderr


def test_colours_follow_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "shop.py", RACY)
    assert "\x1b[" not in run(folder, "shop.py").stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31merror[unguarded-section]" in run(folder, "shop.py").stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(folder, "shop.py").stderr
