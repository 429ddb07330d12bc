"""The dependence analysis against programs that run.

Small programs are drawn and run with values that remember where they were read. What is read as
`x.r1` and so on is true or false as the run's `Plan` says, each name stands for one place in the
program, and a look-up `d['k1']` fails if it is false. What is stored as `x.w1` is an act.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator

import attrs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trioflow.race.instrument.dependence import FunctionFlow, analyse


@attrs.frozen(eq=False)
class Tainted:
    """A value that knows where it comes from."""

    true: bool
    origins: frozenset[str]

    def __bool__(self) -> bool:
        return self.true


def origins_of(value: object) -> frozenset[str]:
    """All places from which a value comes."""
    match value:
        case Tainted():
            return value.origins
        case tuple():
            return frozenset[str]().union(*map(origins_of, value))
        case _:
            return frozenset()


class OutOfTurns(BaseException):
    """The program loops for too long."""


class Unforeseen(Exception):
    """Something raised that no source tells of."""


@attrs.frozen(eq=False)
class Run:
    """What happens in one run, and what is answered in it."""

    plan: dict[str, tuple[bool, ...]]
    asked: Counter[str] = attrs.field(factory=Counter)
    stored: dict[str, set[str]] = attrs.field(factory=dict)
    turns: list[None] = attrs.field(factory=list)

    def answer(self, name: str) -> bool:
        answers = self.plan.get(name, ())
        index = self.asked[name]
        self.asked[name] += 1
        return answers[index] if index < len(answers) else False

    def tick(self) -> None:
        self.turns.append(None)
        if len(self.turns) > 30:
            raise OutOfTurns

    def danger(self, name: str) -> None:
        if self.answer(name):
            raise Unforeseen


class Attributes:
    """The object `x`."""

    def __init__(self, run: Run) -> None:
        object.__setattr__(self, "_run", run)

    def __getattr__(self, name: str) -> Tainted:
        run: Run = object.__getattribute__(self, "_run")
        return Tainted(run.answer(name), frozenset({f"x.{name}"}))

    def __setattr__(self, name: str, value: object) -> None:
        run: Run = object.__getattribute__(self, "_run")
        run.stored.setdefault(name, set()).update(origins_of(value))


@attrs.frozen
class Items:
    """The object `d`."""

    run: Run

    def __getitem__(self, key: str) -> Tainted:
        if not self.run.answer(key):
            raise KeyError(key)
        return Tainted(True, frozenset({f"d['{key}']"}))


class Writer:
    """Writes a program, drawing what it consists of."""

    def __init__(self, draw: st.DrawFn, *, loops: bool, tries: bool, danger: bool, independent: bool) -> None:
        self.draw = draw
        self.values = ["read", "name", "constant", "pair"]
        self.questions = ["read", "read", "not", "and", "or"]
        self.constants = ["None"]
        if not independent:
            self.values += ["choice", "or"]
            self.questions += ["name", "missing", "walrus"]
            self.constants += ["0", "1"]
        self.kinds = ["assign", "assign", "act", "act", "if", "if", "leave"]
        self.kinds += ["while"] * loops + ["try", "finally"] * tries + ["danger"] * danger
        self.lines: list[str] = []
        self.count = itertools.count()

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self.count)}"

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def read(self) -> str:
        return f"x.{self.name('r')}"

    def expression(self) -> str:
        match self.pick(*self.values):
            case "read":
                return self.read()
            case "name":
                return self.pick("a", "b", "c")
            case "constant":
                return self.pick(*self.constants)
            case "pair":
                return f"({self.pick('a', 'b')}, {self.read()})"
            case "or":
                return f"({self.pick('a', 'b')} {self.pick('or', 'and')} {self.read()})"
            case _:
                return f"({self.pick('a', '0', 'None')} if {self.condition()} else {self.pick('b', '1')})"

    def condition(self) -> str:
        match self.pick(*self.questions):
            case "read":
                return self.read()
            case "name":
                return self.pick("a", "b", "a and b", "a or not b")
            case "not":
                return f"not {self.read()}"
            case "and":
                return f"({self.read()} and {self.read()})"
            case "or":
                return f"({self.read()} or not {self.read()})"
            case "missing":
                return f"{self.pick('a', 'b', 'c')} is None"
            case _:
                return f"({self.pick('a', 'b', 'c')} := {self.read()})"

    def block(self, indent: str, *, depth: int, loop: bool, caught: bool) -> None:
        for _ in range(self.draw(st.integers(1, 4))):
            kind = self.pick(*(self.kinds if depth else ["assign", "act", "act", "leave"]))
            if kind == "leave" and self.draw(st.booleans()):
                kind = "act"
            getattr(self, f"write_{kind}")(indent, depth, loop, caught)

    def inner(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.block(indent + "    ", depth=depth - 1, loop=loop, caught=caught)

    def write_assign(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        if caught and self.draw(st.booleans()):
            self.lines.append(f"{indent}{self.pick('a', 'b', '_')} = d['{self.name('k')}']")
        elif self.draw(st.booleans()):
            self.lines.append(f"{indent}{self.pick('a', 'b', 'c')} = {self.expression()}")
        else:
            self.lines.append(f"{indent}a, b = {self.expression()}, {self.expression()}")

    def write_act(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}x.{self.name('w')} = {self.expression()}")

    def write_leave(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        ways = [f"return {self.expression()}", *["break", "continue"] * loop, *["raise KeyError"] * caught]
        self.lines.append(f"{indent}{self.pick(*ways)}")

    def write_danger(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}danger('{self.name('q')}')")

    def write_if(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}if {self.condition()}:")
        self.inner(indent, depth, loop, caught)
        if self.draw(st.booleans()):
            self.lines.append(f"{indent}else:")
            self.inner(indent, depth, loop, caught)

    def write_while(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}while {self.pick('True', self.condition())}:")
        self.lines.append(f"{indent}    tick()")
        self.inner(indent, depth, True, caught)
        if self.draw(st.booleans()):
            self.lines.append(f"{indent}else:")
            self.inner(indent, depth, loop, caught)

    def write_try(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}try:")
        self.inner(indent, depth, loop, True)
        self.lines.append(f"{indent}except {self.pick('KeyError', '(LookupError, OSError)')}:")
        self.inner(indent, depth, loop, caught)
        if self.draw(st.booleans()):
            self.lines.append(f"{indent}else:")
            self.inner(indent, depth, loop, caught)

    def write_finally(self, indent: str, depth: int, loop: bool, caught: bool) -> None:
        self.lines.append(f"{indent}try:")
        # A failed look-up that passes a `finally` clause is no decision for the analysis: a limit.
        self.inner(indent, depth, loop, False)
        self.lines.append(f"{indent}finally:")
        # What chooses between its copies counts for no condition in a `finally` clause: another limit.
        questions, self.questions = self.questions, ["read", "not", "and", "or"]
        self.inner(indent, depth, False, False)
        self.questions = questions


@st.composite
def programs(
    draw: st.DrawFn, *, loops: bool = True, tries: bool = True, danger: bool = False, independent: bool = False
) -> str:
    writer = Writer(draw, loops=loops, tries=tries, danger=danger, independent=independent)
    writer.block("    ", depth=3, loop=False, caught=False)
    lines = ["def program(x, d, tick, danger):", "    a = b = c = None", *writer.lines]
    return "\n".join([*lines, f"    x.{writer.name('w')} = a"])


def plans(source: str) -> st.SearchStrategy[dict[str, tuple[bool, ...]]]:
    """What the places of a program answer: first, second, third, and from then on false."""
    answers = st.tuples(st.booleans(), st.booleans(), st.booleans())
    return st.fixed_dictionaries(dict.fromkeys(places(source), answers))


def places(source: str) -> list[str]:
    """The names of the places that are asked."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()):
                found.append(name)
            case ast.Subscript(slice=ast.Constant(value=str(name))) | ast.Call(args=[ast.Constant(value=str(name))]):
                found.append(name)
    return sorted(found)


