"""Vector clocks as immutable values that share what they have in common.

PYTEST_DONT_REWRITE

A clock says, for each actor, up to which point of its life everything happened before. Actors
are numbered by small integers, their slots. A clock is a tuple of blocks, a block a tuple of
`WIDTH` times; the time 0 means that nothing is known. Because neither is ever changed, a copy
costs nothing, and a clock that was made from another shares all blocks that did not change.

Two facts make joins cheap where thousands of tasks meet at one lock or one nursery:

- Blocks that are the same object are equal and need no look, and a block of which one side knows
  nothing is taken over as it is. A chain of tasks that hand a lock on has clocks that differ in
  one or two blocks only.
- What is left is `map(max, ...)` over a block, which runs at the speed of C.

The idea of sharing is that of the persistent arrays in Mattern's and Fidge's clocks' many
descendants; tree clocks (Mathur, Tunç, Pavlogiannis, Viswanathan, ASPLOS 2022) are the other half of
it and live in `knowledge`.
"""

from __future__ import annotations

from typing import TypeAlias

WIDTH_BITS = 6
WIDTH = 1 << WIDTH_BITS
_MASK = WIDTH - 1

Block: TypeAlias = tuple[int, ...]
Clock: TypeAlias = tuple[Block, ...]

_NOTHING: Block = (0,) * WIDTH
EMPTY: Clock = ()


def time_of(clock: Clock, slot: int) -> int:
    """The time up to which `clock` knows the actor in `slot`; 0 if it knows nothing of it."""
    block = slot >> WIDTH_BITS
    return clock[block][slot & _MASK] if block < len(clock) else 0


def advanced(clock: Clock, slot: int, time: int) -> Clock:
    """`clock` with the time of `slot` set to `time`."""
    index = slot >> WIDTH_BITS
    offset = slot & _MASK
    if index < len(clock):
        block = clock[index]
        block = block[:offset] + (time,) + block[offset + 1 :]
        return clock[:index] + (block,) + clock[index + 1 :]
    block = _NOTHING[:offset] + (time,) + _NOTHING[offset + 1 :]
    return clock + (_NOTHING,) * (index - len(clock)) + (block,)


def joined(one: Clock, other: Clock) -> Clock:
    """The least clock that knows all that `one` or `other` knows."""
    if one is other:
        return one
    if len(one) < len(other):
        one, other = other, one
    blocks = list(one)
    changed = False
    for index, theirs in enumerate(other):
        ours = blocks[index]
        if ours is theirs or theirs is _NOTHING:
            continue
        blocks[index] = theirs if ours is _NOTHING else tuple(map(max, ours, theirs))
        changed = True
    return tuple(blocks) if changed else one
