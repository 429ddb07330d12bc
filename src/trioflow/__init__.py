"""Structured concurrency for Trio: a race detector for test suites, and a toolkit.

Importing this package imports nothing else: the detector has to be in place before the toolkit is loaded, or it could
not instrument it, and other projects' pytest runs pay nothing for an installed trioflow.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
