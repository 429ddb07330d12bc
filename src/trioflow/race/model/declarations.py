"""What code under test declares about itself: what belongs together, what needs a lock, what is accepted.

PYTEST_DONT_REWRITE

Code that declares something is run without the detector far more often than with it, so nothing is imported
here but what every program has loaded already, and a block costs two calls that find nobody listening. A block
holds no state: the same one may be open in many tasks and threads at once. Who has opened it is the listener's
to know.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from types import CoroutineType, TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, cast, final

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200


class Listener(Protocol):
    """Who wants to know of blocks; its methods raise nothing."""

    def opened(self, block: Block) -> None:
        """Whoever runs now has entered a block."""

    def closed(self, block: Block) -> None:
        """Whoever runs now has left a block, which may have been entered elsewhere."""


@final
class _Listening:
    listener: Listener | None = None


listening = _Listening()
"""The detector that runs, if one does."""


class Block:
    """Part of a task's or thread's way for which something is declared: for `with` statements and as a decorator.

    Entering and leaving never block, and are no checkpoints. Blocks may be nested, entered again, and be open in
    several tasks and threads at once. They let every exception through, cancellation too.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        listener = listening.listener
        if listener is not None:
            listener.opened(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        listener = listening.listener
        if listener is not None:
            listener.closed(self)

    def __call__(self, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """Returns a function that does the same within this block.

        Raises:
            TypeError: What is decorated is no function, or a generator, whose caller would decide when the block ends.
        """
        code = getattr(function, "__code__", None)
        if code is None:
            raise TypeError(f"a block can decorate a function, not {function!r}; use it in a 'with' statement there")
        if code.co_flags & (_GENERATOR | _ASYNC_GENERATOR):
            name = getattr(function, "__qualname__", function)
            raise TypeError(f"a block can't decorate the generator {name}; use it in a 'with' statement inside")
        if code.co_flags & _COROUTINE:
            waiting = cast("Callable[..., Any]", function)

            @functools.wraps(function)
            async def asynchronous(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> Any:
                with self:
                    return await waiting(*arguments, **options)

            return cast("Callable[_Arguments, _Result]", asynchronous)

        @functools.wraps(function)
        def synchronous(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
            with self:
                result = function(*arguments, **options)
            if type(result) is CoroutineType:
                # Another decorator has made a plain function of a coroutine function.
                return cast("_Result", self._awaited(cast("Awaitable[Any]", result)))
            return result

        return synchronous

    async def _awaited(self, coroutine: Awaitable[Any]) -> Any:
        with self:
            return await coroutine


@final
class Critical(Block):
    """A block in which all that is accessed belongs together."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = _text(name, "critical() needs a name that says what belongs together", "critical('transfer')")

    def __repr__(self) -> str:
        return f"critical({self.name!r})"


@final
class Acceptance(Block):
    """A block, or an attribute's annotation, that accepts what is found there."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        how = "ok('either of the two is recent enough')"
        self.reason = _text(reason, "ok() needs a reason that whoever reads it next year can judge", how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Acceptance) and other.reason == self.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return f"ok({self.reason!r})"


@final
class GuardedBy:
    """An attribute's annotation that says which lock has to be held for an access."""

    __slots__ = ("lock",)

    def __init__(self, lock: object) -> None:
        if isinstance(lock, str):
            if not lock.isidentifier():
                raise ValueError(f"guarded_by() needs the name of an attribute that holds a lock, not {lock!r}")
        elif isinstance(lock, type) or not (
            callable(getattr(lock, "acquire", None)) and callable(getattr(lock, "release", None))
        ):
            raise TypeError(f"guarded_by() needs a lock, or the name of an attribute that holds one, not {lock!r}")
        self.lock = lock

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GuardedBy):
            return False
        return self.lock is other.lock or (isinstance(self.lock, str) and self.lock == other.lock)

    def __hash__(self) -> int:
        return hash(self.lock) if isinstance(self.lock, str) else id(self.lock)

    def __repr__(self) -> str:
        return f"guarded_by({self.lock!r})"


def _text(value: object, problem: str, example: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    got = value if isinstance(value, str) else type(value).__name__ if value is not None else None
    raise (ValueError if isinstance(value, str) else TypeError)(f"{problem}, such as {example}, not {got!r}")
