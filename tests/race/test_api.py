"""What programs declare: without the detector nothing happens, with it each wrong use gets a text of its own."""

from __future__ import annotations

import asyncio
import builtins
import functools
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, assert_type, get_type_hints

import pytest

from trioflow import race
from trioflow.race.model.configuration import Level

BOTH = """
from __future__ import annotations

from typing import Annotated

import trio
from trio.lowlevel import checkpoint

from trioflow import race


async def together(*functions):
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(function)
"""


# Without the detector


def test_import_loads_neither_trio_nor_the_detector() -> None:
    """A program that declares something pays for no more than the declarations."""
    program = (
        "import sys; from trioflow import race; "
        "heavy = {'trio', 'attr', 'attrs', 'pytest', 'ast', 'inspect', 'trioflow.race.detector'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("block", [race.critical("pair"), race.ok("why not")], ids=["critical", "ok"])
def test_block_lets_everything_through(block: Any) -> None:
    """Exceptions and results pass; a block can be nested in itself and be used by several threads."""
    with pytest.raises(ZeroDivisionError), block, block:
        _ = 1 / 0
    threads = [threading.Thread(target=block.__enter__) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_block_decorates_functions() -> None:
    """The function keeps its name, type, arguments and result, whether it is awaited or not."""

    @race.critical("pair")
    def add(one: int, *, other: int) -> int:
        """Adds."""
        return one + other

    @race.ok("why not")
    async def add_later(one: int, other: int) -> int:
        return one + other

    assert_type(add(1, other=2), int)
    assert (add(1, other=2), add.__name__, add.__doc__) == (3, "add", "Adds.")
    assert asyncio.iscoroutinefunction(add_later)
    assert asyncio.run(add_later(1, 2)) == 3


def test_block_stays_open_for_a_coroutine_that_a_plain_function_returns() -> None:
    """What another decorator made of a coroutine function is awaited within the block."""

    def traced(function: Any) -> Any:
        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            return function(*arguments)

        return call

    @race.critical("pair")
    @traced
    async def add(one: int, other: int) -> int:
        return one + other

    assert asyncio.run(add(1, 2)) == 3


def test_block_decorates_no_generator() -> None:
    """Its caller would decide when the block ends, so it is refused by name."""

    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(TypeError, match=f"can't decorate the generator .*{function.__name__}; use it in a 'with'"):
            race.critical("pair")(function)


def test_block_decorates_nothing_but_functions() -> None:
    """What is decorated by mistake is shown."""
    with pytest.raises(TypeError, match=r"a block can decorate a function, not 3; use it in a 'with' statement"):
        race.ok("why not")(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: race.critical(""), ValueError, "critical() needs a name"),
        (lambda: race.critical(3), TypeError, "critical() needs a name"),
        (lambda: race.ok(" "), ValueError, "ok() needs a reason that whoever reads it next year can judge"),
        (lambda: race.ok(None), TypeError, "ok() needs a reason"),
        (lambda: race.ok(print), TypeError, "not 'builtin_function_or_method'"),
        (lambda: race.guarded_by(""), ValueError, "needs the name of an attribute that holds a lock, not ''"),
        (lambda: race.guarded_by("self.lock"), ValueError, "not 'self.lock'"),
        (lambda: race.guarded_by(3), TypeError, "needs a lock, or the name of an attribute that holds one, not 3"),
        (lambda: race.guarded_by(threading.Condition), TypeError, "not <class 'threading.Condition'>"),
        (lambda: race.guarded_by(threading.Event()), TypeError, "needs a lock"),
    ],
)
def test_wrong_arguments_are_refused_at_once(make: Any, error: type[Exception], text: str) -> None:
    """The message says what was expected and what was given, with or without a detector."""
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_declarations_are_annotations_like_any_other() -> None:
    """They are equal where they say the same, and do not show in the types that others read."""
    lock = threading.Lock()

    class Pool:
        idle: Annotated[list[int], race.guarded_by("lock"), race.ok("why not")]

    assert get_type_hints(Pool) == {"idle": list[int]}
    assert get_type_hints(Pool, include_extras=True)["idle"].__metadata__ == (
        race.guarded_by("lock"),
        race.ok("why not"),
    )
    assert race.guarded_by(lock) == race.guarded_by(lock) != race.guarded_by("lock")
    assert len({race.guarded_by(lock), race.guarded_by(lock), race.ok("a"), race.ok("a"), race.ok("b")}) == 3
    assert repr(race.guarded_by("lock")) == "guarded_by('lock')"


# With the detector


def test_report_names_the_block_what_came_between_and_a_remedy(watch: Any) -> None:
    """One finding tells where the block is entered, both sides in order, and what would help."""
    watched = watch(
        BOTH
        + """
class Account:
    def __init__(self):
        self.a = self.b = 0


async def main():
    account = Account()

    async def transfer():
        with race.critical("transfer"):
            account.a -= 1
            await checkpoint()
            account.b += 1

    async def audit():
        assert account.a + account.b in (-1, 0)

    await together(transfer, audit)
"""
    )
    (finding,) = watched.findings
    both = "Account.a and Account.b"
    assert finding.headline == f"{both} can be read half-written in the midst of the critical block 'transfer'"
    assert [(access.actor, access.verb) for access in finding.accesses] == [
        ("A", "enters"),
        ("A", "updates"),
        ("A", "awaits"),
        ("B", "reads"),
        ("B", "reads"),
        ("A", "updates"),
    ]
    assert finding.severity.value == "error"
    assert finding.help.startswith("hold one trio.Lock throughout the block")


