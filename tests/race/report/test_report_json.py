"""Reports as JSON, and the files they are written to."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import attrs
import pytest

from trioflow.race.model.configuration import Level
from trioflow.race.model.errors import ConfigurationError
from trioflow.race.model.findings import Finding
from trioflow.race.report.document import Accepted, Report
from trioflow.race.report.json import decode, dump, encode
from trioflow.race.report.targets import parse_target


def test_document_has_schema_findings_and_counts(unguarded_section: Finding, data_race: Finding, root: Path) -> None:
    report = Report(
        root=root,
        level=Level.DEFAULT,
        findings=(unguarded_section,),
        accepted=(Accepted(data_race, "a race for nothing"),),
        modules=3,
        functions=20,
        withheld={"covered": 2},
    )
    document = json.loads(dump(report))
    assert document["schema"] == "trioflow-race-report"
    assert document["version"] == 1
    assert document["instrumented"] == {"modules": 3, "functions": 20}
    assert document["withheld"] == {"covered": 2}
    assert [finding["id"] for finding in document["accepted"]] == ["c07a41f9"]
    assert document["accepted"][0]["reason"] == "a race for nothing"
    (finding,) = document["findings"]
    assert finding["kind"] == "unguarded-section"
    assert finding["severity"] == "error"
    assert finding["variable"] == "Stock.levels['tea']"
    assert finding["test"] == "tests/test_stock.py::test_two_orders"
    assert finding["accesses"][0] == {
        "file": "src/shop/stock.py",
        "line": 13,
        "column": 21,
        "function": "",
        "actor": "A",
        "task": "shop.stock.Stock.reserve",
        "verb": "reads",
        "operation": "read",
        "locks": [],
        "source": "available = self.levels[sku]",
        "remark": "",
    }


def test_a_finding_survives_the_way_through_json(unguarded_section: Finding, data_race: Finding, root: Path) -> None:
    for finding in (unguarded_section, attrs.evolve(data_race, occurrences=7)):
        restored = decode(json.loads(json.dumps(encode(finding, root))), root)
        assert attrs.evolve(restored, order="") == attrs.evolve(finding, order="")
        assert str(root) not in restored.order


def test_file_is_whole_readable_and_in_a_folder_that_is_made(data_race: Finding, root: Path, tmp_path: Path) -> None:
    target = parse_target("json:made/for/it/races.json", "--race-report", tmp_path)
    target.write(Report(root=root, level=Level.DEFAULT, findings=(data_race,)))
    folder = tmp_path / "made/for/it"
    assert [file.name for file in folder.iterdir()] == ["races.json"]
    assert len(json.loads((folder / "races.json").read_text())["findings"]) == 1
    assert (folder / "races.json").stat().st_mode & stat.S_IRUSR


def test_text_file_holds_errors_before_warnings(data_race: Finding, root: Path, tmp_path: Path) -> None:
    from trioflow.race.model.findings import Severity

    warning = attrs.evolve(data_race, severity=Severity.WARNING, identifier="00000001")
    target = parse_target("text:races.txt", "--race-report", tmp_path)
    target.write(Report(root=root, level=Level.DEFAULT, findings=(warning, data_race)))
    titles = [line for line in (tmp_path / "races.txt").read_text().splitlines() if "[data-race]: " in line]
    assert [title.partition("[")[0] for title in titles] == ["error", "warning"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("yaml:races.yaml", "the format 'yaml' in --race-report=yaml:races.yaml does not exist: use json:PATH, "),
        ("json", "--race-report=json names no file: write --race-report=json:PATH"),
        ("text:", "--race-report=text: names no file: write --race-report=text:PATH"),
        ("json:.", " is a folder"),
        ("json:file/races.json", "its folder can't be made"),
    ],
)
def test_a_target_that_can_not_be_used_is_refused_at_once(value: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError) as error:
        parse_target(value, "--race-report", tmp_path)
    assert message in str(error.value)
