"""Signals: who sends one to its own process comes before whoever receives it.

PYTEST_DONT_REWRITE

A handler interrupts whoever runs in the main thread, in the midst of a step. So an edge leaves from the point where the
signal was sent, and what a handler asks for by `TrioToken.run_sync_soon` comes after that point alone.
"""

from __future__ import annotations

import os
import signal
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, final

from trioflow.race import _trio
from trioflow.race.clocks.actor import Release
from trioflow.race.edges._patching import Patches, Watch
from trioflow.race.edges.session import at_any_time
from trioflow.race.shadow import faults


@final
class _Pending(OrderedDict[int, None]):
    """The signals that a receiver has not been asked for yet."""

    def __init__(self) -> None:
        super().__init__()
        self._releases: dict[int, tuple[Release, ...]] = {}

    def __setitem__(self, number: int, value: None) -> None:
        try:
            here = at_any_time()
            if here is not None:
                session, actor = here
                sent = session.signalled.get(number)
                self._releases[number] = (actor.release(),) if sent is None else (actor.release(), sent)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.signals", error)
        super().__setitem__(number, value)

    def popitem(self, last: bool = True) -> tuple[int, None]:
        """Take a signal out, as `collections.OrderedDict.popitem` does."""
        number, value = super().popitem(last)
        try:
            here = at_any_time()
            if here is not None:
                for release in self._releases.pop(number, ()):
                    here[1].acquire(release)
        except Exception as error:  # noqa: BLE001
            faults.report("edges.signals", error)
        return number, value


@final
class _ReceiverMade(Watch):
    """`trio.open_signal_receiver` makes a receiver."""

    def before(self, receiver: Any) -> Any:
        return receiver

    def after(self, note: Any, result: object) -> None:  # noqa: ARG002
        _trio.replace_pending(note, _Pending())


def _sent(number: int) -> None:
    try:
        here = at_any_time()
        if here is not None:
            here[0].signalled[number] = here[1].release_now()
    except Exception as error:  # noqa: BLE001
        faults.report("edges.signals", error)


def _watching_kill(original: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def kill(pid: int, signal: int, /) -> None:
        if pid in (0, os.getpid()):
            _sent(signal)
        original(pid, signal)

    return kill


def _watching_raise(original: Callable[[int], None]) -> Callable[[int], None]:
    def raise_signal(signalnum: int, /) -> None:
        _sent(signalnum)
        original(signalnum)

    return raise_signal


def _watching_thread_kill(original: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def pthread_kill(thread_id: int, signalnum: int, /) -> None:
        _sent(signalnum)
        original(thread_id, signalnum)

    return pthread_kill


def install(patches: Patches) -> None:
    """Watch who sends signals, and Trio's receivers."""
    patches.watch(_trio.part("trio._signals", "SignalReceiver"), "__init__", _ReceiverMade())
    patches.wrap(os, "kill", _watching_kill)
    patches.wrap(signal, "raise_signal", _watching_raise)
    if hasattr(signal, "pthread_kill"):
        patches.wrap(signal, "pthread_kill", _watching_thread_kill)
