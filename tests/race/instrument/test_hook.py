"""The import hook and its cache, with modules in files."""

from __future__ import annotations

import importlib
import importlib.resources
import importlib.util
import inspect
import os
import runpy
import sys
import traceback
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trioflow.race.instrument import cache
from trioflow.race.instrument.hook import ImportHook
from trioflow.race.model.configuration import Configuration
from trioflow.race.model.errors import ConfigurationError, InstrumentationError, InstrumentationWarning
from trioflow.race.model.sites import ModuleTable

SOURCE = '''\
"""Documentation."""

class Stock:
    def take(self, amount):
        self.level -= amount
        return self.level
'''


class Project:
    """A directory with modules, and a hook that instruments them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables: list[ModuleTable] = []
        self.hook = self.new_hook()

    def new_hook(self, **configuration: Any) -> ImportHook:
        return ImportHook(Configuration(root=self.root, **configuration), self.tables.append)

    def write(self, name: str, source: str = SOURCE) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return path

    def load(self, name: str) -> ModuleType:
        sys.modules.pop(name, None)
        return importlib.import_module(name)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probe_events: list[tuple[str, int]]) -> Iterator[Project]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project = Project(tmp_path)
    # Other hooks of this process, if it runs under the detector itself, are out of the way meanwhile.
    monkeypatch.setattr(sys, "meta_path", [each for each in sys.meta_path if "trioflow" not in type(each).__module__])
    yield project
    project.hook.uninstall()
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_modules_are_rewritten_while_they_are_imported(project: Project, probe_events: list[tuple[str, int]]) -> None:
    """What is imported after the hook tells what it does, and the table of its sites has been handed over."""
    path = project.write("stock.py")
    project.hook.install()
    stock = project.load("stock").Stock()
    stock.level = 3
    assert stock.take(1) == 2
    (table,) = project.tables
    assert (table.module, table.path, table.function_count) == ("stock", str(path), 1)
    assert [number for _name, number in probe_events] == [site.number for site in table.sites]
    (module,) = project.hook.instrumented()
    assert (module.name, module.path, module.functions) == ("stock", str(path), 1)


def test_a_module_looks_as_it_would_without_the_hook(project: Project) -> None:
    """Its specification, loader, source, paths, resources and documentation."""
    project.write("shop/__init__.py", SOURCE)
    project.write("shop/data.txt", "data")

    def look() -> dict[str, Any]:
        shop = project.load("shop")
        spec = shop.__spec__
        assert spec is not None
        return {
            "spec": (spec.name, spec.origin, spec.cached, spec.parent, spec.submodule_search_locations),
            "loader": (type(spec.loader), type(shop.__loader__)),
            "module": {name: value for name, value in vars(shop).items() if isinstance(value, str)},
            "names": sorted(vars(shop)),
            "source": (inspect.getsource(shop.Stock), inspect.getsourcefile(shop.Stock)),
            "resource": importlib.resources.files("shop").joinpath("data.txt").read_text(encoding="utf-8"),
            "line": shop.Stock.take.__code__.co_firstlineno,
        }

    plain = look()
    project.hook.install()
    assert look() == plain
    assert len(project.tables) == 1


def test_the_second_import_comes_from_the_cache_under_a_tag_of_its_own(project: Project) -> None:
    """Plain code and rewritten code lie side by side, and neither is taken for the other."""
    path = project.write("stock.py")
    project.load("stock")
    plain = Path(importlib.util.cache_from_source(str(path)))
    before = plain.read_bytes()
    project.hook.install()
    project.load("stock")
    cached = Path(cache.cache_path(str(path)))
    made = cached.stat().st_mtime_ns, cached.stat().st_ino
    project.load("stock")
    first, second = project.tables
    assert (cached.stat().st_mtime_ns, cached.stat().st_ino) == made
    assert plain.read_bytes() == before
    assert sorted(file.name for file in plain.parent.iterdir()) == sorted([plain.name, cached.name])
    assert [cache._table_to(table) for table in (first, second)] == [cache._table_to(first)] * 2
    project.hook.uninstall()
    assert "@read" not in project.load("stock").Stock.take.__code__.co_names


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_cached_module_that_does_not_fit_is_made_anew(project: Project, damage: bytes | None) -> None:
    """A changed source of the same size and time, or a damaged file, is never used."""
    path = project.write("stock.py", "def value(): return [1].copy()")
    project.hook.install()
    assert project.load("stock").value() == [1]
    cached = Path(cache.cache_path(str(path)))
    if damage is None:
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        project.write("stock.py", "def value(): return [2].copy()")
        os.utime(path, ns=times)
        assert project.load("stock").value() == [2]
    else:
        cached.write_bytes(damage)
        assert project.load("stock").value() == [1]
        assert cached.read_bytes() != damage


def test_nothing_is_written_where_bytecode_is_not_wanted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`PYTHONDONTWRITEBYTECODE`, or the configuration, or a directory that can't be made."""
    path = project.write("stock.py")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    project.hook.install()
    project.load("stock")
    project.hook.uninstall()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    other = project.new_hook(cache=False)
    other.install()
    project.load("stock")
    other.uninstall()
    assert not Path(cache.cache_path(str(path))).exists()
    # A file where the directory would be: as with one that is read-only, whoever runs the test.
    project.root.joinpath("__pycache__").rmdir() if project.root.joinpath("__pycache__").exists() else None
    project.root.joinpath("__pycache__").write_text("", encoding="utf-8")
    project.hook.install()
    assert project.load("stock").Stock
    assert len(project.tables) == 3


