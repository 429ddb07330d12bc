"""The tables of all rewritten modules, joined: what is at which site, and which call is at which position.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import defaultdict
from types import CodeType
from typing import final

from trioflow.race.model.sites import CallSite, FunctionTable, ModuleTable, Operation, Site

_READS = frozenset({Operation.READ, Operation.ITEM_READ})
_WRITES = frozenset({Operation.WRITE, Operation.ITEM_WRITE})


@final
class SiteTables:
    """Looked up by the recorder; filled by the import hook."""

    def __init__(self) -> None:
        self.sites: dict[int, Site] = {}
        self.calls: dict[int, CallSite] = {}
        self.written_back: frozenset[int] = frozenset()
        """Sites that write what the same activation may read back later."""
        self.reads_back: dict[int, tuple[int, ...]] = {}
        """For a site that reads, the sites of its function that write the same."""
        self._functions: dict[tuple[str, int, str], FunctionTable] = {}
        self._by_code: dict[int, tuple[CodeType, FunctionTable | None]] = {}
        self._at: dict[tuple[int, int], int | None] = {}

    def add(self, table: ModuleTable) -> None:
        """Take in a module that has been rewritten."""
        self.sites.update((site.number, site) for site in table.sites)
        asynchronous = set()
        for function in table.functions:
            self._functions[table.path, function.first_line, function.qualified_name] = function
            self.calls.update((call.number, call) for call in function.calls)
            if function.is_async:
                asynchronous.add(function.qualified_name)
        self._pair_reads_with_writes(table, asynchronous)

    def _pair_reads_with_writes(self, table: ModuleTable, asynchronous: set[str]) -> None:
        """Find out where a coroutine may read back what it wrote itself; a plain condition reads nothing back."""
        writes: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
        conditions = {
            (site.line, site.column, site.end_line, site.end_column)
            for site in table.sites
            if site.operation is Operation.SHAPE
        }
        for site in table.sites:
            if site.operation in _WRITES and site.function in asynchronous:
                writes[site.function, site.expression, site.name].append(site.number)
        written: set[int] = set()
        for site in table.sites:
            key = (site.function, site.expression, site.name)
            position = (site.line, site.column, site.end_line, site.end_column)
            if site.operation in _READS and key in writes and position not in conditions:
                self.reads_back[site.number] = tuple(writes[key])
                written.update(writes[key])
        self.written_back |= written

    def function(self, code: CodeType) -> FunctionTable | None:
        """The table of the function that `code` belongs to."""
        known = self._by_code.get(id(code))
        if known is None:
            table = self._functions.get((code.co_filename, code.co_firstlineno, code.co_qualname))
            known = self._by_code[id(code)] = (code, table)
        return known[1]

    def call_at(self, code: CodeType, instruction: int) -> int | None:
        """The number of the call at which a frame stands."""
        key = (id(code), instruction)
        try:
            return self._at[key]
        except KeyError:
            number = self._find_call(code, instruction)
            self._at[key] = number
            return number

    def _find_call(self, code: CodeType, instruction: int) -> int | None:
        table = self.function(code)
        if table is None or instruction < 0:
            return None
        positions = list(code.co_positions())
        index = instruction // 2
        if index >= len(positions):
            return None
        line, end_line, column, end_column = positions[index]
        for call in table.calls:
            if (call.line, call.end_line, call.column, call.end_column) == (line, end_line, column, end_column):
                return call.number
        return None
