"""Every construct of the language: rewritten it does what it does plain, and what it accesses is seen."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import trio
from constructs import SUPPORTED, Construct

from trioflow.race.model.configuration import Level


@pytest.mark.parametrize("construct", SUPPORTED, ids=lambda construct: construct.name.replace(" ", "-"))
def test_construct_is_watched_and_does_what_it_did(
    construct: Construct, watch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same results as without the detector, and the race between the two tasks is found."""
    path = tmp_path / "plain.py"
    path.write_text(construct.source())
    module = types.ModuleType("plain")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "plain", module)
    namespace = vars(module)
    exec(compile(construct.source(), str(path), "exec"), namespace)
    trio.run(namespace["main"])
    watched = watch(construct.source(), level=Level.STRICT)
    assert repr(watched.module.results) == repr(namespace["results"]).replace("plain.", f"{watched.module.__name__}.")
    variables = {finding.variable for finding in watched.findings}
    assert any(_is(found, known) for found in variables for known in construct.variables), sorted(variables)


def _is(found: str, known: str) -> bool:
    return (
        found == known
        or known in found.replace("'", "").split()
        or found.startswith(f"{known}[")
        or found.endswith(f".{known}")
    )
