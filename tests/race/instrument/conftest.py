"""Stand-ins for the probes, which record what they are told."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import pytest

from trioflow.race.instrument.hook import _visible
from trioflow.race.instrument.nodes import PROBES


def stand_in(name: str, events: list[tuple[str, int]]) -> Any:
    """A probe that notes its name and its sites, and returns its first argument."""

    def probe(*arguments: Any) -> Any:
        numbers = [each for each in arguments[1:] or arguments if type(each) is int and each > 1 << 20]
        events.extend((name, number) for number in numbers or [0])
        return arguments[0] if arguments else object()

    return probe


@pytest.fixture
def probe_events() -> Iterator[list[tuple[str, int]]]:
    """Which probes were called at which sites, in order."""
    events: list[tuple[str, int]] = []
    before = {name: vars(builtins).get("@" + name) for name in PROBES}
    for name in PROBES:
        vars(builtins)["@" + name] = stand_in(name, events)
    vars(builtins)["@locals"] = _visible
    yield events
    for name, probe in before.items():
        if probe is None:
            del vars(builtins)["@" + name]
        else:
            vars(builtins)["@" + name] = probe
