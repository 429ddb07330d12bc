"""A race detector for Trio programs.

PYTEST_DONT_REWRITE

What code under test may call is here: `from trioflow import race`, then `race.critical`, `race.guarded_by` and
`race.ok`. Importing it loads neither Trio nor the detector.
"""

from __future__ import annotations

from trioflow.race.api import critical as critical
from trioflow.race.api import guarded_by as guarded_by
from trioflow.race.api import ok as ok

__all__ = ["critical", "guarded_by", "ok"]
