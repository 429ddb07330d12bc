"""Places in source code, as a report shows them.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import linecache
import os
from pathlib import Path

from trioflow.race.model.findings import Access, Location


def relative(path: str, root: Path) -> str:
    """Returns a path as seen from the root, or the path itself where it lies elsewhere."""
    prefix = _prefix(root)
    return path.removeprefix(prefix)


def place(location: Location, root: Path) -> str:
    """Returns `path:line:column`, which terminals and editors make clickable."""
    return f"{relative(location.path, root)}:{location.line}:{location.column}"


def with_relative_paths(text: str, root: Path) -> str:
    """Returns a sentence in which paths below the root are shown as seen from there."""
    return text.replace(_prefix(root), "")


def source_line(access: Access) -> str:
    """Returns the line of source code in which an access stands, without its indentation."""
    if access.source:
        return access.source
    return linecache.getline(access.location.path, access.location.line).strip()


def _prefix(root: Path) -> str:
    text = str(root)
    return text if text.endswith(os.sep) else text + os.sep
