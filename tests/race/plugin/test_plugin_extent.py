"""A run that watched its tests alone is no clean run, unless they are all there is to watch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SELF_CONTAINED = "import trio\nasync def main(): await trio.lowlevel.checkpoint()\ndef test_it(): trio.run(main)\n"


def install(folder: Path, name: str, *, requires: str = "trio", distribution: str | None = None) -> None:
    """Puts a package where an installer would, outside of the project."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("async def work(): pass\n")
    metadata = folder / f"{(distribution or name).replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
    )
    (metadata / "RECORD").write_text(f"{name}/__init__.py,,\n")


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "site-packages"
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def bare(project: Any) -> Any:
    """A project without any code but its tests."""
    (project.path / "shop.py").unlink()
    return project


def test_tests_that_hold_their_programs_are_clean(bare: Any) -> None:
    bare.write("test_it.py", SELF_CONTAINED)
    result = bare.run("--detect-races")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 module and 2 functions instrumented"])


def test_the_project_itself_installed_elsewhere_is_an_error(bare: Any, installed: Path) -> None:
    install(installed, "shoplib", distribution="the-shop", requires="attrs")
    bare.write("pyproject.toml", '[project]\nname = "the.shop"\nversion = "1"\n')
    bare.write("tests/test_it.py", f"import shoplib\n{SELF_CONTAINED}")
    result, report = bare.detect()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        [
            "ERROR: nothing but tests was instrumented, so this run says nothing about shoplib (imported from "
            "*/site-packages/shoplib): set race_packages = shoplib, or name what is not to be watched in race_exclude"
        ]
    )
    assert report["instrumented"]["modules"] == 1


def test_the_installed_copy_of_a_package_at_the_root_is_an_error(bare: Any, installed: Path) -> None:
    install(installed, "shoplib", requires="attrs")
    bare.write("src/shoplib/__init__.py", "")
    bare.write("tests/test_it.py", f"from shoplib import work\n{SELF_CONTAINED}")
    result = bare.run("--detect-races", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: nothing but tests was instrumented*set race_packages = shoplib, *"])


def test_a_library_on_trio_that_the_tests_import_is_an_error(bare: Any, installed: Path) -> None:
    install(installed, "webthing", requires="anyio>=3")
    install(installed, "arithmetic", requires="numpy")
    bare.write("tests/test_it.py", f"import arithmetic\nfrom webthing import work\n{SELF_CONTAINED}")
    result = bare.run("--detect-races")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: nothing but tests was instrumented*set race_packages = webthing, *"])


@pytest.mark.parametrize(
    ("setting", "modules"), [("race_packages = webthing", "2 modules"), ("race_exclude = webthing", "1 module")]
)
def test_the_error_ends_when_done_as_it_says(bare: Any, installed: Path, setting: str, modules: str) -> None:
    install(installed, "webthing")
    bare.write("pytest.ini", f"[pytest]\n{setting}\n")
    bare.write("tests/test_it.py", f"from webthing import work\n{SELF_CONTAINED}")
    result = bare.run("--detect-races")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"{modules} and * instrumented"])


def test_a_run_that_instrumented_nothing_at_all_is_an_error(bare: Any) -> None:
    bare.write("pytest.ini", "[pytest]\nrace_exclude = test_it\n")
    bare.write("test_it.py", SELF_CONTAINED)
    result = bare.run("--detect-races")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: nothing was instrumented, so this run says nothing: *set race_packages*"])


def test_modules_that_came_too_early_are_named(bare: Any) -> None:
    bare.write("early.py", "import helper\n")
    bare.write("helper.py", "")
    bare.write("test_it.py", f"import helper\n{SELF_CONTAINED}")
    result = bare.run("-p", "early", "--detect-races")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        [
            "not instrumented, as something imported it *: early, helper",
            "ERROR: nothing but tests was instrumented: early, helper had been imported before the detector was there*",
        ]
    )
    result.stdout.no_fnmatch_line("*set race_packages*")
