"""The example in the documentation of containers does what is said of it."""

from __future__ import annotations

import re
from pathlib import Path

from race.conftest import Watch

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "containers.md"


def example() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_example_is_reported_as_it_is_said(watch: Watch) -> None:
    """With the words that are quoted."""
    (finding,) = watch(example()).findings
    assert f"{finding.severity.value}[{finding.kind.value}]: {finding.headline}" in PAGE.read_text(encoding="utf-8")
    assert finding.accesses[-1].remark == "raises RuntimeError"


def test_repaired_example_is_no_section(watch: Watch) -> None:
    """What is left is the race between the copy and the change."""
    repaired = example().replace("self.peers.items()", "list(self.peers.items())")
    assert [finding.kind.value for finding in watch(repaired).findings] == ["data-race"]
