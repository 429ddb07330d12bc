"""The control-flow graph of one function, and what in it decides whether what else runs.

PYTEST_DONT_REWRITE

Control dependence is that of Ferrante, Ottenstein and Warren, "The Program Dependence Graph and
Its Use in Optimization" (1987): a block X depends on the branch at the end of A if one way out of
A leads to X for certain and another does not. With the tree of immediate post-dominators this is
read off for each edge A -> B: everything from B up to, and without, the post-dominator of A.
Dominators are found as by Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).

Three things differ from the textbook:

- Some edges are *silent*: they stand for exceptions that may come from anywhere, and for loops
  that never end. What depends on a branch through them inherits on what the branch itself
  depends, but not what its condition read. Else everything would depend on everything.
- What follows `while waiting: await ...` runs only because `waiting` became false, though by the
  definition above it does not depend on it: the loop is taken to end. The weak control dependence
  of Podgurski and Clarke (1990) has it, but then the code behind an `if` that contains such a loop
  depends on the `if`, too. Here the end of a loop is handed on only along the blocks which run if
  and only if the loop is reached: from a block to its post-dominator, where it dominates that.
- In `while True: ...; if unchanged: write(); return` there is no other way out, so `write` is reached
  for certain and would depend on nothing. Podgurski and Clarke let every loop go on forever; here
  this counts inside endless loops only: what a turn does depends on what decides that in this turn.

The cost is linear in blocks and edges, but for deeply nested loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import attrs

ENTRY = 0
EXIT = 1


@final
@attrs.frozen
class Loop:
    """A loop that goes on until a condition or a `break` ends it."""

    start: int
    tests: range
    """The blocks in which the condition is evaluated; blocks are made one after the other."""
    blocks: range
    """These and those of the body."""
    ended: int
    """Where the condition leads once it is false."""
    after: int
    """Where a `break` leads."""


@final
class ControlFlowGraph:
    """Blocks are numbers; the edges that control takes are apart from those that only values take."""

    def __init__(self) -> None:
        self.control: list[list[int]] = [[], []]
        """Where control goes at the end of each block."""
        self.values: list[list[int]] = [[], []]
        """Where the definitions go that hold at the end of each block."""
        self.exceptional: list[tuple[int, ...]] = [(), ()]
        """Where the definitions go that hold where something in the block raises."""
        self.silent: set[tuple[int, int]] = set()
        """Edges of control by which no condition tells anything."""
        self.pretended: set[tuple[int, int]] = set()
        """Edges of control that nothing takes: without them an exception would be an end of the function."""
        self.endless: list[int] = []
        """First blocks of loops that have no condition, outer ones first."""
        self.final_of: dict[int, tuple[int, ...]] = {}
        """For blocks of `finally` clauses: the numbers of the regions that they end."""
        self.inside: dict[int, frozenset[int]] = {}
        """For blocks in a `try` with a `finally`: the numbers of these regions."""
        self.region_entries: list[int] = []
        """For each region the block from which it is entered."""
        self.loops: list[Loop] = []
        """The loops that a condition ends, whatever else does."""

    def add_block(self, exceptional: tuple[int, ...] = ()) -> int:
        """Makes a block; `exceptional` tells where exceptions go that are raised in it."""
        self.control.append([])
        self.values.append([])
        self.exceptional.append(exceptional)
        return len(self.control) - 1

    def add_edge(self, origin: int, target: int, *, silent: bool = False, values: bool = True) -> None:
        """Lets one block lead to another, once."""
        if target not in self.control[origin]:
            self.control[origin].append(target)
        if values and target not in self.values[origin]:
            self.values[origin].append(target)
        if silent:
            self.silent.add((origin, target))


@final
@attrs.frozen
class ControlDependence:
    """On which branches each block depends, without what follows from that for the branches themselves."""

    deciding: list[list[int]]
    """For each block the branches whose conditions decide whether it runs."""
    inherited: list[list[int]]
    """For each block the branches on whose dependences its own rest in addition."""
    of_clauses: dict[int, list[tuple[int, bool]]]
    """The same for the blocks of `finally` clauses, as far as the clause runs, whichever copy of it; and decisions."""
    followers: list[tuple[int, int]]
    """Pairs of blocks of which each runs if and only if the other does, the earlier one first."""
    ends: list[tuple[int, int]]
    """Pairs of a branch that can end a loop and the block that follows this loop."""


def control_dependence(graph: ControlFlowGraph) -> ControlDependence:
    """Finds on which branches each block depends; adds edges to the exit where a loop has none."""
    _let_everything_end(graph)
    successors = graph.control
    predecessors = _reversed(successors)
    dominators = _dominators(graph, predecessors)
    post_dominators = immediate_dominators(predecessors, successors, EXIT)
    deciding: list[list[int]] = [[] for _ in successors]
    inherited: list[list[int]] = [[] for _ in successors]
    of_clauses: dict[int, list[tuple[int, bool]]] = {block: [] for block in graph.final_of}
    followers: list[tuple[int, int]] = []
    for branch, targets in enumerate(successors):
        if dominators[branch] < 0:
            continue
        joined = post_dominators[branch]
        if joined != branch and dominators[joined] == branch:
            followers.append((branch, joined))
        if len(targets) < 2:
            continue
        for target in targets:
            silent = (branch, target) in graph.silent
            block = target
            while block != joined:
                inherited[block].append(branch)
                if not silent:
                    deciding[block].append(branch)
                if block in of_clauses:
                    origin = _seen_from(graph, block, branch)
                    of_clauses[block].append((origin, origin == branch and not silent))
                block = post_dominators[block]
    endless = set(graph.endless)
    for loop in graph.loops:
        if loop.start in endless:
            for block, branch in _decided_in_a_turn(loop, graph, dominators):
                if branch not in deciding[block]:
                    inherited[block].append(branch)
                    deciding[block].append(branch)
    ends = [pair for loop in graph.loops for pair in _ends(loop, successors, predecessors)]
    return ControlDependence(deciding, inherited, of_clauses, followers, ends)


def _decided_in_a_turn(loop: Loop, graph: ControlFlowGraph, dominators: list[int]) -> Iterator[tuple[int, int]]:
    """Finds which blocks of a loop run in a turn because of which branches, as if there were no other turn."""
    # Block 0 is the end of the turn, whatever comes after it.
    first = loop.start - 1
    turn: list[list[int]] = [[]]
    for block in loop.blocks:
        targets = graph.control[block]
        turn.append([target - first if target in loop.blocks and target != loop.start else 0 for target in targets])
    post_dominators = immediate_dominators(_reversed(turn), turn, 0)
    for branch, targets in enumerate(turn):
        if len(targets) < 2 or dominators[branch + first] < 0:
            continue
        for target, there in zip(targets, graph.control[branch + first], strict=True):
            block = target
            while block != post_dominators[branch] and (branch + first, there) not in graph.silent:
                yield block + first, branch + first
                block = post_dominators[block]


def _ends(loop: Loop, successors: list[list[int]], predecessors: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Finds the branches from which one way leads to another turn and another one does not."""
    turning = {loop.start}
    stack = [loop.start]
    while stack:
        for block in predecessors[stack.pop()]:
            if block in loop.blocks and block not in turning:
                turning.add(block)
                stack.append(block)
    for block in sorted(turning):
        if any(target not in turning and target != EXIT for target in successors[block]):
            yield block, loop.after
    for block in loop.tests:
        if loop.ended in successors[block]:
            yield block, loop.ended


