"""Pools of threads, and their futures."""

from __future__ import annotations

import concurrent.futures
from concurrent.futures import Future, ThreadPoolExecutor

from .common import Box, dawdle


def submit(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        print(box.value)

    with ThreadPoolExecutor() as pool:
        if ordered:
            box.value = 1
        pool.submit(work)
        if not ordered:
            box.value = 1


def result(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    with ThreadPoolExecutor() as pool:
        future = pool.submit(work)
        if ordered:
            future.result(5)
        print(box.value)


def exception(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1
        raise ValueError

    with ThreadPoolExecutor() as pool:
        future = pool.submit(work)
        if ordered:
            assert future.exception(5)
        print(box.value)


def seen_done(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    with ThreadPoolExecutor() as pool:
        future = pool.submit(work)
        while ordered and not future.done():
            dawdle()
        print(box.value)


def done_callback(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        dawdle()
        box.value = 1

    def callback(_: Future[None]) -> None:
        print(box.value)

    with ThreadPoolExecutor() as pool:
        future = pool.submit(work)
        if ordered:
            future.add_done_callback(callback)
        else:
            callback(future)


def done_callback_added_late(ordered: bool) -> None:
    """Added to a future that is done, a callback is called at once, in the thread that adds it."""
    box = Box()
    future: Future[None] = Future()

    def work() -> None:
        if ordered:
            box.value = 1
        future.set_result(None)
        if not ordered:
            box.value = 1

    def callback(_: Future[None]) -> None:
        print(box.value)

    with ThreadPoolExecutor() as pool:
        pool.submit(work)
        while not future.done():
            dawdle()
        future.add_done_callback(callback)


def map_of_a_pool(ordered: bool) -> None:
    box = Box()

    def work(number: int) -> None:
        box.value = number

    with ThreadPoolExecutor() as pool:
        results = pool.map(work, [1])
        if ordered:
            list(results)
        print(box.value)


def shutdown(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    pool = ThreadPoolExecutor()
    pool.submit(work)
    if not ordered:
        print(box.value)
    pool.shutdown()
    print(box.value)


def wait_for_futures(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(work)]
        if ordered:
            concurrent.futures.wait(futures, 5)
        print(box.value)


def as_completed(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(work)]
        if ordered:
            for _ in concurrent.futures.as_completed(futures, 5):
                print(box.value)
        print(box.value)


def future_set_by_hand(ordered: bool) -> None:
    box = Box()
    future: Future[None] = Future()

    def work() -> None:
        if ordered:
            box.value = 1
        future.set_result(None)
        if not ordered:
            box.value = 1

    with ThreadPoolExecutor() as pool:
        pool.submit(work)
        future.result(5)
        print(box.value)


def future_cancelled(ordered: bool) -> None:
    box = Box()
    future: Future[None] = Future()

    def work() -> None:
        if ordered:
            box.value = 1
        future.cancel()
        if not ordered:
            box.value = 1

    with ThreadPoolExecutor() as pool:
        pool.submit(work)
        while not future.cancelled():
            dawdle()
        print(box.value)
