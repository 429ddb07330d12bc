"""The smallest sets that contain each other as given: the solver of the dependence analysis.

PYTEST_DONT_REWRITE

Sets are whole numbers, one bit for each member. Nodes that contain each other in a circle are
found as by Tarjan, "Depth-First Search and Linear Graph Algorithms" (1972), and come out in an
order in which each needs only what is known by then, so that every inclusion is followed once,
and once more for each round through a circle in which something is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, count

_DIGITS = bytes.maketrans(b"01", b"\0\1")


def solve(own: Sequence[int], inputs: Sequence[Sequence[int]], masked: dict[int, int]) -> list[int]:
    """Returns for each node its own members with those of its inputs, less those masked there."""
    result = list(own)
    for component in _components(inputs):
        if len(component) == 1:
            node = component[0]
            members = own[node]
            for other in inputs[node]:
                members |= result[other]
            result[node] = members & ~masked[node] if node in masked else members
            continue
        changed = True
        while changed:
            changed = False
            for node in component:
                members = result[node]
                for other in inputs[node]:
                    members |= result[other]
                if node in masked:
                    members &= ~masked[node]
                if members != result[node]:
                    result[node] = members
                    changed = True
    return result


def numbers_in(bits: int) -> Iterator[int]:
    """The members of a set."""
    # Written out in binary, and turned round, a number says for each bit whether it is set: much
    # faster than taking one bit after the other away where thousands are set.
    return compress(count(), f"{bits:b}"[::-1].encode().translate(_DIGITS))


def _components(inputs: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components, each after those it needs, its own nodes innermost last."""
    components: list[list[int]] = []
    number = [0] * len(inputs)
    lowest = [0] * len(inputs)
    open_nodes: list[int] = []
    is_open = bytearray(len(inputs))
    last = 0
    for root in range(len(inputs)):
        if number[root]:
            continue
        last += 1
        number[root] = lowest[root] = last
        open_nodes.append(root)
        is_open[root] = 1
        stack = [(root, iter(inputs[root]))]
        while stack:
            node, rest = stack[-1]
            for other in rest:
                if not number[other]:
                    last += 1
                    number[other] = lowest[other] = last
                    open_nodes.append(other)
                    is_open[other] = 1
                    stack.append((other, iter(inputs[other])))
                    break
                if is_open[other] and number[other] < lowest[node]:
                    lowest[node] = number[other]
            else:
                stack.pop()
                if stack and lowest[node] < lowest[stack[-1][0]]:
                    lowest[stack[-1][0]] = lowest[node]
                if lowest[node] == number[node]:
                    component: list[int] = []
                    while True:
                        other = open_nodes.pop()
                        is_open[other] = 0
                        component.append(other)
                        if other == node:
                            break
                    components.append(component)
    return components
