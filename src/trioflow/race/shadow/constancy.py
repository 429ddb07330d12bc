"""Attributes that no code writes once their object is made: to read one of them is no news to anybody.

PYTEST_DONT_REWRITE

What an `__init__` writes precedes whoever meets the object (see `memory`), so an attribute of a name that no other
site writes takes part in no race and in no critical section, and the probes of its reads end at once. Names are taken
for what they are, whatever the object: where `x.limit` is written somewhere, every `limit` counts as written.

The names that are written only grow as modules are loaded. An `__init__` that starts a thread may be overtaken by it,
and one that is called by its name may make an object anew: what they write is written like anything else. Where a name
is written that only the running program knows, or locks are declared that guard reads as well, every read counts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import final

from trioflow.race.model.sites import ModuleTable, Operation, Site

_WRITING = frozenset(
    {
        Operation.WRITE,
        Operation.DELETE,
        Operation.UPDATE,
        Operation.SUSPENDED_UPDATE,
        Operation.NAME_WRITE,
        Operation.NAME_UPDATE,
    }
)
_STARTING = frozenset({"start", "submit", "run_in_executor"})


def makes(site: Site) -> bool:
    """Whether a site is in an `__init__` and accesses the object that is being made."""
    return site.expression == "self" and _is_maker(site.function)


def _is_maker(function: str) -> bool:
    return function.endswith(".__init__")


@final
class Constancy:
    """Knows which reads of attributes need no attention."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        """Sites that read an attribute of a name that nothing writes after the making."""
        self.births: set[int] = set()
        """Sites of such names in an `__init__`: all that they tell is that an object is being made."""
        self._reads: dict[str, list[int]] = defaultdict(list)
        self._makings: dict[str, list[int]] = defaultdict(list)
        self._written: set[str] = set()
        self._all_count = False
        """Whether all reads count."""
        self._made_anew = False
        """Whether some `__init__` is called by its name."""

    def add(self, table: ModuleTable) -> None:
        """Take in a module that has been rewritten."""
        starting: set[str] = set()
        for site in table.sites:
            if site.operation is Operation.CALL:
                if _is_maker(site.function):
                    if site.name in _STARTING:
                        starting.add(site.function)
                elif site.name == "__init__":
                    self._made_anew = True
        self._all_count = self._all_count or table.declares
        for site in table.sites:
            self._sort(site, starting)
        self._settle()

    def _sort(self, site: Site, starting: set[str]) -> None:
        if site.operation is not Operation.READ and site.operation not in _WRITING:
            return
        name = site.name
        if makes(site) and site.function not in starting:
            if name is not None:
                self._makings[name].append(site.number)
        elif site.operation is Operation.READ:
            if name is not None:
                self._reads[name].append(site.number)
        elif name is None:
            self._all_count = True
        else:
            self._written.add(name)

    def _settle(self) -> None:
        """Give up what is not silent any more, and find what is."""
        if self._made_anew:
            self._written.update(self._makings)
        self.silent.clear()
        self.births.clear()
        if self._all_count:
            return
        for sites, numbers in ((self.silent, self._reads), (self.births, self._makings)):
            for name in numbers.keys() - self._written:
                sites.update(numbers[name])
