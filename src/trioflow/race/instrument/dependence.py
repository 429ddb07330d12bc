"""On which reads the acts of a function depend: the static half of finding unguarded sections.

PYTEST_DONT_REWRITE

An act is what a section can end with: a store, a deletion, a call, an `async with`, an `async for`.
It depends on a read

- by *control*, where it takes place only because of what a condition said on what was read:
  control dependence, closed over conditions that themselves depend on conditions, and carried
  back through the locals that a condition looks at;
- by *data*, where what was read flows into what the act stores, under which key, or into the
  arguments of a call, along the definitions that reach each use of a local.

A local also tells which way the program went. If a condition asks it, whatever chose between its
definitions counts. If it is stored, that counts only for constants, which tell nothing else; but
not for None: `c = None` stands for something missing, and storing `c` where it is not missing has
nothing to do with why it could have been.

How it is done: `statements` and `expressions` take the function apart into blocks, `definitions`
and `control_flow` find what reaches what and what decides what, and all that is one system of
sets that include each other, which `inclusion` solves. Every step is linear, or nearly so.

Limits: what chooses between the copies of a `finally` clause counts for no condition in it; fields
of objects are not followed (a value stored in an attribute and read again is a new read), nor are
elements of containers that were not made here, variables that inner functions rebind, what `exec`
does, and context managers that swallow exceptions, but for `suppress`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple, final

import attrs

from trioflow.race.instrument.control_flow import EXIT, ControlDependence, control_dependence
from trioflow.race.instrument.definitions import Constancy, Reached, reaching_definitions
from trioflow.race.instrument.inclusion import numbers_in, solve
from trioflow.race.instrument.local_names import Function
from trioflow.race.instrument.program import Program
from trioflow.race.instrument.statements import read_function


@final
@attrs.frozen(eq=False)
class FunctionFlow:
    """What depends on what within one function.

    Sources are nodes of the tree that was given: attributes, subscripts and names that are read,
    membership tests, calls, and parameters (`ast.arg`). Acts are the targets of assignments and
    deletions (attributes, subscripts, names, and what binds a name without having one: handlers,
    captures, imports, definitions), calls, and what `with` and `for` are given.
    """

    control: dict[ast.AST, frozenset[ast.AST]]
    data: dict[ast.AST, frozenset[ast.AST]]
    returns: frozenset[ast.AST]
    """What flows into a value that is returned or yielded, or decides which constant is returned."""
    choices: frozenset[ast.AST]
    """The same, and all that decides which value is returned."""


def analyse(function: Function, captured: frozenset[str] = frozenset()) -> FunctionFlow:
    """Finds on which reads the acts and the result of a function depend; inner functions are left out.

    Args:
        function: What is analysed.
        captured: Names of locals of the functions around; what is read of these are parameters called `^name`.
    """
    program = read_function(function, captured)
    returned = program.new_node(program.result)
    equations = _Equations(program, control_dependence(program.graph))
    equations.add_definitions()
    solution = equations.solve()
    sets = _Sets(program.sources)
    control: dict[ast.AST, int] = {}
    data: dict[ast.AST, int] = {}
    for act in program.acts:
        tree, block, value = act
        control[tree] = control.get(tree, 0) | solution[equations.running(block)]
        data[tree] = data.get(tree, 0) | equations.flowing(value.sources, value.nodes, solution)
    result = solution[equations.plain(returned)]
    choices = solution[equations.choice(returned)]
    for block in program.decided_yields:
        result |= solution[equations.running(block)]
        choices |= solution[equations.running(block)]
    return FunctionFlow(
        {tree: sets.of(bits) for tree, bits in control.items()},
        {tree: sets.of(bits) for tree, bits in data.items()},
        sets.of(choices if equations.returns_only_constants else result),
        sets.of(choices),
    )


@final
class _Joined(NamedTuple):
    """The two sets for several definitions."""

    plain: int
    choice: int


@final
class _Equations:
    """The sets of a function, by number: two for each node of the program, five for each block.

    Nodes have a set of what flows there, and one that has also what decides which value flows.
    Blocks have one of what their conditions read, one of what they depend on by control, and one
    of the ends of loops that they follow. In `finally` clauses the last two are what decides that
    this copy of the clause runs; two more are of what decides whether any does.
    """

    def __init__(self, program: Program, dependence: ControlDependence) -> None:
        self._program = program
        self._dependence = dependence
        self._nodes = len(program.node_sources)
        self._blocks = len(program.graph.control)
        self.returns_only_constants = False
        self._own = [*program.node_sources, *program.node_sources, *[0] * (5 * self._blocks)]
        self._inputs: list[list[int]] = [list(inputs) for inputs in program.node_inputs]
        self._inputs += [[self.choice(node) for node in inputs] for inputs in program.node_inputs]
        self._inputs += [[] for _ in range(5 * self._blocks)]
        self._deciders: list[int] | None = None
        self._deciders_of: dict[Reached, tuple[int, int]] = {}
        self._joined: dict[Reached, _Joined] = {}
        self._choices: dict[int, int] = {}
        self._add_conditions()
        self._add_control()

    def plain(self, node: int) -> int:
        return node

    def choice(self, node: int) -> int:
        return self._nodes + node

    def _condition(self, block: int) -> int:
        return 2 * self._nodes + block

    def control(self, block: int) -> int:
        return 2 * self._nodes + self._blocks + block

    def _passed(self, block: int) -> int:
        return 2 * self._nodes + 2 * self._blocks + block

    def running(self, block: int) -> int:
        """What decides whether an act in the block runs."""
        if block not in self._program.graph.final_of:
            return self.control(block)
        return 2 * self._nodes + 3 * self._blocks + block

    def _passed_in_clause(self, block: int) -> int:
        return 2 * self._nodes + 4 * self._blocks + block

    def _add_conditions(self) -> None:
        for block, value in self._program.conditions.items():
            self._own[self._condition(block)] = value.sources
            self._inputs[self._condition(block)] = [self.choice(node) for node in value.nodes]

    def _add_control(self) -> None:
        dependence = self._dependence
        for block in range(self._blocks):
            inputs = self._inputs[self.control(block)]
            inputs.append(self._passed(block))
            inputs.extend(self._condition(branch) for branch in dependence.deciding[block])
            inputs.extend(self.control(branch) for branch in dependence.inherited[block])
        for branch, after in dependence.ends:
            self._inputs[self._passed(after)] += (self._condition(branch), self.control(branch))
        for earlier, later in dependence.followers:
            self._inputs[self._passed(later)].append(self._passed(earlier))
        self._add_clauses()

    def _add_clauses(self) -> None:
        final_of = self._program.graph.final_of
        for block, origins in self._dependence.of_clauses.items():
            inputs = self._inputs[self.running(block)]
            inputs.append(self._passed_in_clause(block))
            for origin, decides in origins:
                together = not set(final_of[block]).isdisjoint(final_of.get(origin, ()))
                inputs.append(self.running(origin) if together else self.control(origin))
                if decides:
                    inputs.append(self._condition(origin))
        for branch, after in self._dependence.ends:
            if after in final_of:
                self._inputs[self._passed_in_clause(after)] += (self._condition(branch), self.running(branch))
        for earlier, later in self._dependence.followers:
            if later in final_of and final_of.get(earlier) == final_of[later]:
                self._inputs[self._passed_in_clause(later)].append(self._passed_in_clause(earlier))

    def add_definitions(self) -> None:
        """Joins uses with the definitions that reach them, and with what chooses between those."""
        for use, block, reached in reaching_definitions(self._program.graph, self._program.events):
            joined = self._join(reached)
            self._inputs[self.plain(use.node)].append(joined.plain)
            self._inputs[self.choice(use.node)].append(joined.choice)
            if block == EXIT:
                self.returns_only_constants = Constancy.VARYING not in reached.constancies
            if reached.count > 1 and reached.constancies != frozenset({Constancy.NOTHING}):
                here = 0 if block == EXIT else self._deciding(block)
                of_all, of_constants = self._deciding_any(reached)
                self._inputs[self.choice(use.node)] += self._conditions_in(of_all & ~here)
                self._inputs[self.plain(use.node)] += self._conditions_in(of_constants & ~here)

    def _join(self, reached: Reached) -> _Joined:
        """The sets of what the definitions bind together."""
        if reached not in self._joined:
            nodes = [definition.node for definition in reached.added]
            plain, choice = [self.plain(node) for node in nodes], [self.choice(node) for node in nodes]
            if reached.before is not None:
                before = self._joined[reached.before]
                plain.append(before.plain)
                choice.append(before.choice)
            self._joined[reached] = _Joined(self._add_set(plain), self._add_set(choice))
        return self._joined[reached]

    def _deciding_any(self, reached: Reached) -> tuple[int, int]:
        """All branches that decide whether one of the definitions runs, and those for constants alone."""
        found = self._deciders_of.get(reached)
        if found is None:
            of_all, of_constants = (0, 0) if reached.before is None else self._deciding_any(reached.before)
            for definition in reached.added:
                of_all |= self._deciding(definition.block)
                if definition.constancy is Constancy.CONSTANT:
                    of_constants |= self._deciding(definition.block)
            found = self._deciders_of[reached] = of_all, of_constants
        return found

    def _add_set(self, inputs: list[int]) -> int:
        if len(inputs) == 1:
            return inputs[0]
        self._own.append(0)
        self._inputs.append(inputs)
        return len(self._own) - 1

    def _deciding(self, block: int) -> int:
        """All branches that decide whether a block runs, one bit for each."""
        if self._deciders is None:
            own = [sum(1 << branch for branch in set(branches)) for branches in self._dependence.deciding]
            self._deciders = solve(own, self._dependence.inherited, {})
        return self._deciders[block]

    def _conditions_in(self, blocks: int) -> list[int]:
        """The set of what the conditions of these blocks read, if there are any."""
        if not blocks:
            return []
        if blocks not in self._choices:
            self._choices[blocks] = self._add_set([self._condition(block) for block in numbers_in(blocks)])
        return [self._choices[blocks]]

    def solve(self) -> list[int]:
        parameters = 0
        for number, source in enumerate(self._program.sources):
            if isinstance(source, ast.arg):
                parameters |= 1 << number
        masked = {kind(node): parameters for node in self._program.masked for kind in (self.plain, self.choice)}
        return solve(self._own, self._inputs, masked)

    def flowing(self, sources: int, nodes: Iterable[int], solution: list[int]) -> int:
        for node in nodes:
            sources |= solution[self.plain(node)]
        return sources


@final
class _Sets:
    """Turns bits into sets of sources, each set once."""

    def __init__(self, sources: list[ast.AST]) -> None:
        self._sources = sources
        self._known: dict[int, frozenset[ast.AST]] = {}

    def of(self, bits: int) -> frozenset[ast.AST]:
        known = self._known.get(bits)
        if known is None:
            known = self._known[bits] = frozenset([self._sources[number] for number in numbers_in(bits)])
        return known
