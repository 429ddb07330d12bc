"""Types are checked against Trio's own, not against the older stubs of trio-typing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path


def stubs_of_trio(search_path: Iterable[str]) -> list[Path]:
    """Return the folders of stubs that a type checker would take in place of Trio's own types."""
    return [folder for entry in search_path if (folder := Path(entry) / "trio-stubs").is_dir()]


def test_no_stubs_shadow_trio() -> None:
    """An environment that checks types must not have trio-typing in it."""
    found = stubs_of_trio(sys.path)
    assert not found, (
        f"{found[0]} hides Trio's own types from type checkers: uninstall trio-typing here, "
        "or check types in an environment without it (docs/how-to/trio-typing.md)"
    )


def test_stubs_are_recognised(tmp_path: Path) -> None:
    """The folder that trio-typing installs is what is looked for."""
    assert stubs_of_trio([str(tmp_path)]) == []
    (tmp_path / "trio-stubs").mkdir()
    assert stubs_of_trio([str(tmp_path)]) == [tmp_path / "trio-stubs"]


def test_trio_ships_its_own_types() -> None:
    """Which is why no stubs are needed."""
    import trio

    assert (Path(trio.__file__).parent / "py.typed").is_file()
