"""Attributes that are declared to need a lock by `race.guarded_by`: who accesses them without it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import attrs
import trio
from trio.lowlevel import checkpoint

from trioflow import race
from trioflow.race import guarded_by

if TYPE_CHECKING:
    from elsewhere import Connection

EXPECT = {
    "test_read_without": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_read_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_write_without": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_contents_without": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_contents_of_an_alias_without": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_contents_of_what_was_taken_out": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_after_the_release_in_the_same_step": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_after_the_release_and_a_checkpoint": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_with_another_lock": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_with_the_lock_of_another_instance": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_while_somebody_else_has_the_lock": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_in_a_helper_of_who_holds_it": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_in_a_child_of_who_holds_it": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_only_in_init": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_in_a_helper_of_init": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_in_the_step_of_birth": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_in_the_step_after_birth": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_one_branch_of_many": {
        "access": ["idle"], "data-race": ["idle"], "section": [], "other": [], "origin": "own",
        "filtered": {"idle": "covered by the lock that is missing"},
    },
    "test_undeclared_attribute": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_subclass": {"access": ["idle"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_subclass_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dataclass": {"access": ["balance"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dataclass_in_the_step_of_birth": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dataclass_post_init": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_attrs": {"access": ["balance"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_attrs_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_slots": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_private_names": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_private_names_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_lock_object": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_lock_object_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_class_variable": {"access": ["made"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_class_variable_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_global_variable": {"access": ["visits"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_global_variable_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_global_container": {"access": ["CACHE"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_global_container_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dict_with_a_key_of_that_name": {"access": ["level"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_imported_name_and_alias": {"access": ["one", "two"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_condition": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_condition_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_semaphore_and_limiter_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_semaphore_of_two": {"access": [], "data-race": [], "section": [], "other": ["wrong-declaration"], "origin": "own"},
    "test_fifo_lock": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_thread_lock": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_thread_lock_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_reentrant_lock_taken_twice": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_thread_condition_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_update_across_a_checkpoint": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_getattr_and_setattr": {"access": ["value"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_deque": {"access": ["queue"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dict_by_key": {"access": ["table"], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_dict_by_key_with": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_acquired_by_hand": {"access": [], "data-race": [], "section": [], "other": [], "origin": "own"},
    "test_no_such_attribute": {"access": [], "data-race": [], "section": [], "other": ["wrong-declaration"], "origin": "own"},
    "test_not_a_lock": {"access": [], "data-race": [], "section": [], "other": ["wrong-declaration"], "origin": "own"},
    "test_given_twice": {"access": [], "data-race": [], "section": [], "other": ["wrong-declaration"], "origin": "own"},
}


async def together(*functions: Any) -> None:
    async with trio.open_nursery() as nursery:
        for function in functions:
            nursery.start_soon(function)


class Pool:
    idle: Annotated[list[Connection], race.guarded_by("_lock")]
    size: int

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._other = trio.Lock()
        self.idle = []
        self.size = 0

    async def put(self, item: object) -> None:
        async with self._lock:
            await checkpoint()
            self.idle.append(item)


async def made() -> Pool:
    pool = Pool()
    await checkpoint()
    return pool


async def test_read_without() -> None:
    pool = await made()
    assert pool.idle is not None


async def test_read_with() -> None:
    pool = await made()
    async with pool._lock:
        assert pool.idle is not None
        await checkpoint()
        assert pool.idle is not None


async def test_write_without() -> None:
    pool = await made()
    pool.idle = [1]


async def test_contents_without() -> None:
    pool = await made()
    pool.idle.append(1)


async def test_contents_of_an_alias_without() -> None:
    pool = await made()
    async with pool._lock:
        idle = pool.idle
    await checkpoint()
    idle.append(1)


async def test_contents_of_what_was_taken_out() -> None:
    pool = await made()
    await pool.put(1)
    async with pool._lock:
        idle, pool.idle = pool.idle, []
    await checkpoint()
    idle.append(2)
    assert len(idle) == 2


async def test_after_the_release_in_the_same_step() -> None:
    pool = await made()
    async with pool._lock:
        pool.idle.append(1)
    assert len(pool.idle) == 1  # nobody can have come in between


async def test_after_the_release_and_a_checkpoint() -> None:
    pool = await made()
    async with pool._lock:
        pool.idle.append(1)
    await checkpoint()
    assert len(pool.idle) == 1


async def test_with_another_lock() -> None:
    pool = await made()
    async with pool._other:
        pool.idle.append(1)


async def test_with_the_lock_of_another_instance() -> None:
    pool, other = await made(), await made()
    async with other._lock:
        pool.idle.append(1)


async def test_while_somebody_else_has_the_lock() -> None:
    pool = await made()

    async def holder() -> None:
        async with pool._lock:
            await trio.sleep(2)

    async def intruder() -> None:
        await trio.sleep(1)
        pool.idle.append(1)

    await together(holder, intruder)


async def test_in_a_helper_of_who_holds_it() -> None:
    pool = await made()

    async def helper() -> None:
        await checkpoint()
        pool.idle.append(1)

    async with pool._lock:
        await helper()


async def test_in_a_child_of_who_holds_it() -> None:
    pool = await made()

    async def child() -> None:
        pool.idle.append(1)

    async with pool._lock, trio.open_nursery() as nursery:
        nursery.start_soon(child)


async def test_only_in_init() -> None:
    await made()
    await made()


class Prepared(Pool):
    def __init__(self) -> None:
        super().__init__()
        self._fill()

    def _fill(self) -> None:
        self.idle.append(1)


async def test_in_a_helper_of_init() -> None:
    Prepared()
    await checkpoint()


async def test_in_the_step_of_birth() -> None:
    pool = Pool()
    pool.idle.append(1)
    pool.idle = [2]
    await checkpoint()


async def test_in_the_step_after_birth() -> None:
    pool = Pool()
    await checkpoint()
    pool.idle = [2]


async def test_one_branch_of_many() -> None:
    pool = await made()

    async def careless() -> None:
        await trio.sleep(3)
        pool.idle.clear()

    await together(lambda: pool.put(1), lambda: pool.put(2), careless)


async def test_undeclared_attribute() -> None:
    pool = await made()
    pool.size += 1


class Special(Pool):
    idle: list[Any]

    async def careless(self) -> None:
        self.idle = [1]


async def test_subclass() -> None:
    special = Special()
    await checkpoint()
    await special.careless()


async def test_subclass_with() -> None:
    special = Special()
    await special.put(1)


@dataclass
class Account:
    balance: Annotated[int, race.guarded_by("lock")] = 0
    lock: trio.Lock = field(default_factory=trio.Lock)

    async def pay(self) -> None:
        async with self.lock:
            before = self.balance
            await checkpoint()
            self.balance = before + 1


async def test_dataclass() -> None:
    account = Account()
    await account.pay()
    await checkpoint()
    account.balance = 3


async def test_dataclass_in_the_step_of_birth() -> None:
    account = Account(5)
    account.balance += 1
    await account.pay()


@dataclass
class Opened(Account):
    def __post_init__(self) -> None:
        self.balance = 10


async def test_dataclass_post_init() -> None:
    account = Opened()
    await account.pay()


@attrs.define
class Ledger:
    balance: Annotated[int, race.guarded_by("lock")] = 0
    lock: trio.Lock = attrs.field(factory=trio.Lock)


async def test_attrs() -> None:
    ledger = Ledger()
    await checkpoint()
    ledger.balance += 1


async def test_attrs_with() -> None:
    ledger = Ledger()
    await checkpoint()
    async with ledger.lock:
        ledger.balance += 1


class Slotted:
    __slots__ = ("lock", "value")
    value: Annotated[int, guarded_by(lock="lock")]

    def __init__(self, lock: Any = None) -> None:
        self.lock = trio.Lock() if lock is None else lock
        self.value = 0


async def test_slots() -> None:
    slotted = Slotted()
    await checkpoint()
    slotted.value += 1


class Private:
    __value: Annotated[int, race.guarded_by("__lock")]

    def __init__(self) -> None:
        self.__lock = trio.Lock()
        self.__value = 0

    async def careless(self) -> None:
        self.__value += 1

    async def careful(self) -> None:
        async with self.__lock:
            self.__value += 1


async def test_private_names() -> None:
    private = Private()
    await checkpoint()
    await private.careless()


async def test_private_names_with() -> None:
    private = Private()
    await checkpoint()
    await private.careful()


LOCK = trio.Lock()


class Global:
    value: Annotated[int, race.guarded_by(LOCK)] = 0
    made: ClassVar[Annotated[int, race.guarded_by(LOCK)]] = 0


async def test_lock_object() -> None:
    thing = Global()
    await checkpoint()
    thing.value = 1


async def test_lock_object_with() -> None:
    thing = Global()
    await checkpoint()
    async with LOCK:
        thing.value += 1


async def test_class_variable() -> None:
    await checkpoint()
    Global.made += 1


async def test_class_variable_with() -> None:
    async with LOCK:
        Global.made += 1


visits: Annotated[int, race.guarded_by(LOCK)] = 0


async def test_global_variable() -> None:
    global visits
    await checkpoint()
    visits += 1


async def test_global_variable_with() -> None:
    global visits
    async with LOCK:
        visits += 1


CACHE: Annotated[dict[str, int], race.guarded_by(LOCK)] = {}


async def test_global_container() -> None:
    await checkpoint()
    CACHE["a"] = 1


async def test_global_container_with() -> None:
    async with LOCK:
        CACHE["a"] = 1
        await checkpoint()
        assert CACHE["a"] == 1
        CACHE.clear()


class Registry(dict[str, int]):
    level: Annotated[int, race.guarded_by("lock")]

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.level = 0


async def test_dict_with_a_key_of_that_name() -> None:
    registry = Registry()
    await checkpoint()
    registry["level"] = 1
    registry.level = 2


Guarded = Annotated[int, race.guarded_by("lock")]


class Named:
    one: Annotated[int, guarded_by("lock")]
    two: Guarded

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.one = self.two = 0


async def test_imported_name_and_alias() -> None:
    named = Named()
    await checkpoint()
    named.one += 1
    named.two += 1


async def test_condition() -> None:
    thing = Slotted(trio.Condition())
    await checkpoint()
    thing.value += 1


async def test_condition_with() -> None:
    thing = Slotted(trio.Condition())
    await checkpoint()

    async def waiter() -> None:
        async with thing.lock:
            while not thing.value:
                await thing.lock.wait()

    async def setter() -> None:
        async with thing.lock:
            thing.value = 1
            thing.lock.notify()

    await together(waiter, setter)


async def test_semaphore_and_limiter_with() -> None:
    for lock in (trio.Semaphore(1), trio.CapacityLimiter(1)):
        thing = Slotted(lock)
        await checkpoint()
        async with lock:
            thing.value += 1


async def test_semaphore_of_two() -> None:
    thing = Slotted(trio.Semaphore(2))
    await checkpoint()
    async with thing.lock:
        thing.value += 1


async def test_fifo_lock() -> None:
    thing = Slotted(trio.StrictFIFOLock())
    await checkpoint()
    async with thing.lock:
        thing.value += 1
    await checkpoint()
    thing.value += 1


async def test_thread_lock() -> None:
    thing = Slotted(threading.Lock())

    def careless() -> None:
        thing.value += 1

    await trio.to_thread.run_sync(careless)


async def test_thread_lock_with() -> None:
    thing = Slotted(threading.Lock())

    def careful() -> None:
        with thing.lock:
            thing.value += 1

    await together(lambda: trio.to_thread.run_sync(careful), lambda: trio.to_thread.run_sync(careful))


async def test_reentrant_lock_taken_twice() -> None:
    thing = Slotted(threading.RLock())

    def careful() -> None:
        with thing.lock:
            with thing.lock:
                thing.value += 1
            thing.value += 1

    await trio.to_thread.run_sync(careful)


async def test_thread_condition_with() -> None:
    thing = Slotted(threading.Condition())

    def careful() -> None:
        with thing.lock:
            thing.value += 1
            thing.lock.notify_all()

    await trio.to_thread.run_sync(careful)


async def one() -> int:
    await checkpoint()
    return 1


async def test_update_across_a_checkpoint() -> None:
    thing = Slotted()
    await checkpoint()
    thing.value += await one()


async def test_getattr_and_setattr() -> None:
    thing = Slotted()
    await checkpoint()
    for name in ("value",):
        setattr(thing, name, getattr(thing, name) + 1)


class Queue:
    queue: Annotated[deque[int], race.guarded_by("lock")]
    table: Annotated[dict[str, int], race.guarded_by("lock")]

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.queue = deque()
        self.table = {"a": 0}


async def test_deque() -> None:
    queue = Queue()
    await checkpoint()
    queue.queue.append(1)


async def test_dict_by_key() -> None:
    queue = Queue()
    await checkpoint()
    queue.table["a"] += 1


async def test_dict_by_key_with() -> None:
    queue = Queue()
    await checkpoint()
    async with queue.lock:
        queue.table["a"] += 1
        await checkpoint()
        assert list(queue.table.items())


async def test_acquired_by_hand() -> None:
    queue = Queue()
    await queue.lock.acquire()
    try:
        queue.table["a"] += 1
    finally:
        queue.lock.release()
    queue.lock.acquire_nowait()
    queue.table["b"] = 1
    queue.lock.release()


class Misspelt:
    value: Annotated[int, race.guarded_by("_lok")]

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self.value = 0


async def test_no_such_attribute() -> None:
    thing = Misspelt()
    await checkpoint()
    async with thing._lock:
        thing.value += 1


async def test_not_a_lock() -> None:
    thing = Slotted(trio.Event())
    await checkpoint()
    thing.value += 1


class Twice:
    value: Annotated[int, race.guarded_by("_one"), race.guarded_by("_two")]

    def __init__(self) -> None:
        self._one = trio.Lock()
        self._two = trio.Lock()
        self.value = 0


async def test_given_twice() -> None:
    thing = Twice()
    await checkpoint()
    async with thing._one, thing._two:
        thing.value += 1
