"""What tests/race/test_constructs.py runs: one racy program for each construct of the language."""

from __future__ import annotations

import sys
import textwrap

import attrs


@attrs.frozen
class Construct:
    """Two tasks: the first changes something, the second looks at it by way of a construct, or the other way round."""

    name: str
    first: str
    second: str
    variables: frozenset[str]
    """The variables that both access, any of which may be the one that is reported."""
    setup: str = ""
    since: tuple[int, int] = (3, 11)

    def source(self) -> str:
        """The program."""
        return PROGRAM.format(
            setup=textwrap.dedent(self.setup),
            first=textwrap.indent(textwrap.dedent(self.first).strip(), "    "),
            second=textwrap.indent(textwrap.dedent(self.second).strip(), "    "),
        )


PROGRAM = """
import trio

results = []


class Thing:
    def __init__(self, value=1):
        self.value = value
        self.other = 0
        self.items = [1, 2, 3]
        self.table = {{"a": 1}}

    def __repr__(self):
        return "Thing()"


thing = Thing()
count = 0
{setup}


async def first():
    global count
{first}


async def second():
    global count
    await trio.lowlevel.checkpoint()  # after the first, and in no order with it
{second}


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        nursery.start_soon(second)
"""

CHANGE = "thing.value = 2"
READ = "results.append(thing.value)"
VALUE = "Thing.value"
ITEMS = "thing.items"
TABLE = "thing.table"
ADD = "thing.items.append(4)"
PUT = "thing.table['a'] = 2"


def construct(
    name: str, second: str, *variables: str, first: str = CHANGE, setup: str = "", since: tuple[int, int] = (3, 11)
) -> Construct:
    """Give one row of the table."""
    return Construct(name, first, second, frozenset(variables or (VALUE,)), setup, since)


