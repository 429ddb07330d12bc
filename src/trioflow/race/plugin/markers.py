"""The marks that tests carry: `race_ok` and `detect_races`.

PYTEST_DONT_REWRITE

`@pytest.mark.race_ok("reason")` accepts whatever is found in a test. `@pytest.mark.detect_races(False)`
leaves a test unwatched, `detect_races("strict")` and `detect_races("default")` set its level, and
`detect_races(True)` watches it at the run's level: the mark closest to the test decides, so a module or
class may be left out and single tests of it taken in again.
"""

from __future__ import annotations

from typing import final

import attrs
import pytest

from trioflow.race.model.configuration import Level


@final
@attrs.frozen
class Marks:
    """What the marks of one test say."""

    watched: bool = True
    level: Level | None = None
    """None: the run's."""
    accepted: str | None = None
    """Why findings are accepted; None: they are not."""


class MarkError(Exception):
    """A mark can't be understood; the text says what is expected."""


def read_marks(item: pytest.Item) -> Marks:
    """Returns what the marks of a test say.

    Raises:
        MarkError: One of them says something else than what is allowed.
    """
    watched, level = _setting(item)
    reasons = [_reason(mark) for mark in item.iter_markers("race_ok")]
    return Marks(watched=watched, level=level, accepted=reasons[0] if reasons else None)


def _setting(item: pytest.Item) -> tuple[bool, Level | None]:
    mark = item.get_closest_marker("detect_races")
    if mark is None:
        return True, None
    match mark.args, mark.kwargs:
        case (bool(watched),), {**nothing} if not nothing:
            return watched, None
        case ("strict" | "default" as level,), {**nothing} if not nothing:
            return True, Level(level)
        case _:
            raise MarkError(
                "the mark detect_races takes one argument: False, True, 'default' or 'strict', "
                f"not ({_arguments(mark)})"
            )


def _reason(mark: pytest.Mark) -> str:
    match mark.args, mark.kwargs:
        case ((str(reason),), {**nothing}) if not nothing and reason.strip():
            return reason
        case ((), {"reason": str(reason), **nothing}) if not nothing and reason.strip():
            return reason
        case _:
            raise MarkError(f'the mark race_ok needs a reason: race_ok("reason"), not race_ok({_arguments(mark)})')


def _arguments(mark: pytest.Mark) -> str:
    return ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
