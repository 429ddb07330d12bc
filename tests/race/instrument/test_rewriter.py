"""The rewriter, text in and text out. The numbers of sites are written as `S`."""

from __future__ import annotations

import ast
import re
import sys
import textwrap

import pytest

from trioflow.race.instrument.rewriter import rewrite
from trioflow.race.model.sites import ModuleTable, Operation


def rewritten(source: str) -> tuple[str, ModuleTable]:
    source = textwrap.dedent(source)
    tree = ast.parse(source)
    table = rewrite(tree, source=source, path="/project/module.py", module="module")
    compile(tree, "module.py", "exec")
    text = ast.unparse(tree).replace("\U0010ffff", "~")
    return re.sub(r"\b\d{10,}\b", "S", text), table


def in_function(body: str) -> str:
    return "async def f(x, k, v, *args, **options):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")


ROWS = [
    # attributes
    ("x.a", "@read(x, S).a"),
    ("x.a.b", "@read(@read(x, S).a, S).b"),
    ("x.a = v", "@write(x, S).a = v"),
    ("x.a = y.b = v", "@write(x, S).a = @write(y, S).b = v"),
    ("x.a: int = v", "@write(x, S).a: int = v"),
    ("x.a: int", "x.a: int"),
    ("del x.a", "del @write(x, S).a"),
    ("x.a += 1", "@update(x, S).a += 1"),
    ("x.a += v", "@update(x, S, S).a += v"),
    ("x.a /= v", "@update(x, S).a /= v"),
    ("x.a += await v", "@begin(x, S).a += await v\n@finish(S, S)"),
    ("x.a += (yield v)", "@begin(x, S).a += (yield v)\n@finish(S, S)"),
    ("x.a, x.b = k, v", "@write(x, S).a, @write(x, S).b = (k, v)"),
    ("int.a", "int.a"),
    ("super().a", "super().a"),
    # attributes by name
    ("getattr(x, 'a', v)", "getattr(@read(x, S), 'a', v)"),
    ("hasattr(x, 'a')", "hasattr(@read(x, S), 'a')"),
    ("setattr(x, 'a', v)", "setattr(@write(x, S), 'a', v)"),
    ("setattr(x, 'a', await v)", "setattr(@call_begin(x, S), 'a', @call_end(await v, S))"),
    ("delattr(x, 'a')", "delattr(@write(x, S), 'a')"),
    ("getattr(x, k)", "getattr(@named(x, S, k), k)"),
    ("getattr(x, k + v)", "getattr(@call_begin(x, S), @call_end(k + v, S))"),
    ("getattr(*x)", "getattr(*@iterate(x, S))"),
    ("object.__setattr__(x, 'a', v)", "object.__setattr__(@write(x, S), 'a', v)"),
    ("object.__getattribute__(x, 'a')", "object.__getattribute__(@read(x, S), 'a')"),
    ("vars(x)['a']", "vars(@read(x, S))['a']"),
    ("vars(x)[k]", "@item_read(vars(x), S, k)[k]"),
    ("x.__dict__['a'] = v", "@write(@read(x, S), S).__dict__['a'] = v"),
    ("x.__dict__['a'] += await v", "@begin(@read(x, S), S).__dict__['a'] += await v\n@finish(S, S)"),
    ("vars(x).update(a=v, b=k)", "vars(@write(@write(x, S), S)).update(a=v, b=k)"),
    ("x.__dict__.get('a', v)", "@read(@read(x, S), S).__dict__.get('a', v)"),
    # items
    ("x[k]", "@item_read(x, S, k)[k]"),
    ("x[0]", "@item_read(x, S, 0)[0]"),
    ("x[-1]", "@item_read(x, S, -1)[-1]"),
    ("x[k, 1]", "@item_read(x, S, (k, 1))[k, 1]"),
    ("x[k] = v", "@item_write(x, S, k)[k] = v"),
    ("del x[k]", "del @item_write(x, S, k)[k]"),
    ("x[k] += 1", "@item_update(x, S, k)[k] += 1"),
    ("x[k] += v", "@item_update(x, S, k, S)[k] += v"),
    ("x[k] += await v", "@item_begin(x, S, k)[k] += await v\n@finish(S, S)"),
    ("x[k + 1] |= v", "@base(x, S)[@key(k + 1, S, S)] |= @contents(v, S)"),
    ("x[k + 1]", "@base(x, S)[@key(k + 1, S)]"),
    ("x[k + 1] = v", "@base(x, S)[@key(k + 1, S)] = v"),
    ("x[await k]", "@call_begin(x, S)[@call_end(await k, S)]"),
    ("x[await k] += await v", "x[await k] += await v"),
    ("x[1:2]", "@contents(x, S)[1:2]"),
    ("x[1:2] = v", "@contents_write(x, S)[1:2] = v"),
    ("del x[:]", "del @contents_write(x, S)[:]"),
    ("list[int]", "list[int]"),
    ("{1: 2}[k]", "{1: 2}[k]"),
    # calls
    ("x.m()", "@call(x, S).m()"),
    ("x.m(k)", "@call(x, S, k).m(k)"),
    ("x.m(k + 1)", "@call(x, S).m(k + 1)"),
    ("x.get(k + 1)", "@base(x, S).get(@key(k + 1, S))"),
    ("x.append(await v)", "@call_begin(x, S).append(@call_end(await v, S))"),
    ("x.setdefault(k, await v)", "@call_begin(x, S, k).setdefault(k, @call_end(await v, S))"),
    ("x.m(*await v, k=1)", "@call_begin(x, S).m(*@call_end(@iterate(await v, S), S), k=1)"),
    ("x.m(k=await v)", "@call_begin(x, S).m(k=@call_end(await v, S))"),
    ("k(v)", "@bound(k, S, v)(v)"),
    ("k(v + 1)", "@bound(k, S)(v + 1)"),
    ("unknown(v)", "unknown(v)"),
    ("def g(): pass\ng(v)", "def g():\n    pass\ng(v)"),
    ("'-'.join(x)", "'-'.join(@iterate(x, S))"),
    ("x.extend(v)", "@call(x, S, v).extend(@iterate(v, S))"),
    ("super().m()", "super().m()"),
    ("x.add(\n    k\n)", "@base(x, S).add(@key(k, S))"),
    ("x[\n    k\n]", "@base(x, S)[@key(k, S)]"),
    ("x[\n    0\n]", "@item_read(x, S, 0)[0]"),
    ("dict.fromkeys(x)", "dict.fromkeys(x)"),
    # membership and comparison
    ("k in x", "k in @member(x, S, k)"),
    ("k not in x", "k not in @member(x, S, k)"),
    ("k() in x", "@key(@bound(k, S)(), S) in @base(x, S)"),
    ("k in (1, 2)", "k in (1, 2)"),
    ("k in v in x", "k in @member(v, S, k) in @member(x, S, v)"),
    ("x == v", "@contents(x, S) == @contents(v, S)"),
    ("x == 1", "x == 1"),
    ("x is v", "x is v"),
    # operators that may change a container in place
    ("x += v", "x += v\n@contents_write(x, S)"),
    ("x |= {v}", "x |= {v}\n@contents_write(x, S)"),
    ("x += [0] * k", "x += [0] * k\n@contents_write(x, S)"),
    ("x += await v", "x += await v\n@contents_write(x, S)"),
    ("x += 1", "x += 1"),
    ("x += 2 * k", "x += 2 * k"),
    ("x -= len(k)", "x -= len(@shape(k, S))"),
    ("x /= k", "x /= k"),
    # length and truth
    ("len(x)", "len(@shape(x, S))"),
    ("bool(x)", "bool(@shape(x, S))"),
    ("not x", "not @shape(x, S)"),
    ("k or v", "@shape(k, S) or v"),
    ("k if x else v", "k if @shape(x, S) else v"),
    ("if x and not k: pass", "if @shape(x, S) and (not @shape(k, S)):\n    pass"),
    ("while x: pass", "while @shape(x, S):\n    pass"),
    ("assert x, v", "assert @shape(x, S), v"),
    ("if __debug__: pass", "if __debug__:\n    pass"),
    # iteration
    ("for y in x: pass", "for y in @iterate(x, S):\n    pass"),
    ("for y in range(k): pass", "for y in range(k):\n    pass"),
    ("for x.a in k: pass", "for @write(x, S).a in @iterate(k, S):\n    pass"),
    ("for y in x: await k", "for y in @loop(x, S):\n    @advance(S)\n    await k\nelse:\n    @advance(S)"),
    ("for y in x:\n    await k\n    break", "for y in @iterate(x, S):\n    await k\n    break"),
    ("for y in list(x): await k", "for y in list(@iterate(x, S)):\n    await k"),
    ("for y in x[:]: await k", "for y in @iterate(@contents(x, S)[:], S):\n    await k"),
    (
        "for y, z in enumerate(x): await k",
        "for y, z in @loop(enumerate(x), S):\n    @advance(S)\n    await k\nelse:\n    @advance(S)",
    ),
    ("for y in x.keys(): pass", "for y in @iterate(@call(x, S).keys(), S):\n    pass"),
    (
        "for y in x.keys(): await k",
        "for y in @loop(@read(x, S).keys(), S):\n    @advance(S)\n    await k\nelse:\n    @advance(S)",
    ),
    ("[await y for y in x]", "@ended([@advance(S) and await y for y in @loop(x, S)], S)"),
    ("[await y for y in list(x)]", "[await y for y in list(@iterate(x, S))]"),
    ("v = x.items()", "v = @read(x, S).items()"),
    ("v = x.items(k)", "v = @call(x, S, k).items(k)"),
    ("v = iter(x)", "v = @made(iter(x), S)"),
    ("v = zip(x, k.values())", "v = @made(zip(x, @read(k, S).values()), S)"),
    ("v = (y for y in x)", "v = @made((y for y in x), S)"),
    ("v, k = x.items(), iter(x)", "v, k = (@read(x, S).items(), @made(iter(x), S))"),
    ("v, k = x.items()", "v, k = @iterate(@call(x, S).items(), S)"),
    ("return map(k, x)", "return @made(map(k, x), S)"),
    ("list(map(x.append, v))", "list(map(@used(@read(x, S), S).append, @iterate(v, S)))"),
    ("sorted(v, key=x.get)", "sorted(@iterate(v, S), key=@used(@read(x, S), S).get)"),
    ("v = map(x.append, v)", "v = @made(map(@handed(@read(x, S), S).append, v), S)"),
    ("x.m(target=k.append)", "@call(x, S).m(target=@handed(@read(k, S), S).append)"),
    ("list.append(x, v)", "list.append(@call(x, S, v), v)"),
    ("dict(vars(x))", "dict(vars(@contents(x, S)))"),
    ("vars(x).update({'a': v})", "vars(@write(x, S)).update({'a': v})"),
    ("hash(x)", "hash(@contents(x, S))"),
    ("from m import a", "from m import a\n@imported(S, 'm')"),
    ("next(x)", "next(@taken(x, S))"),
    ("k in x.keys()", "k in @member(@read(x, S).keys(), S, k)"),
    ("async for y in x: pass", "async for y in x:\n    pass"),
    ("[y for y in x if y]", "[y for y in @iterate(x, S) if @shape(y, S)]"),
    ("sum(y.a for y in x)", "sum((@read(y, S).a for y in @iterate(x, S)))"),
    ("k(*x)", "@bound(k, S)(*@iterate(x, S))"),
    ("k(*args, **options)", "@bound(k, S)(*args, **options)"),
    ("a, *b = x", "a, *b = @iterate(x, S)"),
    ("a, b = k, v", "a, b = (k, v)"),
    ("sorted(x, key=k)", "sorted(@iterate(x, S), key=k)"),
    ("zip(x, v)", "zip(@iterate(x, S), @iterate(v, S))"),
    ("map(k, x)", "map(k, @iterate(x, S))"),
    ("max(x)", "max(@iterate(x, S))"),
    ("max(x, v)", "max(x, v)"),
    # contents
    ("k(**x)", "@bound(k, S)(**@contents(x, S))"),
    ("{**x, 'a': 1}", "{**@contents(x, S), 'a': 1}"),
    ("f'{x!r:>{k}}'", "f'{@contents(x, S)!r:>{@contents(k, S)}}'"),
    ("print(x, v)", "print(@contents(x, S), @contents(v, S))"),
    ("heapq.heappush(x, v)", "heapq.heappush(@contents_write(x, S), v)"),
    ("heapq.heappush(x, await v)", "heapq.heappush(@call_begin(x, S), @call_end(await v, S))"),
    ("deepcopy(x)", "deepcopy(@contents(x, S))"),
    ("match x:\n    case [y]: pass", "match @contents(x, S):\n    case [y]:\n        pass"),
    ("match x:\n    case 1: pass", "match x:\n    case 1:\n        pass"),
    ("x | v", "@contents(x, S) | @contents(v, S)"),
    ("x | 1", "x | 1"),
    ("x + [v]", "@contents(x, S) + [v]"),
    ("x + v", "x + v"),
    ("x - {v}", "@contents(x, S) - {v}"),
    ("'%s' % x", "'%s' % @contents(x, S)"),
    ("'%s %s' % (x, v)", "'%s %s' % (@contents(x, S), @contents(v, S))"),
    ("x % v", "x % v"),
    ("'{}'.format(x, k=v)", "'{}'.format(@contents(x, S), k=v)"),
    ("heapq.nlargest(k, x)", "heapq.nlargest(k, @iterate(x, S))"),
    ("match x:\n    case C(a=1): pass", "match @read(x, S):\n    case C(a=1):\n        pass"),
    (
        "match x.y:\n    case C(a=1) | D(b=2) as z: pass\n    case [_]: pass",
        "match @read(@read(@contents(@read(x, S).y, S), S), S):\n"
        "    case C(a=1) | D(b=2) as z:\n        pass\n    case [_]:\n        pass",
    ),
    # left alone
    ("def g(y: x.a = x.a) -> x.b: pass", "def g(y: x.a=@read(x, S).a) -> x.b:\n    pass"),
    ("class C(x.a):\n    y = x.a", "class C(@read(x, S).a):\n    global @read\n    y = @read(x, S).a"),
    (
        "class C:\n    'd'\n    y = [x.a for z in v]",
        'class C:\n    """d"""\n    global @iterate, @read\n    y = [@read(x, S).a for z in @iterate(v, S)]',
    ),
    (
        "match x:\n    case v.a | {k.b: _}: pass",
        "match @contents(x, S):\n    case @read(v, S).a | {@read(k, S).b: _}:\n        pass",
    ),
    ("match x:\n    case C(1, b=2): pass", "match @read(@matched(x, S, 1), S):\n    case C(1, b=2):\n        pass"),
    ("class C:\n    def m(self): return x.a", "class C:\n\n    def m(self):\n        return @read(x, S).a"),
    ("lambda: x.a", "lambda: @read(x, S).a"),
]


