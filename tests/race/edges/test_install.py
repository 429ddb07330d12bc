"""Installing and uninstalling leaves no trace, and changes nothing that users can see of Trio."""

from __future__ import annotations

import concurrent.futures.thread
import gc
import inspect
import signal
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any

import anyio.streams.memory
import pytest
import trio
import trio.testing

from trioflow.race import _trio, edges
from trioflow.race.clocks.registry import Registry
from trioflow.race.model.errors import UnsupportedTrioError

if TYPE_CHECKING:
    from conftest import Marks


def watched_places() -> dict[str, dict[str, Any]]:
    """Everything in Trio, threading and AnyIO that could have been patched."""
    places: dict[str, dict[str, Any]] = {}
    modules = [threading, concurrent.futures.thread, anyio.streams.memory, anyio._core._synchronization]
    modules += [_trio.module(name) for name in sorted({seam[0] for seam in _trio._SEAMS} | {"trio.socket", "trio"})]
    for module in modules:
        places[module.__name__] = dict(vars(module))
        for name, value in vars(module).items():
            if isinstance(value, type):
                places[f"{module.__name__}.{name}"] = dict(vars(value))
    return places


def test_everything_is_put_back_exactly() -> None:
    before = watched_places()
    edges.install(Registry())
    edges.install(Registry())
    during = watched_places()
    edges.uninstall()
    edges.uninstall()
    after = watched_places()
    assert during != before
    assert after.keys() == before.keys()
    for place, attributes in before.items():
        assert list(after[place]) == list(attributes), place
        for name, value in attributes.items():
            assert after[place][name] is value, (place, name)


def changed() -> list[tuple[str, str, Any, Any]]:
    before = watched_places()
    edges.install(Registry())
    during = watched_places()
    edges.uninstall()
    return [
        (place, name, value, during[place][name])
        for place, attributes in before.items()
        for name, value in attributes.items()
        if during[place].get(name, value) is not value and place not in {"threading.Lock", "threading.RLock"}
    ]


def test_functions_look_as_before() -> None:
    # The factories of locks become classes.
    functions = [
        entry for entry in changed() if isinstance(entry[2], types.FunctionType) and entry[1] not in {"Lock", "RLock"}
    ]
    assert len(functions) > 20
    for place, name, original, wrapper in functions:
        assert wrapper.__name__ == original.__name__, (place, name)
        assert wrapper.__qualname__ == original.__qualname__, (place, name)
        assert wrapper.__doc__ == original.__doc__, (place, name)
        assert inspect.signature(wrapper) == inspect.signature(original), (place, name)
        if not name.startswith("_"):
            asynchronous = inspect.iscoroutinefunction(original)
            assert inspect.iscoroutinefunction(wrapper) == asynchronous, (place, name)


def test_properties_look_as_before() -> None:
    properties = [entry for entry in changed() if isinstance(entry[2], property)]
    assert properties
    for _, _, original, wrapper in properties:
        assert isinstance(wrapper, property)
        assert wrapper.__doc__ == original.__doc__
        assert (wrapper.fset is None) == (original.fset is None)


def interrupted_inside(action: Any) -> bool:
    """Whether KeyboardInterrupt was held back while `action` ran: it calls what it is given."""
    seen: list[bool] = []

    async def main() -> None:
        @trio.lowlevel.disable_ki_protection
        def unprotected() -> None:
            action(lambda: seen.append(trio.lowlevel.currently_ki_protected()))

        unprotected()

    trio.run(main)
    return seen[0]


class _Key:
    """Looks around when it is asked for its hash, which a limiter does in the middle of its work."""

    def __init__(self, look: Any) -> None:
        self._look = look

    def __hash__(self) -> int:
        self._look()
        return 1

    def __eq__(self, other: object) -> bool:
        return self is other


def test_protection_from_interrupts_is_kept(mark: Marks) -> None:
    def borrow(look: Any) -> None:
        trio.CapacityLimiter(1).acquire_on_behalf_of_nowait(_Key(look))

    def plain(look: Any) -> None:
        look()

    assert interrupted_inside(borrow) is True
    assert interrupted_inside(plain) is False


def test_an_interrupt_in_a_callback_of_a_watched_class_still_arrives(mark: Marks) -> None:
    async def main() -> None:
        signal.raise_signal(signal.SIGINT)
        await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)