def run(source: str, plan: dict[str, tuple[bool, ...]]) -> Run | None:
    """Runs a program; returns None if it does not end."""
    namespace: dict[str, object] = {}
    exec(compile(source, "program", "exec"), namespace)
    program = namespace["program"]
    assert callable(program)
    happened = Run(plan)
    try:
        program(Attributes(happened), Items(happened), happened.tick, happened.danger)
    except OutOfTurns:
        return None
    except (KeyError, Unforeseen):
        pass
    # An act in a `finally` clause may have replaced the exception.
    return happened if len(happened.turns) <= 30 else None


def flow_of(source: str) -> FunctionFlow:
    """Analyses the program."""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    return analyse(function)


def stores(flow: FunctionFlow) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """The acts with their sources by data and by control."""
    for act in flow.data:
        if isinstance(act, ast.Attribute) and isinstance(act.ctx, ast.Store):
            yield act.attr, *(frozenset(map(name_of, found[act])) for found in (flow.data, flow.control))


def name_of(node: ast.AST) -> str:
    """The name of a source."""
    return f"@{node.arg}" if isinstance(node, ast.arg) else ast.unparse(node)


relaxed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@relaxed
@given(st.data())
def test_values_come_from_where_the_analysis_says(data: st.DataObject) -> None:
    """Whatever flows into a store in a run is a source of its by data."""
    source = data.draw(programs(danger=True))
    happened = run(source, data.draw(plans(source)))
    assume(happened is not None)
    assert happened is not None
    for act, by_data, _ in stores(flow_of(source)):
        assert happened.stored.get(act, set()) <= by_data, source


