"""Races between tasks that can't matter: steps that commute, and writes that change nothing.

PYTEST_DONT_REWRITE

Each step of a task is atomic. If two unordered steps leave the same behind in either order, the order does
not matter. This holds for tasks only: a thread can be interrupted in the midst of `x += 1`.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from trioflow.race.model.sites import Operation, Site
from trioflow.race.shadow.containers import ADDITIONS, WRITE
from trioflow.race.shadow.values import UNKNOWN, is_plain
from trioflow.race.shadow.variables import Access

_SUMS = frozenset({"+=", "-="})
_IDEMPOTENT = frozenset({"|=", "&=", "^="})
_PUTTING_IN = frozenset({"+=", "|="})
_UPDATES = frozenset({Operation.UPDATE, Operation.ITEM_UPDATE, Operation.NAME_UPDATE})


def commute(one: Access, other: Access) -> bool:
    """Whether two steps that make these accesses leave the same behind in either order."""
    if one.silent or other.silent or _in_place(one) or _in_place(other):
        return True
    if _both_in(one.site, other.site, _SUMS):
        return _is_number(one) and _is_number(other)
    if _both_in(one.site, other.site, _IDEMPOTENT):
        return one.site.operator == other.site.operator
    if one.site.name == other.site.name == "discard":
        return True
    return bool(
        one.kind & other.kind & WRITE
        and _adds(one.site)
        and _adds(other.site)
        and (one.site.name == other.site.name or "left" not in f"{one.site.name}{other.site.name}")
    )


def agree(one: Access, other: Access) -> bool:
    """Whether two writes are known to store the same value."""
    return is_plain(one.value) and one.value == other.value


def _adds(site: Site) -> bool:
    """Whether an access puts something into a container."""
    if site.operation is Operation.CONTENTS_WRITE:
        return site.operator in _PUTTING_IN
    return site.operation is Operation.CALL and site.name in ADDITIONS


def _in_place(access: Access) -> bool:
    """Whether `x.a += ...` left the same object in `x.a`: what became of its contents is judged with these."""
    known = isinstance(access.before, tuple) and access.before == access.value
    return access.site.operation in _UPDATES and known


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
