"""The control-flow graph: dominators and control dependence, against their definitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trioflow.race.instrument.control_flow import (
    ENTRY,
    EXIT,
    ControlFlowGraph,
    control_dependence,
    immediate_dominators,
)

Edges = list[tuple[int, int]]


def graph_of(edges: Edges, *, size: int) -> ControlFlowGraph:
    """Builds a graph; blocks 0 and 1 are the entry and the exit."""
    graph = ControlFlowGraph()
    for _ in range(size - 2):
        graph.add_block()
    for origin, target in edges:
        graph.add_edge(origin, target)
    return graph


def reachable(edges: Edges, start: int, *, without: int | None = None) -> set[int]:
    """The blocks to which a way leads that avoids one block."""
    if start == without:
        return set()
    found = {start}
    waiting = [start]
    while waiting:
        block = waiting.pop()
        for origin, target in edges:
            if origin == block and target != without and target not in found:
                found.add(target)
                waiting.append(target)
    return found


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges]:
    size = draw(st.integers(3, 9))
    blocks = st.integers(0, size - 1)
    edges = draw(st.lists(st.tuples(blocks.filter(lambda block: block != EXIT), blocks), max_size=16, unique=True))
    return size, [(ENTRY, 2), *((origin, target) for origin, target in edges if target != ENTRY)]


@given(graphs())
def test_dominators_agree_with_their_definition(drawn: tuple[int, Edges]) -> None:
    """A block dominates another if every way from the entry to that passes it."""
    size, edges = drawn
    graph = graph_of(edges, size=size)
    predecessors: list[list[int]] = [[] for _ in range(size)]
    for origin, target in edges:
        predecessors[target].append(origin)
    found = immediate_dominators(graph.control, predecessors, ENTRY)
    from_entry = reachable(edges, ENTRY)
    for block in range(size):
        if block not in from_entry:
            assert found[block] == -1
            continue
        expected = {other for other in from_entry if block not in reachable(edges, ENTRY, without=other)}
        chain = {block}
        current = block
        while found[current] != current:
            current = found[current]
            chain.add(current)
        assert chain == expected


@given(graphs())
def test_control_dependence_agrees_with_its_definition(drawn: tuple[int, Edges]) -> None:
    """A block depends on a branch if one way out leads to it for certain, and the branch itself does not."""
    size, edges = drawn
    graph = graph_of(edges, size=size)
    found = control_dependence(graph)
    # Edges to the exit may have been added where a loop had no end.
    edges = [(origin, target) for origin, targets in enumerate(graph.control) for target in targets]
    from_entry = reachable(edges, ENTRY)
    for block in from_entry:
        avoiding = {other for other in from_entry if EXIT in reachable(edges, other, without=block)}
        expected = {
            branch
            for branch in from_entry
            if len(graph.control[branch]) > 1
            and (branch == block or branch in avoiding)
            and any(target not in avoiding for target in graph.control[branch])
        }
        assert set(found.inherited[block]) == expected
        silent = {origin for origin, target in graph.silent if target == EXIT}
        assert set(found.deciding[block]) >= expected - silent


def test_nested_branches_depend_on_each_other() -> None:
    """The inner of two branches depends on the outer one, and the block behind both on none."""
    outer, inner, body, after = 2, 3, 4, 5
    graph = graph_of(
        [(ENTRY, outer), (outer, inner), (outer, after), (inner, body), (inner, after), (body, after), (after, EXIT)],
        size=6,
    )
    found = control_dependence(graph)
    assert found.deciding[body] == [inner]
    assert found.deciding[inner] == [outer]
    assert found.deciding[after] == []


def test_silent_edge_hands_on_only_what_the_branch_depends_on() -> None:
    """What a silent edge leads to inherits from the branch, and is not decided by it."""
    branch, body, after = 2, 3, 4
    graph = graph_of([(ENTRY, branch), (branch, after), (body, after), (after, EXIT)], size=5)
    graph.add_edge(branch, body, silent=True)
    found = control_dependence(graph)
    assert found.deciding[body] == []
    assert found.inherited[body] == [branch]


def test_endless_loop_is_given_an_end() -> None:
    """A loop without an end has dependences like any other."""
    start, branch, body = 2, 3, 4
    graph = graph_of([(ENTRY, start), (start, branch), (branch, body), (branch, start), (body, start)], size=5)
    graph.endless.append(start)
    found = control_dependence(graph)
    assert found.deciding[body] == [branch]
    assert EXIT in graph.control[start]


def test_long_function_needs_no_deep_stack() -> None:
    """Nothing recurses along the blocks."""
    size = 20_000
    edges = [(ENTRY, 2), *((block, block + 1) for block in range(2, size - 1)), (size - 1, EXIT)]
    assert not any(control_dependence(graph_of(edges, size=size)).deciding)