def _seen_from(graph: ControlFlowGraph, block: int, branch: int) -> int:
    """The branch, or where it lies in the region that the block ends, the entry of the region.

    A `finally` clause is in the graph once for each way out of its `try` statement, so that a
    `return` in there and what follows the statement are kept apart. A branch inside decides which
    of the copies runs, but not whether the clause does.
    """
    if branch in graph.inside:
        inside = graph.inside[branch]
        for region in graph.final_of[block]:
            if region in inside:
                return graph.region_entries[region]
    return branch


def _dominators(graph: ControlFlowGraph, predecessors: list[list[int]]) -> list[int]:
    if not graph.pretended:
        return immediate_dominators(graph.control, predecessors, ENTRY)
    taken = [
        [target for target in targets if (block, target) not in graph.pretended]
        for block, targets in enumerate(graph.control)
    ]
    return immediate_dominators(taken, _reversed(taken), ENTRY)


def immediate_dominators(successors: list[list[int]], predecessors: list[list[int]], root: int) -> list[int]:
    """The immediate dominator of each block, its own for the root, -1 where the root doesn't lead to."""
    order = _postorder(successors, root)
    position = [-1] * len(successors)
    for number, block in enumerate(order):
        position[block] = number
    dominators = [-1] * len(successors)
    dominators[root] = root
    changed = True
    while changed:
        changed = False
        for block in reversed(order):
            if block == root:
                continue
            chosen = -1
            for other in predecessors[block]:
                if dominators[other] < 0:
                    continue
                chosen = other if chosen < 0 else _nearest_common(chosen, other, dominators, position)
            if dominators[block] != chosen:
                dominators[block] = chosen
                changed = True
    return dominators


def _nearest_common(one: int, other: int, dominators: list[int], position: list[int]) -> int:
    while one != other:
        while position[one] < position[other]:
            one = dominators[one]
        while position[other] < position[one]:
            other = dominators[other]
    return one


def _postorder(successors: list[list[int]], root: int) -> list[int]:
    order: list[int] = []
    seen = {root}
    stack = [(root, iter(successors[root]))]
    while stack:
        block, rest = stack[-1]
        for target in rest:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(successors[target])))
                break
        else:
            order.append(block)
            stack.pop()
    return order


def _reversed(successors: list[list[int]]) -> list[list[int]]:
    predecessors: list[list[int]] = [[] for _ in successors]
    for block, targets in enumerate(successors):
        for target in targets:
            predecessors[target].append(block)
    return predecessors


def _let_everything_end(graph: ControlFlowGraph) -> None:
    """Gives every block a way to the exit: post-dominators are defined only then."""
    reachable = _postorder(graph.control, ENTRY)
    predecessors = _reversed(graph.control)
    ending = set(_postorder(predecessors, EXIT))
    wanted = set(reachable)
    for block in (*graph.endless, *reachable):
        if block in wanted and block not in ending:
            graph.add_edge(block, EXIT, silent=True, values=False)
            predecessors[EXIT].append(block)
            stack = [block]
            while stack:
                other = stack.pop()
                if other not in ending:
                    ending.add(other)
                    stack.extend(predecessors[other])
