"""Runs a module under the detector, in this process."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest
import trio

from trioflow.race.detector import Detector
from trioflow.race.model.configuration import Configuration, Level
from trioflow.race.model.findings import Finding


@attrs.frozen
class Watched:
    """A module that has been run under the detector."""

    module: ModuleType
    findings: list[Finding]

    def kinds(self) -> list[tuple[str, str]]:
        """The kinds and variables of the findings."""
        return sorted((finding.kind.value, finding.variable) for finding in self.findings)


Watch = Callable[..., Watched]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Write a module, import it under the detector and run its `main` in Trio."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def run(source: str, *, level: Level = Level.DEFAULT) -> Watched:
        name = f"watched_{tmp_path.name.replace('-', '_')}_{len(names)}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        detector = Detector(Configuration(root=tmp_path, level=level, cache=False))
        detector.install()
        try:
            module = importlib.import_module(name)
            detector.start("test")
            trio.run(module.main)
            return Watched(module, detector.finish())
        finally:
            detector.uninstall()

    yield run
    for name in names:
        sys.modules.pop(name, None)
