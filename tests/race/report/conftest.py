"""Two findings, as the detector would make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from trioflow.race.model.findings import Access, Actor, Finding, Kind, Location, Severity

ROOT = Path("/projects/shop")


def at(path: str, line: int, column: int, function: str = "") -> Location:
    return Location(str(ROOT / path), line, column, function)


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def unguarded_section() -> Finding:
    stock, tests = "src/shop/stock.py", "tests/test_stock.py"
    store = "self.levels[sku] = available - quantity"
    return Finding(
        kind=Kind.UNGUARDED_SECTION,
        severity=Severity.ERROR,
        variable="Stock.levels['tea']",
        headline="Stock.levels['tea'] can change between the check and the write (lost update)",
        accesses=(
            Access("A", "reads", at(stock, 13, 21), "read", source="available = self.levels[sku]"),
            Access(
                "A",
                "awaits",
                at(stock, 16, 9),
                "checkpoint",
                source="await self.store.save(sku, available - quantity)",
            ),
            Access("A", "awaits", at(tests, 11, 9), "checkpoint", source="await trio.lowlevel.checkpoint()"),
            Access("B", "writes", at(stock, 17, 9), "write", source=store),
            Access("A", "writes", at(stock, 17, 9), "write", remark="overwrites B", source=store),
        ),
        actors=(
            Actor("A", "task", "shop.stock.Stock.reserve", at(tests, 21, 9, "test_two_orders")),
            Actor("B", "task", "shop.stock.Stock.reserve", at(tests, 22, 9, "test_two_orders")),
        ),
        order=f"both start in the nursery at {ROOT / tests}:20:5; nothing orders them after that",
        seen="in this run: both read 10, B stored 6, A stored 7 (one of the two orders is lost)",
        help="hold one trio.Lock over lines 13-17, or take the quantity before the await and give it back on failure",
        identifier="5b1e07c2",
        test="tests/test_stock.py::test_two_orders",
    )


@pytest.fixture
def data_race() -> Finding:
    metrics, tests = "src/shop/metrics.py", "tests/test_metrics.py"
    return Finding(
        kind=Kind.DATA_RACE,
        severity=Severity.ERROR,
        variable="Metrics.sent",
        headline="Metrics.sent is updated by a task while a thread resets it; an addition can be lost",
        accesses=(
            Access("A", "updates", at(metrics, 12, 13), "update", source="self.sent += amount"),
            Access("B", "writes", at(metrics, 21, 9), "write", source="self.sent = 0"),
        ),
        actors=(
            Actor("A", "task", "shop.metrics.Metrics.count", at(tests, 11, 9, "test_report")),
            Actor("B", "thread", "shop.metrics.Metrics.drain", at(metrics, 17, 13, "Metrics.report_forever")),
        ),
        order=f"last ordered at {ROOT / tests}:10:5, where both start; nothing since orders one before the other",
        seen="predicted from the order",
        help="read and reset the number in the task, then give the number to the thread",
        identifier="c07a41f9",
        test="tests/test_metrics.py::test_report",
    )
