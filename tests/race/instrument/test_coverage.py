"""coverage.py measures the same lines and arcs in rewritten code as in plain code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import coverage
import pytest

PROGRAM = '''\
"""Every kind of statement, on one line and on several."""

from __future__ import annotations

import asyncio
import contextlib
from collections import (
    defaultdict,
    deque,
)

total = 0
names: dict[str, int]


class Thing(
    object,
):
    """Documentation."""

    kind = "thing"

    def __init__(self) -> None:
        self.items = deque([3, 1])
        self.by_name = defaultdict(int)
        self.n = 0

    def chain(self):
        return self

    @property
    def twice(self):
        return self.n * 2


def decorated(
    function,
):
    return function


def shared():
    """Documentation."""
    global total, asyncio_again, failure, entered, later

    def inner():
        return seen

    seen: int
    seen = 0
    while True:
        total += 1
        seen += 1
        if seen > 2:
            break
    for total in range(
        2
    ):
        continue
    else:
        seen = -1
    import asyncio as asyncio_again
    try:
        raise LookupError(
            seen
        ) from None
    except (
        KeyError,
        LookupError,
    ) as failure:
        pass
    except OSError as failure:
        seen = 5
    with contextlib.nullcontext(1) as entered, contextlib.nullcontext(
        2
    ) as seen:
        pass

    def later():
        pass

    match [total, seen]:
        case [total, 3]:
            seen = 1
        case [
            total,
            *seen,
        ] if seen:
            del total
    return inner()


def starts_with_a_loop():
    while 1:
        captured = [0]

        @decorated
        def inner():
            return captured

        if inner():
            return captured


def starts_with_a_decorator(thing):
    @decorated
    @decorated
    def inner():
        nonlocal count
        count += thing.n

    count = 0
    inner()
    return count


def generator(thing):
    received = yield thing.items
    thing.received = received
    yield from thing.items
    with contextlib.suppress(KeyError):
        del thing.by_name["a"], thing.by_name[
            "b"
        ]
    try:
        thing.missing
    except AttributeError:
        thing.n += 1
    else:
        thing.n -= 1
    finally:
        thing.n += 1
    return thing.twice


async def asynchronous(thing):
    @contextlib.asynccontextmanager
    async def manager():
        yield thing

    async def each():
        for item in thing.items:
            yield item

    async with manager() as one, manager() as two:
        one.n += await value(two)
        one.by_name["x"] += await value(
            two,
        )
    async for item in each():
        if item in thing.items and not thing.by_name:
            thing.items.append(
                await value(thing),
            )
    else:
        thing.n = 0
    return [item async for item in each() if item], {
        item: thing.n
        for item in thing.items
    }


async def iterated(thing):
    for one in thing.items:
        await value(thing)
    for one, (
        two,
    ) in zip(
        thing.items,
        [[1], [2]],
    ):
        if one:
            await value(thing)
            continue
        break
    else:
        await value(thing)
    for one in list(
        thing.items
    ): await value(thing)
    result = [
        await value(thing)
        for one in thing.chain(
        ).items
        if one
        for two in thing.items
    ]
    for one in thing.by_name: result.append(await value(thing))
    return {
        one: await value(thing)
        for one, two in
        thing.by_name.items()
    }


def delegated(thing):
    one = yield from thing.items
    one = (
        yield from
        thing.items
    )
    kept = iter(
        thing.items
    )
    for one in kept: yield one


async def value(thing):
    await asyncio.sleep(0)
    return thing.n if thing.items else (
        thing
        .chain()
        .chain()
        .n
    )


def grouped(thing):
    try:
        raise ExceptionGroup("g", [KeyError(1)])
    except* KeyError as group:
        thing.n = len(group.exceptions)
    except* OSError:
        thing.n = 0


def simple(thing):
    pass
    ...
    assert thing.items, thing.n
    (a, *b), thing.c = [1, 2], 3
    key = "k"
    thing.by_name[
        key
    ] = thing.by_name[
        "a"
    ] = a
    thing.items.append(
        key
    )
    if thing.n and \\
            thing.items:
        return
    elif key in (
        thing.by_name
    ):
        found = (lambda: thing.n)()
    raise ValueError(f"{thing.n} {found}")


thing = Thing()
shared()
starts_with_a_loop()
starts_with_a_decorator(thing)
list(generator(thing))
asyncio.run(asynchronous(thing))
asyncio.run(iterated(thing))
list(delegated(thing))
grouped(thing)
thing.n = 0
with contextlib.suppress(ValueError):
    simple(thing)
if not thing.n:
    thing.n = 1
'''

DRIVER = """\
import sys
from pathlib import Path

from trioflow.race.instrument.hook import ImportHook
from trioflow.race.model.configuration import Configuration

root = Path(sys.argv[1])
sys.path.insert(0, str(root))
tables = []
if sys.argv[2] == "rewritten":
    ImportHook(Configuration(root=root, cache=False), tables.append).install()
import program
assert bool(tables) == (sys.argv[2] == "rewritten")
"""


@pytest.mark.slow
def test_coverage_measures_the_same_lines_and_arcs(tmp_path: Path) -> None:
    """Raw arcs too: not even lines within one statement come in another order."""
    program = tmp_path / "project" / "program.py"
    program.parent.mkdir()
    program.write_text(PROGRAM, encoding="utf-8")
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER, encoding="utf-8")
    found = {}
    for kind in ("plain", "rewritten"):
        data_file = tmp_path / kind
        subprocess.run(
            [
                *(sys.executable, "-m", "coverage", "run", "--branch", f"--data-file={data_file}"),
                *(f"--include={program}", str(driver), str(program.parent), kind),
            ],
            check=True,
            cwd=tmp_path,
        )
        data = coverage.CoverageData(str(data_file))
        data.read()
        measured = coverage.Coverage(data_file=str(data_file), include=[str(program)])
        measured.load()
        _, statements, excluded, missing, _ = measured.analysis2(str(program))
        found[kind] = (
            sorted(data.lines(str(program)) or []),
            sorted(data.arcs(str(program)) or []),
            (statements, excluded, missing),
            measured.branch_stats(str(program)),
        )
    assert found["rewritten"] == found["plain"]
    assert len(found["plain"][0]) > 120
