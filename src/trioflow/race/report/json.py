"""The report of a run as JSON, and back.

PYTEST_DONT_REWRITE

The schema has a name and a version: whatever is removed or changes its meaning raises the version, what
is added does not. Paths below the root are relative to it and use slashes, so that a report made on one
machine can be read on another; the source lines are part of it for the same reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trioflow.race.model.findings import Access, Actor, Finding, Kind, Location, Severity
from trioflow.race.report.document import Report
from trioflow.race.report.places import relative, source_line, with_relative_paths

SCHEMA = "trioflow-race-report"
VERSION = 1


def dump(report: Report) -> str:
    """Returns the report of a run as the text of a JSON file."""
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "level": report.level.value,
        "findings": [encode(finding, report.root) for finding in report.findings],
        "accepted": [
            {**encode(accepted.finding, report.root), "reason": accepted.reason} for accepted in report.accepted
        ],
        "instrumented": {"modules": report.modules, "functions": report.functions},
        "withheld": dict(sorted(report.withheld.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def encode(finding: Finding, root: Path) -> dict[str, Any]:
    """Returns a finding as plain values, which any process can read."""
    names = {actor.label: actor.name for actor in finding.actors}
    return {
        "id": finding.identifier,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "variable": finding.variable,
        "test": finding.test,
        "headline": with_relative_paths(finding.headline, root),
        "accesses": [_encode_access(access, names, root) for access in finding.accesses],
        "actors": [_encode_actor(actor, root) for actor in finding.actors],
        "object": with_relative_paths(finding.object, root),
        "order": with_relative_paths(finding.order, root),
        "seen": with_relative_paths(finding.seen, root),
        "help": with_relative_paths(finding.help, root),
        "occurrences": finding.occurrences,
    }


def decode(values: Mapping[str, Any], root: Path) -> Finding:
    """Returns the finding that `encode` made these values of."""
    return Finding(
        kind=Kind(values["kind"]),
        severity=Severity(values["severity"]),
        variable=values["variable"],
        headline=values["headline"],
        accesses=tuple(_decode_access(access, root) for access in values["accesses"]),
        actors=tuple(_decode_actor(actor, root) for actor in values["actors"]),
        order=values["order"],
        seen=values["seen"],
        help=values["help"],
        identifier=values["id"],
        test=values["test"],
        occurrences=values["occurrences"],
        object=values["object"],
    )


def _encode_access(access: Access, names: Mapping[str, str], root: Path) -> dict[str, Any]:
    return {
        **_encode_location(access.location, root),
        "actor": access.actor,
        "task": names.get(access.actor, access.actor),
        "verb": access.verb,
        "operation": access.operation,
        "locks": list(access.locks),
        "source": source_line(access),
        "remark": access.remark,
    }


def _decode_access(values: Mapping[str, Any], root: Path) -> Access:
    return Access(
        actor=values["actor"],
        verb=values["verb"],
        location=_decode_location(values, root),
        operation=values["operation"],
        locks=tuple(values["locks"]),
        remark=values["remark"],
        source=values["source"],
    )


def _encode_actor(actor: Actor, root: Path) -> dict[str, Any]:
    started = None if actor.started is None else _encode_location(actor.started, root)
    return {"label": actor.label, "kind": actor.kind, "name": actor.name, "started": started}


def _decode_actor(values: Mapping[str, Any], root: Path) -> Actor:
    started = values["started"]
    return Actor(
        label=values["label"],
        kind=values["kind"],
        name=values["name"],
        started=None if started is None else _decode_location(started, root),
    )


def _encode_location(location: Location, root: Path) -> dict[str, Any]:
    return {
        "file": Path(relative(location.path, root)).as_posix(),
        "line": location.line,
        "column": location.column,
        "function": location.function,
    }


def _decode_location(values: Mapping[str, Any], root: Path) -> Location:
    return Location(
        path=str(root / values["file"]), line=values["line"], column=values["column"], function=values["function"]
    )
