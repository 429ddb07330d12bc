"""What variables and places are called in a report.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Hashable

from trioflow.race.model.sites import Site
from trioflow.race.shadow.containers import ABSENT, Part
from trioflow.race.shadow.identity import ObjectShadow
from trioflow.race.shadow.values import Scope


def variable_name(shadow: ObjectShadow, where: Hashable, site: Site) -> str:
    """The name of a variable, as seen from one of the places that access it."""
    value = shadow.object()
    if type(value) is Scope or (shadow.container is None and _is_name(site)):
        if type(value) is Scope and value.name:
            return f"global {value.name}.{where}"
        return f"closure variable '{where}' of {owner_of(site)}"
    if shadow.container is None:
        return f"{shadow.label}.{where}"
    name = container_name(site)
    if isinstance(where, Part) or where is ABSENT or isinstance(where, tuple):
        return name
    return f"{name}[{where!r}]"


def _is_name(site: Site) -> bool:
    return site.operation.name.startswith("NAME_")


def owner_of(site: Site) -> str:
    """The function whose variable an inner function at `site` uses."""
    parts = site.function.split(".<locals>.")
    return parts[-2] if len(parts) > 1 else parts[0]


def container_name(site: Site) -> str:
    """What a container is called at a site, with the class in place of `self`."""
    expression = site.expression
    first, dot, rest = expression.partition(".")
    owner = site.function.rpartition(".")[0]
    if dot and first in ("self", "cls") and owner and not owner.endswith("<locals>"):
        return f"{owner.rpartition('.')[2]}.{rest}"
    return expression


def qualified(site: Site) -> str:
    """The function at a site, with its module."""
    return f"{site.module}.{site.function}" if site.function else site.module


def short_function(site: Site) -> str:
    """The function at a site without what encloses it."""
    return site.function.replace(".<locals>", "")
