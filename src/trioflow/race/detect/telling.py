"""Turns a verdict into a finding.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from trioflow.race.detect import story
from trioflow.race.detect.analysis import Cut, Race, Verdict
from trioflow.race.detect.declared_story import tell_declared
from trioflow.race.detect.objects import holder_of, which_of_several
from trioflow.race.model.findings import Finding


def tell(verdict: Verdict, root: Path, test: str, made: Mapping[str, int]) -> Finding:
    """The finding that a verdict stands for.

    Args:
        verdict: What was judged.
        root: The project's folder.
        test: The name of the test.
        made: How many objects of each class were made in it.
    """
    occurrence = verdict.occurrence
    if isinstance(occurrence, (Cut, Race)):
        finding = _precisely(story.tell(verdict, root, test), occurrence, made)
    else:
        finding = tell_declared(verdict, occurrence, root, test)
    return attrs.evolve(finding, accepted=verdict.accepted) if verdict.accepted else finding


def _precisely(finding: Finding, occurrence: Cut | Race, made: Mapping[str, int]) -> Finding:
    """Say which object a finding is about, where its name leaves that open; its fingerprint stays as it is."""
    shadow = occurrence.shadow
    site = story.named_at(occurrence) if isinstance(occurrence, Cut) else story.naming_site(occurrence)
    variable = finding.variable + holder_of(shadow, site)
    headline = finding.headline.replace(finding.variable, variable, 1)
    which = which_of_several(shadow, made.get(shadow.label, 0))
    return attrs.evolve(finding, variable=variable, headline=headline, object=which)
