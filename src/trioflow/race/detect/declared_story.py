"""Tells what is not as declared: which declaration, what was done, and what would fix it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pathlib import Path

from trioflow.race.detect import story
from trioflow.race.detect.analysis import Verdict
from trioflow.race.detect.checkpoints import checkpoint_between
from trioflow.race.detect.naming import variable_name
from trioflow.race.detect.order import missing_order
from trioflow.race.model.findings import Access, Finding, Location
from trioflow.race.shadow.breaches import Breach, BrokenUnit, UnguardedAccess, WrongDeclaration
from trioflow.race.shadow.containers import WRITE


def tell_declared(verdict: Verdict, breach: Breach, root: Path, test: str) -> Finding:
    """The finding that a breach stands for."""
    if isinstance(breach, BrokenUnit):
        return _tell_unit(verdict, breach, root, test)
    if isinstance(breach, UnguardedAccess):
        return _tell_access(verdict, breach, root, test)
    return _tell_declaration(verdict, breach, root, test)


def _tell_unit(verdict: Verdict, unit: BrokenUnit, root: Path, test: str) -> Finding:
    first, last = unit.first, unit.last
    names = list(
        dict.fromkeys(
            variable_name(variable.shadow, variable.where, access.site)
            for variable, access in ((unit.first_variable, first), (unit.last_variable, last))
        )
    )
    variable = " and ".join(names)
    others = [unit.other_first] if unit.other_first is unit.other_last else [unit.other_first, unit.other_last]
    if unit.other_first is not unit.other_last and unit.other_first.moment.serial > unit.other_last.moment.serial:
        others.reverse()
    written = any(access.kind & WRITE for access in others)
    if not written:
        what = "can be read half-written"
    elif len(names) > 1:
        what = "can be changed between the one access and the other"
    else:
        what = "can be changed"
    accesses = [story.access_line("A", first)]
    if unit.entered is not None:
        place = Location(unit.entered.path, unit.entered.line, unit.entered.column, unit.entered.function)
        accesses.insert(0, Access("A", "enters", place, "enter", story.locks_held(first)))
    between = checkpoint_between(first.site, last.site)
    if between is not None:
        accesses.append(Access("A", "awaits", between, "checkpoint", story.locks_held(first)))
    accesses += [story.access_line("B", access) for access in others]
    accesses.append(story.access_line("A", last))
    thread = "thread" in (first.moment.actor.kind, others[0].moment.actor.kind)
    return Finding(
        kind=verdict.kind,
        severity=verdict.severity,
        variable=variable,
        headline=f"{variable} {what} in the midst of the critical block {unit.name!r}",
        accesses=tuple(accesses),
        actors=(story.actor_line("A", last), story.actor_line("B", others[0])),
        order=missing_order(last.moment, others[0].moment).reason,
        seen=(
            "in this run B came in between"
            if unit.happened
            else "predicted from the order; it did not happen in this run"
        ),
        help=(
            f"hold one {'threading' if thread else 'trio'}.Lock throughout the block and where B accesses the same, "
            f"or do all of it {'under one lock' if thread else 'in one step'}"
        ),
        identifier=story.fingerprint(verdict.kind, f"{unit.name} {variable}", root, (first.site, last.site)),
        test=test,
        occurrences=verdict.count,
    )


def _tell_access(verdict: Verdict, breach: UnguardedAccess, root: Path, test: str) -> Finding:
    access = breach.access
    phrase = story.phrase(access)
    return Finding(
        kind=verdict.kind,
        severity=verdict.severity,
        variable=breach.variable,
        headline=f"{breach.variable} is {phrase} without {breach.lock}, which is declared to guard it",
        accesses=(story.access_line("A", access),),
        actors=(story.actor_line("A", access),),
        order="",
        seen="in this run, whether or not anybody else could have come in between",
        help=f"hold {breach.lock} here, or say why it is not needed: with race.ok('...')",
        identifier=story.fingerprint(verdict.kind, breach.variable, root, (access.site,)),
        test=test,
        occurrences=verdict.count,
    )


def _tell_declaration(verdict: Verdict, breach: WrongDeclaration, root: Path, test: str) -> Finding:
    return Finding(
        kind=verdict.kind,
        severity=verdict.severity,
        variable=breach.variable,
        headline=f"the declaration of {breach.variable} can't be checked: {breach.text}",
        accesses=(story.access_line("A", breach.access),),
        actors=(story.actor_line("A", breach.access),),
        order="",
        seen="at this access",
        help="correct the annotation",
        identifier=story.fingerprint(verdict.kind, f"{breach.variable} {breach.text}", root, (breach.site,)),
        test=test,
        occurrences=verdict.count,
    )
