"""Which object a finding is about, where the name of its variable leaves that open.

PYTEST_DONT_REWRITE

A container is called as the code at hand calls it, which may be a local name: what holds it for longer says more. And
where a test makes several objects of one class, a reader wants to know which of them it is.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import contextlib
import gc
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

from trioflow.race.clocks.places import place_of
from trioflow.race.model.sites import Site
from trioflow.race.shadow.identity import ObjectShadow


def holder_of(shadow: ObjectShadow, site: Site) -> str:
    """What holds a container that is known at `site` by a name of its own, such as ` of app.cache`; may be empty."""
    container = shadow.object()
    if shadow.container is None or container is None or not site.expression.isidentifier():
        return ""
    try:
        holders = sorted(set(_holders(container)))
    except Exception:  # noqa: BLE001 (it is only one more thing to say)
        return ""
    return f" of {holders[0]}" if len(holders) == 1 and holders[0] != f"{site.module}.{site.expression}" else ""


def _holders(container: Any) -> Iterator[str]:
    # The detector's own forerunner of this function would let go of the container first.
    referrers = inspect.unwrap(gc.get_referrers)(container)
    namespaces = {id(vars(module)): name for name, module in list(sys.modules.items()) if _is_plain_module(module)}
    for referrer in referrers:
        if type(referrer) is dict:
            module = namespaces.get(id(referrer))
            if module is not None:
                yield from (f"{module}.{name}" for name, value in referrer.items() if value is container)
        elif not isinstance(referrer, (type, types.ModuleType, ObjectShadow)):
            attributes = _attributes(referrer)
            yield from (f"{type(referrer).__name__}.{name}" for name, value in attributes.items() if value is container)


def _is_plain_module(module: object) -> bool:
    return type(module) is types.ModuleType and not module.__name__.startswith("trioflow.race")


def _attributes(value: object) -> dict[str, Any]:
    """The attributes of an object, found without running any code of its class."""
    if type(value).__flags__ & _HEAP_TYPE == 0:
        return {}
    found: dict[str, Any] = {}
    with contextlib.suppress(AttributeError):
        found.update(object.__getattribute__(value, "__dict__"))
    for base in type(value).__mro__:
        for name, member in vars(base).items():
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
    return found


_HEAP_TYPE = 1 << 9
"""What marks classes that are defined in Python."""


def which_of_several(shadow: ObjectShadow, made: int) -> str:
    """Which of several objects of its class it is, by where it was made; empty where it is the only one."""
    if shadow.made is None or made < 2:
        return ""
    place = place_of(*shadow.made)
    where = f"{place.path}:{place.line}:{place.column}"
    function = f" in {place.function}" if place.function != "<module>" else ""
    return f"the {shadow.label} made at {where}{function}, one of {made}"
