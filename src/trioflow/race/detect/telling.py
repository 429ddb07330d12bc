"""Turns a verdict into a finding.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pathlib import Path

import attrs

from trioflow.race.detect.analysis import Cut, Race, Verdict
from trioflow.race.detect.declared_story import tell_declared
from trioflow.race.detect.story import tell as tell_accesses
from trioflow.race.model.findings import Finding


def tell(verdict: Verdict, root: Path, test: str) -> Finding:
    """The finding that a verdict stands for."""
    occurrence = verdict.occurrence
    if isinstance(occurrence, (Cut, Race)):
        finding = tell_accesses(verdict, root, test)
    else:
        finding = tell_declared(verdict, occurrence, root, test)
    return attrs.evolve(finding, accepted=verdict.accepted) if verdict.accepted else finding