def test_a_module_that_can_not_be_rewritten_is_left_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning names it and says why."""
    project.write("stock.py")

    def fail(*_: object, **__: object) -> None:
        raise KeyError("an odd statement")

    monkeypatch.setattr("trioflow.race.instrument.rewriter.rewrite", fail)
    project.hook.install()
    with pytest.warns(InstrumentationWarning, match=r"stock is not instrumented.*stock\.py.*an odd statement") as found:
        stock = project.load("stock")
    assert len(found) == 1
    assert "@read" not in stock.Stock.take.__code__.co_names
    assert project.tables == []
    assert project.hook.instrumented() == []


@pytest.mark.filterwarnings("error")
def test_a_module_that_can_not_be_rewritten_is_loaded_where_warnings_are_errors(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The import succeeds, and the text goes to the standard error."""
    project.write("stock.py")

    def fail(*_: object, **__: object) -> None:
        raise KeyError("an odd statement")

    monkeypatch.setattr("trioflow.race.instrument.rewriter.rewrite", fail)
    project.hook.install()
    assert project.load("stock").Stock is not None
    assert "stock is not instrumented" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["def f(:\n", "return 1\n", "def f():\n    nonlocal x\n", "x = '\\0'\0\n"])
def test_errors_in_the_source_are_raised_as_without_the_hook(project: Project, source: str) -> None:
    """The same exception, without a warning, and without frames of ours."""
    project.write("broken.py", source)

    def error() -> tuple[Any, ...]:
        with pytest.raises(Exception, match=r".") as raised:
            project.load("broken")
        return raised.type, str(raised.value), len(traceback.extract_tb(raised.tb))

    plain = error()
    project.hook.install()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert error() == plain


def test_errors_of_a_module_show_no_frames_of_the_hook(project: Project) -> None:
    """The import system's frames are left out of tracebacks, and so must be ours."""
    project.write("failing.py", "def fail(): raise OSError\nfail()\n")

    def frames() -> list[tuple[str, int | None]]:
        with pytest.raises(OSError) as raised:  # noqa: PT011
            project.load("failing")
        return [(frame.filename, frame.lineno) for frame in traceback.extract_tb(raised.tb)]

    plain = frames()
    project.hook.install()
    assert frames() == plain


def test_what_is_no_plain_source_file_is_left_alone(project: Project) -> None:
    """Archives and namespace packages are imported by whoever imports them."""
    with zipfile.ZipFile(project.root / "archive.zip", "w") as archive:
        archive.writestr("zipped.py", SOURCE)
    project.write("space/inner.py")
    sys.path.insert(0, str(project.root / "archive.zip"))
    project.hook.install()
    try:
        assert project.load("zipped").Stock
        assert project.load("space").__spec__.loader is not None  # type: ignore[union-attr]
    finally:
        sys.path.remove(str(project.root / "archive.zip"))
    assert project.tables == []
    assert project.load("space.inner").Stock
    assert len(project.tables) == 1


def test_reloading_rewrites_again(project: Project) -> None:
    """`importlib.reload` goes the same way as the first import."""
    project.write("stock.py", "def value(): return [1].copy()")
    project.hook.install()
    stock = project.load("stock")
    project.write("stock.py", "def value(x): return x.two")
    importlib.reload(stock)
    assert "@read" in stock.value.__code__.co_names


def test_a_module_can_be_run_by_name(project: Project) -> None:
    """As `python -m` does."""
    project.write("program.py", "class C: pass\ndef f(c): return c.v\nC.v = 5\nresult = f(C)\nname = __name__\n")
    project.hook.install()
    found = runpy.run_module("program", run_name="__main__")
    assert (found["result"], found["name"]) == (5, "__main__")


def test_what_came_before_the_hook_is_listed(project: Project) -> None:
    """These modules should have been instrumented and are not."""
    project.write("early.py")
    project.load("early")
    project.write("late.py")
    project.hook.install()
    project.load("late")
    assert [name for name in project.hook.missed() if name in {"early", "late"}] == ["early"]


def test_installing_is_idempotent_and_a_second_hook_is_refused(project: Project) -> None:
    """Two detectors in one process would count everything twice."""
    before = list(sys.meta_path)
    project.hook.install()
    project.hook.install()
    assert len(sys.meta_path) == len(before) + 1
    with pytest.raises(InstrumentationError, match="another race detector is installed"):
        project.new_hook().install()
    project.hook.uninstall()
    project.hook.uninstall()
    assert sys.meta_path == before


def test_a_package_that_does_not_exist_is_an_error(project: Project) -> None:
    """Else the run would look clean."""
    with pytest.raises(ConfigurationError, match="there is no package 'missing_package'"):
        project.new_hook(packages=("missing_package",)).install()


@pytest.mark.filterwarnings("ignore:.*is not instrumented")
@pytest.mark.parametrize(
    "source",
    [
        b"# -*- coding: latin-1 -*-\ndef f(x): return x.a, '\xe9'\n",
        b"\x0c\ndef f(x):\n\x0c\n    return x.a\n",
        b"def f(x): return " + b"[" * 90 + b"x.a" + b"]" * 90,
        b"def f(x): return " + b" + ".join([b"x.a"] * 1000),
        b"def f(x): return x" + b".me" * 1000 + b".a",
        b"def f(x): return x" + b".me" * 5000 + b".a",
    ],
    ids=["latin-1", "form-feeds", "nested", "many-operators", "long-chain", "too-long-a-chain"],
)
def test_unusual_sources_do_what_they_did(project: Project, source: bytes) -> None:
    """Other encodings, and nesting that may be too deep for the rewriter or for the interpreter itself."""
    project.root.joinpath("odd.py").write_bytes(source)

    class Thing:
        a = 1
        me = property(lambda self: self)

    def outcome() -> object:
        try:
            return project.load("odd").f(Thing())
        except RecursionError as error:
            return str(error)

    plain = outcome()
    project.hook.install()
    assert outcome() == plain
