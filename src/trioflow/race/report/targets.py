"""Where reports are written, as `--race-report=FORMAT[:PATH]` says it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import final

import attrs

from trioflow.race.model.errors import ConfigurationError
from trioflow.race.report import json, text
from trioflow.race.report.document import Report

_FORMATS = ("json", "text")


@final
@attrs.frozen
class Target:
    """One report to be written: its format, and the file; without a file it goes to the terminal."""

    format: str
    path: Path | None

    def write(self, report: Report) -> None:
        """Writes the report to the file, so that a reader finds the whole of it or the one before."""
        if self.path is None:
            return
        content = json.dump(report) if self.format == "json" else as_text(report)
        # A temporary file in the same folder: only within one file system is the replacement atomic.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
            # mkstemp makes files that only their owner may read, which a report need not be.
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise


def parse_target(value: str, option: str, folder: Path) -> Target:
    """Returns the target that an option's value names, with its folder made.

    Args:
        value: Such as `json:races.json`.
        option: The option's name, for the message.
        folder: What a relative path is relative to.

    Raises:
        ConfigurationError: The format does not exist, a path is missing, or nothing can be written there.
    """
    name, colon, path_text = value.strip().partition(":")
    if name not in _FORMATS:
        raise ConfigurationError(
            f"the format {name!r} in {option}={value} does not exist: use json:PATH, text:PATH or text"
        )
    if not path_text:
        if name == "json" or colon:
            raise ConfigurationError(f"{option}={value} names no file: write {option}={name}:PATH")
        return Target(name, None)
    path = folder / path_text
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the report in {option}={value} can't be written: its folder can't be made ({error})"
        ) from error
    if path.is_dir():
        raise ConfigurationError(f"the report in {option}={value} can't be written: {path} is a folder")
    if not os.access(path.parent, os.W_OK):
        raise ConfigurationError(f"the report in {option}={value} can't be written: {path.parent} is read-only")
    return Target(name, path)


def as_text(report: Report) -> str:
    """Returns the reports of all findings, errors first, as the text of a file."""
    findings = (*report.errors(), *report.warnings())
    return "".join(f"{text.render(finding, report.root)}\n\n" for finding in findings)


def _umask() -> int:
    # There is no way to read the mask but to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
