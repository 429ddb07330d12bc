"""What each method and operator of each container reads and writes: with what it races, and with what it does not.

Two tasks in no order: one calls the method, the other does one of a few things. The strict level
filters nothing, so a pair races just if the language reference says that one of the two changes what the other
looks at.
"""

from __future__ import annotations

import textwrap

import attrs
import pytest
from race.conftest import Watch

from trioflow.race.model.configuration import Level

DICT = {
    "changes which keys there are": 'c["new"] = 1',
    "replaces a": 'c["a"] = 9',
    "replaces b": 'c["b"] = 9',
    "looks at the length": "len(c)",
    "looks at a": 'c["a"]',
    "looks at b": 'c["b"]',
}
LIST = {
    "appends": "c.append(1)",
    "replaces 0": "c[0] = 9",
    "replaces 1": "c[1] = 9",
    "looks at the length": "len(c)",
    "looks at 0": "c[0]",
    "looks at 1": "c[1]",
}
WHOLE = {"changes it": "CHANGE", "looks at it": "len(c)"}

KEYS = {"changes which keys there are"}
READ_ALL_OF_DICT = KEYS | {"replaces a", "replaces b"}
READ_A = {"replaces a"}
STORE_A = {"replaces a", "looks at a"}
NEW_KEY = KEYS | {"looks at the length"}
NO_A = NEW_KEY | STORE_A
ALL_OF_DICT = set(DICT)

READ_LENGTH = {"appends"}
READ_ALL_OF_LIST = {"appends", "replaces 0", "replaces 1"}
READ_0 = {"replaces 0"}
STORE_0 = {"replaces 0", "looks at 0"}
LONGER = {"appends", "looks at the length"}
ALL_OF_LIST = set(LIST)
IN_ORDER = ALL_OF_LIST - LONGER

LOOK = {"changes it"}
CHANGE = {"changes it", "looks at it"}
NOTHING: set[str] = set()


@attrs.frozen
class Row:
    """A container, an operation on it, and with which of the other task's operations it is unordered."""

    setup: str
    operation: str
    races: set[str]
    others: dict[str, str]


def dictionary(operation: str, races: set[str], setup: str = '{"a": 1, "b": 2}') -> Row:
    return Row(setup, operation, races, DICT)


def sequence(operation: str, races: set[str], setup: str = "[1, 2]") -> Row:
    return Row(setup, operation, races, LIST)


def whole(setup: str, change: str, *rows: tuple[str, set[str]]) -> list[Row]:
    others = {name: text.replace("CHANGE", change) for name, text in WHOLE.items()}
    return [Row(setup, operation, races, others) for operation, races in rows]


COUNTER = 'collections.Counter({"a": 1, "b": 2})'
ORDERED = "collections.OrderedDict(a=1, b=2)"
DEFAULT = "collections.defaultdict(int, a=1, b=2)"
USER = "collections.UserDict(a=1, b=2)"
CHAIN = 'collections.ChainMap({"a": 1, "b": 2}, {"a": 3})'
PROXY = 'types.MappingProxyType({"a": 1, "b": 2})'

