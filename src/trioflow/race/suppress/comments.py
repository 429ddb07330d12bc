"""Comments that accept a finding: `# race: ok[kind] reason`.

PYTEST_DONT_REWRITE

A comment stands on the line of either access, or on any line of a statement that is spread over
several, or on a line of its own directly above. It names the kinds of findings it accepts, and the
reason, without which nobody could tell later whether it still holds. What is written wrongly is a
problem that is reported with its place: a comment that is silently ignored would be worse than none.

A file is read by the tokenizer, so that the words in a string are no comment, and only where the
words occur in it at all.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

import attrs

from trioflow.race.model.findings import Finding, Kind
from trioflow.race.model.sites import Site

_COMMENT = re.compile(r"#\s*race:\s*ok\b(?P<rest>.*)")
_REST = re.compile(r"\[(?P<kinds>[^\]]*)\]\s*(?P<reason>.*)")
_KINDS = {kind.value: kind for kind in Kind}
_HOW = "write # race: ok[kind] reason"
_LAYOUT = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER})


@final
@attrs.frozen
class Suppression:
    """One comment that accepts findings."""

    path: str
    line: int
    """Where the comment is."""
    kinds: tuple[Kind, ...]
    reason: str
    lines: range = attrs.field(eq=False)
    """The lines for which it holds."""

    def text(self) -> str:
        """Returns the comment as it is to be written."""
        return f"# race: ok[{', '.join(kind.value for kind in self.kinds)}] {self.reason}"


@final
@attrs.frozen
class Problem:
    """A comment that is meant to accept findings and does not say what it must."""

    path: str
    line: int
    text: str


@final
class Suppressions:
    """The comments in all files that findings lead to, and which of them were used."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[Suppression, ...], tuple[Problem, ...]]] = {}
        self._used: set[Suppression] = set()

    def matches(self, finding: Finding) -> Suppression | None:
        """Returns the comment that accepts a finding, which counts as used from then on."""
        for access in finding.accesses:
            if access.operation == "checkpoint":
                continue
            for suppression in self._in_file(access.location.path)[0]:
                if finding.kind in suppression.kinds and access.location.line in suppression.lines:
                    self._used.add(suppression)
                    return suppression
        return None

    def accepts(self, kind: Kind, one: Site, other: Site) -> bool:
        """Whether a finding of this kind at these two places will be accepted; nothing counts as used for that."""
        return any(
            kind in suppression.kinds and site.line in suppression.lines
            for site in (one, other)
            for suppression in self._in_file(site.path)[0]
        )

    def known(self, paths: Iterable[str]) -> list[Suppression]:
        """Returns all comments in these files."""
        return [suppression for path in paths for suppression in self._in_file(path)[0]]

    def used(self) -> set[Suppression]:
        """Returns the comments that accepted something."""
        return set(self._used)

    def problems(self, paths: Iterable[str]) -> list[Problem]:
        """Returns what is written wrongly in these files."""
        return [problem for path in paths for problem in self._in_file(path)[1]]

    def _in_file(self, path: str) -> tuple[tuple[Suppression, ...], tuple[Problem, ...]]:
        if path not in self._files:
            found = list(_read(path))
            self._files[path] = (
                tuple(entry for entry in found if isinstance(entry, Suppression)),
                tuple(entry for entry in found if isinstance(entry, Problem)),
            )
        return self._files[path]


def _read(path: str) -> Iterator[Suppression | Problem]:
    try:
        source = Path(path).read_bytes()
    except OSError:
        return
    if b"race:" not in source:
        return
    try:
        statements = list(_statements(source))
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        # A file that does not compile has no findings, and the import says what is wrong with it.
        return
    for comments, lines in statements:
        for line, text in comments:
            match = _COMMENT.search(text)
            if match is not None:
                yield _parse(path, line, match["rest"], lines)


def _statements(source: bytes) -> Iterator[tuple[list[tuple[int, str]], range]]:
    """Yields, for each logical line with comments, these and the lines for which they hold."""
    comments: list[tuple[int, str]] = []
    first: int | None = None
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            comments.append((line, token.string))
        elif token.type == tokenize.NEWLINE:
            if comments:
                begin = line if first is None else first
                yield comments, range(min(begin, comments[0][0]), line + 1)
            comments, first = [], None
        elif token.type == tokenize.NL:
            # A blank line parts comments above it from the statement below it.
            if first is None and not token.line.strip() and comments:
                yield comments, range(comments[0][0], line)
                comments = []
        elif token.type not in _LAYOUT:
            first = line if first is None else first
    if comments:
        yield comments, range(comments[0][0], comments[-1][0] + 1)


def _parse(path: str, line: int, rest: str, lines: range) -> Suppression | Problem:
    match = _REST.match(rest)
    if match is None:
        return Problem(path, line, f"the comment names no kind of finding: {_HOW}")
    names = [name.strip() for name in match["kinds"].split(",")]
    for name in names:
        if name not in _KINDS:
            allowed = ", ".join(sorted(_KINDS))
            return Problem(path, line, f"the kind {name!r} does not exist: use {allowed}")
    # Another tool's comment may follow on the same line.
    reason = re.split(r"(?:^|\s)#", match["reason"])[0].strip()
    if not reason:
        return Problem(path, line, f"the comment gives no reason: {_HOW}")
    return Suppression(path, line, tuple(_KINDS[name] for name in names), reason, lines)
