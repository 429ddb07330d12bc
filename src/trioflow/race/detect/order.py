"""Why nothing orders two accesses: where the order of their actors was last known.

PYTEST_DONT_REWRITE

Both actors come from somewhere, so there always was a point at which they were ordered: a nursery in which both start,
or the last thing that one of them handed to the other (an event set, an item sent, a lock released).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import final

import attrs

from trioflow.race.clocks.actor import Actor, Moment
from trioflow.race.clocks.knowledge import Lesson
from trioflow.race.clocks.places import Place
from trioflow.race.clocks.vector import time_of
from trioflow.race.detect.source import tree_of


@final
@attrs.frozen
class MissingOrder:
    """Why nothing orders two accesses of A and B, and what could have."""

    reason: str
    advice: str = ""
    """Where an edge that exists comes too early: what could be moved; else empty."""


def missing_order(one: Moment, other: Moment) -> MissingOrder:
    """Why nothing orders two moments of different actors, called A and B."""
    met = _last_meeting(one, other)
    if met is not None:
        return met
    return MissingOrder(_parting(one.actor, other.actor))


def _last_meeting(one: Moment, other: Moment) -> MissingOrder | None:
    """The last thing that one of the two actors handed to the other before these moments."""
    to_other, to_one = _heard(other, one), _heard(one, other)
    if to_other is None and to_one is None:
        return None
    if to_one is None or (to_other is not None and to_other.taught >= to_one.time):
        giver, taker, lesson = "A", "B", to_other
    else:
        giver, taker, lesson = "B", "A", to_one
    assert lesson is not None
    place = lesson.place
    if place is None:
        return None
    where = f"{place.path}:{place.line}:{place.column}"
    return MissingOrder(
        f"last ordered at {where}, where {giver} lets {taker} go on; what {giver} does here comes after that",
        f"let {giver} do it before {where}, or let {taker} wait for something that comes after it",
    )


def _heard(learner: Moment, teacher: Moment) -> Lesson | None:
    """The lesson by which the one learnt all that it knows of the other, if the other gave it itself."""
    lesson = learner.actor.full.lessons
    known = time_of(learner.full, teacher.slot)
    if known < teacher.actor.born:
        return None
    while lesson is not None:
        if lesson.time <= learner.time and lesson.slot == teacher.slot:
            return lesson if lesson.taught == known and lesson.place is not None else None
        lesson = lesson.earlier
    return None


def _parting(one: Actor, other: Actor) -> str:
    """Where the lives of two actors parted."""
    lines = {id(actor): actor for actor in _line(one)}
    common = next((actor for actor in _line(other) if id(actor) in lines), None)
    if common is None:
        return "nothing orders the two"
    if common is one:
        return f"A {_starts(common, other, 'B')}; nothing orders the two after that"
    if common is other:
        return f"B {_starts(common, one, 'A')}; nothing orders the two after that"
    nursery = _common_nursery(one, other) if one.parent is other.parent is common else None
    if nursery is not None:
        return f"both start in the nursery at {nursery}; nothing orders them after that"
    if one.parent is other.parent is common and one.started is not None and one.started == other.started:
        return f"{common.name} {_starts(common, one, 'both')}; nothing orders them after that"
    both = f"{_starts(common, one, 'A')} and {_starts(common, other, 'B')}"
    return f"{common.name} {both}; nothing orders them after that"


def _line(actor: Actor | None) -> Iterator[Actor]:
    """An actor and its ancestors."""
    while actor is not None:
        yield actor
        actor = actor.parent


def _starts(ancestor: Actor, actor: Actor, label: str) -> str:
    """How an actor came from one of its ancestors."""
    child = next(each for each in _line(actor) if each.parent is ancestor)
    what = label if child is actor else f"{child.name}, from which {label} comes,"
    if child.started is None:
        return f"starts {what}"
    return f"starts {what} in line {child.started.line} of {child.started.function or 'the module'}"


def _common_nursery(one: Actor, other: Actor) -> str | None:
    """Where the nursery was opened in which both were started, if the source shows that it is one."""
    if one.started is None or other.started is None:
        return None
    nursery = _nursery(one.started)
    if nursery is None or nursery != _nursery(other.started):
        return None
    line, column = nursery
    return f"{one.started.path}:{line}:{column}"


def _nursery(started: Place) -> tuple[int, int] | None:
    """Where the nursery of a call that starts a task was opened, if that is around it in the source."""
    return _nurseries(started.path).get((started.line, started.column))


@functools.lru_cache(maxsize=64)
def _nurseries(path: str) -> dict[tuple[int, int], tuple[int, int]]:
    """For each call in a file that starts a task in a nursery opened around it, where that is; from 1."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    # Not by recursion: a long chain of `elif` is as deep as it is long.
    waiting: list[tuple[ast.AST, dict[str, tuple[int, int]]]] = [(tree_of(path), {})]
    while waiting:
        node, opened = waiting.pop()
        if isinstance(node, ast.AsyncWith):
            opened = opened | {
                item.optional_vars.id: (node.lineno, node.col_offset + 1)
                for item in node.items
                if isinstance(item.optional_vars, ast.Name) and isinstance(item.context_expr, ast.Call)
            }
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            nursery = opened.get(node.func.value.id) if isinstance(node.func.value, ast.Name) else None
            if nursery is not None and node.func.attr in ("start_soon", "start"):
                found[node.lineno, node.col_offset + 1] = nursery
        waiting.extend((child, opened) for child in ast.iter_child_nodes(node))
    return found
