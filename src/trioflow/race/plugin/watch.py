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
class Watch:
    """Watches one phase of a test after the other.

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
        self._ended: _thread.LockType | None = None
        self._fired = False
        self._last_look = ""

    def start(self, test: str) -> None:
        """Begins to watch a phase of a test."""
        self._fired = False
        self._last_look = ""
        self._ended = _thread.allocate_lock()
        self._ended.acquire()
        # An interrupt reaches the main thread alone.
        interruptible = threading.current_thread() is threading.main_thread()
        _thread.start_new_thread(self._look_on, (test, self._ended, interruptible))

    def stop(self) -> str | None:
        """Ends watching, and returns what the tasks were waiting for if the limit was passed."""
        try:
            with self._mutex:
                ended, self._ended = self._ended, None
            if ended is not None:
                ended.release()
        except KeyboardInterrupt:
            # The test ended by itself at the very moment at which it was interrupted.
            if not self._fired:
                raise
            if self._ended is not None:
                self._ended.release()
                self._ended = None
        return self._last_look if self._fired else None

    def last_look(self) -> str:
        """Returns what the tasks were last seen to wait for; empty if the phase was too short for a look."""
        return self._last_look

    def _look_on(self, test: str, ended: _thread.LockType, interruptible: bool) -> None:
        began = time.monotonic()
        pause = _FIRST_LOOK
        noticed = False
        while True:
            passed = time.monotonic() - began
            if self._limit is not None:
                if passed >= self._limit:
                    break
                pause = min(pause, self._limit - passed)
            if ended.acquire(timeout=pause):
                return
            self._look()
            pause *= 2
            if self._limit is None and not noticed and time.monotonic() - began >= _NOTICE:
                noticed = True
                self._write(f"race detector: {test} has been running for {_NOTICE:g} s; {self._last_look}")
        self._look()
        self._write(f"race detector: {test} did not end within {self._limit:g} s; {self._last_look}")
        while self._interrupt(ended, interruptible):
            # What shields itself, or catches the first interrupt, gets another.
            if ended.acquire(timeout=_AGAIN):
                return

    def _look(self) -> None:
        try:
            blocks = self._waiting()
        except Exception as error:  # noqa: BLE001 (the run goes on meanwhile, and may change what is being read)
            self._last_look = f"what its tasks wait for can't be told ({error!r})"
            return
        self._last_look = "\n\n".join(["its tasks wait:", *blocks]) if blocks else "no task of it is known to wait"

    def _interrupt(self, ended: _thread.LockType, interruptible: bool) -> bool:
        """Interrupts the test unless it has ended in the meantime; returns whether it had not."""
        with self._mutex:
            if self._ended is not ended:
                return False
            self._fired = True
            if interruptible:
                if hasattr(signal, "pthread_kill"):
                    # A real signal also ends a blocking call of the operating system.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                else:
                    _thread.interrupt_main()
            return True
