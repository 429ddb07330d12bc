"""A run of the edges alone, in which tasks and threads leave marks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trioflow.race import edges
from trioflow.race.clocks.actor import Moment
from trioflow.race.clocks.registry import Registry
from trioflow.race.shadow import faults
from trioflow.race.shadow.context import context


class Marks:
    """Moments of actors by name, as an access at that point would have them."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._moments: dict[str, Moment] = {}

    def __call__(self, name: str) -> None:
        """An access happens here."""
        assert context.actor is not None
        self._moments[name] = context.actor.moment

    def ordered(self, earlier: str, later: str) -> bool:
        """Whether `earlier` happens before `later`."""
        return self._moments[earlier].before(self._moments[later])

    def ordered_without_locks(self, earlier: str, later: str) -> bool:
        """Whether `earlier` happens before `later` even if locks had been handed on differently."""
        return self._moments[earlier].before_without_locks(self._moments[later])

    def concurrent(self, one: str, other: str) -> bool:
        """Whether neither happens before the other."""
        return not self.ordered(one, other) and not self.ordered(other, one)

    def locks(self, name: str) -> list[str]:
        """The kinds of locks held at a mark."""
        return [hold.lock.kind for hold in self._moments[name].holds if hold.lock.exclusive]

    def same_hold(self, one: str, other: str) -> bool:
        """Whether one acquisition of a lock reaches from one mark to the other."""
        return bool(set(self._moments[one].holds) & set(self._moments[other].holds))

    def moment(self, name: str) -> Moment:
        """The moment of a mark."""
        return self._moments[name]


@pytest.fixture
def mark() -> Iterator[Marks]:
    """The edges are watched, and no error of theirs is left unseen."""
    faults.take()
    registry = Registry()
    edges.install(registry)
    try:
        yield Marks(registry)
    finally:
        edges.uninstall()
    assert faults.take() == {}
