"""Vector clocks: what joins and comparisons must hold for any contents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trioflow.race.clocks.vector import EMPTY, Clock, advanced, joined, time_of

contents = st.dictionaries(st.integers(0, 300), st.integers(1, 50), max_size=12)


def clock_of(times: dict[int, int]) -> Clock:
    clock = EMPTY
    for slot, time in times.items():
        clock = advanced(clock, slot, time)
    return clock


@given(contents, st.integers(0, 400))
def test_clock_knows_what_was_put_into_it(times: dict[int, int], slot: int) -> None:
    """A slot that was never set is at time 0."""
    assert time_of(clock_of(times), slot) == times.get(slot, 0)


@given(contents, contents)
def test_join_is_the_least_upper_bound(one: dict[int, int], other: dict[int, int]) -> None:
    """Each slot of a join is at the later of both times."""
    join = joined(clock_of(one), clock_of(other))
    for slot in range(320):
        assert time_of(join, slot) == max(one.get(slot, 0), other.get(slot, 0))


@given(contents, contents)
def test_join_changes_neither_side(one: dict[int, int], other: dict[int, int]) -> None:
    """Clocks are values: a copy is the clock itself."""
    mine, theirs = clock_of(one), clock_of(other)
    before = (mine, theirs)
    joined(mine, theirs)
    assert (mine, theirs) == before
    assert joined(mine, mine) is mine


@given(st.dictionaries(st.integers(0, 100_000), st.integers(1, 50), max_size=6), st.integers(0, 100_000))
def test_clocks_of_many_tasks_join_like_those_of_few(times: dict[int, int], slot: int) -> None:
    """However far apart two slots are, a join knows both."""
    join = joined(clock_of(times), advanced(EMPTY, slot, 7))
    expected = times | {slot: max(7, times.get(slot, 0))}
    assert {each: time_of(join, each) for each in expected} == expected
