"""Replacing attributes of other people's classes and modules, and putting them back.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, cast, final

from trioflow.race import _trio
from trioflow.race.shadow import faults

_ABSENT = object()


class Observer(Protocol):
    """What is done around a call; each part gets what the one before it noted."""

    def before(self, *arguments: Any, **options: Any) -> Any:
        """Look at the state before the call, and note what is needed later."""

    def after(self, note: Any, result: Any) -> None:
        """The call has returned `result`."""

    def failed(self, note: Any, error: BaseException) -> None:
        """The call has raised `error`."""


class Watch:
    """An observer that does nothing; those that do something inherit from it."""

    def before(self, *arguments: Any, **options: Any) -> Any:
        """Note nothing."""

    def after(self, note: Any, result: Any) -> None:
        """Do nothing."""

    def failed(self, note: Any, error: BaseException) -> None:
        """Do nothing."""


def watched(original: Callable[..., Any], observer: Observer) -> Callable[..., Any]:
    """`original` with `observer` around each call, whose own errors stay inside."""
    where = f"{original.__module__}.{original.__qualname__}"

    @functools.wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        note = None
        try:
            note = observer.before(*arguments, **options)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        try:
            result = original(*arguments, **options)
        except BaseException as error:
            try:
                observer.failed(note, error)
            except Exception as own:  # noqa: BLE001
                faults.report(where, own)
            raise
        try:
            observer.after(note, result)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        return result

    return call


def watched_and_protected(original: Callable[..., Any], observer: Observer) -> Callable[..., Any]:
    """The same for a method that KeyboardInterrupt must not interrupt.

    Trio marks the code object, which all functions made in one place share: so this is made in another
    place than those that are not protected.
    """
    where = f"{original.__module__}.{original.__qualname__}"

    @functools.wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        note = None
        try:
            note = observer.before(*arguments, **options)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        try:
            result = original(*arguments, **options)
        except BaseException as error:
            try:
                observer.failed(note, error)
            except Exception as own:  # noqa: BLE001
                faults.report(where, own)
            raise
        try:
            observer.after(note, result)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        return result

    return _trio.protected(call)


@final
class Patches:
    """The attributes that were replaced, with what was there before."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, object]] = []

    def replace(self, owner: Any, name: str, value: object) -> None:
        """Put `value` in the place of an attribute."""
        own = cast("dict[str, object]", vars(owner))
        self._undo.append((owner, name, own.get(name, _ABSENT)))
        setattr(owner, name, value)

    def watch(self, owner: Any, name: str, observer: Observer, *, protect: bool = False) -> None:
        """Put an observer around a function or method.

        Args:
            owner: The class or module.
            name: The attribute.
            observer: What is done around each call.
            protect: Whether the original is protected from KeyboardInterrupt.
        """
        original = getattr(owner, name)
        self.replace(owner, name, (watched_and_protected if protect else watched)(original, observer))

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._undo:
            owner, name, value = self._undo.pop()
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
