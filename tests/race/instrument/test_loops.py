"""Which loops go on after a checkpoint."""

from __future__ import annotations

import ast
import textwrap

import pytest

from trioflow.race.instrument.loops import comes_back

GOES_ON = [
    "await f()",
    "yield x",
    "if x:\n    await f()",
    "if await f():\n    return",
    "if x:\n    await f()\n    continue\nbreak",
    "while x:\n    await f()",
    "while await f():\n    pass",
    "while True:\n    await f()\n    break",
    "for y in x:\n    pass\nelse:\n    await f()",
    "for y in x:\n    if y:\n        break\n    await f()",
    "async for y in x:\n    pass",
    "async with x:\n    pass",
    "async with x:\n    continue",
    "with suppress(KeyError):\n    await f()\n    return",
    "with trio.CancelScope():\n    await f()\n    break",
    "try:\n    await f()\nexcept KeyError:\n    pass",
    "try:\n    await f()\n    return\nexcept KeyError:\n    pass",
    "try:\n    pass\nfinally:\n    await f()",
    "try:\n    await f()\n    return\nfinally:\n    continue",
    "match x:\n    case 1:\n        await f()",
    "match await f():\n    case _:\n        return",
    "with x:\n    await f()",
    "x = [await f() for y in z]",
]
DOES_NOT = [
    "f()",
    "return await f()",
    "await f()\nbreak",
    "await f()\nraise x",
    "if x:\n    await f()\n    return",
    "if x:\n    continue\nawait f()\nreturn",
    "if await f():\n    return\nelse:\n    break",
    "while True:\n    await f()",
    "async for y in x:\n    return\nbreak",
    "async with x:\n    return",
    "try:\n    await f()\nfinally:\n    return",
    "try:\n    await f()\nexcept KeyError:\n    raise\nelse:\n    return",
    "try:\n    f()\nexcept KeyError:\n    await f()\n    raise",
    "def g():\n    yield 1",
    "async def g():\n    await f()",
    "g = lambda: (yield)",
    "match x:\n    case 1:\n        await f()\n        return",
    "break\nawait f()",
]


def body(source: str) -> list[ast.stmt]:
    module = ast.parse(f"async def f():\n    for x in z:\n{textwrap.indent(source, '        ')}")
    function = module.body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    loop = function.body[0]
    assert isinstance(loop, ast.For)
    return loop.body


@pytest.mark.parametrize("source", GOES_ON)
def test_loop_comes_back_after_a_checkpoint(source: str) -> None:
    """Some way leads through a checkpoint to the next element."""
    assert comes_back(body(source))


@pytest.mark.parametrize("source", DOES_NOT)
def test_loop_does_not_come_back(source: str) -> None:
    """No way does."""
    assert not comes_back(body(source))
