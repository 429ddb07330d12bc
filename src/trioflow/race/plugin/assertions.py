"""The seam with pytest's rewriting of assertions.

PYTEST_DONT_REWRITE

pytest loads test modules, conftest files and plugins through a hook of its own that rewrites their
assertions. Both rewritings must happen in one compilation, and pytest's first: then the messages of
failed assertions show what the user wrote, and not our probes. So whenever pytest's hook finds a
module that is to be instrumented, the loading is taken over, and pytest's `rewrite_asserts` is called
from there. This works whichever of the two hooks is asked first. pytest's cache of compiled tests is
neither read nor written.

These parts of pytest are private. They are looked at before anything is done, and where they are not
as expected nothing is touched: test modules are loaded by pytest alone, and a warning says so.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

import pytest

from trioflow.race.instrument.compilation import AssertionRewriting
from trioflow.race.model.errors import InstrumentationWarning, announce

if TYPE_CHECKING:
    from collections.abc import Callable

    from trioflow.race.instrument.hook import ImportHook


@final
class _Seam:
    """What has been put into pytest's class, and how to take it out."""

    installed: tuple[type[Any], Callable[..., Any], ImportHook] | None = None


def install(hook: ImportHook) -> None:
    """Instrument modules whose assertions pytest rewrites, too."""
    if _Seam.installed is not None:
        return
    problem = _problem()
    if problem is not None:
        announce(
            InstrumentationWarning(
                f"test modules are not instrumented, as this version of pytest is not known: {problem}"
            )
        )
        return
    from _pytest.assertion import rewrite  # noqa: PLC0415

    pytest_hook: Any = rewrite.AssertionRewritingHook
    original: Callable[..., ModuleSpec | None] = pytest_hook.find_spec

    def find_spec(
        self: Any, name: str, path: Sequence[str | bytes] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        pytest_loader: Any = self
        spec = original(self, name, path, target)
        if spec is None or spec.loader is not self or spec.origin is None or not hook.selects(name, spec.origin):
            return spec
        # As its own loader does; it warns about modules that it is asked for too late.
        pytest_loader._rewritten_names[name] = Path(spec.origin)
        hook.take_over(spec, _rewriting_of(pytest_loader, spec.origin))
        return spec

    pytest_hook.find_spec = find_spec
    _Seam.installed = (pytest_hook, original, hook)


def uninstall() -> None:
    """Leave pytest as it was."""
    if _Seam.installed is not None:
        pytest_hook, original, _hook = _Seam.installed
        pytest_hook.find_spec = original
        _Seam.installed = None


def _rewriting_of(pytest_hook: Any, path: str) -> AssertionRewriting:
    from _pytest.assertion import rewrite  # noqa: PLC0415

    def apply(tree: ast.Module, source: bytes) -> None:
        rewrite.rewrite_asserts(tree, source, path, pytest_hook.config)

    reports_passes = bool(pytest_hook.config.getini("enable_assertion_pass_hook"))
    return AssertionRewriting(apply, f"pytest {pytest.__version__} {reports_passes}".encode())


def _problem() -> str | None:
    """Return what is not as expected in pytest, if anything."""
    try:
        from _pytest.assertion import rewrite  # noqa: PLC0415

        parameters = list(inspect.signature(rewrite.rewrite_asserts).parameters)
        if parameters != ["mod", "source", "module_path", "config"]:
            return f"rewrite_asserts takes {', '.join(parameters)}"
        parameters = list(inspect.signature(rewrite.AssertionRewritingHook.find_spec).parameters)
        if parameters != ["self", "name", "path", "target"]:
            return f"AssertionRewritingHook.find_spec takes {', '.join(parameters)}"
        source = inspect.getsource(rewrite.AssertionRewritingHook.__init__)
    except (ImportError, AttributeError, TypeError, ValueError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    missing = [name for name in ("self.config", "self._rewritten_names") if name not in source]
    return f"AssertionRewritingHook has no {missing[0].removeprefix('self.')}" if missing else None