ROWS = [
    # dict
    dictionary('c["a"]', READ_A),
    dictionary('c["a"] = 2', STORE_A),
    dictionary('c["z"] = 2', NEW_KEY),
    dictionary('c["a"] += 2', STORE_A),
    dictionary('del c["a"]', NO_A),
    dictionary('"a" in c', READ_A),
    dictionary('c.get("a")', READ_A),
    dictionary('c.get("z")', NOTHING),
    dictionary('c.setdefault("a", 1)', READ_A),
    dictionary('c.setdefault("z", 1)', NEW_KEY),
    dictionary('c.pop("a")', NO_A),
    dictionary('c.pop("z", None)', NOTHING),
    dictionary("c.popitem()", ALL_OF_DICT),
    dictionary("c.clear()", ALL_OF_DICT),
    dictionary('c.update({"a": 2})', STORE_A),
    dictionary("c.update(a=2)", STORE_A),
    dictionary("c.update({'z': 2}, a=2)", STORE_A | NEW_KEY),
    dictionary("v = {'a': 2}; c.update(v)", STORE_A),
    dictionary("c.update([('a', 2)])", ALL_OF_DICT),
    dictionary('c |= {"a": 2}', ALL_OF_DICT),
    dictionary('c | {"z": 1}', READ_ALL_OF_DICT),
    dictionary('{"z": 1} | c', READ_ALL_OF_DICT),
    dictionary("{**c}", READ_ALL_OF_DICT),
    dictionary("dict(**c)", READ_ALL_OF_DICT),
    dictionary("len(c)", KEYS),
    dictionary("bool(c)", KEYS),
    dictionary("not c", KEYS),
    dictionary("list(c)", KEYS),
    dictionary("[*c]", KEYS),
    dictionary("set(c)", KEYS),
    dictionary("sorted(c)", KEYS),
    dictionary("for k in c: pass", KEYS),
    dictionary("[k for k in c]", KEYS),
    dictionary("reversed(c)", KEYS),
    dictionary("c.keys()", KEYS),
    dictionary("c.values()", READ_ALL_OF_DICT),
    dictionary("list(c.items())", READ_ALL_OF_DICT),
    dictionary("c.copy()", READ_ALL_OF_DICT),
    dictionary("dict(c)", READ_ALL_OF_DICT),
    dictionary("c == {}", READ_ALL_OF_DICT),
    dictionary("str(c)", READ_ALL_OF_DICT),
    dictionary('f"{c}"', READ_ALL_OF_DICT),
    dictionary("copy.copy(c)", READ_ALL_OF_DICT),
    dictionary("copy.deepcopy(c)", READ_ALL_OF_DICT),
    dictionary("json.dumps(c)", READ_ALL_OF_DICT),
    dictionary("pickle.dumps(c)", READ_ALL_OF_DICT),
    dictionary("v = c.keys()", NOTHING),
    dictionary("v = c.keys(); len(v)", KEYS),
    dictionary("v = c.keys(); 'a' in v", READ_A),
    dictionary("v = c.items(); list(v)", READ_ALL_OF_DICT),
    dictionary("v = c.values(); 1 in v", READ_ALL_OF_DICT),
    dictionary("v = iter(c)", NOTHING),
    dictionary("v = iter(c); next(v)", KEYS),
    dictionary("v = (k for k in c.items()); list(v)", READ_ALL_OF_DICT),
    dictionary("match c:\n    case {'a': 1}: pass", READ_ALL_OF_DICT),
    # its relatives
    dictionary('c.move_to_end("a")', NEW_KEY, ORDERED),
    dictionary("c.popitem(last=False)", ALL_OF_DICT, ORDERED),
    dictionary("reversed(c)", KEYS, ORDERED),
    dictionary('c["a"]', READ_A, DEFAULT),
    dictionary('c["z"]', NEW_KEY, DEFAULT),
    dictionary('c.get("z")', NOTHING, DEFAULT),
    dictionary('c["a"] += 1', STORE_A, COUNTER),
    dictionary('c["z"]', NOTHING, COUNTER),
    dictionary("c.most_common()", READ_ALL_OF_DICT, COUNTER),
    dictionary("c.total()", READ_ALL_OF_DICT, COUNTER),
    dictionary("list(c.elements())", READ_ALL_OF_DICT, COUNTER),
    dictionary('c.subtract(["a"])', ALL_OF_DICT, COUNTER),
    dictionary('c.update(["a"])', ALL_OF_DICT, COUNTER),
    dictionary("c += collections.Counter()", ALL_OF_DICT, COUNTER),
    dictionary('c["a"]', READ_A, USER),
    dictionary('c["z"] = 1', NEW_KEY, USER),
    dictionary("list(c)", KEYS, USER),
    dictionary("c.clear()", ALL_OF_DICT, USER),
    dictionary('c["a"]', READ_A, CHAIN),
    dictionary('c["z"] = 1', NEW_KEY, CHAIN),
    dictionary('c.pop("a")', NO_A, CHAIN),
    dictionary('c["a"]', READ_A, "Table(a=1, b=2)"),
    dictionary("len(c)", KEYS, "Table(a=1, b=2)"),
    # list
    sequence("c[0]", READ_0),
    sequence("c[0] = 3", STORE_0),
    sequence("c[0] += 3", STORE_0),
    sequence("c[-2]", READ_0 | {"appends"}),
    sequence("del c[0]", ALL_OF_LIST),
    sequence("c[:]", READ_ALL_OF_LIST),
    sequence("c[:] = [5]", ALL_OF_LIST),
    sequence("del c[:1]", ALL_OF_LIST),
    sequence("c.append(3)", LONGER),
    sequence("c.extend([3])", LONGER),
    sequence("c += [3]", LONGER),
    sequence("n = 2; c *= n", LONGER),
    sequence("c.insert(0, 3)", ALL_OF_LIST),
    sequence("c.remove(1)", ALL_OF_LIST),
    sequence("c.pop(0)", ALL_OF_LIST),
    sequence("c.pop()", LONGER | {"replaces 1", "looks at 1"}),
    sequence("c.clear()", ALL_OF_LIST),
    sequence("c.sort()", IN_ORDER),
    sequence("c.reverse()", IN_ORDER),
    sequence("random.shuffle(c)", ALL_OF_LIST),
    sequence("heapq.heappush(c, 1)", ALL_OF_LIST),
    sequence("bisect.insort(c, 1)", ALL_OF_LIST),
    sequence("c.copy()", READ_ALL_OF_LIST),
    sequence("c.count(1)", READ_ALL_OF_LIST),
    sequence("c.index(1)", READ_ALL_OF_LIST),
    sequence("1 in c", READ_ALL_OF_LIST),
    sequence("len(c)", READ_LENGTH),
    sequence("bool(c)", READ_LENGTH),
    sequence("c == []", READ_ALL_OF_LIST),
    sequence("c < [5]", READ_ALL_OF_LIST),
    sequence("c + [1]", READ_ALL_OF_LIST),
    sequence("a, b, *_ = c", READ_ALL_OF_LIST),
    sequence("print(*c, file=io.StringIO())", READ_ALL_OF_LIST),
    sequence("tuple(c)", READ_ALL_OF_LIST),
    sequence("sum(c)", READ_ALL_OF_LIST),
    sequence("max(c)", READ_ALL_OF_LIST),
    sequence("any(c)", READ_ALL_OF_LIST),
    sequence("sorted(c)", READ_ALL_OF_LIST),
    sequence("list(enumerate(c))", READ_ALL_OF_LIST),
    sequence("list(zip(c, c))", READ_ALL_OF_LIST),
    sequence("list(map(str, c))", READ_ALL_OF_LIST),
    sequence("list(reversed(c))", READ_ALL_OF_LIST),
    sequence("functools.reduce(max, c)", READ_ALL_OF_LIST),
    sequence("list(itertools.chain(c, c))", READ_ALL_OF_LIST),
    sequence("list(itertools.pairwise(c))", READ_ALL_OF_LIST),
    sequence("random.choice(c)", READ_ALL_OF_LIST),
    sequence("bisect.bisect(c, 1)", READ_ALL_OF_LIST),
    sequence("collections.Counter(c)", READ_ALL_OF_LIST),
    sequence("collections.deque(c)", READ_ALL_OF_LIST),
    sequence("bytes(c)", READ_ALL_OF_LIST),
    sequence("json.dumps(c)", READ_ALL_OF_LIST),
    sequence("match c:\n    case [1, *_]: pass", READ_ALL_OF_LIST),
    sequence("v = iter(c)", NOTHING),
    sequence("v = iter(c); next(v)", READ_ALL_OF_LIST),
    sequence("v = enumerate(c); list(v)", READ_ALL_OF_LIST),
    sequence("list.append(c, 1)", LONGER),
    sequence("operator.setitem(c, 0, 1)", STORE_0),
    sequence("c[0]", READ_0, "collections.UserList([1, 2])"),
    sequence("c.append(3)", LONGER, "collections.UserList([1, 2])"),
    sequence("c.sort()", IN_ORDER, "Stack([1, 2])"),
    # sets
    *whole(
        "{1, 2}",
        "c.add(9)",
        ("c.add(3)", CHANGE),
        ("c.discard(1)", CHANGE),
        ("c.remove(1)", CHANGE),
        ("c.pop()", CHANGE),
        ("c.clear()", CHANGE),
        ("c.update([3])", CHANGE),
        ("c |= {3}", CHANGE),
        ("c &= {1}", CHANGE),
        ("c -= {1}", CHANGE),
        ("c ^= {1}", CHANGE),
        ("c.difference_update([1])", CHANGE),
        ("c.intersection_update([1])", CHANGE),
        ("c.symmetric_difference_update([1])", CHANGE),
        ("1 in c", LOOK),
        ("len(c)", LOOK),
        ("for x in c: pass", LOOK),
        ("c.copy()", LOOK),
        ("c.union([1])", LOOK),
        ("c.isdisjoint([1])", LOOK),
        ("c.issubset([1])", LOOK),
        ("c | {1}", LOOK),
        ("{1} | c", LOOK),
        ("c == {1}", LOOK),
        ("c <= {1}", LOOK),
        ("set().union(c)", LOOK),
        ("set().issuperset(c)", LOOK),
    ),
    # one variable for all that is in it
    *whole(
        "collections.deque([1, 2])",
        "c.append(9)",
        ("c.append(3)", CHANGE),
        ("c.appendleft(3)", CHANGE),
        ("c.extend([3])", CHANGE),
        ("c.extendleft([3])", CHANGE),
        ("c.insert(0, 3)", CHANGE),
        ("c.pop()", CHANGE),
        ("c.popleft()", CHANGE),
        ("c.remove(1)", CHANGE),
        ("c.rotate(1)", CHANGE),
        ("c.reverse()", CHANGE),
        ("c.clear()", CHANGE),
        ("c[0] = 3", CHANGE),
        ("del c[0]", CHANGE),
        ("c += [3]", CHANGE),
        ("c[0]", LOOK),
        ("c.count(1)", LOOK),
        ("c.index(1)", LOOK),
        ("c.copy()", LOOK),
        ("list(c)", LOOK),
        ("reversed(c)", LOOK),
        ("1 in c", LOOK),
        ("c.maxlen", NOTHING),
    ),
    *whole(
        'bytearray(b"ab")',
        "c.append(99)",
        ("c.extend(b'c')", CHANGE),
        ("c += b'c'", CHANGE),
        ("c[0] = 99", CHANGE),
        ("c[:1] = b'zz'", CHANGE),
        ("c.insert(0, 99)", CHANGE),
        ("c.reverse()", CHANGE),
        ("struct.pack_into('B', c, 0, 1)", CHANGE),
        ("c.decode()", LOOK),
        ("c.hex()", LOOK),
        ("c.rsplit()", LOOK),
        ("c.isalnum()", LOOK),
        ("c.find(b'a')", LOOK),
        ("bytes(c)", LOOK),
        ("bytearray.fromhex('00')", NOTHING),
        ("struct.unpack_from('B', c)", LOOK),
        ("zlib.crc32(c)", LOOK),
        ("v = memoryview(c); v[0] = 1; v.release()", CHANGE),
        ("v = memoryview(c); v.tobytes(); v.release()", LOOK),
        ("v = memoryview(c); v.release()", NOTHING),
    ),
    *whole(
        'array.array("b", [1, 2])',
        "c.append(9)",
        ("c.append(3)", CHANGE),
        ("c.frombytes(b'c')", CHANGE),
        ("c.fromlist([1])", CHANGE),
        ("c.byteswap()", CHANGE),
        ("c.pop()", CHANGE),
        ("c.tolist()", LOOK),
        ("c.tobytes()", LOOK),
        ("c.index(1)", LOOK),
        ("c.buffer_info()", NOTHING),
    ),
    *whole(
        "weakref.WeakSet()",
        "c.add(Table)",
        ("c.add(Stack)", CHANGE),
        ("len(c)", LOOK),
        ("Table in c", LOOK),
    ),
]
IMPORTS = (
    *("array", "bisect", "collections", "contextlib", "copy", "functools", "heapq", "io", "itertools", "json"),
    *("operator", "pickle", "random", "struct", "types", "weakref", "zlib", "trio"),
)


