"""What an actor knows to have happened, and how it learns what others know.

PYTEST_DONT_REWRITE

Joining two clocks costs the size of what differs. Most joins need not look at the clocks at
all, if one remembers where a clock's content came from. This is what tree clocks do (Mathur,
Tunç, Pavlogiannis, Viswanathan, ASPLOS 2022, sections 3 and 4); here the tree is cut down to one level,
a list of the lessons that an actor had since it started:

- *known*: the learner already knows the teacher at the time of the release, and so all of it.
- *superset*: the teacher knows the learner at the time of the learner's last lesson, so it knows
  all that the learner knows: its clock is taken over whole.
- *news*: the learner knows where all lessons came from that the teacher had since the learner
  last heard of it: only the teacher's own time is new.

Only where none of these holds are clocks joined, block by block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trioflow.race.clocks.vector import EMPTY, Clock, advanced, joined, time_of

if TYPE_CHECKING:
    from trioflow.race.clocks.places import Place

_LOOK_BACK = 16
_REMEMBERED = 64


# These two are made in most steps. Their constructors are written out, for those of frozen classes are slow.


@final
class Lesson:
    """At `time` of its own, an actor learnt what the actor in `slot` knew at `taught`."""

    __slots__ = ("depth", "earlier", "place", "slot", "taught", "time")

    def __init__(
        self, time: int, slot: int, taught: int, earlier: Lesson | None, depth: int, place: Place | None = None
    ) -> None:
        self.time = time
        self.slot = slot
        self.taught = taught
        self.earlier = earlier
        self.depth = depth
        self.place = place
        """Where the teacher let it be known, where that is known."""


class Snapshot:
    """What somebody knew at one moment, its own time included."""

    __slots__ = ("_complete", "lessons", "of_others", "place", "slot", "time")

    def __init__(self, of_others: Clock, slot: int, time: int, lessons: Lesson | None) -> None:
        self.of_others = of_others
        """The clock, except that the own time may be an earlier one."""
        self.slot = slot
        self.time = time
        self._complete: Clock | None = None
        self.lessons = lessons
        self.place: Place | None = None
        """Where in the source this was handed on, if it was."""

    @property
    def clock(self) -> Clock:
        """The clock, which is only put together if somebody looks at it: most snapshots teach nothing new."""
        complete = self._complete
        if complete is None:
            complete = self.of_others
            if self.slot >= 0:
                complete = advanced(complete, self.slot, self.time)
            self._complete = complete
        return complete

    @staticmethod
    def of_unknown_origin(clock: Clock, slot: int, time: int) -> Snapshot:
        """What `clock` knew when the actor in `slot` was at `time`, where it is not known how it came to."""
        return Snapshot(clock, slot, time, Lesson(time, -1, 0, None, 0))


@final
class Knowledge:
    """The growing knowledge of one actor, or of a group of actors that has no time of its own."""

    __slots__ = ("_last_lesson", "clock", "lessons")

    def __init__(self, clock: Clock = EMPTY) -> None:
        self.clock = clock
        self.lessons: Lesson | None = None
        self._last_lesson = 0

    def copy(self) -> Knowledge:
        """The same knowledge, to grow apart from now on."""
        twin = Knowledge(self.clock)
        twin.lessons = self.lessons
        twin._last_lesson = self._last_lesson
        return twin

    def begin(self, snapshot: Snapshot, teacher: int, taught: int, time: int) -> None:
        """Start with all that `snapshot` knows; `time` is the own time at which this is learnt."""
        self.clock = snapshot.clock
        self.lessons = Lesson(time, teacher, taught, None, 0)
        self._last_lesson = time

    def snapshot(self, slot: int, time: int) -> Snapshot:
        """All that is known now; `slot` and `time` are the own ones."""
        return Snapshot(self.clock, slot, time, self.lessons)

    def snapshot_of_group(self) -> Snapshot:
        """All that a group knows now."""
        return Snapshot(self.clock, -1, 0, self.lessons)

    def equal(self, other: Knowledge, time: int) -> bool:
        """Whether the two know the same now; if so, this one may take the place of both.

        What it remembers of how it came to know that was not true of the other, so it forgets it.
        """
        if self.clock != other.clock:
            return False
        self.lessons = Lesson(time, -1, 0, None, 0)
        self._last_lesson = time
        return True

    def learn(self, snapshot: Snapshot, teacher: int, taught: int, slot: int, time: int) -> None:
        """Join what the actor `teacher` knew at its time `taught`.

        Args:
            snapshot: What it knew.
            teacher: Its slot; -1 for a group.
            taught: Its time at that moment.
            slot: The learner's own slot; -1 for a group.
            time: The learner's own time.
        """
        clock = self.clock
        heard = -1
        if teacher >= 0:
            heard = time_of(clock, teacher)
            if heard >= taught:
                return
        if not clock or (slot >= 0 and 0 < self._last_lesson <= time_of(snapshot.of_others, slot)):
            self.clock = snapshot.clock
        elif heard >= 0 and self._only_news(snapshot, heard, slot):
            self.clock = advanced(clock, teacher, taught)
        else:
            self.clock = joined(clock, snapshot.clock)
            if self.clock is clock:
                return
        self._remember(teacher, taught, time, snapshot.place)

    def _only_news(self, snapshot: Snapshot, heard: int, slot: int) -> bool:
        """Whether all that the teacher learnt since it was `heard` of last is known."""
        lesson = snapshot.lessons
        clock = self.clock
        for _ in range(_LOOK_BACK):
            if lesson is None or lesson.time <= heard:
                return True
            if lesson.slot < 0:
                return False
            if lesson.slot != slot and time_of(clock, lesson.slot) < lesson.taught:
                return False
            lesson = lesson.earlier
        return False

    def _remember(self, teacher: int, taught: int, time: int, place: Place | None) -> None:
        earlier = self.lessons
        depth = 0 if earlier is None else earlier.depth + 1
        if depth > _REMEMBERED:
            # A lesson from nobody: what came before it is not known any more.
            earlier, depth = Lesson(time, -1, 0, None, 0), 1
        self.lessons = Lesson(time, teacher, taught, earlier, depth, place)
        self._last_lesson = time
