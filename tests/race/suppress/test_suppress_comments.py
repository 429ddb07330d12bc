"""Comments that accept a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from trioflow.race.model.findings import Access, Actor, Finding, Kind, Location, Severity
from trioflow.race.suppress.comments import Suppressions


def finding(path: Path, *lines: int, kind: Kind = Kind.DATA_RACE, awaits: int | None = None) -> Finding:
    accesses = [Access("A", "writes", Location(str(path), line, 1), "write") for line in lines]
    if awaits is not None:
        accesses.insert(1, Access("A", "awaits", Location(str(path), awaits, 1), "checkpoint"))
    return Finding(
        kind=kind,
        severity=Severity.ERROR,
        variable="x",
        headline="x races",
        accesses=tuple(accesses),
        actors=(Actor("A", "task", "main"),),
        order="",
        seen="",
        help="",
        identifier="0000000a",
    )


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "module.py"
        path.write_text(text)
        return path

    return write


def test_a_comment_on_either_line_accepts(write) -> None:
    path = write("a = 1\nb = 2  # race: ok[data-race] either value is fine\nc = 3\n")
    suppressions = Suppressions()
    for lines in ((1, 2), (2, 3)):
        accepted = suppressions.matches(finding(path, *lines))
        assert accepted is not None
        assert accepted.reason == "either value is fine"
    assert suppressions.matches(finding(path, 1, 3)) is None


def test_a_comment_accepts_only_the_kinds_it_names(write) -> None:
    path = write("a = 1  # race: ok[data-race, leak] known\n")
    suppressions = Suppressions()
    assert suppressions.matches(finding(path, 1, kind=Kind.LEAK)) is not None
    assert suppressions.matches(finding(path, 1, kind=Kind.DEADLOCK)) is None


def test_a_comment_on_the_line_of_the_checkpoint_accepts_nothing(write) -> None:
    path = write("a = 1\nb = 2  # race: ok[data-race] no access\nc = 3\n")
    assert Suppressions().matches(finding(path, 1, 3, awaits=2)) is None


def test_a_comment_holds_for_the_whole_of_a_statement_over_several_lines(write) -> None:
    path = write("a = [\n    1,  # race: ok[data-race] known\n    2,\n]\nb = 2\n")
    suppressions = Suppressions()
    assert all(suppressions.matches(finding(path, line)) for line in (1, 2, 3, 4))
    assert suppressions.matches(finding(path, 5)) is None


def test_a_comment_of_its_own_holds_for_the_statement_directly_below(write) -> None:
    path = write("# race: ok[data-race] known\na = 1\n# race: ok[data-race] known\n\nb = 2\n")
    suppressions = Suppressions()
    assert suppressions.matches(finding(path, 2)) is not None
    assert suppressions.matches(finding(path, 5)) is None


def test_a_comment_on_the_head_of_a_block_does_not_hold_inside(write) -> None:
    path = write("if True:  # race: ok[data-race] known\n    a = 1\n")
    suppressions = Suppressions()
    assert suppressions.matches(finding(path, 1)) is not None
    assert suppressions.matches(finding(path, 2)) is None


def test_the_words_in_a_string_are_no_comment(write) -> None:
    path = write('a = "# race: ok[data-race] known"\n')
    assert Suppressions().known([str(path)]) == []


def test_other_comments_may_stand_on_the_same_line(write) -> None:
    path = write("a = 1  # noqa: E501  # race: ok[data-race] known  # pragma: no cover\n")
    (suppression,) = Suppressions().known([str(path)])
    assert suppression.reason == "known"


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("# race: ok[data-race]", "the comment gives no reason: write # race: ok[kind] reason"),
        ("# race: ok[data-race]   # noqa", "the comment gives no reason: write # race: ok[kind] reason"),
        ("# race: ok because", "the comment names no kind of finding: write # race: ok[kind] reason"),
        ("# race: ok", "the comment names no kind of finding: write # race: ok[kind] reason"),
        (
            "# race: ok[race] known",
            "the kind 'race' does not exist: use data-race, deadlock, leak, lock-order, unguarded-access, "
            "unguarded-section, wrong-declaration",
        ),
    ],
)
def test_a_comment_that_says_too_little_is_a_problem_with_its_place(write, comment: str, problem: str) -> None:
    path = write(f"a = 1\nb = 2  {comment}\n")
    suppressions = Suppressions()
    (found,) = suppressions.problems([str(path)])
    assert (found.path, found.line, found.text) == (str(path), 2, problem)
    assert suppressions.matches(finding(path, 2)) is None


def test_what_was_used_is_known_afterwards(write) -> None:
    path = write("a = 1  # race: ok[data-race] known\nb = 2  # race: ok[data-race] known, too\n")
    suppressions = Suppressions()
    suppressions.matches(finding(path, 1))
    unused = set(suppressions.known([str(path)])) - suppressions.used()
    assert [suppression.line for suppression in unused] == [2]


@pytest.mark.parametrize("content", [b"a = (  # race: ok[data-race] known\n", b"\xff # race: ok[data-race] known\n"])
def test_a_file_that_can_not_be_read_has_no_comments(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    assert Suppressions().known([str(path), str(tmp_path / "missing.py")]) == []
