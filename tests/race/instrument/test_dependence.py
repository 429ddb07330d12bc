"""What depends on what in one function.

Functions are given as text. A comment tells what must be found for an act on its line:

    self.n = n - 1  # self.n: self.n, call() | self.ready

that is the act, then the sources by data, then, after the bar, those by control. Parameters are
written as `@name`; of several acts on a line, each has its own part, separated by semicolons.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import textwrap
from pathlib import Path

import pytest

from trioflow.race.instrument.dependence import FunctionFlow, analyse


def flow_of(source: str) -> FunctionFlow:
    """Analyses the only function in the text."""
    (function,) = ast.parse(textwrap.dedent(source)).body
    if isinstance(function, ast.Expr):
        assert isinstance(function.value, ast.Lambda)
        return analyse(function.value)
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    return analyse(function)


def name_of(node: ast.AST) -> str:
    """How the comments write a node."""
    match node:
        case ast.arg():
            return f"@{node.arg}"
        case ast.ExceptHandler():
            return f"except as {node.name}"
        case ast.MatchAs() | ast.MatchStar():
            return f"case as {node.name}"
        case ast.MatchMapping():
            return f"case as {node.rest}"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return f"define {node.name}"
        case _:
            return ast.unparse(node)


def names_of(nodes: frozenset[ast.AST]) -> set[str]:
    """How the comments write a set of sources."""
    return {name_of(node) for node in nodes}


def names_in(text: str) -> set[str]:
    """The names in a part of a comment: commas in brackets do not end them."""
    names = [""]
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return {name.strip() for name in names if name.strip()}


def check(source: str) -> None:
    """Compares what is found with what the comments ask for."""
    source = textwrap.dedent(source)
    flow = flow_of(source)
    count = 0
    for number, line in enumerate(source.splitlines(), 1):
        _, found, comment = line.partition("  # ")
        if not found:
            continue
        for part in comment.split("; "):
            act, _, wanted = part.partition(": ")
            data, _, control = wanted.partition("|")
            (node,) = (
                node for node in flow.data if getattr(node, "lineno", 0) == number and name_of(node) == act.strip()
            )
            assert names_of(flow.data[node]) == names_in(data), f"data of {line}"
            assert names_of(flow.control[node]) == names_in(control), f"control of {line}"
            count += 1
    assert count, "no comment to compare with"


DATA = {
    "flows through a local": """
        async def f(self):
            n = self.n
            await g()
            self.n = n + 1  # self.n: self.n |
        """,
    "is cut where the local is bound again": """
        async def f(x):
            v = x.a
            v = 0
            await g()
            x.a = v  # x.a: |
        """,
    "is cut where the local is deleted": """
        def f(x):
            v = x.a
            del v
            x.a = v  # x.a: |
        """,
    "joins both arms": """
        def f(x, c):
            if c:
                v = x.a
            else:
                v = x.b
            x.c = v  # x.c: x.a, x.b |
        """,
    "goes around a loop": """
        def f(x):
            v = w = x.a
            for _ in range(3):
                x.c = w  # x.c: x.a, x.b | range(3)
                w = v
                v = x.b
        """,
    "keeps the old value of an augmented local": """
        def f(x):
            v = x.a
            v += x.b
            x.c = v  # x.c: x.a, x.b |
        """,
    "of an augmented attribute is what is added": """
        async def f(x):
            x.a += await g(x.b)  # x.a: g(x.b) |; g(x.b): x.b |
        """,
    "of an augmented item has the key": """
        def f(x, k, v):
            x.d[k] += v  # x.d[k]: @k, @v |
        """,
    "is kept apart by an unpacking of a display": """
        def f(x):
            a, b = x.p, 0
            x.q = b  # x.q: |
            x.r = a  # x.r: x.p |
        """,
    "survives a swap": """
        def f(x):
            a = x.p
            b = x.q
            a, b = b, a
            x.r = a  # x.r: x.q |
            x.s = b  # x.s: x.p |
        """,
    "is joined by any other unpacking": """
        def f(x):
            (a, *b), c = x.p
            x.q = b  # x.q: x.p |
            x.r = c  # x.r: x.p |
        """,
    "joins where an unpacked display has a star": """
        def f(x):
            a, *b = x.p, x.q
            x.r = a  # x.r: x.p, x.q |
        """,
    "reaches every target of an assignment": """
        def f(x):
            x.a = x.b = x.c  # x.a: x.c |; x.b: x.c |
        """,
    "comes from the object that a loop goes through": """
        def f(self):
            for job in self.jobs:  # self.jobs: |; job: self.jobs | self.jobs
                self.last = job  # self.last: self.jobs | self.jobs
        """,
    "comes from a local container as well as from where that was": """
        def f(self):
            jobs = self.jobs
            for job in jobs:  # job: jobs, self.jobs | jobs, self.jobs
                pass
        """,
    "comes with what a with statement gives": """
        async def f(self):
            async with self.pool as connection:  # self.pool: |; connection: self.pool |
                self.last = connection  # self.last: self.pool |
        """,
    "of a context manager is what it is called with": """
        async def f(self, k):
            async with self.locks[k], lock_for(k) as lock:  # self.locks[k]: @k |; lock_for(k): @k |
                pass
        """,
    "goes through a walrus": """
        def f(x):
            if (v := x.a) is not None:  # v: x.a |
                x.b = v  # x.b: x.a | x.a
        """,
    "goes into the key": """
        async def f(x):
            k = x.next
            x.d[k] = await g()  # x.d[k]: x.next, g() |
            del x.d[k]  # x.d[k]: x.next |
        """,
    "goes into keys on the way to the object": """
        def f(x, k):
            x.d[x.i].e[k].n = 1  # x.d[x.i].e[k].n: x.i, @k |
            x.get(x.j).add(k)  # x.get(x.j).add(k): x.j, @k |; x.get(x.j): x.j |
        """,
    "goes into arguments, not into the receiver": """
        def f(x, y):
            p = x.p
            p.append(y.a, *y.b, key=y.c, **y.d)  # p.append(y.a, *y.b, key=y.c, **y.d): y.a, y.b, y.c, y.d |
        """,
    "does not come from the objects on the way": """
        def f(self):
            self.a = self.pool.idle  # self.a: self.pool.idle |
        """,
    "comes from a local through what it holds": """
        async def f(self):
            node = self.head
            await g()
            self.head = node.next  # self.head: node.next, self.head |
        """,
    "does not come from a parameter through what it holds": """
        def f(node):
            node.a = node.b  # node.a: node.b |
        """,
    "ends at an unknown call": """
        async def f(x):
            v = await g(x.a)
            x.b = v  # x.b: g(x.a) |
        """,
    "goes through builtins that only compute": """
        def f(x):
            n = len(x.a) + max(x.b, 0)
            x.c = n  # x.c: x.a, len(x.a), x.b, max(x.b, 0) |
        """,
    "does not go through a builtin that is something else here": """
        def f(x, len):
            x.c = len(x.a)  # x.c: len(x.a) |
        """,
    "is the parameter": """
        def f(a, /, b, *c, d, **e):
            x.a = a  # x.a: @a |
            x.b = b  # x.b: @b |
            x.c = c  # x.c: @c |
            x.d = d  # x.d: @d |
            x.e = e  # x.e: @e |
        """,
    "is not the parameter once that is bound again": """
        def f(x, a):
            a = 1
            x.a = a  # x.a: |
        """,
    "is a global or free name where that is read": """
        def f(x):
            x.a = limit  # x.a: limit |
        """,
    "of a global that is stored": """
        async def f():
            global n
            v = n
            await g()
            n = v + 1  # n: n |
            n += v  # n: n |
        """,
    "is the name and its definition where an inner function shares it": """
        async def f(x):
            n = x.a
            def inner():
                nonlocal n
                n += 1
            await g()
            x.b = n  # x.b: n, x.a |
        """,
    "is only the definition where an inner function just reads": """
        async def f(x):
            g(lambda: x)
            x.a = x  # x.a: @x |
        """,
    "goes through all kinds of expressions": """
        def f(x):
            x.z = -x.a + g[x.b, {x.c: x.d}, (x.e,), {x.f}]  # x.z: x.a, g[x.b, {x.c: x.d}, (x.e,), {x.f}], x.b, x.c, \
