"""What the garbage collector sees of the shadows: nothing.

PYTEST_DONT_REWRITE

A container allows no weak references, so its shadow holds it. A cycle through it would then never be
collected, and who asks for the referrers of an object would be shown a list that is long forgotten but
for its shadow. Therefore all shadows let go when the collector goes through everything there is, and
take up again what is still there afterwards. To find that, all objects are looked through once more;
that is what the collector has just done, too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, final

from trioflow.race.shadow import faults
from trioflow.race.shadow.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from trioflow.race.shadow.identity import ObjectShadow, Shadows

_OLDEST = 2
"""The generation that is collected by `gc.collect()`, and now and then by itself."""


@final
class _Preceded:
    """A built-in function, before each call of which something is done.

    A wrapper would not do: while it runs, the frame of its caller counts as suspended, and so refers to the objects
    that are asked for. Here everything of Python's is over when the function is called.
    """

    def __init__(self, original: Callable[..., Any], before: Callable[[], None]) -> None:
        self.__wrapped__ = original
        self.__doc__ = original.__doc__
        self.__name__ = original.__name__
        self.__self__ = gc
        self._before = before

    @property
    def __call__(self) -> Callable[..., Any]:
        self._before()
        return self.__wrapped__


@final
class Collections:
    """Takes the shadows out of the collector's way."""

    def __init__(self, shadows: Shadows) -> None:
        self._shadows = shadows
        self._released: list[ObjectShadow] | None = None

    def install(self) -> None:
        """Follow the collector from now on."""
        gc.callbacks.append(self._collecting)
        gc.get_referrers = cast("Any", _Preceded(gc.get_referrers, self._forget))

    def uninstall(self) -> None:
        """Leave the collector alone."""
        gc.callbacks.remove(self._collecting)
        gc.get_referrers = cast("Any", gc.get_referrers).__wrapped__

    def _forget(self) -> None:
        try:
            self._shadows.forget_unheld()
        except Exception as error:
            faults.report("shadow.garbage", error)

    @uninterrupted
    def _collecting(self, phase: str, details: dict[str, int]) -> None:
        if details["generation"] != _OLDEST:
            return
        try:
            if phase == "start":
                self._shadows.forget_unheld()
                self._released = self._shadows.release()
            elif self._released:
                self._restore(self._released)
                self._released = None
        except Exception as error:
            faults.report("shadow.garbage", error)

    def _restore(self, released: list[ObjectShadow]) -> None:
        wanted = {shadow.key: shadow for shadow in released}
        objects = gc.get_objects()
        there = wanted.keys() & set(map(id, objects))
        if there:
            for value in objects:
                if id(value) in there:
                    wanted[id(value)].anchor = value
        self._shadows.bury()
