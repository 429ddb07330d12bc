"""How a run of the detector is configured.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import final

import attrs


class Level(enum.Enum):
    """How much is reported."""

    DEFAULT = "default"
    """Races between tasks are warnings, and those that can't matter are left out."""
    STRICT = "strict"
    """Every race is an error, and nothing is left out."""


@final
@attrs.frozen(kw_only=True)
class Configuration:
    """What to instrument and how to judge what is found."""

    root: Path
    """Modules below this directory are instrumented, virtual environments left out."""
    level: Level = Level.DEFAULT
    packages: tuple[str, ...] = ()
    """Further packages to instrument, by their import names, wherever they are installed."""
    exclude: tuple[str, ...] = ()
    """Modules left alone: import names (with what is below them) or glob patterns of paths relative to the root."""
    cache: bool = True
    """Whether rewritten code is stored in `__pycache__` next to the plain code's."""
