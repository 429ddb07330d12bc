"""A read that repeats another one needs no probe, and one that may be the first keeps it."""

from __future__ import annotations

import ast

import pytest

from trioflow.race.instrument.rewriter import rewrite


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("x.a * x.a", 1),
        ("x.a < 0 or x.a > 9", 1),
        ("x.a + y.a + x.b", 3),
        ("p and x.a or x.a", 2),
        ("(p or x.a) and (q or x.a)", 2),
        ("0 < x.a < x.a", 1),
        ("0 < p < x.a or x.a", 2),
        ("x.a + f() + x.a", 2),
        ("x.a if x.a else 0", 2),
    ],
)
def test_one_probe_for_reads_that_say_the_same(expression: str, reads: int) -> None:
    """Only a read that is certain to come first stands for later ones, and no call may be between them."""
    source = f"def test(x, y, p, q): return {expression}"
    table = rewrite(ast.parse(source), source=source, path="test.py", module="test")
    assert len([site for site in table.sites if site.operation.name == "READ"]) == reads