x.d, x.e, x.f |
            x.y = f'{x.h:{x.i}}' if x.j else not x.k  # x.y: x.h, x.i, x.j, x.k |
            x.w = x.l < x.m  # x.w: x.l, x.m |
        """,
    "goes through membership": """
        def f(x, k):
            x.a = k in x.d  # x.a: @k, k in x.d |
        """,
    "of a slice": """
        def f(x):
            x.a = x.b[x.c:x.d]  # x.a: x.b[x.c:x.d], x.c, x.d |
        """,
    "goes through comprehensions with their conditions": """
        def f(x):
            x.a = [y.n for y in x.b if y.ok]  # x.a: y.n, x.b, y.ok |
            x.c = {k: v for k, v in x.d.items()}  # x.c: x.d.items() |
            x.e = sum(1 for y in x.f)  # x.e: sum((1 for y in x.f)), x.f |
        """,
    "does not mix up the variables of comprehensions": """
        def f(x):
            y = x.a
            x.b = [y for y in x.c]  # x.b: x.c |
            x.d = y  # x.d: x.a |
        """,
    "leaves lambdas out": """
        def f(x):
            v = lambda a=x.a: x.b
            x.c = v  # x.c: |
        """,
    "goes through captures": """
        def f(x):
            match x.a:
                case [first, *rest]:  # case as first: x.a | x.a; case as rest: x.a | x.a
                    x.b = first  # x.b: x.a | x.a
                case {"k": y.z, **others}:  # case as others: x.a | x.a, y.z, y
                    x.c = others  # x.c: x.a | x.a, y.z, y
                case whole:  # case as whole: x.a | x.a, y.z, y
                    x.d = whole  # x.d: x.a | x.a, y.z, y
        """,
    "of handlers, imports and definitions is none": """
        def f(x):
            v = w = u = x.a
            import v
            def w(): pass
            try:
                g()
            except E as u:  # except as u: | g()
                x.b = u, v, w  # x.b: | g()
            x.c = u  # x.c: x.a |
        """,
    "comes from every point at which a handler can be entered": """
        def f(x):
            v = x.a
            try:
                v = x.b
                g()
                v = x.c
            except E:
                x.d = v  # x.d: x.a, x.b | g()
            x.e = v  # x.e: x.a, x.b, x.c |
        """,
    "reaches a finally clause from everywhere, and what follows from its end": """
        def f(x):
            v = x.a
            try:
                g()
                v = x.b
            finally:
                x.c = v  # x.c: x.a, x.b |
            x.d = v  # x.d: x.b |
        """,
    "goes through await, yield and conditional expressions": """
        async def f(x):
            v = (yield x.a)
            x.b = v  # x.b: |
            x.c = await x.d  # x.c: x.d |
            x.e = (await g(x)) if x.f else x.h  # x.e: g(x), x.f, x.h |; g(x): @x | x.f
        """,
    "is a choice between constants": """
        async def f(x):
            free = True
            for worker in x.workers:
                if worker.busy:
                    free = False
            await g()
            x.free = free  # x.free: x.workers, worker.busy |
        """,
    "counts constant steps": """
        async def f(x):
            count = 0
            for worker in x.workers:
                if worker.busy:
                    count += 1
            x.count = count  # x.count: x.workers, worker.busy |
        """,
    "is no choice of None": """
        async def f(self):
            c = None
            if self.pool:
                c = self.pool.pop()
            if c is None:
                c = await g()  # g(): | self.pool.pop(), self.pool
            self.pool.append(c)  # self.pool.append(c): self.pool.pop(), g() |
        """,
    "goes through objects that are made on the way": """
        async def f(x):
            x.a = (await g(x.b)).c  # x.a: (await g(x.b)).c, g(x.b) |
            x.d = (x.e or x.f).h  # x.d: (x.e or x.f).h, x.e, x.f |
            make(x.i)(x.j)  # make(x.i)(x.j): x.i, x.j |
            (await x.k).l = 1  # (await x.k).l: |
        """,
    "goes into a dictionary that is spread": """
        def f(x, y):
            x.a = {**x.b, **y}  # x.a: x.b, @y, y |
        """,
    "comes with what a with statement on any object gives": """
        def f(x):
            with x.a or x.b as y:  # x.a or x.b: |; y: x.a, x.b |
                pass
        """,
    "of annotated targets": """
        def f(x):
            a: int = x.a
            b: int
            x.b: int
            x.c: int = a  # x.c: x.a |
        """,
    "of targets in loops and with statements": """
        async def f(x):
            for x.a, x.b[x.k] in x.c:  # x.a: x.c | x.c; x.b[x.k]: x.c, x.k | x.c
                pass
            with g() as x.d:  # x.d: g() |
                pass
        """,
    "of decorators and defaults is evaluated here": """
        def f(x):
            @mark(x.a)  # mark(x.a): x.a |
            def g(y=make(x.b)):  # make(x.b): x.b |
                x.c = x.d
            class C(base(x.e), metaclass=meta(x.f)):  # base(x.e): x.e |; meta(x.f): x.f |
                x.g = x.h
        """,
}


@pytest.mark.parametrize("source", DATA.values(), ids=DATA)
def test_data(source: str) -> None:
    """What flows into values, keys and arguments."""
    check(source)


CONTROL = {
    "of nested conditions is all of them": """
        async def f(self):
            if self.a:
                if self.b > 0:
                    await g()
                    self.c = 1  # self.c: | self.a, self.b
                else:
                    self.d = 1  # self.d: | self.a, self.b
                self.e = 1  # self.e: | self.a
            self.f = 1  # self.f: |
        """,
    "of a chain of conditions": """
        def f(x):
            if x.a:
                x.z = 1  # x.z: | x.a
            elif x.b:
                x.y = 1  # x.y: | x.a, x.b
            else:
                x.w = 1  # x.w: | x.a, x.b
            x.v = 1  # x.v: |
        """,
    "comes through an early return": """
        async def f(self, k):
            if k in self.d:
                return self.d[k]
            v = await make()
            self.d[k] = v  # self.d[k]: make(), @k | @k, k in self.d, self.d
        """,
    "comes through a raise": """
        async def f(self):
            if self.closed:
                raise Closed
            await g()
            self.n = 1  # self.n: | self.closed
        """,
    "comes through an assertion": """
        async def f(self):
            assert self.open, message(self.name)  # message(self.name): self.name | self.open
            await g()
            self.n = 1  # self.n: | self.open
        """,
    "comes through a local": """
        async def f(x):
            n = x.a
            if n > 0:
                await g()
                x.a = n - 1  # x.a: x.a | x.a
        """,
    "of what is in a loop and what follows it": """
        async def f(self):
            while self.busy:
                await g()  # g(): | self.busy
            self.busy = True  # self.busy: | self.busy
            if self.x:
                self.y = 1  # self.y: | self.busy, self.x
        """,
    "of what follows a loop ends with the branch that contains it": """
        async def f(self):
            if self.slow:
                while self.busy:
                    await g()
                self.a = 1  # self.a: | self.slow, self.busy
            self.b = 1  # self.b: |
        """,
    "comes through a break": """
        async def f(self):
            while True:
                if self.ready:
                    break
                await g()  # g(): | self.ready
            self.a = 1  # self.a: | self.ready
        """,
    "in an endless loop is that of one turn": """
        async def f(self):
            while True:
                old = self.a
                new = await g(old)  # g(old): self.a | self.a, old
                if self.a == old:
                    self.a = new  # self.a: g(old) | self.a, old
                    return
                self.b = new  # self.b: g(old) | self.a, old
        """,
    "in an endless loop leaves what follows the loop alone": """
        async def f(self):
            if self.slow:
                while True:
                    await g()  # g(): | self.slow, self.ready
                    if self.ready:
                        self.a = 1  # self.a: | self.slow, self.ready
                        break
            self.b = 1  # self.b: |
        """,
    "comes through a break in a finally clause": """
        async def f(self):
            try:
                while True:
                    if self.ready:
                        break
                    await g()
            finally:
                self.a = 1  # self.a: |
            self.b = 1  # self.b: | self.ready
        """,
    "comes through a continue": """
        async def f(self):
            for k in self.keys:
                if self.skip:
                    continue
                self.a = 1  # self.a: | self.keys, self.skip
            self.b = 1  # self.b: |
        """,
    "of the else clause of a loop": """
        async def f(self):
            for w in self.workers:
                if w.idle:
                    break
            else:
                await g()
                self.workers.append(1)  # self.workers.append(1): | self.workers, w.idle
            while self.a and self.b:
                if self.c:
                    break
            else:
                self.d = 1  # self.d: | self.a, self.b, self.c
        """,
    "of an asynchronous loop": """
        async def f(self):
            async for x in self.channel:
                if self.closed:
                    return
                self.n = x  # self.n: self.channel | self.channel, self.closed
        """,
    "of the parts of and, or, not": """
        async def f(self):
            if self.a and not (self.b or await g()):  # g(): | self.a, self.b
                self.c = 1  # self.c: | self.a, self.b, g()
        """,
    "of an expression that stands alone": """
        async def f(self):
            self.ready or await g()  # g(): | self.ready
            self.a and self.b and h()  # h(): | self.a, self.b
        """,
    "of a value that is made only if it is missing": """
        async def f(self):
            self.v = self.v or await g()  # g(): | self.v; self.v: self.v, g() |
        """,
    "of a conditional expression": """
        async def f(self):
            v = g() if self.a else h()  # g(): | self.a; h(): | self.a
            if (self.b if self.c else self.d):
                self.e = 1  # self.e: | self.b, self.c, self.d
        """,
    "has everything that a condition reads": """
        async def f(self, k):
            if self.conn.closed or check(self.n, k):
                self.conn = await g()  # self.conn: g() | self.conn, self.conn.closed, check(self.n, k), self.n, @k
        """,
    "of a constant condition is none": """
        async def f(self):
            while 1:
                if not 0:
                    self.a = 1  # self.a: |
                await g()  # g(): |
        """,
    "of a comprehension": """
        def f(self):
            [g(y) for y in self.a if self.b if not self.c]  # g(y): self.a | self.a, self.b, self.c
        """,
    "of cases": """
        def f(self):
            match self.a:
                case 1 | 2 if self.b:
                    self.c = 1  # self.c: | self.a, self.b
                case Kind.x:
                    self.d = 1  # self.d: | self.a, self.b, Kind.x, Kind
                case _:
                    self.e = 1  # self.e: | self.a, self.b, Kind.x, Kind
            self.f = 1  # self.f: |
        """,
    "of a case that returns": """
        def f(self):
            match self.a:
                case []:
                    return
            self.b = 1  # self.b: | self.a
        """,
    "of a handler of a failed look-up": """
        async def f(k):
            try:
                return cache[k]
            except KeyError:
                v = await make()
                cache[k] = v  # cache[k]: make(), @k | cache[k], @k
        """,
    "comes through a handler that returns": """
        async def f(self, k):
            try:
                v = self.d[k]
                await g()  # g(): | self.d[k], @k
            except KeyError:
                return
            self.e = 1  # self.e: | self.d[k], @k
        """,
    "does not come through a handler that goes on": """
        async def f(self, k):
            try:
                v = self.d[k]
            except KeyError:
                v = 0
            await g()
            self.e = 1  # self.e: |
        """,
    "of the else clause of a try statement": """
        async def f(self, k):
            try:
                v = self.d[k]
            except LookupError:
                self.a = 1  # self.a: | self.d[k], @k
            else:
                self.b = 1  # self.b: | self.d[k], @k
        """,
    "of a handler of a missing attribute": """
        async def f(self):
            try:
                return self.client
            except AttributeError:
                self.client = await g()  # self.client: g() | self.client
        """,
    "of a handler for a call": """
        async def f(self):
            try:
                job = self.jobs.popleft()
            except IndexError:
                self.idle = True  # self.idle: | self.jobs.popleft()
            self.a = 1  # self.a: |
        """,
    "of a handler for what was awaited": """
        async def f(self, k):
            try:
                job = self.jobs.pop()
                v = await self.find(k)
            except NotFound:
                v = await make()
                self.d[k] = v  # self.d[k]: make(), @k | self.find(k)
        """,
    "of a handler whose exceptions are computed": """
        async def f(self, k):
            try:
                v = find(k)
            except self.errors[k]:
                self.a = 1  # self.a: | find(k)
        """,
    "in finally clauses within finally clauses": """
        def f(self):
            try:
                g()
            finally:
                try:
                    g()
                finally:
                    try:
                        g()
                    finally:
                        try:
                            if self.a:
                                return
                        finally:
                            self.b = 1  # self.b: |
                        self.c = 1  # self.c: | self.a
        """,
    "of a mapping without the rest": """
        def f(x):
            match x.a:
                case {"k": 1}:
                    x.b = 1  # x.b: | x.a
        """,
    "of a handler of cancellation is none": """
        async def f(self):
            try:
                await g()
            except trio.Cancelled:
                self.a = 1  # self.a: |
                raise
        """,
    "of a handler that tidies up after a checkpoint is none": """
        async def f(self):
            try:
                job = self.jobs.pop()
                await g(self.d[0], self.e)
                self.f = 1  # self.f: |
            except Exception:
                self.jobs.append(job)  # self.jobs.append(job): self.jobs.pop() |
                raise
            self.h = 1  # self.h: |
        """,
    "of a handler for anything without a checkpoint": """
        def f(self, k):
            try:
                v = self.d[k]
            except:
                self.a = 1  # self.a: | self.d[k]
        """,
    "comes from a raise to its handler": """
        async def f(self):
            try:
                if self.busy:
                    raise Busy()
                await g()  # g(): | self.busy
            except Other:
                self.a = 1  # self.a: | g()
            except module.Busy:
                self.b = 1  # self.b: | self.busy, g()
                return
            self.c = 1  # self.c: | self.busy, g()
        """,
    "comes from a raise that any handler may take": """
        async def f(self):
            try:
                if self.busy:
                    raise self.error
                await g()
            except (A, B):
                self.a = 1  # self.a: | self.busy, g()
            except Exception:
                self.b = 1  # self.b: | self.busy
        """,
    "of a group of exceptions": """
        async def f(self):
            try:
                await g()
                if self.a:
                    raise ExceptionGroup("", [])
            except* A:
                self.b = 1  # self.b: | self.a, g()
            except* B:
                self.c = 1  # self.c: | self.a, g()
        """,
    "of a finally clause is that of its statement": """
        async def f(self):
            if self.a:
                try:
                    if self.b:
                        return
                    if self.c:
                        raise E
                    while self.d:
                        await g()
                finally:
                    self.e = 1  # self.e: | self.a
                    if self.f:
                        self.g = 1  # self.g: | self.a, self.f
                self.h = 1  # self.h: | self.a, self.b, self.c, self.d
            self.i = 1  # self.i: | self.a, self.b, self.c
        """,
    "of loops with finally clauses": """
        async def f(self):
            while True:
                try:
                    if self.a:
                        break
                    if self.b:
                        continue
                finally:
                    self.c = 1  # self.c: | self.a
                self.d = 1  # self.d: | self.a, self.b
            self.e = 1  # self.e: | self.a
        """,
    "of a raise through a finally clause to a handler": """
        async def f(self):
            try:
                try:
                    if self.a:
                        raise E
                finally:
                    self.b = 1  # self.b: |
                self.c = 1  # self.c: | self.a
            except E:
                self.d = 1  # self.d: | self.a
        """,
    "is not that of exceptions from anywhere": """
        async def f(self):
            if self.a:
                try:
                    g()
                finally:
                    h()
            with self.lock:
                i()
            self.b = 1  # self.b: |
        """,
    "of a flag": """
        async def f(self):
            found = False
            for w in self.workers:
                if w.idle:
                    found = True
                    break
            if not found:
                await g()
                self.workers.append(1)  # self.workers.append(1): | found, self.workers, w.idle
        """,
    "of a value that may be missing": """
        async def f(self):
            if self.open:
                v = self.v
            else:
                v = None
            if v is None:
                self.v = await g()  # self.v: g() | self.open, self.v
        """,
    "of a condition on a value that another condition chose": """
        async def f(self):
            v = self.a
            if self.b:
                v = self.c
            await g()
            self.d = v  # self.d: self.a, self.c |
            if v > 1:
                self.b = 1  # self.b: | self.a, self.b, self.c
        """,
    "reads the truth of a local container": """
        async def f(self):
            jobs = self.jobs
            if jobs:
                await g()
                jobs.pop()  # jobs.pop(): | jobs, self.jobs
        """,
    "of code that is never reached is none": """
        async def f(self):
            if self.a:
                return
                self.b = 1  # self.b: |
            while True:
                await g()  # g(): | self.a
            self.c = 1  # self.c: |
        """,
    "of deletions and augmented targets": """
        async def f(self, k):
            if self.a:
                del self.d[k], self.e  # self.d[k]: @k | self.a; self.e: | self.a
                self.n += 1  # self.n: | self.a
        """,
}


@pytest.mark.parametrize("source", CONTROL.values(), ids=CONTROL)
def test_control(source: str) -> None:
    """What decides whether something runs."""
    check(source)


RETURNS = {
    "self.n": ("def f(self): return self.n", "self.n"),
    "through a local": ("def f(self):\n n = self.n\n return n + 1", "self.n"),
    "a parameter": ("def f(a, b): return a", "@a"),
    "a call": ("async def f(self): return await g(self.n)", "g(self.n)"),
    "a comparison": ("def f(self): return self.free > 0", "self.free"),
    "a choice of constants": ("def f(self):\n if self.free: return True\n return False", "self.free"),
    "a constant or nothing": ("def f(self):\n if self.free: return True", "self.free"),
    "a constant or a value": ("def f(self):\n if self.free: return 0\n return self.n", "self.free, self.n"),
    "a value or nothing": ("def f(self):\n if self.idle: return self.idle.pop()", "self.idle.pop()"),
    "nothing, in two ways": ("def f(self):\n if self.free: return\n self.n = 1", ""),
    "always the same constant": ("def f(self):\n if self.free: raise E\n return True", ""),
    "what is yielded": ("def f(self):\n yield self.a\n yield from self.b\n return self.c", "self.a, self.b, self.c"),
    "a lambda's body": ("lambda self, k: self.d[k]", "self.d[k], @k"),
    "through a finally clause": ("def f(self):\n try:\n  return self.a\n finally:\n  g()", "self.a"),
    "replaced in a finally clause": ("def f(self):\n try:\n  return self.a\n finally:\n  return self.b", "self.b"),
}


@pytest.mark.parametrize(("source", "expected"), RETURNS.values(), ids=RETURNS)
def test_returns(source: str, expected: str) -> None:
    """What flows into the result of a function, or chooses it among constants."""
    assert names_of(flow_of(source).returns) == names_in(expected)


def test_choices_tell_why_something_is_missing() -> None:
    """What decides between a value and None is no part of the result, but is one of the choices."""
    flow = flow_of("def f(self):\n if self.idle: return self.idle.pop()")
    assert names_of(flow.choices) == {"self.idle", "self.idle.pop()"}


def test_nodes_are_those_of_the_tree() -> None:
    """Acts and sources can be found again by identity."""
    tree = ast.parse("async def f(x):\n v = x.a\n if x.b in v: await g(v)")
    (function,) = tree.body
    assert isinstance(function, ast.AsyncFunctionDef)
    flow = analyse(function)
    inside = set(ast.walk(function))
    for found in (flow.control, flow.data):
        for act, sources in found.items():
            assert {act, *sources} <= inside


def test_every_act_has_both_sets() -> None:
    """Nothing has to be asked for with a default."""
    flow = flow_of("async def f(x):\n with x.lock:\n  for y in x.a:\n   del x.b[y], x.c\n   await g(y)")
    assert flow.control.keys() == flow.data.keys()
    assert {name_of(act) for act in flow.data} == {"x.lock", "x.a", "y", "x.b[y]", "x.c", "g(y)"}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a statement of Python 3.12")
def test_type_statement_binds_its_name() -> None:
    """A local that becomes the name of a type carries nothing any more."""
    check("def f(x):\n v = x.a\n type v = int\n x.b = v  # x.b: |")


def test_tree_that_is_no_program_is_refused() -> None:
    """A target that can't be one is an error, not a wrong result."""
    (function,) = ast.parse("def f(): x = 1").body
    assert isinstance(function, ast.FunctionDef)
    function.body = [ast.Assign(targets=[ast.Constant(1)], value=ast.Constant(1))]
    with pytest.raises(TypeError, match="not a target of an assignment"):
        analyse(function)


def test_long_function_takes_time_in_proportion() -> None:
    """Functions of thousands of lines are as good as many short ones."""
    lines = ["async def f(self, k):"]
    for number in range(1500):
        lines += [
            f"    v{number} = self.a{number}",
            f"    if v{number} > 3:",
            f"        await g(v{number})",
            f"        self.b{number} = v{number}",
        ]
    flow = flow_of("\n".join(lines))
    assert len(flow.control) == 4500
    assert max(len(sources) for sources in flow.control.values()) == 1


@pytest.mark.parametrize("name", ["argparse", "ast", "asyncio.base_events", "tarfile", "typing"])
def test_real_modules_can_be_analysed(name: str) -> None:
    """Every function of some large modules has a flow whose sets are of its own nodes."""
    specification = importlib.util.find_spec(name)
    assert specification is not None
    assert specification.origin is not None
    for function in ast.walk(ast.parse(Path(specification.origin).read_bytes())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            flow = analyse(function)
            inside = set(ast.walk(function))
            found = frozenset(flow.data).union(flow.choices, flow.returns, *flow.data.values(), *flow.control.values())
            assert found <= inside
