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
    """`original` with `observer` around each call, whose own errors stay inside.

    What is called in most steps is not watched in this way: a wrapper with the very signature, written for what it
    has to do, costs half of it.
    """
    where = where_of(original)
    before, after, failed = observer.before, observer.after, observer.failed

    @functools.wraps(original)
    def call_after(*arguments: Any, **options: Any) -> Any:
        try:
            before(*arguments, **options)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        return original(*arguments, **options)

    @functools.wraps(original)
    def call_between(*arguments: Any, **options: Any) -> Any:
        note = None
        try:
            note = before(*arguments, **options)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        try:
            result = original(*arguments, **options)
        except BaseException as error:
            try:
                failed(note, error)
            except Exception as own:  # noqa: BLE001
                faults.report(where, own)
            raise
        try:
            after(note, result)
        except Exception as error:  # noqa: BLE001
            faults.report(where, error)
        return result

    kind = type(observer)
    looks_back = getattr(kind, "after", None) is not Watch.after or getattr(kind, "failed", None) is not Watch.failed
    return call_between if looks_back else call_after


def where_of(original: Callable[..., Any]) -> str:
    """What a function is called where something fails around it."""
    # What is written in C need not have a module.
    return f"{getattr(original, '__module__', '')}.{original.__qualname__}"


def _protected(function: Any) -> Any:
    """`function`, for something that KeyboardInterrupt must not interrupt.

    Trio marks the code object, which all functions made in one place share: so this one gets its own.
    """
    function.__code__ = function.__code__.replace()
    return _trio.protected(function)


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

    def wrap(
        self, owner: Any, name: str, wrapper: Callable[[Any], Callable[..., Any]], *, protect: bool = False
    ) -> None:
        """Put a function in the place of another, made by `wrapper` from what it replaces.

        Args:
            owner: The class or module.
            name: The attribute.
            wrapper: Makes the replacement.
            protect: Whether the original is protected from KeyboardInterrupt.
        """
        original = getattr(owner, name)
        replacement = functools.wraps(original)(wrapper(original))
        self.replace(owner, name, _protected(replacement) if protect else replacement)

    def watch(self, owner: Any, name: str, observer: Observer, *, protect: bool = False) -> None:
        """Put an observer around a function or method.

        Args:
            owner: The class or module.
            name: The attribute.
            observer: What is done around each call.
            protect: Whether the original is protected from KeyboardInterrupt.
        """
        replacement = watched(getattr(owner, name), observer)
        self.replace(owner, name, _protected(replacement) if protect else replacement)

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._undo:
            owner, name, value = self._undo.pop()
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
