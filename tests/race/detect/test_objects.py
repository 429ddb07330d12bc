"""Which object a finding is about."""

from __future__ import annotations

from typing import Any

PROGRAM = """
import trio


class Account:
    def __init__(self):
        self.balance = 0


class Premium(Account):
    def __init__(self):
        super().__init__()
        self.limit = 10


async def deposit(account):
    seen = account.balance
    await trio.lowlevel.checkpoint()
    account.balance = seen + 1


def open_account(kind):
    return kind()


async def main():
    accounts = {accounts}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deposit, accounts[-1])
        nursery.start_soon(deposit, accounts[-1])
"""


def test_one_of_several_is_told_by_where_it_was_made(watch: Any) -> None:
    """The report names the line that made it, and how many there were of its class."""
    (finding,) = watch(PROGRAM.format(accounts="[Account(), Account(), open_account(Account)]")).findings
    assert finding.object.startswith("the Account made at ")
    assert finding.object.endswith(":23:12 in open_account, one of 3")


def test_constructors_that_call_those_of_base_classes(watch: Any) -> None:
    """What counts is who made the object, not who called the constructor of a base class."""
    (finding,) = watch(PROGRAM.format(accounts="[Account(), Premium(), open_account(Premium)]")).findings
    assert finding.object.startswith("the Premium made at ")
    assert finding.object.endswith(":23:12 in open_account, one of 2")


def test_the_only_one_needs_no_more_words(watch: Any) -> None:
    """Where there is one object of a class, its class says which it is."""
    (finding,) = watch(PROGRAM.format(accounts="[Account()]")).findings
    assert finding.object == ""


CACHE = """
import trio

{made}


async def fill(known):
    if "k" not in known:
        await trio.lowlevel.checkpoint()
        known["k"] = 1


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fill, {given})
        nursery.start_soon(fill, {given})
"""


def test_container_under_a_local_name_is_told_by_what_holds_it(watch: Any) -> None:
    """A parameter's name says little: the module's or the object's says where to look."""
    watched = watch(CACHE.format(made="cache = {}", given="cache"))
    (finding,) = watched.findings
    assert finding.variable == f"known['k'] of {watched.module.__name__}.cache"
    assert finding.headline.startswith(f"{finding.variable} can change")


def test_container_that_an_object_holds(watch: Any) -> None:
    """An attribute, in the dictionary of its object or in a slot."""
    plain = "class App:\n    pass\n\n\napp = App()\napp.cache = {}"
    slotted = "class App:\n    __slots__ = ('cache',)\n\n\napp = App()\napp.cache = {}"
    for made in (plain, slotted):
        (finding,) = watch(CACHE.format(made=made, given="app.cache")).findings
        assert finding.variable == "known['k'] of App.cache"


def test_container_that_several_hold_keeps_its_local_name(watch: Any) -> None:
    """Which of them a reader would look for is not known."""
    (finding,) = watch(CACHE.format(made="cache = other = {}", given="cache")).findings
    assert finding.variable == "known['k']"
