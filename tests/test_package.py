"""The package as a whole."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata


def test_package_imports_nothing() -> None:
    """Importing trioflow loads neither Trio nor the detector nor the toolkit."""
    program = "import sys; old = set(sys.modules); import trioflow; print(set(sys.modules) - old - {'__future__'})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'trioflow'}"


def test_version_is_the_distribution_s() -> None:
    """The version stands in one place."""
    import trioflow

    assert trioflow.__version__ == metadata.version("trioflow")
