"""Modules whose assertions pytest rewrites are instrumented, too, and messages stay as they were."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CONFTEST = """
import sys
from pathlib import Path

from trioflow.race.plugin import assertions
from trioflow.race.instrument.hook import ImportHook
from trioflow.race.model.configuration import Configuration

root = Path(__file__).parent
tables = []
hook = ImportHook(Configuration(root=root), tables.append)
hook.install()
if {behind}:
    # As if pytest's own hook had been put in front later.
    sys.meta_path.append(sys.meta_path.pop(0))
assertions.install(hook)

def pytest_unconfigure():
    assertions.uninstall()
    hook.uninstall()
    names = sorted(table.module for table in tables)
    root.joinpath("instrumented.txt").write_text(" ".join(names), encoding="utf-8")
"""

TESTS = """
import pytest
import helper
import support

class Thing:
    def __init__(self): self.items, self.n, self.by_name = [1, 2], 3, {"a": 1}
    def get(self, key): return self.by_name.get(key)
    async def later(self): return self.n

def test_attribute(): assert Thing().n == helper.four()
def test_item():
    thing = Thing()
    assert thing.by_name["a"] == thing.items[1]
def test_member():
    thing, key = Thing(), 5
    assert key in thing.items and thing.n
def test_call(): assert Thing().get("b"), f"{Thing().n} is there"
def test_len():
    thing = Thing()
    assert not len(thing.items) == 2
def test_all():
    thing = Thing()
    assert all(each.bit_length() for each in thing.items) is thing.n
def test_walrus():
    thing = Thing()
    assert (n := thing.n) == 4 or n > 5
def test_support(): support.check(Thing())
def test_fine():
    thing = Thing()
    assert thing.n == 3 and 1 in thing.items and not thing.by_name.get("z")
    with pytest.raises(AssertionError, match="no"):
        assert thing is None, "no"
"""


def failures(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """Run the tests in a process of their own; return what the report says of failures."""
    result = pytester.runpytest_subprocess("-p", "no:trioflow", "-vv", "-p", "no:cacheprovider", *arguments)
    return [
        re.sub(r"0x[0-9a-f]+|in \d+\.\d+s", "", line)
        for line in result.outlines
        if line.startswith(("E ", ">", "FAILED", "=", "test_", "support.py")) and "platform" not in line
    ]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    pytester.makepyfile(
        test_things=TESTS,
        helper="def four(): return [4].pop()",
        support="def check(thing):\n    assert thing.items == [thing.n]\n",
    )
    pytester.makeini("[pytest]\npython_files = test_*.py support.py\n")
    return pytester


def instrumented(project: pytest.Pytester) -> list[str]:
    return (project.path / "instrumented.txt").read_text(encoding="utf-8").split()


@pytest.mark.slow
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("arguments", [(), ("--import-mode=importlib",), ("--assert=plain",)], ids=str)
def test_messages_of_assertions_are_as_without_instrumentation(
    project: pytest.Pytester, behind: bool, arguments: tuple[str, ...]
) -> None:
    """Whichever hook is asked first, and however modules are imported."""
    if "--import-mode=importlib" in arguments:
        project.syspathinsert()
    plain = failures(project, *arguments)
    assert any("8 failed, 1 passed" in line for line in plain)
    project.makeconftest(CONFTEST.replace("{behind}", str(behind)))
    assert failures(project, *arguments) == plain
    names = instrumented(project)
    expected = ["support", "test_things"] if behind else ["helper", "support", "test_things"]
    assert names == ([] if behind and "--assert=plain" in arguments else expected)
    # From the cache.
    assert failures(project, *arguments) == plain
    assert instrumented(project) == names


@pytest.mark.slow
def test_caches_of_pytest_and_of_instrumentation_do_not_mix(project: pytest.Pytester) -> None:
    """Each finds its own code after the other has run."""
    plain = failures(project)
    cache = project.path / "__pycache__"
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    project.makeconftest(CONFTEST.replace("{behind}", "False"))
    assert failures(project) == plain
    assert failures(project, "--assert=plain") != plain
    assert failures(project) == plain
    after = {path.name: path.read_bytes() for path in cache.iterdir()}
    assert before == {name: content for name, content in after.items() if name in before}
    assert any("trioflow" in name for name in after)
    Path(project.path / "conftest.py").unlink()
    assert failures(project) == plain


@pytest.mark.slow
def test_an_unknown_pytest_leaves_test_modules_alone(project: pytest.Pytester) -> None:
    """A warning says what is not as expected; the tests run as ever."""
    plain = failures(project)
    project.makeconftest(
        "from _pytest.assertion import rewrite\noriginal = rewrite.rewrite_asserts\n"
        "rewrite.rewrite_asserts = lambda mod, source, more=1: original(mod, source)\n"
        + CONFTEST.replace("{behind}", "False").replace(
            "assertions.install(hook)",
            "import warnings\nwith warnings.catch_warnings(record=True) as found:\n"
            "    warnings.simplefilter('always')\n    assertions.install(hook)\n"
            "assert 'rewrite_asserts takes mod, source, more' in str(found[0].message)\n"
            "rewrite.rewrite_asserts = original",
        )
    )
    assert failures(project) == plain
    assert instrumented(project) == ["helper"]
