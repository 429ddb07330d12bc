"""Reaching definitions: which assignments a use of a local variable may see.

PYTEST_DONT_REWRITE

The usual forward analysis over the blocks of the control-flow graph with sets as whole numbers,
one bit for each definition. A handler sees what held at any point of its `try` block at which
something can raise: within a block these are all definitions that some such point has before it,
and what came into the block, unless all of them come after a new definition.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TypeAlias, final

import attrs

from trioflow.race.instrument.control_flow import ENTRY, ControlFlowGraph
from trioflow.race.instrument.inclusion import numbers_in


class Constancy(enum.Enum):
    """What is known about a value before the program runs."""

    VARYING = enum.auto()
    CONSTANT = enum.auto()
    """Written in the source, so all that it tells is which way the program went."""
    NOTHING = enum.auto()
    """None: it stands for a value that is missing, and tells something only to who asks for that."""


@final
@attrs.frozen(eq=False)
class Use:
    """A variable is read."""

    variable: int
    node: int
    """The node of what is read among the flows."""


@final
@attrs.frozen(eq=False)
class Definition:
    """A variable is bound, or unbound."""

    variable: int
    node: int
    constancy: Constancy
    block: int


@final
@attrs.frozen(eq=False)
class Reached:
    """The definitions that reach some uses: those of another one, which came before, and some more."""

    before: Reached | None
    added: tuple[Definition, ...]
    count: int
    constancies: frozenset[Constancy]


@final
@attrs.frozen
class MayRaise:
    """A point at which an exception can leave the block."""


Event: TypeAlias = Use | Definition | MayRaise
MAY_RAISE = MayRaise()


def reaching_definitions(graph: ControlFlowGraph, events: dict[int, list[Event]]) -> Iterator[tuple[Use, int, Reached]]:
    """Yields each use with its block and the definitions that reach it, the same object for the same ones."""
    definitions: list[Definition] = []
    of_variable: dict[int, int] = {}
    number: dict[Definition, int] = {}
    for happened in events.values():
        for event in happened:
            if isinstance(event, Definition):
                number[event] = 1 << len(definitions)
                of_variable[event.variable] = of_variable.get(event.variable, 0) | 1 << len(definitions)
                definitions.append(event)
    transfers = {block: _transfer(happened, number, of_variable) for block, happened in events.items()}
    incoming = _propagate(graph, transfers)
    known: dict[tuple[int, int], Reached] = {}
    latest: dict[int, int] = {}
    for block, happened in events.items():
        current: dict[int, int] = {}
        arriving = incoming[block]
        for event in happened:
            if isinstance(event, Definition):
                current[event.variable] = number[event]
            elif isinstance(event, Use):
                variable = event.variable
                bits = current.get(variable)
                if bits is None:
                    bits = current[variable] = arriving & of_variable.get(variable, 0)
                reached = known.get((variable, bits))
                if reached is None:
                    # A variable that is bound again and again keeps most of what reached its last use.
                    previous = latest.get(variable, 0)
                    before = known[variable, previous] if previous and not previous & ~bits else None
                    added = [definitions[index] for index in numbers_in(bits & ~previous if before else bits)]
                    reached = known[variable, bits] = _reached(before, tuple(added))
                latest[variable] = bits
                yield event, block, reached


def _reached(before: Reached | None, added: tuple[Definition, ...]) -> Reached:
    constancies = frozenset(definition.constancy for definition in added)
    if before is None:
        return Reached(None, added, len(added), constancies)
    return Reached(before, added, before.count + len(added), before.constancies | constancies)


@final
@attrs.frozen
class _Transfer:
    made: int
    """Definitions of the block that hold at its end."""
    replaced: int
    raised: int
    """Definitions of the block that hold at a point where it may raise."""
    replaced_before_raising: int
    raises: bool


_NO_TRANSFER = _Transfer(0, 0, 0, 0, False)


def _transfer(happened: list[Event], number: dict[Definition, int], of_variable: dict[int, int]) -> _Transfer:
    made = replaced = raised = replaced_before = 0
    raises = False
    for event in happened:
        if isinstance(event, Definition):
            mask = of_variable[event.variable]
            made = made & ~mask | number[event]
            replaced |= mask
        elif isinstance(event, MayRaise):
            raised |= made
            if not raises:
                raises = True
                replaced_before = replaced
    return _Transfer(made, replaced, raised, replaced_before, raises)


def _propagate(graph: ControlFlowGraph, transfers: dict[int, _Transfer]) -> list[int]:
    incoming = [0] * len(graph.values)
    order = _reverse_postorder(graph)
    position = {block: index for index, block in enumerate(order)}
    waiting = bytearray(b"\1" * len(order))
    index = 0
    while index < len(order):
        # The first block that waits is next: what comes before it is settled but for loops.
        index = waiting.find(1, index)
        if index < 0:
            break
        waiting[index] = 0
        block = order[index]
        index += 1
        transfer = transfers.get(block, _NO_TRANSFER)
        arriving = incoming[block]
        leaving = transfer.made | arriving & ~transfer.replaced
        for target in graph.values[block]:
            if leaving & ~incoming[target]:
                incoming[target] |= leaving
                waiting[position[target]] = 1
                index = min(index, position[target])
        if transfer.raises:
            leaving = transfer.raised | arriving & ~transfer.replaced_before_raising
            for target in graph.exceptional[block]:
                if leaving & ~incoming[target]:
                    incoming[target] |= leaving
                    waiting[position[target]] = 1
                    index = min(index, position[target])
    return incoming


def _reverse_postorder(graph: ControlFlowGraph) -> list[int]:
    order: list[int] = []
    seen = {ENTRY}
    stack = [(ENTRY, iter((*graph.values[ENTRY], *graph.exceptional[ENTRY])))]
    while stack:
        block, rest = stack[-1]
        for target in rest:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter((*graph.values[target], *graph.exceptional[target]))))
                break
        else:
            order.append(block)
            stack.pop()
    order.reverse()
    return order
