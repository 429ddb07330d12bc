"""Turns a verdict into a finding: who did what where, why nothing orders it, and what would fix it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import linecache
from pathlib import Path

from trioflow.race.clocks import actor as clocks
from trioflow.race.detect.analysis import Cut, Race, Verdict, extends, is_iteration, is_read_back, is_suspended
from trioflow.race.detect.checkpoints import checkpoint_between
from trioflow.race.detect.naming import qualified, short_function, variable_name
from trioflow.race.detect.order import missing_order
from trioflow.race.detect.wakeups import lost_wake_up
from trioflow.race.model.findings import Access, Actor, Finding, Kind, Location
from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.containers import READ, UPDATE, WRITE
from trioflow.race.shadow.kinds import Container
from trioflow.race.shadow.values import show
from trioflow.race.shadow.variables import Access as SeenAccess

_DELETES = frozenset({Operation.DELETE, Operation.ITEM_DELETE})


def tell(verdict: Verdict, root: Path, test: str) -> Finding:
    """The finding that a verdict stands for."""
    occurrence = verdict.occurrence
    if isinstance(occurrence, Cut):
        return _tell_section(verdict, occurrence, root, test)
    assert isinstance(occurrence, Race)
    return _tell_race(verdict, occurrence, root, test)


def _tell_race(verdict: Verdict, race: Race, root: Path, test: str) -> Finding:
    first, second = race.earlier, race.later
    variable = variable_name(race.shadow, race.where, naming_site(race))
    missing = missing_order(first.moment, second.moment)
    actors = (actor_line("A", first), actor_line("B", second))
    what = f"{phrase(first)} by {_who(first)} and {phrase(second)} by {_who(second, first)}"
    thread = "thread" in (actors[0].kind, actors[1].kind)
    seen = "in this run A came first; nothing keeps B from coming first in another"
    replaced, stored = show(first.before), show(first.value)
    if first.kind & WRITE and replaced is not None and stored is not None and replaced != stored:
        seen = f"in this run A changed {replaced} to {stored} first; B may as well come first"
    lost = None if thread else lost_wake_up(first, second, variable)
    return Finding(
        kind=verdict.kind,
        severity=verdict.severity,
        variable=variable,
        headline=lost.headline if lost else f"{variable} is {what}, and nothing orders the two",
        accesses=(access_line("A", first), access_line("B", second)),
        actors=actors,
        order=missing.reason,
        seen=seen,
        help=(
            "guard both with one threading.Lock, or do it in the task and hand the thread a copy"
            if thread
            else lost.advice
            if lost
            else missing.advice
            or "let one wait for the other (a trio.Event, a channel, the nursery's end), or let both hold a trio.Lock"
        ),
        identifier=fingerprint(verdict.kind, variable, root, (first.site, second.site)),
        test=test,
        occurrences=verdict.count,
    )


def _tell_section(verdict: Verdict, cut: Cut, root: Path, test: str) -> Finding:
    section, write = cut.section, cut.write
    start, end = section.start_site, section.end.site
    variable = variable_name(cut.shadow, cut.where, named_at(cut))
    owner = section.end.moment
    start_kind = WRITE if is_read_back(section) else READ
    first = SeenAccess(start_kind, start, section.start)
    handed_down = "before A was started" if section.start.actor is not owner.actor else ""
    goes_on = is_iteration(section)
    accesses = [access_line("A", first, handed_down, verb="iterates" if goes_on else None)]
    place = checkpoint_between(start, end)
    if place is not None:
        accesses.append(Access("A", "awaits", place, "checkpoint", locks_held(first)))
    accesses.append(access_line("B", write))
    reads = goes_on or is_read_back(section)
    last = SeenAccess(READ if reads else WRITE, end, owner)
    remark = _consequence(cut) if goes_on else "" if reads else "overwrites B"
    accesses.append(access_line("A", last, remark, verb="advances" if goes_on else None))
    if goes_on:
        headline = f"{variable} is iterated over across a checkpoint, while {_who(write, last)} changes it"
        copied = f"list({end.expression})"
        advice = f"iterate over a copy, such as {copied}, or hold one trio.Lock for the iteration and for the change"
    elif is_read_back(section):
        headline = f"{variable} can be overwritten before it is read back"
        advice = f"keep the value in a local variable, or hold one trio.Lock over lines {_lines(start, end)}"
    elif is_suspended(section):
        headline = f"{variable} is read before the checkpoint and stored after it; an update in between is lost"
        advice = "await first and update then, in one step"
    elif section.by_control:
        headline = f"{variable} can change between the check and the act that relies on it"
        advice = f"hold one trio.Lock over lines {_lines(start, end)}, or check again in the step of the act"
    else:
        headline = f"{variable} can change between the read and the write that relies on it (lost update)"
        advice = f"hold one trio.Lock over lines {_lines(start, end)}, or read and write in one step"
    return Finding(
        kind=verdict.kind,
        severity=verdict.severity,
        variable=variable,
        headline=headline,
        accesses=tuple(accesses),
        actors=(actor_line("A", last), actor_line("B", write)),
        order=missing_order(owner, write.moment).reason,
        seen=_seen(cut),
        help=advice,
        identifier=fingerprint(Kind.UNGUARDED_SECTION, variable, root, (start, end)),
        test=test,
        occurrences=verdict.count,
    )


def named_at(cut: Cut) -> Site:
    """The place whose words name the variable: an iteration may be over several things at once, or over a view."""
    write, end = cut.write.site, cut.section.end.site
    return write if is_iteration(cut.section) and not write.indirect else end


def _consequence(cut: Cut) -> str:
    """What becomes of an iteration if its container changes."""
    kind = cut.shadow.container
    if kind in (Container.DICT, Container.SET) or cut.shadow.label == "deque":
        return "raises RuntimeError"
    return "may meet what was added" if extends(cut.shadow, cut.write) else "skips or repeats elements"


def naming_site(race: Race) -> Site:
    """The place whose words name the variable."""
    return race.later.site if race.earlier.site.indirect else race.earlier.site


def _lines(start: Site, end: Site) -> str:
    low, high = sorted((start.line, end.line))
    return f"{low}-{high}" if start.path == end.path and low != high else f"{start.line} to {end.line}"


def _verb(access: SeenAccess) -> str:
    if access.site.operation in _DELETES:
        return "deletes"
    if access.kind == UPDATE:
        return "updates"
    return "writes" if access.kind & WRITE else "reads"


def phrase(access: SeenAccess) -> str:
    """What was done, as a participle."""
    return {"deletes": "deleted", "updates": "updated", "writes": "written", "reads": "read"}[_verb(access)]


def _who(access: SeenAccess, other: SeenAccess | None = None) -> str:
    kind = access.moment.actor.kind
    noun = "a thread" if kind == "thread" else "a callback" if kind == "job" else "a task"
    if other is not None and other.moment.actor.kind == kind:
        return noun.replace("a ", "another ")
    return noun


def access_line(label: str, access: SeenAccess, remark: str = "", *, verb: str | None = None) -> Access:
    """An access as a line of the story."""
    verb = verb or _verb(access)
    return Access(label, verb, _location(access.site), verb.removesuffix("s"), locks_held(access), remark)


def _location(site: Site) -> Location:
    return Location(site.path, site.line, site.column, short_function(site))


def locks_held(access: SeenAccess) -> tuple[str, ...]:
    """The locks that exclude others and are held at an access, by their names."""
    return tuple(hold.lock.describe() for hold in access.moment.holds if hold.lock.exclusive)


def actor_line(label: str, access: SeenAccess) -> Actor:
    """Who makes an access, and where that was started."""
    actor = access.moment.actor
    return Actor(label, "thread" if actor.kind == "thread" else "task", actor.name, _started(actor))


def _started(actor: clocks.Actor) -> Location | None:
    place = actor.started
    return None if place is None else Location(place.path, place.line, place.column, place.function)


def _seen(cut: Cut) -> str:
    """What came of it in this run."""
    if cut.happened:
        what = "in this run the write fell in between"
        replaced, stored, last = (show(each) for each in (cut.write.before, cut.write.value, cut.section.end.value))
        if replaced is not None and stored is not None and replaced != stored:
            what += f": B changed {replaced} to {stored}"
            if last is not None and cut.section.end.kind & WRITE and cut.section.end.before == cut.write.value:
                what += f", and A stored {last} over it"
        return what
    return "predicted from the order; it did not happen in this run"


def fingerprint(kind: Kind, variable: str, root: Path, sites: tuple[Site, ...]) -> str:
    """A fingerprint without line numbers, so that edits elsewhere in a file leave it as it is."""
    parts = [kind.value, variable]
    for site in sorted(sites, key=lambda site: (qualified(site), site.line, site.column)):
        text = linecache.getline(site.path, site.line).strip()
        try:
            path = Path(site.path).relative_to(root).as_posix()
        except ValueError:
            path = site.module
        parts += [path, site.function, text, site.operation.value]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
