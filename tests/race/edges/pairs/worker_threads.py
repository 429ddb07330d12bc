"""Threads that Trio runs, and what they call back."""

from __future__ import annotations

import threading
from contextlib import suppress
from inspect import signature
from typing import Any

import trio

from .common import Box, dawdle, idle, together

ABANDON: dict[str, Any] = {
    "abandon_on_cancel" if "abandon_on_cancel" in signature(trio.to_thread.run_sync).parameters else "cancellable": True
}


def _needs_cancellation_of_threads() -> None:
    if not hasattr(trio.from_thread, "check_cancelled"):
        raise NotImplementedError("this version of Trio does not tell threads that their task is cancelled")


async def to_thread(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        print(box.value)

    async def other() -> None:
        if not ordered:
            box.value = 1

    async def calls() -> None:
        if ordered:
            box.value = 1
        await trio.to_thread.run_sync(work)

    await together(calls, other)


async def to_thread_returns(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    async def calls() -> None:
        await trio.to_thread.run_sync(work)
        if ordered:
            print(box.value)

    async def other() -> None:
        await idle()
        if not ordered:
            print(box.value)

    await together(calls, other)


async def to_thread_raises(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1
        raise ValueError

    async def calls() -> None:
        try:
            await trio.to_thread.run_sync(work)
        except ValueError:
            if ordered:
                print(box.value)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await together(calls, other)


async def to_thread_abandoned(ordered: bool) -> None:
    """Who was cancelled while the function runs does not come after it; who waits for it by other means does."""
    box = Box()
    go_on, done = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(5)
        box.value = 1
        done.set()

    async def calls() -> None:
        with trio.move_on_after(0.01):
            await trio.to_thread.run_sync(work, **ABANDON)
        go_on.set()
        if ordered:
            await trio.to_thread.run_sync(done.wait)
        print(box.value)
        await trio.to_thread.run_sync(done.wait)

    await calls()


async def limiter_of_threads(ordered: bool) -> None:
    box = Box()
    limiter = trio.CapacityLimiter(1 if ordered else 2)

    def work() -> None:
        box.value = box.value + 1

    async def calls() -> None:
        await trio.to_thread.run_sync(work, limiter=limiter)

    await together(calls, calls)


async def from_thread_run_sync(ordered: bool) -> None:
    box = Box()

    def in_trio() -> None:
        print(box.value)

    def work() -> None:
        if ordered:
            box.value = 1
        trio.from_thread.run_sync(in_trio)

    async def calls() -> None:
        await trio.to_thread.run_sync(work)

    async def other() -> None:
        if not ordered:
            box.value = 1

    await together(calls, other)


async def from_thread_run(ordered: bool) -> None:
    box = Box()

    async def in_trio() -> None:
        await idle()
        box.value = 1

    def work() -> None:
        trio.from_thread.run(in_trio)
        if ordered:
            print(box.value)

    async def calls() -> None:
        await trio.to_thread.run_sync(work)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await together(calls, other)


async def from_thread_raises(ordered: bool) -> None:
    box = Box()

    async def in_trio() -> None:
        box.value = 1
        raise ValueError

    def work() -> None:
        with suppress(ValueError):
            trio.from_thread.run(in_trio)
        if ordered:
            print(box.value)

    async def calls() -> None:
        await trio.to_thread.run_sync(work)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await together(calls, other)


async def from_thread_check_cancelled(ordered: bool) -> None:
    _needs_cancellation_of_threads()
    box, scope = Box(), trio.CancelScope()

    def work() -> None:
        try:
            while True:
                dawdle()
                trio.from_thread.check_cancelled()
        except BaseException:
            print(box.value)
            raise

    async def calls() -> None:
        with scope:
            await trio.to_thread.run_sync(work)

    async def canceller() -> None:
        await trio.sleep(0.02)
        if ordered:
            box.value = 1
        scope.cancel()
        await idle()
        if not ordered:
            box.value = 1

    await together(calls, canceller)


async def from_thread_while_cancelled(ordered: bool) -> None:
    """A call from a thread whose task is cancelled meanwhile fails, and tells of the cancellation."""
    _needs_cancellation_of_threads()
    box, scope = Box(), trio.CancelScope()

    def work() -> None:
        try:
            trio.from_thread.run(trio.sleep_forever)
        except trio.Cancelled:
            print(box.value)

    async def calls() -> None:
        with scope:
            await trio.to_thread.run_sync(work)

    async def canceller() -> None:
        await trio.sleep(0.02)
        if ordered:
            box.value = 1
        scope.cancel()
        await idle()
        if not ordered:
            box.value = 1

    await together(calls, canceller)


async def token_run_sync_soon(ordered: bool) -> None:
    box, called = Box(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def callback() -> None:
        print(box.value)
        called.set()

    def work() -> None:
        if ordered:
            box.value = 1
        token.run_sync_soon(callback)
        if not ordered:
            box.value = 1

    await trio.to_thread.run_sync(work)
    await called.wait()


async def token_callback_wakes(ordered: bool) -> None:
    box, event = Box(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def callback() -> None:
        box.value = 1
        event.set()

    token.run_sync_soon(callback)
    if ordered:
        await event.wait()
    else:
        await idle()
    print(box.value)


async def token_run_sync_soon_idempotent(ordered: bool) -> None:
    """One callback for several requests comes after all of them."""
    box, called = Box(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def callback() -> None:
        print(box.value)
        called.set()

    def work() -> None:
        if ordered:
            box.value = 1
        token.run_sync_soon(callback, idempotent=True)
        if not ordered:
            box.value = 1

    token.run_sync_soon(callback, idempotent=True)
    thread = threading.Thread(target=work)
    thread.start()
    # The callback can't be called before the next checkpoint.
    dawdle()
    await called.wait()
    while thread.is_alive():
        await trio.lowlevel.checkpoint()


async def from_thread_with_a_token(ordered: bool) -> None:
    box = Box()
    token = trio.lowlevel.current_trio_token()

    def in_trio() -> None:
        print(box.value)

    def work() -> None:
        if ordered:
            box.value = 1
        trio.from_thread.run_sync(in_trio, trio_token=token)
        if not ordered:
            box.value = 1

    async def other() -> None:
        if not ordered:
            await idle()
            print(box.value)

    thread = threading.Thread(target=work)
    thread.start()
    await other()
    while thread.is_alive():
        await trio.sleep(0.001)


async def wrapped_file(ordered: bool) -> None:
    """`trio.Path` and `trio.open_file` work in threads: what they call of the program's own is ordered so."""
    box = Box()

    class Source:
        def read(self) -> str:
            return str(box.value)

        def close(self) -> None:
            pass

        def write(self, data: str) -> None:
            pass

    async def reads() -> None:
        if ordered:
            box.value = 1
        source: Any = trio.wrap_file(Source())
        await source.read()

    async def other() -> None:
        if not ordered:
            box.value = 1

    await together(reads, other)


async def run_in_a_thread(ordered: bool) -> None:
    """A thread that runs a loop of its own."""
    box = Box()

    async def main() -> None:
        box.value = 1

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    if not ordered:
        print(box.value)
    thread.join()
    print(box.value)


async def run_in_a_worker_thread(ordered: bool) -> None:
    box = Box()

    async def main() -> None:
        await idle()
        box.value = 1

    async def calls() -> None:
        await trio.to_thread.run_sync(trio.run, main)
        if ordered:
            print(box.value)

    async def other() -> None:
        if not ordered:
            print(box.value)

    await together(calls, other)
