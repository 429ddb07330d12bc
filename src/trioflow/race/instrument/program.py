"""A function taken apart: blocks of uses and definitions, branches with their conditions, and acts.

PYTEST_DONT_REWRITE

Reading the syntax tree (`expressions`, `statements`) fills a `Program`; `dependence` evaluates it.
What an expression yields is a `Value`: the sources that are read in it, and the nodes of the
variables used in it, whose own sources are known only when the whole function has been read.
Nodes are numbers, and an edge from one to another says: whatever flows into that, flows into this.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple, final

from trioflow.race.instrument.control_flow import ENTRY, ControlFlowGraph
from trioflow.race.instrument.definitions import MAY_RAISE, Constancy, Definition, Event, Use


@final
class Value(NamedTuple):
    """What flows into the result of an expression."""

    sources: int = 0
    """One bit for each source."""
    nodes: tuple[int, ...] = ()
    constancy: Constancy = Constancy.VARYING


UNKNOWN = Value()
CONSTANT = Value(constancy=Constancy.CONSTANT)
NOTHING = Value(constancy=Constancy.NOTHING)


def joined(values: Iterable[Value]) -> Value:
    """What flows into something made of all these values."""
    sources = 0
    nodes: list[int] = []
    for value in values:
        sources |= value.sources
        nodes += value.nodes
    return Value(sources, tuple(nodes))


@final
class Act(NamedTuple):
    """Something that a section can end with, or a call that may contain it."""

    tree: ast.AST
    block: int
    value: Value


class Program:
    """Takes notes of a function in the order of evaluation; `block` is where evaluation stands."""

    def __init__(self) -> None:
        self.graph = ControlFlowGraph()
        self.block = ENTRY
        self.events: dict[int, list[Event]] = {}
        self.conditions: dict[int, Value] = {}
        """What decides the branch at the end of a block."""
        self.acts: list[Act] = []
        self.decided_yields: list[int] = []
        """The blocks of those that yield a constant: that they run at all is what they tell."""
        self.result = UNKNOWN
        """What is returned and yielded."""
        self.sources: list[ast.AST] = []
        self.node_sources: list[int] = []
        self.node_inputs: list[tuple[int, ...]] = []
        self.masked: set[int] = set()
        """Nodes that let no parameter through."""
        self.handlers: tuple[int, ...] = ()
        """Where exceptions go that are raised here."""
        self.regions: frozenset[int] = frozenset()
        self.ending_regions: tuple[int, ...] = ()
        self._source_bits: dict[int, int] = {}
        self._variable_count = 0
        self._read: list[Value] = []

    # Blocks

    def new_block(self) -> int:
        """Makes a block in which exceptions go where they go now."""
        block = self.graph.add_block(self.handlers)
        if self.regions:
            self.graph.inside[block] = self.regions
        if self.ending_regions:
            self.graph.final_of[block] = self.ending_regions
        return block

    def jump(self, target: int) -> None:
        """Ends the block; what is read next is reached only if something else leads there."""
        self.graph.add_edge(self.block, target)
        self.block = self.new_block()

    def enter(self, block: int) -> None:
        """Goes on in a block to which the current one leads."""
        self.graph.add_edge(self.block, block)
        self.block = block

    def branch(self, condition: Value, *targets: int) -> None:
        """Ends the block with a decision."""
        self.conditions[self.block] = condition
        for target in targets:
            self.graph.add_edge(self.block, target)

    # Variables and values

    def new_variable(self) -> int:
        """Makes a variable."""
        self._variable_count += 1
        return self._variable_count

    def new_node(self, value: Value = UNKNOWN) -> int:
        """Makes a node into which this value flows."""
        self.node_sources.append(value.sources)
        self.node_inputs.append(value.nodes)
        return len(self.node_sources) - 1

    def define(self, variable: int, value: Value) -> None:
        """Binds a variable here."""
        definition = Definition(variable, self.new_node(value), value.constancy, self.block)
        self.events.setdefault(self.block, []).append(definition)

    def use(self, variable: int) -> Value:
        """Reads a variable here."""
        value = self._use(variable)
        self._read.append(value)
        return value

    def use_as_object(self, variable: int) -> Value:
        """Uses a variable for something inside it: parameters only tell which object is meant."""
        node = self.new_node(self._use(variable))
        self.masked.add(node)
        value = Value(0, (node,))
        self._read.append(value)
        return value

    def _use(self, variable: int) -> Value:
        node = self.new_node()
        self.events.setdefault(self.block, []).append(Use(variable, node))
        return Value(0, (node,))

    def source(self, tree: ast.AST) -> Value:
        """Takes note that something is read here."""
        bit = self._source_bits.get(id(tree))
        if bit is None:
            bit = self._source_bits[id(tree)] = 1 << len(self.sources)
            self.sources.append(tree)
        value = Value(bit)
        self._read.append(value)
        return value

    def may_raise(self) -> None:
        """Takes note that an exception can leave from here."""
        if self.handlers:
            self.events.setdefault(self.block, []).append(MAY_RAISE)

    def act(self, tree: ast.AST, value: Value) -> None:
        """Takes note of an act here, and of what flows into it."""
        self.acts.append(Act(tree, self.block, value))

    def read_since(self, start: int) -> Value:
        """All that was read since then, also what only selects the object that is asked."""
        return joined(self._read[start:])

    def read_count(self) -> int:
        """How much was read up to here."""
        return len(self._read)