def test_the_locks_of_threading_behave_as_before(mark: Marks) -> None:
    lock = threading.Lock()
    assert not lock.locked()
    assert lock.acquire(timeout=1) is True
    assert lock.acquire(blocking=False) is False
    assert lock.acquire(timeout=0.001) is False
    with pytest.raises(ValueError, match="timeout"):
        lock.acquire(False, 1)
    assert "locked" in repr(lock)
    lock.release()
    with pytest.raises(RuntimeError):
        lock.release()
    with lock as entered:
        assert entered is True
    reentrant = threading.RLock()
    with reentrant, reentrant:
        assert reentrant._is_owned()  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError):
        reentrant.release()
    for mutex in (lock, reentrant):
        assert weakref.ref(mutex)() is mutex
        with pytest.raises(TypeError, match="pickle"):
            __import__("copy").deepcopy(mutex)


def test_conditions_of_threading_work(mark: Marks) -> None:
    for mutex in (threading.Lock(), threading.RLock(), None):
        condition = threading.Condition(mutex)
        ready: list[bool] = []

        def work(condition: threading.Condition = condition, ready: list[bool] = ready) -> None:
            with condition:
                ready.append(True)
                condition.notify()

        with condition:
            thread = threading.Thread(target=work)
            thread.start()
            assert condition.wait_for(ready.copy, timeout=5)
        thread.join()


def test_locks_that_outlive_the_detector_go_on() -> None:
    edges.install(Registry())
    lock, reentrant = threading.Lock(), threading.RLock()
    edges.uninstall()
    with lock, reentrant:
        assert lock.locked()
    edges.install(Registry())
    try:
        with lock, reentrant:
            pass
    finally:
        edges.uninstall()


def test_nothing_is_kept_alive(mark: Marks) -> None:
    class Item:
        pass

    references: list[weakref.ref[Any]] = []

    async def main() -> None:
        send, receive = trio.open_memory_channel[Item](3)
        event, lock, scope = trio.Event(), trio.Lock(), trio.CancelScope()
        item = Item()
        send.send_nowait(item)
        receive.receive_nowait()
        event.set()
        scope.cancel()
        async with lock:
            pass
        with scope:
            await trio.lowlevel.checkpoint()
        references.extend(weakref.ref(thing) for thing in (item, send, receive, event, lock, scope))

    trio.run(main)
    gc.collect()
    assert [reference() for reference in references] == [None] * 6


def test_errors_of_the_detector_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    from trioflow.race.clocks.actor import Actor
    from trioflow.race.shadow import faults

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    async def main() -> None:
        send, receive = trio.open_memory_channel[int](1)
        await send.send(1)
        assert await receive.receive() == 1
        event = trio.Event()
        event.set()
        await event.wait()
        async with trio.Lock():
            pass
        await trio.to_thread.run_sync(len, ())
        lock = threading.Lock()
        with lock:
            pass

    faults.take()
    edges.install(Registry())
    try:
        with monkeypatch.context() as patching:
            for name in ("acquire", "release", "release_now", "hold", "wake"):
                patching.setattr(Actor, name, broken)
            trio.run(main)
    finally:
        edges.uninstall()
    noted = faults.take()
    assert noted
    assert all(where.endswith("ZeroDivisionError") for where in noted)


def test_a_version_of_trio_that_lacks_something_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trio._core._run.Task, "_attempt_abort")
    with pytest.raises(UnsupportedTrioError, match=r"Task\._attempt_abort.*0\.22 to 0\.35"):
        edges.install(Registry())
    assert edges.session.current() is None


def test_coroutines_get_no_more_frames(mark: Marks) -> None:
    depths: list[int] = []

    async def sleeper(wait: Any) -> None:
        await wait()

    async def main() -> None:
        _, receive = trio.open_memory_channel[None](0)
        lock = trio.Lock()
        await lock.acquire()
        for wait in (trio.Event().wait, receive.receive, trio.Semaphore(0).acquire, lock.acquire):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sleeper, wait)
                await trio.testing.wait_all_tasks_blocked()
                (task,) = nursery.child_tasks
                names = [frame.f_code.co_filename for frame, _ in task.iter_await_frames()]
                depths.append(sum("trioflow" in name and "edges" in name and "tests" not in name for name in names))
                nursery.cancel_scope.cancel()

    trio.run(main)
    assert depths == [0, 0, 0, 0]