def test_section_within_a_broken_block_is_told_once(watch: Any) -> None:
    """A lost update within the block is part of what is told of the block."""
    watched = watch(
        BOTH
        + """
class Counter:
    def __init__(self):
        self.n = 0


async def main():
    counter = Counter()

    async def count():
        with race.critical("count"):
            n = counter.n
            await checkpoint()
            counter.n = n + 1

    await together(count, count)
"""
    )
    (finding,) = watched.findings
    assert "critical block 'count'" in finding.headline


GUARDED = (
    BOTH
    + """
class Thing:
    value: Annotated[Missing, {declaration}]

    def __init__(self):
        self._lock = {lock}
        self.value = 0


async def main():
    thing = Thing()
    await checkpoint()
    thing.value += 1
"""
)


@pytest.mark.parametrize(
    ("declaration", "lock", "text"),
    [
        ('race.guarded_by("_lok")', "trio.Lock()", "there is no lock in Thing._lok"),
        ('race.guarded_by("_lock")', "None", "there is no lock in Thing._lock"),
        ('race.guarded_by("_lock")', "trio.Event()", "Thing._lock is no lock that the detector knows, but an Event"),
        ('race.guarded_by("_lock")', "trio.Semaphore(2)", "Thing._lock lets in more than one at a time"),
        (
            'race.guarded_by("_lock"), race.guarded_by("_other")',
            "trio.Lock()",
            "it is guarded by two locks, guarded_by('_lock') and guarded_by('_other')",
        ),
        ("race.guarded_by(nowhere)", "trio.Lock()", "race.guarded_by(nowhere) names nothing that is known"),
        ("race.guarded_by()", "trio.Lock()", "race.guarded_by() needs exactly one argument"),
        ('race.ok("")', "trio.Lock()", "ok() needs a reason"),
    ],
)
def test_declaration_that_cannot_be_meant_is_an_error(watch: Any, declaration: str, lock: str, text: str) -> None:
    """It is reported once, at the access at which it is met, whatever else the annotation names."""
    (finding,) = watch(GUARDED.format(declaration=declaration, lock=lock)).findings
    assert finding.kind.value == "wrong-declaration"
    assert finding.headline.startswith("the declaration of Thing.value can't be checked: ")
    assert text in finding.headline


def test_access_without_the_lock_is_told_with_its_name(watch: Any) -> None:
    """The report says which lock is missing and what else is held."""
    (finding,) = watch(GUARDED.format(declaration='race.guarded_by("_lock")', lock="trio.Lock()")).findings
    assert finding.kind.value == "unguarded-access"
    assert finding.headline == "Thing.value is updated without Thing._lock, which is declared to guard it"


def test_accepted_finding_carries_its_reason(watch: Any) -> None:
    """It is made all the same, so that it can be counted, and says why it is accepted."""
    source = (
        BOTH
        + """
state = {"n": 0}


async def main():
    async def put(value):
        with race.ok("the last one wins"):
            state["n"] = value

    await together(lambda: put(1), lambda: put(2))
"""
    )
    for level in Level:
        (finding,) = watch(source, level=level).findings
        assert (finding.kind.value, finding.accepted) == ("data-race", "the last one wins")


def test_block_of_a_generator_that_somebody_else_closes(watch: Any) -> None:
    """It is over then, for whoever has opened it; nothing fails, and the probes are the usual ones again."""
    watched = watch(
        BOTH
        + """
import builtins

class Thing:
    def __init__(self):
        self.n = 0


thing = Thing()
probes = []


def units():
    with race.critical("unit"), race.ok("within the generator"):
        yield


async def main():
    generators = []

    async def opener():
        await checkpoint()
        generator = units()
        next(generator)
        generators.append(generator)
        probes.append(builtins.__dict__["@read"])

    async def closer():
        await trio.sleep(0.01)
        generators.pop().close()
        probes.append(builtins.__dict__["@read"])
        thing.n = 1

    async def writer():
        thing.n = 2

    await together(opener, closer, writer)
"""
    )
    assert [finding.accepted for finding in watched.findings if finding.variable == "Thing.n"] == [""]
    attentive, plain = watched.module.probes
    assert attentive is not plain


def test_generator_left_open_ends_with_the_test(watch: Any) -> None:
    """Whatever is left open at a test's end has no part in the next, nor do the errors of its late end."""
    source = (
        BOTH
        + """
def units():
    with race.critical("unit"):
        yield

left = units()

async def main():
    next(left)
"""
    )
    watched = watch(source)
    watched.module.left.close()
    del watched
    gc.collect()
    assert watch(BOTH + "async def main():\n    pass\n").findings == []
    assert builtins.__dict__["@read"](3, 0) == 3


def test_annotations_of_any_sort_do_no_harm(watch: Any) -> None:
    """What can't be understood is left alone, and no code of the program is run to find out."""
    watched = watch(
        """
import trio

ran = []


class Odd:
    def __getattr__(self, name):
        ran.append(name)
        raise RuntimeError(name)

    def __eq__(self, other):
        ran.append("eq")
        raise RuntimeError

    __hash__ = None


odd = Odd()


class Thing:
    a: odd
    b: "not a ( type"
    c: "odd.x[1]"
    d: "undefined | None"
    e: [odd, {odd.__class__: odd}]
    f: "lambda: ran.append(1)"
    g: "ran.append(2)"

    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = 0


async def main():
    thing = Thing()
    await trio.lowlevel.checkpoint()
    thing.a += thing.b + thing.c + thing.d + thing.e + thing.f + thing.g
"""
    )
    assert (watched.findings, watched.module.ran) == ([], [])
