"""Reports as text, against files that show how they are to look."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from trioflow.race.model.findings import Finding, Location
from trioflow.race.report.document import merged, withheld_line
from trioflow.race.report.text import ansi, render

GOLD = Path(__file__).parent / "gold"


@pytest.mark.parametrize("name", ["unguarded_section", "data_race"])
def test_report_looks_as_in_the_gold_file(name: str, request: pytest.FixtureRequest, root: Path) -> None:
    finding = request.getfixturevalue(name)
    assert render(finding, root) + "\n" == (GOLD / f"{name}.txt").read_text()


def test_colours_change_no_word(unguarded_section: Finding, root: Path) -> None:
    coloured = render(unguarded_section, root, ansi)
    assert coloured != render(unguarded_section, root)
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[36m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render(unguarded_section, root)


def test_source_lines_come_from_the_file_where_the_finding_has_none(data_race: Finding, tmp_path: Path) -> None:
    file = tmp_path / "metrics.py"
    file.write_text("class Metrics:\n    def drain(self):\n        self.sent = 0\n")
    access = attrs.evolve(data_race.accesses[1], location=Location(str(file), 3, 9), source="")
    lines = render(attrs.evolve(data_race, accesses=(access,)), tmp_path).splitlines()
    assert lines[2] == "  B writes    metrics.py:3:9               self.sent = 0"


def test_a_place_outside_the_root_keeps_its_whole_path(data_race: Finding, tmp_path: Path) -> None:
    assert "/projects/shop/src/shop/metrics.py:12:13    self.sent += amount" in render(data_race, tmp_path)


def test_locks_are_told_once_where_they_are_the_same_throughout(data_race: Finding, root: Path) -> None:
    first, second = data_race.accesses
    held = attrs.evolve(data_race, accesses=(attrs.evolve(first, locks=("Metrics.lock", "app.lock")), second))
    assert "  locks    A Metrics.lock and app.lock, B none\n" in render(held, root)


def test_locks_are_told_by_line_where_they_change(unguarded_section: Finding, root: Path) -> None:
    first, *rest = unguarded_section.accesses
    held = attrs.evolve(unguarded_section, accesses=(attrs.evolve(first, locks=("Stock.lock",)), *rest))
    assert "  locks    A Stock.lock in line 13 and none in line 17, B none\n" in render(held, root)


def test_lines_that_would_say_nothing_are_left_out(data_race: Finding, root: Path) -> None:
    bare = attrs.evolve(data_race, order="", seen="", help="", test="")
    labels = [line.split()[0] for line in render(bare, root).splitlines() if line.startswith("  ")]
    assert labels == ["A", "B", "A", "B", "locks", "id"]


def test_one_defect_in_several_tests_is_one_finding_with_their_number(data_race: Finding, root: Path) -> None:
    again = attrs.evolve(data_race, test="tests/test_metrics.py::test_other", occurrences=3)
    (one,) = merged([data_race, again])
    text = render(one, root)
    assert "  seen     predicted from the order; 4 times in all\n" in text
    assert "  test     tests/test_metrics.py::test_report and 1 more\n" in text


def test_withheld_races_are_counted_by_reason() -> None:
    assert (
        withheld_line({"commuting": 3, "covered": 9}, "--strict")
        == "12 races withheld: 9 covered, 3 commuting; --strict reports them"
    )
    assert withheld_line({"covered": 1}, "--strict") == "1 race withheld: 1 covered; --strict reports it"
    assert not withheld_line({"covered": 0}, "--strict")
