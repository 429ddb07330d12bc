"""The workload of the hot loop: nothing but attributes and containers, as tight as Python writes them."""

from __future__ import annotations

import trio


class Particle:
    """Something with attributes."""

    def __init__(self, position: float, speed: float) -> None:
        self.position = position
        self.speed = speed
        self.bounces = 0

    def move(self, step: float) -> None:
        """Move, and bounce off the walls."""
        self.position += self.speed * step
        if self.position < 0.0 or self.position > 100.0:
            self.speed = -self.speed
            self.bounces += 1


class Box:
    """Something with containers."""

    def __init__(self, size: int) -> None:
        self.particles = [Particle(float(index % 100), 1.0 + index % 7) for index in range(size)]
        self.histogram: dict[int, int] = {}
        self.energies = [0.0] * size

    def step(self) -> None:
        """Move every particle, and count where they are."""
        for particle in self.particles:
            particle.move(0.1)
            place = int(particle.position) // 10
            self.histogram[place] = self.histogram.get(place, 0) + 1
        for index in range(len(self.particles)):
            particle = self.particles[index]
            self.energies[index] = particle.speed * particle.speed


async def alone(steps: int) -> None:
    """One task, and nothing shared."""
    box = Box(50)
    for _ in range(steps):
        box.step()


async def in_turn(steps: int) -> None:
    """Two tasks that hand the same objects to and fro under a lock."""
    box = Box(50)
    lock = trio.Lock()

    async def worker() -> None:
        for _ in range(steps // 20):
            async with lock:
                for _ in range(10):
                    box.step()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)
        nursery.start_soon(worker)
