"""A look at the clock while a test runs, for tests that do not end.

PYTEST_DONT_REWRITE

A test that hangs says nothing by itself. So a thread looks on: it asks the detector now and then what
the tasks wait for, each time after twice as long, such that a short test is not disturbed and the last
answer is there when somebody presses Ctrl-C, at which the tasks are unwound before anybody could ask.
When a limit is set and passed, it says so and interrupts the test as Ctrl-C would, which Trio delivers
to the main task.

The thread and its locks are made by `_thread`, not `threading`: the detector watches the latter.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable
from typing import final

_FIRST_LOOK = 1.0
_NOTICE = 300.0
_AGAIN = 5.0


@final
class _Phase:
    """One phase of one test, while it lasts."""

    def __init__(self, test: str) -> None:
        self.test = test
        self.began = time.monotonic()
        # An interrupt reaches the main thread alone.
        self.interruptible = threading.current_thread() is threading.main_thread()
        self.next_look = _FIRST_LOOK
        self.next_interrupt = 0.0
        self.noticed = False
        self.fired = False
        self.last_look = ""


@final
class Watch:
    """Watches one phase of a test after the other, from a thread that is started with the first.

    Args:
        waiting: Says what each live task waits for.
        limit: After how many seconds a phase is interrupted; None: never.
        write: Where a text for the user goes, out of any thread, whatever is captured.
    """

    def __init__(self, waiting: Callable[[], list[str]], limit: float | None, write: Callable[[str], None]) -> None:
        self._waiting = waiting
        self._limit = limit
        self._write = write
        self._mutex = _thread.allocate_lock()
        self._phase: _Phase | None = None
        self._last: _Phase | None = None
        self._closed: _thread.LockType | None = None

    def start(self, test: str) -> None:
        """Begins to watch a phase of a test."""
        self._phase = self._last = _Phase(test)
        if self._closed is None:
            self._closed = _thread.allocate_lock()
            self._closed.acquire()
            _thread.start_new_thread(self._look_on, (self._closed,))

    def stop(self) -> str | None:
        """Ends watching, and returns what the tasks were waiting for if the limit was passed."""
        phase = self._phase
        try:
            with self._mutex:
                self._phase = None
        except KeyboardInterrupt:
            # The test ended by itself at the very moment at which it was interrupted.
            self._phase = None
            if phase is None or not phase.fired:
                raise
        return phase.last_look if phase is not None and phase.fired else None

    def close(self) -> None:
        """Ends the thread."""
        if self._closed is not None:
            self._closed.release()
            self._closed = None

    def last_look(self) -> str:
        """Returns what the tasks were last seen to wait for; empty if the phase was too short for a look."""
        return "" if self._last is None else self._last.last_look

    def _look_on(self, closed: _thread.LockType) -> None:
        pause = _FIRST_LOOK if self._limit is None else min(_FIRST_LOOK, self._limit / 4)
        while not closed.acquire(timeout=pause):
            phase = self._phase
            if phase is not None:
                self._look_at(phase)

    def _look_at(self, phase: _Phase) -> None:
        passed = time.monotonic() - phase.began
        if self._limit is not None and passed >= self._limit:
            if not phase.fired:
                self._look(phase)
                self._write(f"race detector: {phase.test} did not end within {self._limit:g} s; {phase.last_look}")
            if passed >= phase.next_interrupt:
                # What shields itself, or catches the first interrupt, gets another.
                phase.next_interrupt = passed + _AGAIN
                self._interrupt(phase)
        elif passed >= phase.next_look:
            phase.next_look = 2 * passed
            self._look(phase)
            if self._limit is None and not phase.noticed and passed >= _NOTICE:
                phase.noticed = True
                self._write(f"race detector: {phase.test} has been running for {_NOTICE:g} s; {phase.last_look}")

    def _look(self, phase: _Phase) -> None:
        try:
            blocks = self._waiting()
        except Exception as error:  # noqa: BLE001 (the run goes on meanwhile, and may change what is being read)
            phase.last_look = f"what its tasks wait for can't be told ({error!r})"
            return
        phase.last_look = "\n\n".join(["its tasks wait:", *blocks]) if blocks else "no task of it is known to wait"

    def _interrupt(self, phase: _Phase) -> None:
        """Interrupts the test unless it has ended in the meantime."""
        with self._mutex:
            if self._phase is not phase:
                return
            phase.fired = True
            if phase.interruptible:
                if hasattr(signal, "pthread_kill"):
                    # A real signal also ends a blocking call of the operating system.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                else:
                    _thread.interrupt_main()
