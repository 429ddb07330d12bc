"""A project with races, and pytest runs of its tests in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHOP = """
import trio


class Stock:
    def __init__(self):
        self.level = 10
        self.ready = False

    async def take(self, quantity):
        level = self.level
        await trio.lowlevel.checkpoint()
        self.level = level - quantity

    async def open(self):
        self.ready = True

    async def look(self):
        return self.ready


async def lose_an_update():
    stock = Stock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stock.take, 3)
        nursery.start_soon(stock.take, 4)


async def race():
    stock = Stock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stock.open)
        nursery.start_soon(stock.look)


async def do_nothing():
    await trio.lowlevel.checkpoint()
"""


class Project:
    """A folder with `shop.py`, in which a lost update (an error) and a data race (a warning) can be had."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.write("shop.py", SHOP)
        self.write("pytest.ini", "[pytest]\n")

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
        return path

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    def detect(self, *arguments: str) -> tuple[pytest.RunResult, dict[str, Any]]:
        """Runs the tests under the detector, and returns what was printed and the report."""
        result = self.run("--detect-races", "--race-report=json:races.json", *arguments)
        return result, json.loads((self.path / "races.json").read_text())


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)