@relaxed
@given(st.data())
def test_what_changes_whether_an_act_runs_is_found(data: st.DataObject) -> None:
    """If another answer at one place makes an act run or not, the act depends on that place by control."""
    source = data.draw(programs())
    names = places(source)
    assume(names)
    plan = data.draw(plans(source))
    before = run(source, plan)
    assume(before is not None)
    assert before is not None
    flow = {act: by_control for act, _, by_control in stores(flow_of(source))}
    for name in names:
        for index in range(min(3, before.asked[name])):
            answers = list(plan[name])
            answers[index] = not answers[index]
            after = run(source, plan | {name: tuple(answers)})
            if after is None:
                continue
            origin = f"d['{name}']" if name.startswith("k") else f"x.{name}"
            for act in before.stored.keys() ^ after.stored.keys():
                assert origin in flow[act], f"{act} depends on {origin}\n{source}"


@relaxed
@given(programs(loops=False, tries=False, independent=True))
def test_nothing_is_found_that_cannot_be(source: str) -> None:
    """Where every condition reads something new, each dependence that is found shows in some run."""
    names = places(source)
    assume(0 < len(names) <= 8)
    runs: dict[tuple[bool, ...], dict[str, set[str]]] = {}
    for answers in itertools.product((False, True), repeat=len(names)):
        happened = run(source, {name: (answer,) for name, answer in zip(names, answers, strict=True)})
        assert happened is not None
        runs[answers] = happened.stored
    for act, by_data, by_control in stores(flow_of(source)):
        flowing: set[str] = set()
        deciding: set[str] = set()
        for answers, stored in runs.items():
            flowing |= stored.get(act, set())
            for index, name in enumerate(names):
                other = (*answers[:index], not answers[index], *answers[index + 1 :])
                if (act in stored) != (act in runs[other]):
                    deciding.add(f"x.{name}")
        reached = any(act in stored for stored in runs.values())
        assert not reached or by_data == flowing, f"{act}\n{source}"
        assert not reached or by_control == deciding, f"{act}\n{source}"
