"""Puts probes into `match` statements: around their subjects, and into their patterns.

PYTEST_DONT_REWRITE

Patterns allow no calls but in what they compare with. What they read of a subject is therefore told
about at the subject, before it is known which of them match.
"""

from __future__ import annotations

import ast
import sys

from trioflow.race.instrument import names, nodes
from trioflow.race.instrument.positions import Span, span
from trioflow.race.instrument.rewrite_calls import CallRewriter
from trioflow.race.model.sites import Operation


class PatternRewriter(CallRewriter):
    """Rewrites `match` statements."""

    def statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Rewrite statements, and return them with what is inserted."""
        raise NotImplementedError

    def written(self, name: str, where: ast.AST, at: Span | None = None) -> list[ast.stmt]:
        """Return what tells that a name has been bound."""
        raise NotImplementedError

    def match_statement(self, node: ast.Match) -> list[ast.stmt]:
        """Rewrite a `match` statement."""
        looked_into = any(
            isinstance(pattern, ast.MatchSequence | ast.MatchMapping)
            for case in node.cases
            for pattern in ast.walk(case.pattern)
        )
        if looked_into:
            node.subject = self.observed(node.subject, Operation.CONTENTS_READ)
        else:
            node.subject = self.expression(node.subject)
        for case in node.cases:
            self._attributes_in(case.pattern, node)
            self._values_in(case.pattern)
            if case.guard is not None:
                case.guard = self.test(case.guard)
            at = _end_of_head(case)
            captured = [
                statement
                for pattern in ast.walk(case.pattern)
                for name in _captures(pattern)
                for statement in self.written(name, pattern, at)
            ]
            case.body = captured + self.statements(case.body)
        return []

    def _attributes_in(self, pattern: ast.pattern, node: ast.Match) -> None:
        """Put probes around a subject for what patterns such as `Point(x=0)` read of it."""
        match pattern:
            case ast.MatchClass() if self.active and not self.is_silent(node.subject):
                if pattern.patterns and not self.is_silent(pattern.cls):
                    site = self.site(Operation.READ, node.subject)
                    count = nodes.number(len(pattern.patterns), span(node.subject))
                    node.subject = nodes.probe("matched", node.subject, node.subject, site, count)
                for name in pattern.kwd_attrs:
                    mangled = names.mangled(name, self.class_name)
                    site = self.site(Operation.READ, node.subject, name=mangled)
                    node.subject = nodes.probe("read", node.subject, node.subject, site)
            case ast.MatchOr(patterns=patterns):
                for each in patterns:
                    self._attributes_in(each, node)
            case ast.MatchAs(pattern=ast.pattern() as inner):
                self._attributes_in(inner, node)
            case _:
                pass

    def _values_in(self, pattern: ast.pattern) -> None:
        """Rewrite the attributes with which values are compared, as in `case Color.RED`, and those that are keys."""
        for each in ast.walk(pattern):
            if isinstance(each, ast.MatchValue):
                each.value = self.expression(each.value)
            elif isinstance(each, ast.MatchMapping):
                each.keys = [self.expression(key) for key in each.keys]


def _captures(pattern: ast.AST) -> list[str]:
    match pattern:
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            return [name]
        case _:
            return []


def _end_of_head(case: ast.match_case) -> Span:
    """Return where the interpreter stands before it enters the body of a case."""
    if sys.version_info < (3, 12):
        # With a guard, too: it comes back to the last pattern to clean up.
        patterns = [span(each) for each in ast.walk(case.pattern) if isinstance(each, ast.pattern)]
        return max(patterns, key=lambda where: where.start)
    return span(case.pattern if case.guard is None else case.guard)
