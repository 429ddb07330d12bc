"""Threads of the standard library, and what orders them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from .common import Box, dawdle


def at_once(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def thread_start(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        print(box.value)

    thread = threading.Thread(target=work)
    if ordered:
        box.value = 1
    thread.start()
    if not ordered:
        box.value = 1
    thread.join()


def thread_join(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    thread = threading.Thread(target=work)
    thread.start()
    if not ordered:
        print(box.value)
    thread.join()
    print(box.value)


def thread_seen_to_have_ended(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    thread = threading.Thread(target=work)
    thread.start()
    while ordered and thread.is_alive():
        dawdle()
    print(box.value)
    thread.join()


class _Worker(threading.Thread):
    def __init__(self, box: Box) -> None:
        super().__init__()
        self.box = box

    def run(self) -> None:
        self.box.value = 1


def thread_with_a_run_method(ordered: bool) -> None:
    box = Box()
    thread = _Worker(box)
    thread.start()
    if not ordered:
        print(box.value)
    thread.join()
    print(box.value)


def timer(ordered: bool) -> None:
    box = Box()

    def work() -> None:
        box.value = 1

    thread = threading.Timer(0.001, work)
    thread.start()
    if not ordered:
        print(box.value)
    thread.join()
    print(box.value)


def mutex(ordered: bool) -> None:
    box, one, other = Box(), threading.Lock(), threading.Lock()

    def first() -> None:
        with one:
            box.value = box.value + 1

    def second() -> None:
        with one if ordered else other:
            box.value = box.value + 1

    at_once(first, second)


def reentrant_mutex(ordered: bool) -> None:
    box, one, other = Box(), threading.RLock(), threading.RLock()

    def first() -> None:
        with one, one:
            box.value = box.value + 1

    def second() -> None:
        with one if ordered else other:
            box.value = box.value + 1

    at_once(first, second)


def mutex_as_a_signal(ordered: bool) -> None:
    box, gate = Box(), threading.Lock()
    gate.acquire()

    def writer() -> None:
        if ordered:
            box.value = 1
        gate.release()
        if not ordered:
            box.value = 1

    def reader() -> None:
        gate.acquire()
        print(box.value)

    at_once(writer, reader)


def condition(ordered: bool) -> None:
    box, turn = Box(), threading.Condition()
    ready: list[int] = []

    def waiter() -> None:
        if ordered:
            with turn:
                while not ready:
                    turn.wait(5)
        print(box.value)

    def notifier() -> None:
        box.value = 1
        with turn:
            ready.append(1)
            turn.notify()

    at_once(waiter, notifier)


def condition_wait_for(ordered: bool) -> None:
    box, turn = Box(), threading.Condition()
    ready: list[int] = []

    def waiter() -> None:
        if ordered:
            with turn:
                turn.wait_for(lambda: ready, 5)
        print(box.value)

    def notifier() -> None:
        box.value = 1
        with turn:
            ready.append(1)
            turn.notify_all()

    at_once(waiter, notifier)


def event(ordered: bool) -> None:
    box, flag = Box(), threading.Event()

    def setter() -> None:
        if ordered:
            box.value = 1
        flag.set()
        if not ordered:
            box.value = 1

    def waiter() -> None:
        flag.wait(5)
        print(box.value)

    at_once(setter, waiter)


def event_seen_set(ordered: bool) -> None:
    box, flag = Box(), threading.Event()

    def setter() -> None:
        box.value = 1
        flag.set()

    def looks() -> None:
        while ordered and not flag.is_set():
            dawdle()
        print(box.value)

    at_once(setter, looks)


def semaphore(ordered: bool) -> None:
    box, tokens = Box(), threading.Semaphore(0 if ordered else 1)

    def writer() -> None:
        box.value = 1
        tokens.release()

    def reader() -> None:
        tokens.acquire(timeout=5)
        print(box.value)

    if ordered:
        at_once(writer, reader)
    else:
        at_once(reader, writer)


def semaphore_with_units_left(ordered: bool) -> None:
    """Who takes a unit while there are others waits for nobody."""
    box, tokens = Box(), threading.Semaphore(1 if ordered else 2)

    def updates() -> None:
        with tokens:
            box.value = box.value + 1

    at_once(updates, updates)


def bounded_semaphore(ordered: bool) -> None:
    box = Box()
    one, other = threading.BoundedSemaphore(1), threading.BoundedSemaphore(1)

    def first() -> None:
        with one:
            box.value = box.value + 1

    def second() -> None:
        with one if ordered else other:
            box.value = box.value + 1

    at_once(first, second)


def barrier(ordered: bool) -> None:
    box, gate = Box(), threading.Barrier(2)

    def writer() -> None:
        if ordered:
            box.value = 1
        gate.wait(5)
        if not ordered:
            box.value = 1

    def reader() -> None:
        gate.wait(5)
        print(box.value)

    at_once(writer, reader)


def thread_local(ordered: bool) -> None:
    box = Box()
    own = threading.local()

    def work() -> None:
        own.box = Box() if ordered else box
        own.box.value = own.box.value + 1

    at_once(work, work)


def _through(box: Box, line: Any, ordered: bool) -> None:
    def puts() -> None:
        if ordered:
            box.value = 1
        line.put((1, "item"))
        if not ordered:
            box.value = 1

    def gets() -> None:
        line.get(timeout=5)
        print(box.value)

    at_once(puts, gets)


def queue_of_threads(ordered: bool) -> None:
    _through(Box(), queue.Queue(), ordered)


def queue_last_in_first_out(ordered: bool) -> None:
    _through(Box(), queue.LifoQueue(), ordered)


def queue_by_priority(ordered: bool) -> None:
    _through(Box(), queue.PriorityQueue(), ordered)


def queue_simple(ordered: bool) -> None:
    _through(Box(), queue.SimpleQueue(), ordered)


def queue_joined(ordered: bool) -> None:
    box = Box()
    line: queue.Queue[int] = queue.Queue()
    line.put(1)

    def works() -> None:
        line.get(timeout=5)
        if ordered:
            box.value = 1
        line.task_done()
        if not ordered:
            box.value = 1

    def joins() -> None:
        line.join()
        print(box.value)

    at_once(works, joins)


def queue_with_room_again(ordered: bool) -> None:
    """In a queue of limited size the get comes before the put that uses its room."""
    box = Box()
    line: queue.Queue[int] = queue.Queue(1)
    line.put(1)

    def gets() -> None:
        if ordered:
            box.value = 1
        line.get(timeout=5)
        if not ordered:
            box.value = 1

    def puts() -> None:
        line.put(2, timeout=5)
        print(box.value)

    at_once(gets, puts)
