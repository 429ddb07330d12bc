"""Reads of attributes that nobody writes are not looked at; whatever may write them makes them be looked at again."""

from __future__ import annotations

from typing import Any

import pytest

PROGRAM = """
import trio


class Thing:
    def __init__(self):
        self.value = 0


class Manager:
    def __enter__(self):
        return 1

    def __exit__(self, *error):
        return False


async def read(thing):
    await trio.lowlevel.checkpoint()
    thing.value


async def write(thing, name="value"):
    {write}


async def main():
    thing = Thing()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, thing)
        nursery.start_soon(write, thing)
"""

RACE = [("data-race", "Thing.value")]


@pytest.mark.parametrize(
    "write",
    [
        "thing.value = 1",
        "thing.value += 1",
        "thing.value += await trio.sleep(0) or 1",
        "thing.other, (thing.value, *_) = 1, (2, 3)",
        "del thing.value; Thing.value = 1",
        "for thing.value in range(2): pass",
        "[0 for thing.value in range(2)]",
        "with Manager() as thing.value: pass",
        "setattr(thing, 'value', 1)",
        "setattr(thing, name, 1)",
        "object.__setattr__(thing, name, 1)",
        "object.__setattr__(thing, 'value', 1)",
        "thing.__dict__['value'] = 1",
        "vars(thing)['value'] = 1",
        "thing.__dict__.update(value=1)",
        "thing.__init__()",
        "Thing.__init__(thing)",
    ],
)
def test_any_way_to_write_an_attribute_is_met_by_reads(watch: Any, write: str) -> None:
    """A race is found whatever statement makes the attribute one that is written."""
    assert RACE[0] in watch(PROGRAM.format(write=write), level="strict").kinds()


def test_attribute_that_only_its_making_writes_is_silent(watch: Any) -> None:
    """What an `__init__` stores is there before anybody else has the object."""
    assert watch(PROGRAM.format(write="thing.value"), level="strict").kinds() == []


def test_attribute_that_another_module_writes_is_met(watch: Any, tmp_path: Any) -> None:
    """A module that is loaded later makes the reads of all earlier ones count."""
    (tmp_path / "later_writer.py").write_text("def write(thing):\n    thing.value = 1\n")
    source = PROGRAM.format(write="later_writer.write(thing)") + "\nimport later_writer\n"
    assert watch(source).kinds() == RACE


def test_thread_that_an_init_starts_may_overtake_it(watch: Any) -> None:
    """What an `__init__` writes after it has started a thread is met by what the thread reads."""
    source = """
        import threading


        class Worker:
            def __init__(self):
                self.count = 0
                self.ready = False
                thread = threading.Thread(target=self.run)
                thread.start()
                self.look()
                self.ready = True
                thread.join()

            def run(self):
                self.count += 1
                self.look()

            def look(self):
                return self.ready


        async def main():
            Worker()
    """
    assert ("data-race", "Worker.ready") in watch(source).kinds()


def test_birth_is_known_where_an_init_writes_nothing_else(watch: Any) -> None:
    """What is stored in the step that made an object precedes everybody, though the `__init__` tells no more."""
    source = """
        import trio


        class Job:
            def __init__(self):
                self.name = "job"


        jobs = []


        def make():
            job = Job()
            job.state = "new"
            jobs.append(job)


        async def maker():
            make()


        async def reader():
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            job = jobs[0]
            job.name
            job.state


        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(maker)
                nursery.start_soon(reader)
    """
    assert not [kind for kind in watch(source).kinds() if "Job" in kind[1]]


def test_what_follows_the_step_of_birth_is_met(watch: Any) -> None:
    """A store in a later step is no part of the making."""
    source = """
        import trio


        class Job:
            def __init__(self):
                self.name = "job"


        async def writer(job):
            await trio.lowlevel.checkpoint()
            job.state = "old"


        async def reader(job):
            await trio.lowlevel.checkpoint()
            job.state


        async def main():
            job = Job()
            job.state = "new"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer, job)
                nursery.start_soon(reader, job)
    """
    assert watch(source).kinds() == [("data-race", "Job.state")]