def program(row: Row) -> tuple[str, dict[int, str]]:
    """The text, and which of the other task's operations is on which line."""
    lines = [f"import {module}" for module in IMPORTS]
    lines += ["class Table(dict): pass", "class Stack(list): pass", "async def main():"]
    lines += [f"    await pair_{number}({row.setup})" for number in range(len(row.others))]
    where: dict[int, str] = {}
    for number, (name, other) in enumerate(row.others.items()):
        lines += [f"async def pair_{number}(c):", "    async def one(c=c):"]
        lines += textwrap.indent(row.operation, "        ").splitlines()
        lines += ["    async def other():", "        await trio.lowlevel.checkpoint()"]
        lines += ["        with contextlib.suppress(LookupError):", f"            {other}"]
        where[len(lines)] = name
        lines += ["    async with trio.open_nursery() as nursery:"]
        lines += ["        nursery.start_soon(one)", "        nursery.start_soon(other)"]
    return "\n".join(lines) + "\n", where


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.setup.partition('(')[0]}: {row.operation}")
def test_method_races_with_what_changes_or_sees_the_same(watch: Watch, row: Row) -> None:
    """With nothing else."""
    text, where = program(row)
    watched = watch(text, level=Level.STRICT)
    lines = {access.location.line for finding in watched.findings for access in finding.accesses}
    assert {where[line] for line in lines if line in where} == row.races
