"""The order that actors build up, against an oracle that copies whole clocks at every edge."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from trioflow.race.clocks.actor import Actor, Moment, Release
from trioflow.race.clocks.holds import LockIdentity, common_locks
from trioflow.race.clocks.registry import Group, Registry

operations = st.lists(
    st.tuples(
        st.sampled_from(["step", "release", "acquire", "hand over", "spawn", "join", "mark", "point"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=120,
)


@dataclass
class Naive:
    """An actor of the oracle: the sets of marks that precede it, with and without lock edges."""

    full: set[int] = field(default_factory=set)
    strong: set[int] = field(default_factory=set)


@dataclass
class Published:
    """A release in both worlds; the sets are those at the end of the step."""

    release: Release
    owner: int
    naive: Naive | None = None


@given(operations)
@settings(max_examples=300)
def test_order_equals_that_of_whole_copies(program: list[tuple[str, int, int]]) -> None:
    """For every pair of marked moments both orders say what the transitive closure of the edges says."""
    world = World()
    for operation, one, other in program:
        world.do(operation, one, other)
    world.check()


class World:
    """Runs one step after another, as a run loop does."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.actors: list[Actor] = []
        self.naive: list[Naive] = []
        self.parents: list[int] = []
        self.ended: set[int] = set()
        self.published: list[Published] = []
        self.open: list[Published] = []
        self.marks: list[tuple[Moment, Naive]] = []
        self.births: list[tuple[int, Published]] = []
        self.running = 0
        self.start(None)
        self.actors[0].begin_step()

    def start(self, parent: int | None) -> None:
        actor = self.registry.spawn(None if parent is None else self.actors[parent], "task")
        self.actors.append(actor)
        self.naive.append(Naive())
        self.parents.append(-1 if parent is None else parent)
        if parent is not None:
            birth = Published(self.actors[parent].release(), parent)
            self.open.append(birth)
            self.births.append((len(self.actors) - 1, birth))

    def switch_to(self, index: int) -> None:
        self.actors[self.running].end_step()
        for published in self.open:
            source = self.naive[published.owner]
            published.naive = Naive(set(source.full), set(source.strong))
        self.open = []
        for child, birth in self.births:
            assert birth.naive is not None
            self.naive[child].full |= birth.naive.full
            self.naive[child].strong |= birth.naive.strong
        self.births = []
        self.running = index
        self.actors[index].begin_step()

    def living(self, number: int) -> int:
        alive = [index for index in range(len(self.actors)) if index not in self.ended]
        return alive[number % len(alive)]

    def do(self, operation: str, one: int, other: int) -> None:
        me = self.running
        actor, naive = self.actors[me], self.naive[me]
        if operation == "step":
            self.switch_to(self.living(one))
        elif operation == "release":
            published = Published(actor.release(), me)
            self.published.append(published)
            self.open.append(published)
        elif operation == "point":
            self.published.append(Published(actor.release_now(), me, Naive(set(naive.full), set(naive.strong))))
        elif operation in ("acquire", "hand over") and self.published:
            published = self.published[one % len(self.published)]
            lock = operation == "hand over"
            if published.naive is not None:
                actor.acquire(published.release, lock=lock)
                naive.full |= published.naive.full
                if not lock:
                    naive.strong |= published.naive.strong
        elif operation == "spawn" and len(self.actors) < 8:
            self.start(me)
        elif operation == "join":
            self.join(other)
        elif operation == "mark":
            number = len(self.marks)
            self.marks.append((actor.moment, Naive(set(naive.full), set(naive.strong))))
            naive.full.add(number)
            naive.strong.add(number)

    def join(self, number: int) -> None:
        """The running actor waits for all its children to end, if they have no children themselves."""
        me = self.running
        children = [index for index, parent in enumerate(self.parents) if parent == me and index not in self.ended]
        busy = {self.parents[index] for index in range(len(self.parents)) if index not in self.ended}
        if not children or any(child in busy for child in children):
            return
        group = Group()
        for child in children:
            self.switch_to(child)
            self.actors[child].end_step()
            group.add(self.actors[child])
            self.registry.ended(self.actors[child])
            self.actors[child].begin_step()
            self.ended.add(child)
        self.switch_to(me)
        group.join_into(self.actors[me])
        for child in children:
            self.naive[me].full |= self.naive[child].full
            self.naive[me].strong |= self.naive[child].strong

    def check(self) -> None:
        for number, (earlier, _) in enumerate(self.marks):
            for later, known in self.marks[number + 1 :]:
                if earlier.actor is later.actor:
                    continue
                assert earlier.before(later) is (number in known.full)
                assert earlier.before_without_locks(later) is (number in known.strong)