@pytest.mark.parametrize(("source", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_each_kind_of_access_gets_its_probe(source: str, expected: str) -> None:
    """Every row of the table: what is written, and what it becomes inside a function."""
    text, _table = rewritten("import heapq\nfrom copy import deepcopy\n" + in_function(source))
    body = textwrap.dedent(text.partition("):\n")[2]).strip()
    lines = [line for line in body.splitlines() if not line.startswith("@enter(")]
    assert "\n".join(lines).strip() == expected


NAMES = [
    ("global n\nn = 1", "n = 1\n@name_written(None, S, n)"),
    ("global n\nprint(n + 1)\nn = 1", "print(@name_read(n, None, S) + 1)\nn = 1\n@name_written(None, S, n)"),
    ("global n\nn += 1", "n += 1\n@name_written(None, S, n)"),
    (
        "global n\nn += await v",
        "@name_read(None, None, S)\nn += await v\n@name_written(None, S, n)\n@contents_write(n, S)",
    ),
    ("global n\ndel n", "del n\n@name_written(None, S)"),
    ("global n\n(n := v)", "(n := @name_write(v, None, S))"),
    ("global n\nfor n in (): pass", "for n in ():\n    @name_written(None, S, n)\n    pass"),
    ("global n\nwith v as n: pass", "with v as n:\n    @name_written(None, S, n)\n    pass"),
    ("global n\nimport n", "import n\n@name_written(None, S, n)"),
    ("global n\ndef n(): pass", "def n():\n    pass\n@name_written(None, S, n)"),
    (
        "global n\ntry: pass\nexcept v as n: pass",
        "try:\n    pass\nexcept v as n:\n    @name_written(None, S, n)\n    pass",
    ),
    (
        "global n\nmatch v:\n    case 1 as n: pass",
        "match v:\n    case 1 as n:\n        @name_written(None, S, n)\n        pass",
    ),
]


@pytest.mark.parametrize(("source", "expected"), NAMES, ids=[row[0] for row in NAMES])
def test_each_way_to_bind_a_global_is_told(source: str, expected: str) -> None:
    """A global that some function rebinds is read and written; each kind of binding has its place."""
    text, _table = rewritten(in_function(source))
    body = textwrap.dedent(text.partition("):\n")[2]).strip().splitlines()
    lines = [line for line in body if line.strip() and not line.startswith(("@enter(", "global"))]
    assert "\n".join(lines) == expected


def test_globals_that_no_function_rebinds_need_no_probe() -> None:
    """What only the module binds is bound before anybody runs."""
    text, table = rewritten("n = 1\ndef f(): return n + 1")
    assert "@" not in text
    assert table.sites == ()


def test_closure_variables_carry_the_token_of_their_owner() -> None:
    """The owner makes a token that the inner function finds as it finds the variable."""
    text, _table = rewritten("""
        def owner():
            "documentation"
            count = 0
            def inner():
                nonlocal count
                count += 1
                return locals()
            return inner
    """)
    assert text == textwrap.dedent('''\
        def owner():
            """documentation"""
            ~scope:owner = @scope()
            count = 0
            @name_written(~scope:owner, S, count)

            def inner():
                nonlocal count
                count += 1
                @name_written(~scope:owner, S, count)
                return @locals(locals())
            return inner''')


@pytest.mark.parametrize(
    ("body", "shared"),
    [
        ("v = 1\ndef inner(): return v", False),
        ("def inner(): return v\nv = 1", True),
        ("v = 0\nfor _ in (): v += 1\ndef inner(): return v", False),
        ("for v in ():\n    def inner(): return v", True),
        ("v = 1\nx = [v for _ in ()]\nv = 2", False),
        ("x = [lambda: i for i in ()]", False),
        ("def v(): return v()", False),
        ("class C:\n    def m(self): return v\nv = 1", True),
    ],
)
def test_only_what_is_bound_after_capture_is_shared(body: str, shared: bool) -> None:
    """Before anybody has captured a variable it belongs to one activation."""
    text, _table = rewritten("def owner():\n" + textwrap.indent(body, "    "))
    assert ("@scope" in text) is shared


def test_calls_of_methods_of_the_own_class_need_no_probe() -> None:
    """The class body says that it is a method; unless the module stores such an attribute."""
    source = "class C:\n    def m(self): return self.n()\n    def n(self): pass\n"
    assert "@call" not in rewritten(source)[0]
    assert "@call" in rewritten(source + "C.n = None")[0]


def test_attribute_names_in_classes_are_mangled_in_the_table() -> None:
    """The variable is kept under the mangled name."""
    _text, table = rewritten("class _C:\n    def m(self): self.__v = 1")
    assert [site.name for site in table.sites] == ["_C__v"]


def test_annotations_and_type_parameters_are_left_alone() -> None:
    """They are no part of what a program does while it runs."""
    text, _table = rewritten("from __future__ import annotations\ndef f(x: a.b) -> c[0]:\n    y: d.e = 1")
    assert "@" not in text


def test_docstrings_and_future_imports_stay_first() -> None:
    """Nothing is put in front of what must come first."""
    text, table = rewritten("""
        '''module'''
        from __future__ import annotations
        class C:
            '''class'''
            async def m(self):
                '''method'''
                self.v = 1
    """)
    tree = ast.parse(text.replace("@enter(S)", "pass").replace("@write(self, S)", "self"))
    assert ast.get_docstring(tree) == "module"
    (definition,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    (method,) = [node for node in definition.body if isinstance(node, ast.AsyncFunctionDef)]
    assert (ast.get_docstring(definition), ast.get_docstring(method)) == ("class", "method")
    assert Operation.ENTER in {site.operation for site in table.sites}


def test_sites_count_columns_in_characters() -> None:
    """As editors do, where the interpreter counts bytes."""
    _text, table = rewritten("def f(x): return 'äöü', x.a")
    (site,) = table.sites
    assert (site.line, site.column, site.end_column, site.expression) == (1, 25, 28, "x")


def test_dependences_are_given_by_number() -> None:
    """A write knows the reads that flow into it and those that decide whether it happens."""
    _text, table = rewritten("""
        async def f(self, free):
            n = self.n
            if self.open:
                await pause(n)
                self.n = n + free
    """)
    by_name = {(site.operation, site.name): site for site in table.sites}
    read, asked = by_name[Operation.READ, "n"], by_name[Operation.READ, "open"]
    write = by_name[Operation.WRITE, "n"]
    assert read.source
    assert read.number in write.depends.data
    assert "free" in write.depends.data
    assert asked.number in write.depends.control
    (function,) = table.functions
    assert (function.qualified_name, function.first_line, function.is_async) == ("f", 2, True)
    assert {call.line for call in function.calls} == {5}
    # The call itself, and the `await` at which the frame stands while it runs.
    assert {call.column for call in function.calls} == {8, 14}


def test_long_chains_are_rewritten_whatever_the_recursion_limit() -> None:
    """The interpreter compiles trees that are deeper than Python code may recurse by default."""
    limit = sys.getrecursionlimit()
    source = "def f(x): return " + " + ".join(f"x.a{index}" for index in range(900))
    tree = ast.parse(source)
    table = rewrite(tree, source=source, path="f", module="f")
    compile(tree, "f", "exec")
    assert len(table.sites) == 900
    assert sys.getrecursionlimit() == limit


def test_lines_of_a_chain_of_methods_are_passed_in_the_same_order() -> None:
    """Probes around a chain over several lines stand where its instructions stand."""
    source = "def f(x):\n    return (x\n        .a\n        .m()\n        .b)\n"
    tree = ast.parse(source)
    plain = compile(source, "f", "exec")
    rewrite(tree, source=source, path="f", module="f")

    def lines(code: object) -> list[int]:
        (inner,) = [each for each in code.co_consts if hasattr(each, "co_lines")]  # type: ignore[attr-defined]
        found: list[int] = []
        for _start, _end, line in inner.co_lines():
            if line is not None and (not found or found[-1] != line):
                found.append(line)
        return found

    assert lines(compile(tree, "f", "exec")) == lines(plain)
