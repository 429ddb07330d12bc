"""What can go wrong in the detector itself.

PYTEST_DONT_REWRITE

    RaceError
    ├── ConfigurationError      an option or a setting that can't be used
    ├── InstrumentationError    a module that can't be rewritten
    └── UnsupportedTrioError    a version of Trio that lacks what the detector needs
    InstrumentationWarning      a module that was left as it was
    InternalWarning             an error in the detector itself, which missed something
"""

from __future__ import annotations

import sys
import warnings


class RaceError(Exception):
    """The base class of the detector's errors."""


class ConfigurationError(RaceError):
    """An option or a setting can't be used; the text says what is allowed."""


class InstrumentationError(RaceError):
    """A module can't be rewritten."""


class UnsupportedTrioError(RaceError):
    """The installed Trio lacks something the detector relies on."""


class InstrumentationWarning(UserWarning):
    """A module was left as it was, or could not be instrumented as asked."""


class InternalWarning(UserWarning):
    """The detector failed at something and may have missed a defect; the program was not affected."""


def announce(warning: UserWarning) -> None:
    """Warn of something that must not change what the program under test does.

    Where warnings are errors, the text goes to the standard error instead.
    """
    try:
        warnings.warn(warning, stacklevel=3)
    except type(warning):
        sys.stderr.write(f"{type(warning).__name__}: {warning}\n")
