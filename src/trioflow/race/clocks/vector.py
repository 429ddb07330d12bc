"""Vector clocks as immutable values that share what they have in common.

PYTEST_DONT_REWRITE

A clock says, for each actor, up to which point of its life everything happened before. Actors
are numbered by small integers, their slots. A clock is a tuple of chunks, a chunk a tuple of up to
`WIDTH` blocks, a block a tuple of `WIDTH` times; the time 0 means that nothing is known. Because none is
ever changed, a copy costs nothing, and a clock that was made from another shares all that did not change:
among 100,000 tasks what two clocks don't share is some 150 entries, not the whole.

Two facts make joins cheap where thousands of tasks meet at one lock or one nursery:

- Chunks and blocks that are the same object are equal and need no look, and a block of which one side
  knows nothing is taken over as it is. A chain of tasks that hand a lock on has clocks that differ in
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
_CHUNK_BITS = 2 * WIDTH_BITS

Block: TypeAlias = tuple[int, ...]
Chunk: TypeAlias = tuple[Block, ...]
Clock: TypeAlias = tuple[Chunk, ...]

_NOTHING: Block = (0,) * WIDTH
EMPTY: Clock = ()


def time_of(clock: Clock, slot: int) -> int:
    """The time up to which `clock` knows the actor in `slot`; 0 if it knows nothing of it."""
    index = slot >> _CHUNK_BITS
    if index >= len(clock):
        return 0
    chunk = clock[index]
    block = (slot >> WIDTH_BITS) & _MASK
    return chunk[block][slot & _MASK] if block < len(chunk) else 0


def advanced(clock: Clock, slot: int, time: int) -> Clock:
    """`clock` with the time of `slot` set to `time`."""
    index = slot >> _CHUNK_BITS
    if index < len(clock):
        return clock[:index] + (_advanced_chunk(clock[index], slot, time),) + clock[index + 1 :]
    return clock + ((),) * (index - len(clock)) + (_advanced_chunk((), slot, time),)


def _advanced_chunk(chunk: Chunk, slot: int, time: int) -> Chunk:
    index = (slot >> WIDTH_BITS) & _MASK
    offset = slot & _MASK
    block = chunk[index] if index < len(chunk) else _NOTHING
    block = block[:offset] + (time,) + block[offset + 1 :]
    if index < len(chunk):
        return chunk[:index] + (block,) + chunk[index + 1 :]
    return chunk + (_NOTHING,) * (index - len(chunk)) + (block,)


def joined(one: Clock, other: Clock) -> Clock:
    """The least clock that knows all that `one` or `other` knows."""
    if one is other:
        return one
    if len(one) < len(other):
        one, other = other, one
    chunks = list(one)
    changed = False
    for index, theirs in enumerate(other):
        ours = chunks[index]
        if ours is theirs:
            continue
        both = _joined_chunks(ours, theirs)
        if both is not ours:
            chunks[index] = both
            changed = True
    return tuple(chunks) if changed else one


def _joined_chunks(one: Chunk, other: Chunk) -> Chunk:
    """The join of two chunks; one of the two if that is all, the first if both are."""
    if len(one) < len(other):
        blocks, others = list(other), one
        result = other
    else:
        blocks, others = list(one), other
        result = one
    changed = False
    for index, theirs in enumerate(others):
        ours = blocks[index]
        if ours is theirs or theirs is _NOTHING:
            continue
        blocks[index] = theirs if ours is _NOTHING else tuple(map(max, ours, theirs))
        changed = True
    return tuple(blocks) if changed else result