def test_edge_leaves_from_the_whole_step() -> None:
    """What a task does after it has woken somebody, in the same step, still precedes the one who was woken."""
    registry = Registry()
    one, other = registry.spawn(None, "one"), registry.spawn(None, "other")
    one.begin_step()
    other.wake(one.release())
    event = registry.spawn(None, "event")
    event.begin_step()
    news = event.release()
    event.end_step()
    one.acquire(news)
    late = one.moment
    one.end_step()
    other.begin_step()
    assert late.before(other.moment)
    assert event.moment.before(other.moment)


def test_edge_to_a_thread_leaves_from_the_point() -> None:
    """What a task does after it has handed something to a thread is not ordered."""
    registry = Registry()
    task = registry.spawn(None, "task")
    task.begin_step()
    early = task.moment
    thread = registry.spawn(task, "thread", kind="thread", release=task.release_now())
    late = task.moment
    assert early.before(thread.moment)
    assert not late.before(thread.moment)


def test_slot_of_a_joined_child_is_used_again() -> None:
    """A nursery in a loop does not make clocks wider."""
    registry = Registry()
    parent = registry.spawn(None, "parent")
    parent.begin_step()
    slots = set()
    for _ in range(50):
        children = [registry.spawn(parent, "child") for _ in range(2)]
        parent.end_step()
        group = Group()
        for child in children:
            child.begin_step()
            child.end_step()
            group.add(child)
            registry.ended(child)
            slots.add(child.slot)
        parent.begin_step()
        group.join_into(parent)
    assert len(slots) == 2


def test_release_of_a_lock_counts_to_the_end_of_the_step() -> None:
    """Nobody else runs before the step is over, so the lock guards to its end."""
    registry = Registry()
    task = registry.spawn(None, "task")
    lock = LockIdentity("trio.Lock")
    task.begin_step()
    task.hold(lock)
    task.drop(lock)
    assert [hold.lock for hold in task.moment.holds] == [lock]
    assert not task.holds_lock(lock)
    task.end_step()
    task.begin_step()
    assert task.holds == ()


def test_lock_of_the_parent_guards_its_children() -> None:
    """Children that are started while a lock is held, and end before it is released, are guarded by it."""
    registry = Registry()
    lock = LockIdentity("trio.Lock")
    parent = registry.spawn(None, "parent")
    parent.begin_step()
    parent.hold(lock)
    children = [registry.spawn(parent, "child") for _ in range(2)]
    other = registry.spawn(None, "other")
    parent.end_step()
    moments = []
    for child in children:
        child.begin_step()
        moments.append(child.moment)
        child.end_step()
    parent.begin_step()
    parent.drop(lock)
    parent.end_step()
    other.begin_step()
    other.hold(lock)
    assert common_locks(moments[0].holds, other.moment.holds) == [lock]
    assert common_locks(moments[0].holds, moments[1].holds) == []
    children[0].begin_step()
    assert children[0].moment.holds == ()


def test_lock_taken_anew_is_another_acquisition() -> None:
    """A section is guarded only by one acquisition that lasts."""
    registry = Registry()
    task = registry.spawn(None, "task")
    lock = LockIdentity("trio.Lock")
    task.begin_step()
    task.hold(lock)
    first = task.moment.holds
    task.drop(lock)
    task.hold(lock)
    task.end_step()
    task.begin_step()
    assert task.moment.holds != first
    assert common_locks(first, task.moment.holds) == [lock]
