"""The tables of all rewritten modules, joined: what is at which site, and which call is at which position.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from collections import defaultdict
from types import CodeType, FunctionType
from typing import final

from trioflow.race.model.sites import STARTING, CallSite, Dependence, FunctionTable, ModuleTable, Operation, Site
from trioflow.race.shadow.constancy import Constancy, makes
from trioflow.race.shadow.containers import READ, UPDATE, WRITE, Effects

KIND_OF = {
    Operation.READ: READ,
    Operation.WRITE: WRITE,
    Operation.DELETE: WRITE,
    Operation.UPDATE: UPDATE,
    Operation.NAME_READ: READ,
    Operation.NAME_WRITE: WRITE,
    Operation.NAME_UPDATE: UPDATE,
}
"""What operations on attributes and names do to them."""
_ONLY_READ = frozenset(
    {
        Operation.READ,
        Operation.NAME_READ,
        Operation.ITEM_READ,
        Operation.MEMBER,
        Operation.SHAPE,
        Operation.ITERATE,
        Operation.CONTENTS_READ,
    }
)
_NEVER_WRITE = frozenset({Operation.READ, Operation.NAME_READ, Operation.SHAPE})
_OF_WHOLES = frozenset({Operation.SHAPE, Operation.ITERATE, Operation.CONTENTS_READ})
_READS = frozenset({Operation.READ, Operation.ITEM_READ})
_NAMED_READS = frozenset({Operation.READ, Operation.NAME_READ})
_NAMED_WRITES = frozenset({Operation.WRITE, Operation.NAME_WRITE})
_WRITES = frozenset({Operation.WRITE, Operation.ITEM_WRITE})


@final
class SiteTables:
    """Looked up by the recorder; filled by the import hook."""

    def __init__(self) -> None:
        self.sites: dict[int, Site] = {}
        self.calls: dict[int, CallSite] = {}
        self.kinds: dict[int, int] = {}
        """For a site of an attribute or a name, whether it reads, writes or both."""
        self.effects: dict[int, Effects] = {}
        """The same as the effects on the variable that the site names."""
        self.making: set[int] = set()
        """Sites in `__init__` that access the object which is being made."""
        self.constancy = Constancy()
        """Which reads concern nobody."""
        self.checks: dict[int, tuple[int, ...]] = {}
        """For a site that writes in a plain function, the reads there on which it depends by control."""
        self.noted: set[int] = set()
        """Sites of accesses on which something in a later step may rely."""
        self.reading: set[int] = set()
        """Sites that can only read: an element that is read may be made thereby, an attribute is not."""
        self.carrying: set[int] = set()
        """Sites in coroutine functions that store what was read in a place from where something may take it up."""
        self.wholes: set[int] = set()
        """Sites that look at a container as a whole, so that they are remembered without a key."""
        self.plain: set[int] = set()
        """Sites that only read, and on which nothing relies."""
        self.written_back: frozenset[int] = frozenset()
        """Sites that write what the same activation may read back later."""
        self.reads_back: dict[int, tuple[int, ...]] = {}
        """For a site that reads, the sites of its function that write the same."""
        self.captured: dict[int, str] = {}
        """For the number of a local that inner functions read, the function that owns it."""
        self._functions: dict[tuple[str, int, str], FunctionTable] = {}
        self._passing: set[tuple[str, str]] = set()
        """The functions, by file and name, in which what they are given flows into what they return."""
        self._modules: dict[str, str] = {}
        """By file, the name of the module."""
        self._by_position: dict[tuple[str, str], dict[tuple[int, int, int, int], int]] = {}
        self._by_code: dict[int, tuple[CodeType, FunctionTable | None]] = {}
        self._at: dict[tuple[int, int], int | None] = {}

    def add(self, table: ModuleTable) -> None:
        """Take in a module that has been rewritten."""
        self.sites.update((site.number, site) for site in table.sites)
        self._modules[table.path] = table.module
        asynchronous = set[str]()
        self.captured.update(
            (call.number, function.qualified_name)
            for function in table.functions
            for call in function.calls
            if call.line == 0
        )
        for function in table.functions:
            self._functions[table.path, function.first_line, function.qualified_name] = function
            self.calls.update((call.number, call) for call in function.calls)
            name = function.qualified_name.rpartition(".")[2]
            if any(isinstance(source, str) for source in function.returns.data):
                self._passing.add((table.path, name))
            if function.is_async:
                asynchronous.add(function.qualified_name)
        for site in table.sites:
            position = (site.line, site.end_line, site.column - 1, site.end_column - 1)
            self._by_position.setdefault((table.path, site.function), {})[position] = site.number
        self._pair_reads_with_writes(table, asynchronous)
        self._classify(table, asynchronous)
        self.constancy.add(table)

    def _classify(self, table: ModuleTable, asynchronous: set[str]) -> None:
        """Find out which sites need little attention.

        There is no checkpoint in a plain function, so what is read there matters later only if it is returned, or
        if something is started because of it.
        """
        returned = {number for function in table.functions for number in function.returns.data}
        starting = {
            number
            for function in table.functions
            for call in function.calls
            if call.callee in STARTING
            for number in (*call.depends.data, *call.depends.control)
        }
        for site in table.sites:
            number = site.number
            if site.operation in _NEVER_WRITE:
                self.reading.add(number)
            if site.operation in _OF_WHOLES:
                self.wholes.add(number)
            kind = KIND_OF.get(site.operation)
            if kind is not None:
                self.kinds[number] = kind
            if kind is not None and site.name is not None:
                self.effects[number] = ((site.name, kind),)
            if makes(site):
                self.making.add(number)
            relied_on = site.source and (site.function in asynchronous or number in returned or number in starting)
            if relied_on or number in self.written_back:
                self.noted.add(number)
            elif site.operation in _ONLY_READ and number not in self.reads_back:
                self.plain.add(number)
        taken_up = {site.name for site in table.sites if site.number in self.noted and site.operation in _NAMED_READS}
        for site in table.sites:
            stores = site.operation in _NAMED_WRITES and site.function in asynchronous
            if stores and site.depends.data and site.name in taken_up:
                self.carrying.add(site.number)
            if site.depends.control and site.function not in asynchronous:
                self.checks[site.number] = tuple(each for each in site.depends.control if isinstance(each, int))

    def _pair_reads_with_writes(self, table: ModuleTable, asynchronous: set[str]) -> None:
        """Find out where a coroutine may read back what it wrote itself; a plain condition reads nothing back."""
        writes: dict[tuple[str, str, str | None], list[Site]] = defaultdict(list)
        for site in table.sites:
            if site.operation in _WRITES and site.function in asynchronous:
                writes[site.function, site.expression, site.name].append(site)
        written: set[int] = set()
        for site in table.sites:
            key = (site.function, site.expression, site.name)
            if site.operation in _READS and key in writes and not site.condition:
                # Around a loop a value is read anew, and not taken to be the own one still.
                place = (site.line, site.column)
                earlier = tuple(write.number for write in writes[key] if (write.line, write.column) < place)
                if earlier:
                    self.reads_back[site.number] = earlier
                    written.update(earlier)
        self.written_back |= written

    def function(self, code: CodeType) -> FunctionTable | None:
        """The table of the function that `code` belongs to."""
        known = self._by_code.get(id(code))
        if known is None:
            table = self._functions.get((code.co_filename, code.co_firstlineno, code.co_qualname))
            known = self._by_code[id(code)] = (code, table)
        return known[1]

    def call_at(self, code: CodeType, instruction: int) -> int | None:
        """The number of the call at which a frame stands.

        Where it stands at no call, the number of the site there: looking up an attribute may call a property.
        """
        key = (id(code), instruction)
        try:
            return self._at[key]
        except KeyError:
            number = self._find_call(code, instruction)
            self._at[key] = number
            return number

    def _find_call(self, code: CodeType, instruction: int) -> int | None:
        if instruction < 0:
            return None
        table = self.function(code)
        positions = list(code.co_positions())
        index = instruction // 2
        if index >= len(positions):
            return None
        line, end_line, column, end_column = positions[index]
        for call in () if table is None else table.calls:
            if (call.line, call.end_line, call.column, call.end_column) == (line, end_line, column, end_column):
                return call.number
        if line is None or end_line is None or column is None or end_column is None:
            return None
        sites = self._by_position.get((code.co_filename, code.co_qualname), {})
        return sites.get((line, end_line, column, end_column))

    def depends_of(self, number: int) -> Dependence:
        """On what a call or an act depends."""
        call = self.calls.get(number)
        return self.sites[number].depends if call is None else call.depends

    def takes_parameters(self, number: int) -> bool:
        """Whether a parameter of its function flows into a call, or decides whether it is made."""
        depends = self.depends_of(number)
        return any(isinstance(source, str) for source in (*depends.data, *depends.control))

    def passes_on(self, number: int, path: str) -> bool:
        """Whether what is given to a function at a call in a file flows into what it returns.

        A function is known by its name, which is that of one in the same file or of one that the module imports.
        """
        call = self.calls.get(number)
        if call is None:
            return False
        if (path, call.callee) in self._passing:
            return True
        module = sys.modules.get(self._modules.get(path, ""))
        function = None if module is None else vars(module).get(call.callee)
        if type(function) is not FunctionType:
            return False
        return (function.__code__.co_filename, function.__code__.co_name) in self._passing
