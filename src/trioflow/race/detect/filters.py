"""Races between tasks that can't matter: steps that commute, and writes that change nothing.

PYTEST_DONT_REWRITE

Each step of a task is atomic. If two unordered steps leave the same behind in either order, the order does
not matter. This holds for tasks only: a thread can be interrupted in the midst of `x += 1`.
"""

from __future__ import annotations

from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.containers import ADDITIONS, WRITE
from trioflow.race.shadow.values import UNKNOWN, is_plain
from trioflow.race.shadow.variables import Access

_SUMS = frozenset({"+=", "-="})
_IDEMPOTENT = frozenset({"|=", "&=", "^="})
_UPDATES = frozenset({Operation.UPDATE, Operation.ITEM_UPDATE, Operation.NAME_UPDATE})


def commute(one: Access, other: Access) -> bool:
    """Whether two steps that make these accesses leave the same behind in either order."""
    if one.silent or other.silent:
        return True
    if _both_in(one.site, other.site, _SUMS):
        return _is_number(one) and _is_number(other)
    if _both_in(one.site, other.site, _IDEMPOTENT):
        return one.site.operator == other.site.operator
    return bool(
        one.kind & other.kind & WRITE
        and one.site.operation is other.site.operation is Operation.CALL
        and one.site.name in ADDITIONS
        and other.site.name in ADDITIONS
        and (one.site.name == other.site.name or "left" not in f"{one.site.name}{other.site.name}")
    )


def agree(one: Access, other: Access) -> bool:
    """Whether two writes are known to store the same value."""
    return is_plain(one.value) and one.value == other.value


def _both_in(one: Site, other: Site, operators: frozenset[str]) -> bool:
    if one.operation not in _UPDATES or other.operation not in _UPDATES:
        return False
    return one.operator in operators and other.operator in operators


def _is_number(access: Access) -> bool:
    value = access.value
    if not isinstance(value, tuple) or not is_plain(value):
        # Where nothing is known of the value: sums are of numbers far more often than of anything else.
        return value is None or value is UNKNOWN
    return isinstance(value[1], (int, float, complex))
