"""Which modules are instrumented.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import Final, final

from trioflow.race.model.configuration import Configuration

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_OWN: Final = ("trioflow.race",)
_TEST_MACHINERY: Final = ("pytest", "_pytest", "pluggy", "attr", "attrs")
"""Instrumented only when asked for: the detector and the run of the tests depend on them."""


@final
class Selection:
    """Decides by the configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._root = os.path.realpath(configuration.root)
        self._packages = configuration.packages
        self._exclude = configuration.exclude
        self._environments: dict[str, bool] = {}

    def includes(self, module: str, path: str) -> bool:
        """Return whether a module is to be instrumented.

        Args:
            module: Its import name.
            path: The file it is loaded from.
        """
        if _is_below(module, _OWN) or (module == "__main__" and _is_own_file(path)):
            return False
        relative = self._relative(path)
        if self._is_excluded(module, relative):
            return False
        if _is_below(module, self._packages):
            return True
        if relative is None or _is_below(module, _TEST_MACHINERY):
            return False
        *directories, _name = relative.parts
        if any(part.startswith(".") or part in _INSTALLED for part in directories):
            return False
        return not self._in_environment(directories)

    def _relative(self, path: str) -> Path | None:
        real = os.path.realpath(path)
        try:
            if os.path.commonpath([real, self._root]) != self._root:
                return None
        except ValueError:
            # On another drive.
            return None
        return Path(os.path.relpath(real, self._root))

    def _is_excluded(self, module: str, relative: Path | None) -> bool:
        if _is_below(module, self._exclude):
            return True
        if relative is None:
            return False
        paths = [relative.as_posix(), *(parent.as_posix() for parent in relative.parents)]
        return any(fnmatch.fnmatchcase(path, pattern.rstrip("/")) for path in paths for pattern in self._exclude)

    def _in_environment(self, directories: list[str]) -> bool:
        path = self._root
        for directory in directories:
            path = os.path.join(path, directory)
            known = self._environments.get(path)
            if known is None:
                known = self._environments[path] = os.path.exists(os.path.join(path, "pyvenv.cfg"))
            if known:
                return True
        return False


def _is_below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def _is_own_file(path: str) -> bool:
    own = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    return os.path.realpath(path).startswith(own + os.sep)
