"""Iterators of which a part has ended are still looked at without harm."""

from __future__ import annotations

from typing import Any


def test_zip_longest_goes_on_when_one_of_its_iterators_has_ended(watch: Any) -> None:
    """The interpreter leaves a hole where an iterator was."""
    watched = watch(
        """
        import itertools
        import trio

        got = []

        async def main():
            pairs = itertools.zip_longest([1, 2, 3], [4])
            for _ in range(3):
                got.append(next(pairs))
                await trio.lowlevel.checkpoint()
            got.append(next(pairs, None))
        """
    )
    assert watched.module.got == [(1, 4), (2, None), (3, None), None]
    assert watched.findings == []
