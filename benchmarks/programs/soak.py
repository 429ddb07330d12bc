"""Accesses to objects that live briefly: `soak.py MILLIONS` makes that many millions, and prints the peak of memory."""

from __future__ import annotations

import sys

import trio

TASKS = 4
PER_OBJECT = 20


class Order:
    """Something that lives as long as it takes to work on it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.total = 0
        self.lines: list[int] = []
        self.by_name: dict[str, int] = {}

    def work(self) -> int:
        """Access attributes, a list and a dictionary."""
        for line in range(2):
            self.lines.append(line)
            self.total += self.lines[line]
            self.by_name["last"] = self.total
        self.number += 1
        return self.total + self.number


class Ledger:
    """What all tasks share."""

    def __init__(self) -> None:
        self.orders = 0
        self.open: dict[int, Order] = {}


async def worker(ledger: Ledger, lock: trio.Lock, orders: int) -> None:
    """Work on one order after the other; every tenth is in a place that all know, and every hundredth is handed on."""
    for number in range(orders):
        order = Order(number)
        order.work()
        if number % 10 == 0:
            async with lock:
                ledger.orders += 1
                ledger.open[number] = order
                await trio.lowlevel.checkpoint()
                ledger.open.pop(number, None)
        if number % 100 == 0:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(finish, order)


async def finish(order: Order) -> None:
    """End the work in another task."""
    order.work()


async def main(millions: float) -> None:
    """Share the work out."""
    ledger = Ledger()
    lock = trio.Lock()
    orders = int(millions * 1_000_000) // PER_OBJECT // TASKS
    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(worker, ledger, lock, orders)


trio.run(main, float(sys.argv[1]))
if sys.platform != "win32":
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"megabytes {peak / (1024 * 1024 if sys.platform == 'darwin' else 1024):.1f}", flush=True)
