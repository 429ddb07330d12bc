"""What code under test accepts by itself: `race.ok`, around an access or in the annotation of an attribute.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Hashable

from trioflow.race.clocks.actor import Moment
from trioflow.race.shadow.identity import ObjectShadow


def reason_of(shadow: ObjectShadow, where: Hashable, *moments: Moment) -> str:
    """Why a finding on a variable, at these moments, is accepted; empty if it is not."""
    for moment in moments:
        if moment.accepted is not None:
            return moment.accepted
    return "" if shadow.declared is None else shadow.declared.accepted(where)
