"""Rewritten code does what plain code does: the matrix over expressions and statements.

Each program runs plain and rewritten, on objects that log whatever is done to them. Both must give
the same value or exception, from the same positions, with the same operations in the same order.
"""

from __future__ import annotations

import ast
import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from trioflow.race.instrument.rewriter import rewrite

Log = list[tuple[Any, ...]]


class Logged:
    """An object that logs operations, and fails those whose name is `bad`."""

    def __init__(self, name: str, log: Log) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_log", log)

    def _note(self, *what: Any) -> None:
        self._log.append((self._name, *map(str, what)))
        if "bad" in what:
            raise LookupError(f"{self._name} has nothing bad")

    def _other(self, name: str) -> Logged:
        return Logged(f"{self._name}.{name}", self._log)

    def __str__(self) -> str:
        return self._name

    __repr__ = __str__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._note("get", name)
        return self._other(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._note("set", name, value)

    def __delattr__(self, name: str) -> None:
        self._note("del", name)

    def __getitem__(self, key: Any) -> Any:
        self._note("getitem", key)
        return self._other("item")

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note("setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        self._note("delitem", key)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self._note("call", *arguments, *options.items())
        return self._other("result")

    def __contains__(self, key: Any) -> bool:
        self._note("contains", key)
        return True

    def __iter__(self) -> Any:
        self._note("iter")
        return iter([self._other("first"), self._other("second")])

    def __len__(self) -> int:
        self._note("len")
        return 2

    def __bool__(self) -> bool:
        self._note("bool")
        return True

    def __iadd__(self, other: Any) -> Any:
        self._note("iadd", other)
        return self

    def __add__(self, other: Any) -> Any:
        self._note("add", other)
        return self._other("sum")

    def __eq__(self, other: object) -> bool:
        self._note("eq", other)
        return True

    def __lt__(self, other: Any) -> bool:
        self._note("lt", other)
        return True

    def __hash__(self) -> int:
        return 1

    def __format__(self, specification: str) -> str:
        self._note("format", specification)
        return self._name

    def __enter__(self) -> Any:
        self._note("enter")
        return self._other("entered")

    def __exit__(self, *_: object) -> None:
        self._note("exit")

    async def __aenter__(self) -> Any:
        self._note("aenter")
        return self._other("entered")

    async def __aexit__(self, *_: object) -> None:
        self._note("aexit")

    def __await__(self) -> Any:
        self._note("await")
        yield
        return self._other("awaited")

    async def __aiter__(self) -> Any:
        self._note("aiter")
        yield self._other("first")
        yield self._other("second")

    def keys(self) -> Any:
        self._note("keys")
        return iter(["a", "b"])


PROGRAMS = [
    "return x.a.b",
    "x.a = y.b = z.c",
    "x.a, (x.b, *x.c), y.d[0] = 1, [2, 3], 4",
    "x.a: z.b = y.c",
    "x.a: z.b",
    "del x.a, y[z], x[0]",
    "x.a += y.b",
    "x.a += await y.b",
    "x[y] += await z",
    "x[y.k + z] += await z",
    "x[y], x[0], x[y + z] = y, z, x",
    "return x[y], x[0], x[-1], x[y, 1], x[y + z], x[1:2], x[y.a : z.b, 1]",
    "x[1:2] = y",
    "x[await y]",
    "return x.m(), x.m(y), x.m(y + z), x.get(y + z, z), x.pop(*y, **z)",
    "return x.append(await y), x.m(k=await z), x.m(*await y), x.setdefault(y, await z)",
    "return getattr(x, 'a', y), hasattr(x, 'bad'), setattr(x, 'b', await y), delattr(x, 'c'), getattr(x, y.a, z)",
    "return getattr(x, 'bad')",
    "return object.__getattribute__(x, '_name'), vars(x)['_name'], x.__dict__['_name'], vars(x).get('_name', y)",
    "vars(x)['a'] = y\nvars(x)['a'] += z.bad",
    "name = '_name'\nreturn getattr(x, name), getattr(x, unknown)",
    "a = b = [1]\na += [2]\na *= y.bad\nreturn b",
    "a = [1]\nx.a += [y]\nx['a'] |= {z}\nx[y.b] += [1]\nx.a += await y",
    "x[await y] = z\nx[await y] += 1\nreturn x[await y]",
    "return [1] + [2], {1} | {2}, {1} - {x}, '%s' % x, '%s %s' % (x, y.bad)",
    "return '{} {}'.format(x, y), x | y",
    "match x:\n    case object(a=1, b=2) | object(c=3): return 1\n    case object(d=d) as e: return d, e",
    "return y in x, y not in x, y + z in x, y.a in x.b, y in z in x",
    "return x == y, x < y < z, x != y.a, x is y",
    "return x == await y",
    "return len(x), bool(x), not x, x and y, x or y, x if y else z",
    "if x and not y or z.a: return 1",
    "while x.a:\n    if y: break\n    continue\nelse: return 2",
    "assert x.a, y.b",
    "assert not x.a, y.b",
    "for a in x: y.m(a)\nelse: z.m()",
    "for x.a, y[0] in [(1, 2)]: pass",
    "async for a in x: y.m(a)",
    "return [a.b for a in x if a.c for b in a], {a for a in x}, {1: a.b for a in y}",
    "return [a async for a in x], list(a.b for a in y)",
    "return y(*x, **z), [*x, *y], {**z}, (*x,)",
    "a, *b = x\nc, d = y.a\nreturn a, b, c, d",
    "return list(x), tuple(x), sorted([1, 2]), any(x), all(x), zip(x, y), list(map(y, x)), max(x, key=id)",
    "return f'{x} {y!s:>{10}} {z.a=}', '-'.join(str(a) for a in x)",
    "with x as y.a, z as b: return b",
    "async with x as a, y.b as c: return a",
    "try:\n    x.bad\nexcept y.C as e: pass\nfinally: z.m()",
    "try:\n    x.bad\nexcept LookupError as e: return str(e)\nelse: return 1\nfinally: z.m()",
    "try:\n    x.bad\nexcept* LookupError as e: z.m(len(e.exceptions))",
    "raise ValueError(x.a) from LookupError(y.b)",
    "match x.a:\n    case [a, *b]: return a\n    case {'k': v, **rest}: return v\n    case 1 | 2 if y: return 3\n    case _: return z.a",  # noqa: E501
    "return (a := x.b), a",
    "return (lambda a=x.d, *b: a.c + y)(z)",
    "def inner(a=x.d, *, b: y.e = z.f): return a.g, b\nreturn inner()",
    "class C(object):\n    b = x.a\n    def m(self): return self.__n, super().__repr__ is not None\n    __n = y\nreturn C().m()",  # noqa: E501
    "global shared\nshared = x\nshared += y\nfor shared in [1]: pass\nreturn shared",
    "global shared\nshared = x\ndel shared\nreturn shared",
    "def inner():\n    nonlocal y\n    y = x.a\n    return locals()\ninner()\nreturn y, sorted(locals())",
    "fs = []\nfor i in range(2):\n    fs.append(lambda: i)\nreturn [f() for f in fs]",
    "import os.path as shared_path, sys\nfrom os import path\nreturn path is shared_path",
    "yield x.a\nx.b = yield",
    "return await x, await y.m(z)",
    "return unknown.a",
    "return x[unknown]",
    "unknown_local = unknown_local.a",
    "x.bad",
    "x.a.bad.c",
    "x.bad()",
    "x.bad = 1",
    "x['bad']",
    "x['bad'] = 1",
    "return y in x.bad",
    "x.m('bad')",
    "x.a += y.bad",
    "return [a.bad for a in x]",
    "a, b, c = x",
    "a, b = 1",
    "for a in 1: pass",
    "return y(*1)",
    "return y(**1)",
    "return len(1), 2",
    "return 1 in 2",
    "return (x\n    .m()\n    .bad\n    .c)",
    "x.m(\n    y,\n    z.bad,\n)",
    "return f'{x.bad}'",
    "return None.a",
    "return 1 < x.a < z.bad",
    "with x.bad: pass",
    "async with y.a as z.bad: pass",
    "return lambda: x.bad.a",
]


def outcome_of(source: str, *, change: Callable[[ast.Module], None]) -> dict[str, Any]:
    """Run a program and return whatever can be observed of it."""
    body = textwrap.indent(source, "    ")
    text = f"from __future__ import annotations\nasync def program(x, y, z):\n    'documentation'\n{body}\n"
    tree = ast.parse(text)
    change(tree)
    log: Log = []
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(compile(tree, "program.py", "exec"), namespace)
    function = namespace["program"]
    outcome: dict[str, Any] = {"document": function.__doc__, "line": function.__code__.co_firstlineno}
    running = function(*(Logged(name, log) for name in "xyz"))
    try:
        outcome["value"] = str(described(run(running)))
    except Exception as error:  # noqa: BLE001
        outcome["error"] = (type(error), str(error), type(error.__cause__))
        outcome["positions"] = positions(error)
        outcome["traceback"] = "".join(traceback.format_exception(error))
    outcome["log"] = log
    outcome["names"] = sorted(name for name in namespace if name != "__builtins__")
    return outcome


def run(running: Any) -> Any:
    if hasattr(running, "__anext__"):
        values = []
        for _ in range(4):
            try:
                values.append(run(running.asend(None)))
            except StopAsyncIteration:
                break
        return values
    while True:
        try:
            running.send(None)
        except StopIteration as stop:
            return stop.value


def described(value: Any) -> Any:
    if isinstance(value, Logged):
        return str(value)
    if isinstance(value, list | tuple | set):
        return [described(each) for each in value]
    if isinstance(value, dict):
        return [(described(key), described(each)) for key, each in value.items()]
    return value if isinstance(value, str | int | type(None)) else type(value).__name__


def positions(error: BaseException) -> list[tuple[Any, ...]]:
    found = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == "program.py":
            found.append((code.co_name, list(code.co_positions())[trace.tb_lasti // 2]))
        trace = trace.tb_next
    return found


@pytest.mark.parametrize("source", PROGRAMS)
def test_rewritten_code_behaves_as_plain_code(source: str, probe_events: list[tuple[str, int]]) -> None:
    """Values, exceptions with their positions, and everything that is done to objects, in order."""
    plain = outcome_of(source, change=lambda tree: None)

    def change(tree: ast.Module) -> None:
        rewrite(tree, source=ast.unparse(tree), path="program.py", module="program")

    assert outcome_of(source, change=change) == plain


def traced_lines(source: str, *, rewritten: bool) -> list[tuple[str, str, int]]:
    """Run a program and return the line events, as a debugger sees them."""
    text = textwrap.dedent(source)
    tree = ast.parse(text)
    if rewritten:
        rewrite(tree, source=text, path="program.py", module="program")
    events: list[tuple[str, str, int]] = []

    def trace(frame: Any, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != "program.py":
            return None
        events.append((frame.f_code.co_name, event, frame.f_lineno))
        return trace

    code = compile(tree, "program.py", "exec")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, {"__name__": "program"})
    finally:
        sys.settrace(before)
    return events


PROGRAM_FOR_TRACERS = """
    class Thing:
        def __init__(self):
            self.items = [3, 1]
            self.n = 0
        def chain(self):
            return self
    total = 0
    def work(thing, flag=False):
        "documentation"
        global total
        @staticmethod
        def inner():
            return seen
        seen = 0
        while True:
            total += 1
            seen += 1
            if seen > 2 and not flag:
                break
        for each in thing.items:
            if each in thing.items:
                continue
        else:
            thing.n += 1
        try:
            thing.missing
        except AttributeError as error:
            thing.n -= 1
        finally:
            del thing.n
        match thing.items:
            case [first, *_] if first:
                thing.items[0] = first
        value = (thing
            .chain()
            .chain()
            .items)
        thing.items.append(
            thing.items[
                0
            ],
        )
        return inner(), [each for each in value], value
    def generator(thing):
        x: int
        nonlocal_one = 0
        def inner():
            nonlocal nonlocal_one
            nonlocal_one += 1
        while 1:
            yield thing.items
            inner()
            return nonlocal_one
    work(Thing())
    list(generator(Thing()))
"""


def test_tracers_see_the_same_lines(probe_events: list[tuple[str, int]]) -> None:
    """Debuggers, profilers and coverage follow line events; none is added, lost or moved."""
    plain = traced_lines(PROGRAM_FOR_TRACERS, rewritten=False)
    assert traced_lines(PROGRAM_FOR_TRACERS, rewritten=True) == plain
    assert probe_events


def test_each_probe_is_called_where_it_stands(probe_events: list[tuple[str, int]]) -> None:
    """Events come in the order in which things happen, under the numbers of the table."""
    source = textwrap.dedent("""
        def f(x, k):
            x.items[k] = x.n
            x.items.append(x.n)
            return k in x.items, len(x.items)
    """)
    tree = ast.parse(source)
    table = rewrite(tree, source=source, path="program.py", module="program")
    namespace: dict[str, Any] = {}
    exec(compile(tree, "program.py", "exec"), namespace)
    thing = type("Thing", (), {})()
    thing.items, thing.n = [0], 7
    assert namespace["f"](thing, 0) == (False, 2)
    sites = {site.number: site for site in table.sites}
    assert [(name, sites[number].expression, sites[number].name) for name, number in probe_events] == [
        ("read", "x", "n"),
        ("read", "x", "items"),
        ("item_write", "x.items", None),
        ("read", "x", "items"),
        ("call", "x.items", "append"),
        ("read", "x", "n"),
        ("read", "x", "items"),
        ("member", "x.items", None),
        ("read", "x", "items"),
        ("shape", "x.items", "len"),
    ]


def test_calls_are_found_at_the_positions_where_frames_stand(probe_events: list[tuple[str, int]]) -> None:
    """Call sites are looked up by the position of the calling frame, whatever kind of call it is."""
    source = textwrap.dedent("""
        async def f(x, n):
            if n.ready:
                x.plain()
                await x.awaited()
                (x
                    .plain())
                async with x.context(): pass
                async with x.manager: pass
                async for _ in x.each(): pass
                with x.manager: pass
                [x.plain() for _ in 'a']
    """)
    tree = ast.parse(source)
    table = rewrite(tree, source=source, path="program.py", module="program")
    namespace: dict[str, Any] = {}
    exec(compile(tree, "program.py", "exec"), namespace)
    known = {
        (function.qualified_name, call.line, call.column, call.end_line, call.end_column)
        for function in table.functions
        for call in function.calls
    }
    seen: list[tuple[Any, ...]] = []

    def note() -> None:
        frame: Any = sys._getframe(2)
        line, end_line, column, end_column = list(frame.f_code.co_positions())[frame.f_lasti // 2]
        seen.append((frame.f_code.co_qualname, line, column, end_line, end_column))

    class Thing:
        ready = True

        def plain(self) -> None:
            note()

        async def awaited(self) -> None:
            note()

        def context(self) -> Any:
            return self

        manager = property(context)

        async def __aenter__(self) -> None:
            note()

        async def __aexit__(self, *_: object) -> None: ...

        def __enter__(self) -> None:
            note()

        def __exit__(self, *_: object) -> None: ...

        async def each(self) -> Any:
            note()
            yield

    run(namespace["f"](Thing(), Thing()))
    assert len(seen) == 8
    assert [place for place in seen if place not in known] == []
