"""What one process of a run knows at its end, as it goes from pytest-xdist's workers to the controller.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, final

import attrs

WORKER_OUTPUT = "trioflow_race"
"""Under which name a worker hands its totals over."""


@final
@attrs.frozen(kw_only=True)
class Module:
    """An instrumented module."""

    name: str
    path: str
    functions: int
    test: bool
    """Whether it is a test module, a conftest file, or a helper of tests."""


@final
@attrs.frozen(kw_only=True, order=True)
class Comment:
    """A comment that accepts findings."""

    path: str
    line: int
    text: str


@final
@attrs.define(kw_only=True)
class Totals:
    """Sums over the processes of a run."""

    watched_tests: int = 0
    modules: set[Module] = attrs.field(factory=set[Module])
    outside: dict[str, str] = attrs.field(factory=dict[str, str])
    """Packages that the tests are about and that were not instrumented, with where they lie."""
    missed: set[str] = attrs.field(factory=set[str])
    """Modules that were imported before anything could be instrumented."""
    withheld: Counter[str] = attrs.field(factory=Counter[str])
    comments: set[Comment] = attrs.field(factory=set[Comment])
    used: set[Comment] = attrs.field(factory=set[Comment])
    problems: set[Comment] = attrs.field(factory=set[Comment])
    """Comments that are written wrongly, with what is wrong."""

    def add(self, other: Totals) -> None:
        """Adds what another process knows."""
        self.watched_tests += other.watched_tests
        self.modules |= other.modules
        self.outside.update(other.outside)
        self.missed |= other.missed
        self.withheld.update(other.withheld)
        self.comments |= other.comments
        self.used |= other.used
        self.problems |= other.problems

    def functions(self) -> int:
        """Returns how many functions were instrumented."""
        return sum(module.functions for module in self.modules)

    def unused(self) -> list[Comment]:
        """Returns the comments that accepted nothing in this run."""
        return sorted(self.comments - self.used)

    def to_values(self) -> dict[str, Any]:
        """Returns all of this as plain values."""
        return {
            "watched_tests": self.watched_tests,
            "modules": [attrs.asdict(module) for module in self.modules],
            "outside": dict(self.outside),
            "missed": sorted(self.missed),
            "withheld": dict(self.withheld),
            **{name: [attrs.asdict(entry) for entry in getattr(self, name)] for name in _COMMENTS},
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Totals:
        """Returns what `to_values` was made of."""
        return cls(
            watched_tests=values["watched_tests"],
            modules={Module(**module) for module in values["modules"]},
            outside=dict(values["outside"]),
            missed=set(values["missed"]),
            withheld=Counter(values["withheld"]),
            **{name: {Comment(**entry) for entry in values[name]} for name in _COMMENTS},
        )


_COMMENTS = ("comments", "used", "problems")