ALL = [
    # Pattern matching
    construct(
        "class pattern",
        """
        match thing:
            case Thing(value=found):
                results.append(found)
        """,
    ),
    construct(
        "class pattern by position",
        """
        match thing:
            case Sub(found):
                results.append(found)
        """,
        "Sub.value",
        VALUE,
        setup="class Sub(Thing):\n    __match_args__ = ('value',)\nthing = Sub()",
    ),
    construct(
        "value pattern",
        """
        match 2:
            case thing.value:
                results.append("matched")
            case _:
                results.append("not matched")
        """,
    ),
    construct(
        "sequence pattern",
        """
        match thing.items:
            case [one, *rest]:
                results.append((one, rest))
        """,
        ITEMS,
        first=ADD,
    ),
    construct(
        "mapping pattern",
        """
        match thing.table:
            case {"a": found, **rest}:
                results.append((found, rest))
        """,
        TABLE,
        first=PUT,
    ),
    construct(
        "guard",
        """
        match 1:
            case _ if thing.value == 2:
                results.append("guarded")
        """,
    ),
    construct(
        "capture into a global",
        """
        match [5, 6]:
            case [count, *_]:
                results.append(count)
        """,
        "count",
        first="count = 1",
    ),
    construct(
        "subject that is a call",
        """
        match len(thing.items):
            case size if size > 3:
                results.append(size)
        """,
        ITEMS,
        first=ADD,
    ),
    # Expressions
    construct("walrus", "if (found := thing.value) > 1: results.append(found)"),
    construct("walrus to a global", "results.append((count := 3))", "count", first="count = 1"),
    construct(
        "walrus to a global in a comprehension",
        "results.append([count := n for n in (1, 2)])",
        "count",
        first="count = 1",
    ),
    construct("list comprehension", "results.append([thing.value + n for n in range(2)])"),
    construct("set comprehension", "results.append({thing.value for _ in range(2)})"),
    construct("dict comprehension", "results.append({n: thing.value for n in range(2)})"),
    construct("nested comprehension", "results.append([[thing.value for _ in range(n)] for n in range(2, 3)])"),
    construct("condition of a comprehension", "results.append([n for n in range(3) if n < thing.value])"),
    construct("comprehension over a list", "results.append([n for n in thing.items])", ITEMS, first=ADD),
    construct(
        "second iterable of a comprehension", "results.append([n for _ in 'a' for n in thing.items])", ITEMS, first=ADD
    ),
    construct("target of a comprehension", "results.append([1 for thing.value in (3, 4)])"),
    construct("generator expression", "results.append(sum(thing.value for _ in range(2)))"),
    construct("generator expression over a list", "results.append(sum(n for n in thing.items))", ITEMS, first=ADD),
    construct(
        "async comprehension",
        "results.append([thing.value + n async for n in each()])",
        setup="async def each():\n    yield 1\n    yield 2",
    ),
    construct(
        "async generator expression",
        "results.append([n async for n in (thing.value + n async for n in each())])",
        setup="async def each():\n    yield 1",
    ),
    construct(
        "await in a comprehension",
        "results.append([await look() for _ in 'ab'])",
        setup="async def look():\n    return thing.value",
    ),
    construct("conditional expression", "results.append('yes' if thing.value else 'no')"),
    construct("lambda", "results.append((lambda: thing.value)())"),
    construct("default of a lambda", "results.append((lambda value=thing.value: value)())"),
    construct("formatted string", "results.append(f'{thing.value:>{thing.other + 3}}')"),
    construct("debugging format", "results.append(f'{thing.value=}')"),
    construct("formatted container", "results.append(f'{thing.items!r}')", ITEMS, first=ADD),
    construct("nested formatted strings", "results.append(f'{f\"{thing.value}\"}')"),
    construct("chained comparison", "results.append(0 < thing.value < 3)"),
    construct("membership", "results.append(4 in thing.items)", ITEMS, first=ADD),
    construct("slice", "results.append(thing.items[1:])", ITEMS, first=ADD),
    construct("index from the end", "results.append(thing.items[-1])", ITEMS, first=ADD),
    construct("starred argument", "results.append(max(*thing.items))", ITEMS, first=ADD),
    construct("double starred argument", "results.append(dict(**thing.table))", TABLE, first=PUT),
    construct("starred display", "results.append([*thing.items, 0])", ITEMS, first=ADD),
    construct("double starred display", "results.append({**thing.table})", TABLE, first=PUT),
    construct("operators", "results.append(-thing.value + 2 ** thing.value)"),
    construct("boolean operators", "results.append(thing.other or thing.value)"),
    construct("await", "results.append(await look())", setup="async def look():\n    return thing.value"),
    construct(
        "subscript with several keys",
        "results.append(grid[0, 1])",
        "grid",
        first="grid[0, 1] = 2",
        setup="grid = {(0, 1): 1}",
    ),
    # Assignments
    construct("chained assignment", "a = thing.value = thing.other = 3\nresults.append(a)"),
    construct("multiple assignment", "thing.other, thing.value = 3, 4"),
    construct("starred assignment", "_, *thing.value = 3, 4, 5"),
    construct("nested targets", "(a, [thing.value, b]), c = (1, [2, 3]), 4"),
    construct("annotated assignment", "thing.value: int = 3"),
    construct("augmented attribute", "thing.value += 1"),
    construct("augmented item", "thing.table['a'] += 1", TABLE, first=PUT),
    construct("augmented list", "thing.items += [5]", ITEMS, first="results.append(len(thing.items))"),
    construct(
        "item of a call's result",
        "get()['a'] = 3",
        TABLE,
        "table",
        first=PUT,
        setup="def get():\n    return thing.table",
    ),
    construct("augmented global", "count += 1", "count", first="count = 1"),
    construct("loop target", "for thing.value in (3, 4): pass"),
    construct("global loop target", "for count in (3, 4): pass", "count", first="count = 1"),
    construct(
        "with target",
        "with contextlib.nullcontext(3) as thing.value: pass",
        setup="import contextlib",
    ),
    construct(
        "exception name",
        "try:\n    1 / 0\nexcept ZeroDivisionError as count:\n    results.append(type(count))",
        "count",
        first="count = 1",
    ),
    construct("import to a global", "import os.path as count", "count", first="count = 1"),
    construct("delete an attribute", "del thing.value", first=READ),
    construct("delete an item", "del thing.table['a']", TABLE, first="results.append(thing.table['a'])"),
    construct("delete a slice", "del thing.items[1:]", ITEMS, first="results.append(thing.items[2])"),
    construct("delete several", "del thing.other, thing.value", first=READ),
    construct("delete a global", "del count", "count", first="count = 1"),
    # Statements
    construct("assertion", "assert thing.value, 'nothing'"),
    construct(
        "exception raised",
        "try:\n    raise thing.error\nexcept ValueError as e:\n    results.append(str(e))",
        "Thing.error",
        first="thing.error = ValueError('new')",
        setup="thing.error = ValueError('old')",
    ),
    construct("while", "while thing.value < 4: thing.value += 1"),
    construct("loop over a list", "for n in thing.items: results.append(n)", ITEMS, first=ADD),
    construct("return", "results.append(look())", setup="def look():\n    return thing.value"),
    construct("yield", "results.append(list(look()))", setup="def look():\n    yield thing.value"),
    construct(
        "yield from", "results.append(list(look()))", ITEMS, first=ADD, setup="def look():\n    yield from thing.items"
    ),
    construct(
        "async generator", "async for n in look(): results.append(n)", setup="async def look():\n    yield thing.value"
    ),
    construct("finally", "try:\n    pass\nfinally:\n    results.append(thing.value)"),
    construct(
        "exception group",
        "try:\n    raise ExceptionGroup('g', [ValueError()])\nexcept* ValueError:\n    results.append(thing.value)",
    ),
    construct(
        "with",
        "with Manager(): pass",
        setup="class Manager:\n    def __enter__(self):\n        results.append(thing.value)\n    def __exit__(self, *_): pass",
    ),
    construct(
        "async with",
        "async with manager() as found: results.append(found)",
        setup="""
        import contextlib
        @contextlib.asynccontextmanager
        async def manager():
            yield thing.value
        """,
    ),
    # Functions
    construct(
        "nonlocal",
        "change()\nresults.append(look())",
        "number",
        first="change()",
        setup="""
        def counter():
            number = 0
            def change():
                nonlocal number
                number += 1
            return change, lambda: number
        change, look = counter()
        """,
    ),
    construct(
        "nested functions", "def a():\n    def b():\n        return thing.value\n    return b\nresults.append(a()())"
    ),
    construct("default of a function", "def look(value=thing.value): return value\nresults.append(look())"),
    construct(
        "decorated function",
        "results.append(look())",
        setup="import functools\n@functools.lru_cache\ndef look(): return thing.value",
    ),
    construct(
        "decorator",
        "@decorator\ndef look(): return 1\nresults.append(look())",
        setup="def decorator(f):\n    results.append(thing.value)\n    return f",
    ),
    construct(
        "attribute as a decorator",
        "@thing.value\ndef look(): return 1\nresults.append(look())",
        first="thing.value = lambda f: lambda: 2",
        setup="thing.value = lambda f: f",
    ),
    construct("recursion", "results.append(down(3))", setup="def down(n): return down(n - 1) if n else thing.value"),
    construct(
        "partial",
        "results.append(functools.partial(look, 1)())",
        setup="import functools\ndef look(n): return thing.value + n",
    ),
    construct("locals", "value = thing.value\nresults.append(sorted(locals()))"),
    construct(
        "attribute of a function",
        "results.append(look.calls)",
        "look.calls",
        "function.calls",
        first="look.calls = 1",
        setup="def look(): pass\nlook.calls = 0",
    ),
    # Classes
    construct(
        "property",
        "results.append(box.size)",
        "Box._size",
        first="box.size = 2",
        setup="""
        class Box:
            def __init__(self): self._size = 1
            @property
            def size(self): return self._size
            @size.setter
            def size(self, size): self._size = size
        box = Box()
        """,
    ),
    construct(
        "deleter of a property",
        "del box.size",
        "Box._size",
        first="results.append(box.size)",
        setup="""
        class Box:
            def __init__(self): self._size = 1
            size = property(lambda self: self._size)
            @size.deleter
            def size(self): del self._size
        box = Box()
        """,
    ),
    construct(
        "descriptor",
        "results.append(box.size)",
        "Box._size",
        first="box.size = 2",
        setup="""
        class Field:
            def __set_name__(self, owner, name): self.name = "_" + name
            def __get__(self, box, owner): return self if box is None else getattr(box, self.name)
            def __set__(self, box, value): setattr(box, self.name, value)
        class Box:
            size = Field()
        box = Box()
        box.size = 1
        """,
    ),
    construct(
        "descriptor with a table of its own",
        "results.append(box.size)",
        "Field.values",
        first="box.size = 2",
        setup="""
        class Field:
            def __init__(self): self.values = {}
            def __get__(self, box, owner): return self.values[id(box)]
            def __set__(self, box, value): self.values[id(box)] = value
        class Box:
            size = Field()
        box = Box()
        box.size = 1
        """,
    ),
    construct(
        "__getattr__",
        "results.append(box.size)",
        "box._values",
        first="box._values['size'] = 2",
        setup="""
        class Box:
            def __init__(self): self._values = {'size': 1}
            def __getattr__(self, name): return self._values[name]
        box = Box()
        """,
    ),
    construct(
        "__getattribute__",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="""
        class Box:
            size = 1
            def __getattribute__(self, name): return super().__getattribute__(name)
        box = Box()
        """,
    ),
    construct(
        "__setattr__",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="""
        class Box:
            def __setattr__(self, name, value):
                results.append(name)
                super().__setattr__(name, value)
        box = Box()
        box.size = 1
        """,
    ),
    construct(
        "__delattr__",
        "del box.size",
        "Box.size",
        first="results.append(box.size)",
        setup="""
        class Box:
            def __delattr__(self, name):
                results.append(name)
                object.__delattr__(self, name)
        box = Box()
        box.size = 1
        """,
    ),
    construct(
        "slots",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="class Box:\n    __slots__ = ('size',)\nbox = Box()\nbox.size = 1",
    ),
    construct(
        "class variable", "results.append(Box.size)", "Box.size", first="Box.size = 2", setup="class Box:\n    size = 1"
    ),
    construct(
        "class variable seen through an instance",
        "results.append(Box().size)",
        "Box.size",
        first="Box.size = 2",
        setup="class Box:\n    size = 1",
    ),
    construct(
        "class method",
        "results.append(Box.look())",
        "Box.size",
        first="Box.size = 2",
        setup="class Box:\n    size = 1\n    @classmethod\n    def look(cls): return cls.size",
    ),
    construct(
        "static method",
        "results.append(Box.look())",
        setup="class Box:\n    @staticmethod\n    def look(): return thing.value",
    ),
    construct(
        "name mangling",
        "results.append(box.look())",
        "Box.__size",
        "Box._Box__size",
        first="box.change()",
        setup="""
        class Box:
            def __init__(self): self.__size = 1
            def change(self): self.__size = 2
            def look(self): return self.__size
        box = Box()
        """,
    ),
    construct(
        "super without arguments",
        "results.append(box.look())",
        "Box.size",
        first="box.size = 2",
        setup="""
        class Base:
            size = 1
            def look(self): return self.size
        class Box(Base):
            def look(self): return super().look()
        box = Box()
        """,
    ),
    construct(
        "super with arguments",
        "results.append(box.look())",
        "Box.size",
        first="box.size = 2",
        setup="""
        class Base:
            size = 1
            def look(self): return self.size
        class Box(Base):
            def look(self): return super(Box, self).look()
        box = Box()
        """,
    ),
    construct(
        "attribute of super",
        "results.append(box.size)",
        "Box._size",
        first="box._size = 2",
        setup="""
        class Base:
            @property
            def size(self): return self._size
        class Box(Base):
            @property
            def size(self): return super().size + 1
        box = Box()
        box._size = 1
        """,
    ),
    construct(
        "metaclass",
        "results.append(Box.size)",
        "Box._size",
        first="Box.size = 2",
        setup="""
        class Meta(type):
            @property
            def size(cls): return cls._size
            @size.setter
            def size(cls, size): cls._size = size
        class Box(metaclass=Meta):
            _size = 1
        """,
    ),
    construct(
        "registry of a metaclass",
        "results.append(sorted(Meta.known))",
        "Meta.known",
        first="class Box(metaclass=Meta): pass",
        setup="""
        class Meta(type):
            known = {}
            def __init__(cls, name, bases, namespace):
                super().__init__(name, bases, namespace)
                Meta.known[name] = cls
        """,
    ),
    construct(
        "__init_subclass__",
        "results.append(len(Base.known))",
        "Base.known",
        first="class Box(Base): pass",
        setup="""
        class Base:
            known = []
            def __init_subclass__(cls):
                Base.known.append(cls)
        """,
    ),
    construct("class body in a function", "class Box:\n    size = thing.value\nresults.append(Box.size)"),
    construct(
        "call in a class body in a function",
        "class Box:\n    size = len(thing.items)\nresults.append(Box.size)",
        ITEMS,
        first=ADD,
    ),
    construct(
        "global in a class body in a function",
        "class Box:\n    size = count\nresults.append(Box.size)",
        "count",
        first="count = 1",
    ),
    construct(
        "base class",
        "class Box(thing.value): pass\nresults.append(Box.__bases__)",
        first="thing.value = int",
        setup="thing.value = str",
    ),
    construct(
        "keyword of a class",
        "class Box(Base, size=thing.value): pass\nresults.append(Box.size)",
        setup="class Base:\n    def __init_subclass__(cls, size): cls.size = size",
    ),
    construct(
        "operator method",
        "results.append(box + 1)",
        "Box.size",
        first="box.size = 2",
        setup="class Box:\n    size = 1\n    def __add__(self, other): return self.size + other\nbox = Box()",
    ),
    construct(
        "call of an instance",
        "results.append(box())",
        "Box.size",
        first="box.size = 2",
        setup="class Box:\n    size = 1\n    def __call__(self): return self.size\nbox = Box()",
    ),
    construct(
        "iterator class",
        "results.append(list(Box()))",
        setup="class Box:\n    def __iter__(self):\n        yield thing.value",
    ),
    construct(
        "local class",
        "results.append(make().value)",
        setup="def make():\n    class Local:\n        value = thing.value\n        def __init__(self): self.value = thing.value\n    return Local()",
    ),
    construct(
        "dynamically made class",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="Box = type('Box', (), {'size': 1})\nbox = Box()",
    ),
    construct(
        "method of a dynamically made class",
        "results.append(box.look())",
        setup="Box = type('Box', (), {'look': lambda self: thing.value})\nbox = Box()",
    ),
    construct(
        "class made by exec",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="names = {}\nexec('class Box:\\n    size = 1', names)\nbox = names['Box']()",
    ),
    construct(
        "cached property",
        "results.append(box.total)",
        ITEMS,
        first=ADD,
        setup="import functools\nclass Box:\n    @functools.cached_property\n    def total(self): return len(thing.items)\nbox = Box()",
    ),
    construct(
        "partial method",
        "results.append(box.two())",
        setup="import functools\nclass Box:\n    def look(self, n): return thing.value + n\n    two = functools.partialmethod(look, 2)\nbox = Box()",
    ),
    construct(
        "named tuple of objects",
        "results.append(pair.left.value)",
        setup="import collections\npair = collections.namedtuple('Pair', 'left right')(thing, None)",
    ),
    construct(
        "attribute of an enumeration's member",
        "results.append(Color.RED.seen)",
        "Color.seen",
        first="Color.RED.seen = 2",
        setup="import enum\nclass Color(enum.Enum):\n    RED = 1\n    def __init__(self, number): self.seen = 0",
    ),
    construct(
        "value of an enumeration's member",
        "results.append(len(Color.RED.value))",
        "Color.RED.value",
        "Color.value",
        "list",
        first="Color.RED.value.append(2)",
        setup="import enum\nclass Color(enum.Enum):\n    RED = [1]",
    ),
    construct(
        "data class",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="import dataclasses\n@dataclasses.dataclass\nclass Box:\n    size: int = 1\nbox = Box()",
    ),
    construct(
        "data class with slots",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="import dataclasses\n@dataclasses.dataclass(slots=True)\nclass Box:\n    size: int = 1\nbox = Box()",
    ),
    construct(
        "list of a data class",
        "results.append(len(box.sizes))",
        "box.sizes",
        first="box.sizes.append(2)",
        setup="import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass Box:\n    sizes: list = dataclasses.field(default_factory=list)\nbox = Box()",
    ),
    construct(
        "attrs class",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="import attrs\n@attrs.define\nclass Box:\n    size: int = 1\nbox = Box()",
    ),
    construct(
        "attrs class without slots",
        "results.append(box.size)",
        "Box.size",
        first="box.size = 2",
        setup="import attrs\n@attrs.define(slots=False)\nclass Box:\n    size: int = attrs.field(default=1, validator=attrs.validators.instance_of(int))\nbox = Box()",
    ),
    construct(
        "pickling",
        "results.append(pickle.loads(pickle.dumps(box)))",
        "Box.size",
        first="box.size = 2",
        setup="import pickle\nclass Box:\n    size = 1\n    def __reduce__(self): return int, (self.size,)\nbox = Box()",
    ),
    construct(
        "source of a function",
        "results.append((inspect.getsource(look), look()))",
        setup="import inspect\ndef look():\n    return thing.value  # here",
    ),
    construct("attribute by name", "results.append(getattr(thing, 'val' + 'ue'))"),
    construct("attribute through a namespace", "results.append(vars(thing)['value'])"),
    # Since Python 3.12
    construct(
        "generic function", "results.append(look(1))", since=(3, 12), setup="def look[T](n: T) -> T: return thing.value"
    ),
    construct(
        "generic class",
        "results.append(Box[int]().look())",
        since=(3, 12),
        setup="class Box[T]:\n    def look(self) -> T: return thing.value",
    ),
    construct(
        "generic function in a function",
        "def look[T: int](n: T) -> T: return thing.value\nresults.append(look(1))",
        since=(3, 12),
    ),
    construct(
        "generic class in a function", "class Box[T]:\n    size = thing.value\nresults.append(Box.size)", since=(3, 12)
    ),
    construct(
        "nonlocal in a generic function",
        "def outer():\n    n = thing.value\n    def inner[T](x: T):\n        nonlocal n\n        n += 1\n        return n\n    return inner(0)\nresults.append(outer())",
        since=(3, 12),
    ),
    construct(
        "type alias",
        "type Found = thing.kind\nresults.append(Found.__value__)",
        "Thing.value",
        since=(3, 12),
        first=CHANGE,
        setup="Thing.kind = property(lambda self: self.value)",
    ),
    construct("quotes in a formatted string", "results.append(f'{thing.table['a']}')", TABLE, since=(3, 12), first=PUT),
]

SUPPORTED = [each for each in ALL if sys.version_info >= each.since]
