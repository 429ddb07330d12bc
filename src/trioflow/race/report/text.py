"""The report of a finding as text.

PYTEST_DONT_REWRITE

The order is that in which a reader asks: what goes wrong, with which variable and to which effect;
the accesses in the order that hurts, with the checkpoint between them; who makes them and where they
were started; the locks; why nothing orders the two; what was seen; what would help. Each thing is said
once, and a line that would say nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from trioflow.race.model.findings import Access, Actor, Finding, Location
from trioflow.race.report.places import place, source_line, with_relative_paths

Paint = Callable[[str, str], str]
"""Colours a text (the first argument) for its role: `error`, `warning`, `place` or `faint`."""

_ANSI = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "place": "\x1b[36m", "faint": "\x1b[2m"}
_ACTION_WIDTH = 12
_PLACE_WIDTH = 29
_LABEL_WIDTH = 9


def plain(text: str, role: str) -> str:  # noqa: ARG001 (every way to paint is called alike)
    """Returns the text as it is."""
    return text


def ansi(text: str, role: str) -> str:
    """Returns the text in the colour of its role, for a terminal."""
    return f"{_ANSI[role]}{text}\x1b[0m"


def render(finding: Finding, root: Path, paint: Paint = plain) -> str:
    """Returns the whole report of a finding, without a newline at the end.

    Args:
        finding: What to report.
        root: The project's folder, from which paths are shown.
        paint: How to colour.
    """
    title = f"{finding.severity.value}[{finding.kind.value}]"
    headline = with_relative_paths(finding.headline, root)
    lines = [f"{paint(title, finding.severity.value)}: {headline}", ""]
    lines += _accesses(finding.accesses, root, paint)
    lines.append("")
    lines += _actors(finding.actors, root, paint)
    lines += (f"  {paint(label.ljust(_LABEL_WIDTH), 'faint')}{text}" for label, text in _facts(finding, root) if text)
    return "\n".join(lines)


def _accesses(accesses: tuple[Access, ...], root: Path, paint: Paint) -> Iterator[str]:
    actions: list[str] = []
    previous: Access | None = None
    for access in accesses:
        actions.append("" if previous and _continues(access, previous) else f"{access.actor} {access.verb}")
        previous = access
    places = [place(access.location, root) for access in accesses]
    action_width = max(_ACTION_WIDTH, 3 + max(map(len, actions), default=0))
    place_width = max(_PLACE_WIDTH, 4 + max(map(len, places), default=0))
    for access, action, where in zip(accesses, actions, places, strict=True):
        padding = " " * (place_width - len(where))
        remark = f"     {access.remark}" if access.remark else ""
        line = f"  {action.ljust(action_width)}{paint(where, 'place')}{padding}{source_line(access)}{remark}"
        yield line.rstrip()


def _continues(access: Access, previous: Access) -> bool:
    """Whether a line goes on with what the line before it began: the frames of one checkpoint."""
    return (
        access.operation == previous.operation == "checkpoint"
        and access.actor == previous.actor
        and access.verb == previous.verb
    )


def _actors(actors: tuple[Actor, ...], root: Path, paint: Paint) -> Iterator[str]:
    # Where only tasks take part nobody needs to be told so; where a thread does, it is the point.
    threads = any(actor.kind != "task" for actor in actors)
    for actor in actors:
        what = actor.name
        if threads:
            what = f"task {actor.name}" if actor.kind == "task" else f"thread running {actor.name}"
        yield f"  {actor.label}  {what}{_started(actor.started, root, paint)}"


def _started(location: Location | None, root: Path, paint: Paint) -> str:
    if location is None:
        return ""
    where = paint(place(location, root), "place")
    return f", started at {where} in {location.function}" if location.function else f", started at {where}"


def _facts(finding: Finding, root: Path) -> Iterator[tuple[str, str]]:
    seen = finding.seen
    if finding.occurrences > 1:
        seen = f"{seen}; {finding.occurrences} times in all" if seen else f"{finding.occurrences} times in all"
    yield "object", with_relative_paths(finding.object, root)
    yield "locks", with_relative_paths(_locks(finding), root)
    yield "order", with_relative_paths(finding.order, root)
    yield "seen", with_relative_paths(seen, root)
    yield "test", finding.test
    yield "help", with_relative_paths(finding.help, root)
    yield "id", f"{finding.identifier}   to accept: # race: ok[{finding.kind.value}] <reason>"


def _locks(finding: Finding) -> str:
    accesses = [access for access in finding.accesses if access.operation != "checkpoint"]
    return ", ".join(
        f"{actor.label} {held}"
        for actor in finding.actors
        if (held := _held(access for access in accesses if access.actor == actor.label))
    )


def _held(accesses: Iterable[Access]) -> str:
    """Says which locks one actor holds, once where that is the same at all of its accesses."""
    held: dict[int, str] = {}
    for access in accesses:
        held.setdefault(access.location.line, " and ".join(access.locks) or "none")
    if len(set(held.values())) <= 1:
        return next(iter(held.values()), "")
    return " and ".join(f"{locks} in line {line}" for line, locks in held.items())
