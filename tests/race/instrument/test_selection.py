"""Which modules are instrumented."""

from __future__ import annotations

from pathlib import Path

import pytest

from trioflow.race.instrument.selection import Selection
from trioflow.race.model.configuration import Configuration


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "environment" / "lib").mkdir(parents=True)
    (tmp_path / "environment" / "pyvenv.cfg").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("module", "path", "selected"),
    [
        ("shop.stock", "src/shop/stock.py", True),
        ("test_shop", "tests/test_shop.py", True),
        ("conftest", "conftest.py", True),
        ("other", "environment/lib/other.py", False),
        ("other", "lib/site-packages/other.py", False),
        ("other", "lib/dist-packages/other.py", False),
        ("other", ".nox/tests/other.py", False),
        ("trioflow.race.model.sites", "src/trioflow/race/model/sites.py", False),
        ("trioflow.channels", "src/trioflow/channels/__init__.py", True),
        ("_pytest.main", "src/_pytest/main.py", False),
    ],
)
def test_what_lies_below_the_root_is_selected(root: Path, module: str, path: str, selected: bool) -> None:
    """All but environments, installed packages, hidden directories and the detector's own parts."""
    assert Selection(Configuration(root=root)).includes(module, str(root / path)) is selected


def test_what_lies_elsewhere_is_selected_by_name_only(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package that was asked for, with what is below it, wherever it is installed."""
    elsewhere = tmp_path_factory.mktemp("site-packages") / "client" / "pool.py"
    assert not Selection(Configuration(root=root)).includes("client.pool", str(elsewhere))
    selection = Selection(Configuration(root=root, packages=("client",)))
    assert selection.includes("client.pool", str(elsewhere))
    assert not selection.includes("clients", str(elsewhere))


@pytest.mark.parametrize("pattern", ["shop.stock", "shop", "src/shop/*.py", "src/*", "src", "src/shop/"])
def test_exclusions_are_names_or_patterns(root: Path, pattern: str) -> None:
    """An import name with what is below it, or a pattern of paths relative to the root."""
    selection = Selection(Configuration(root=root, exclude=(pattern,)))
    assert not selection.includes("shop.stock", str(root / "src/shop/stock.py"))
    assert selection.includes("tests.test_shop", str(root / "tests/test_shop.py"))


def test_an_excluded_package_wins_over_one_that_was_asked_for(root: Path) -> None:
    """Narrowing comes last."""
    selection = Selection(Configuration(root=root, packages=("client",), exclude=("client.vendored",)))
    assert not selection.includes("client.vendored.six", "/usr/lib/client/vendored/six.py")
    assert selection.includes("client.pool", "/usr/lib/client/pool.py")
