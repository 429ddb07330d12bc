"""The import hook: modules are rewritten while they are imported.

PYTEST_DONT_REWRITE

A finder in front of all others asks the others for the module, and if it is one to instrument and
loaded by the interpreter's own loader for source files, puts a loader in its place that differs in
one thing: where the code comes from. All else (`__spec__`, `__file__`, `__cached__`, the source for
`inspect`, resources) is inherited. What comes from elsewhere (archives, extension modules, namespace
packages, loaders of other hooks) is left to whoever loads it.

Where a module can't be rewritten the loader does what it would have done without us, so an error in
the source is raised as ever.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, final

import attrs

from trioflow.race.instrument.compilation import AssertionRewriting, InvalidSourceError, compiled
from trioflow.race.instrument.nodes import PROBES, TOKEN
from trioflow.race.instrument.selection import Selection
from trioflow.race.model.configuration import Configuration
from trioflow.race.model.errors import ConfigurationError, InstrumentationError, InstrumentationWarning, announce
from trioflow.race.model.sites import ModuleTable

TableReceiver = Callable[[ModuleTable], None]


@final
@attrs.frozen
class InstrumentedModule:
    """A module that has been rewritten."""

    name: str
    path: str
    functions: int


class _Rewriting(threading.local):
    """Whether this thread is rewriting a module."""

    active: bool = False


rewriting = _Rewriting()


def _through(value: Any = None, *_: Any) -> Any:
    """Stand in for a probe that nobody has installed."""
    return value


def _visible(names: dict[str, Any]) -> dict[str, Any]:
    """Hide what the rewriter puts among the variables of a function."""
    if not any(name.startswith(TOKEN) for name in names):
        return names
    return {name: value for name, value in names.items() if not name.startswith(TOKEN)}


@final
class ImportHook:
    """Instruments what is imported while it is installed.

    Args:
        configuration: What to instrument.
        receive: Called with the table of each module before its code runs.
    """

    def __init__(self, configuration: Configuration, receive: TableReceiver) -> None:
        self._configuration = configuration
        self._receive = receive
        self._selection = Selection(configuration)
        self._finder = _Finder(self)
        self._modules: dict[str, InstrumentedModule] = {}
        self._left_alone: set[str] = set()

    def install(self) -> None:
        """Start to instrument.

        Raises:
            ConfigurationError: A package that was asked for does not exist.
            InstrumentationError: Another hook is installed.
        """
        if self._finder in sys.meta_path:
            return
        if any(isinstance(finder, _Finder) for finder in sys.meta_path):
            raise InstrumentationError("another race detector is installed in this process; uninstall it first")
        for package in self._configuration.packages:
            _check_exists(package)
        builtins.__dict__["@locals"] = _visible
        for name in PROBES:
            builtins.__dict__.setdefault("@" + name, _through)
        sys.meta_path.insert(0, self._finder)

    def uninstall(self) -> None:
        """Stop to instrument; modules that have been rewritten stay so."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def instrumented(self) -> list[InstrumentedModule]:
        """Return the modules that have been rewritten so far."""
        return list(self._modules.values())

    def missed(self) -> list[str]:
        """Return modules that should have been instrumented and were imported before the hook was there."""
        found: list[str] = []
        everything: dict[str, object] = dict(sys.modules)  # some put other things than modules there
        for name, module in everything.items():
            if name in self._modules or name in self._left_alone or not isinstance(module, ModuleType):
                continue
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.endswith(".py") and self._selection.includes(name, path):
                found.append(name)
        return sorted(found)

    def selects(self, module: str, path: str) -> bool:
        """Return whether a module is to be instrumented."""
        return self._selection.includes(module, path)

    def take_over(self, spec: ModuleSpec, assertions: AssertionRewriting | None) -> None:
        """Let a module be instrumented when it is loaded.

        Args:
            spec: How it would be loaded without us.
            assertions: What pytest does to it first, if anything.
        """
        if spec.origin is not None:
            spec.loader = InstrumentingLoader(spec, spec.origin, self, assertions)

    def code_of(self, module: str, path: str, source: bytes, assertions: AssertionRewriting | None) -> CodeType | None:
        """Return the rewritten code of a module; None, after a warning, where it can't be rewritten."""
        rewriting.active = True
        try:
            code, table = compiled(
                source, module=module, path=path, assertions=assertions, use_cache=self._configuration.cache
            )
        except InvalidSourceError:
            # Whoever loads it now raises the error that it would have raised without us.
            self._left_alone.add(module)
            return None
        except InstrumentationError as error:
            self._left_alone.add(module)
            announce(InstrumentationWarning(f"{module} is not instrumented, as {path} can't be rewritten: {error}"))
            return None
        finally:
            rewriting.active = False
        self._receive(table)
        self._modules[module] = InstrumentedModule(module, path, table.function_count)
        return code


@final
class _Finder(MetaPathFinder):
    """Asks the finders behind it, and takes over the loading of what is to be instrumented."""

    def __init__(self, hook: ImportHook) -> None:
        self._hook = hook

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = self._ask_others(fullname, path, target)
        if spec is None or spec.loader is None or not spec.has_location or spec.origin is None:
            return spec
        if rewriting.active:
            return spec  # what the rewriter itself needs, which would have to be rewritten first
        if not spec.origin.endswith(".py") or not self._hook.selects(fullname, spec.origin):
            return spec
        if type(spec.loader) is SourceFileLoader:
            self._hook.take_over(spec, None)
        return spec

    def _ask_others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is self:
                continue
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Do nothing: the finders behind are asked anew each time."""


@final
class InstrumentingLoader(SourceFileLoader):
    """Loads a source file as its base class does, but for the code.

    The frames of `exec_module` in the base class are left out of tracebacks by the interpreter, as
    this one's would not be. So `exec_module` is inherited, and all is done in what is called around it.
    """

    def __init__(self, spec: ModuleSpec, path: str, hook: ImportHook, assertions: AssertionRewriting | None) -> None:
        super().__init__(spec.name, path)
        self._spec = spec
        self._plain = spec.loader
        self._hook = hook
        self._assertions = assertions
        self._code: CodeType | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Get the code ready, or hand the module back to the loader that it would have had without us."""
        self._code = self._rewritten(spec.name)
        if self._code is None:
            spec.loader = self._plain
        return None

    def get_code(self, fullname: str) -> CodeType | None:
        """Return rewritten code, or plain code where the module can't be rewritten."""
        code, self._code = self._code or self._rewritten(fullname), None
        if code is None:
            return super().get_code(fullname)
        module = sys.modules.get(fullname)
        if module is not None and module.__spec__ is self._spec and self._plain is not None:
            # Now the module is as it would be without us; pytest looks at who loaded it.
            self._spec.loader = module.__loader__ = self._plain
        return code

    def _rewritten(self, fullname: str) -> CodeType | None:
        try:
            source = self.get_data(self.path)
        except OSError:
            return None
        return self._hook.code_of(fullname, self.path, source, self._assertions)


def _check_exists(package: str) -> None:
    try:
        found = package in sys.modules or importlib.util.find_spec(package) is not None
    except (ImportError, ValueError, AttributeError):
        found = False
    if not found:
        raise ConfigurationError(
            f"there is no package {package!r} to instrument; give an import name that can be imported"
        )
