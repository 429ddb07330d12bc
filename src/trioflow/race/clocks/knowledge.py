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

from typing import final

import attrs

from trioflow.race.clocks.vector import EMPTY, Clock, advanced, joined, time_of

_LOOK_BACK = 16
_REMEMBERED = 64


@final
@attrs.frozen(eq=False)
class _Lesson:
    """At `time` of its own, an actor learnt what the actor in `slot` knew at `taught`."""

    time: int
    slot: int
    taught: int
    earlier: _Lesson | None
    depth: int


@final
@attrs.frozen(eq=False)
class Snapshot:
    """What somebody knew at one moment, its own time included."""

    clock: Clock
    lessons: _Lesson | None

    @classmethod
    def of_unknown_origin(cls, clock: Clock, slot: int, time: int) -> Snapshot:
        """What `clock` knew when the actor in `slot` was at `time`, where it is not known how it came to."""
        return cls(advanced(clock, slot, time), _Lesson(time, -1, 0, None, 0))


@final
class Knowledge:
    """The growing knowledge of one actor, or of a group of actors that has no time of its own."""

    __slots__ = ("_last_lesson", "_lessons", "clock")

    def __init__(self, clock: Clock = EMPTY) -> None:
        self.clock = clock
        self._lessons: _Lesson | None = None
        self._last_lesson = 0

    def copy(self) -> Knowledge:
        """The same knowledge, to grow apart from now on."""
        twin = Knowledge(self.clock)
        twin._lessons = self._lessons
        twin._last_lesson = self._last_lesson
        return twin

    def begin(self, snapshot: Snapshot, teacher: int, taught: int, time: int) -> None:
        """Start with all that `snapshot` knows; `time` is the own time at which this is learnt."""
        self.clock = snapshot.clock
        self._lessons = _Lesson(time, teacher, taught, None, 0)
        self._last_lesson = time

    def snapshot(self, slot: int, time: int) -> Snapshot:
        """All that is known now; `slot` and `time` are the own ones."""
        return Snapshot(advanced(self.clock, slot, time), self._lessons)

    def snapshot_of_group(self) -> Snapshot:
        """All that a group knows now."""
        return Snapshot(self.clock, self._lessons)

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
        if teacher >= 0:
            heard = time_of(clock, teacher)
            if heard >= taught:
                return
        else:
            heard = -1
        theirs = snapshot.clock
        if theirs is clock:
            return
        if not clock or (slot >= 0 and 0 < self._last_lesson <= time_of(theirs, slot)):
            self.clock = theirs
        elif heard >= 0 and self._only_news(snapshot, heard, slot):
            self.clock = advanced(clock, teacher, taught)
        else:
            self.clock = joined(clock, theirs)
        self._remember(teacher, taught, time)

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

    def _remember(self, teacher: int, taught: int, time: int) -> None:
        earlier = self._lessons
        depth = 0 if earlier is None else earlier.depth + 1
        if depth > _REMEMBERED:
            # A lesson from nobody: what came before it is not known any more.
            earlier, depth = _Lesson(time, -1, 0, None, 0), 1
        self._lessons = _Lesson(time, teacher, taught, earlier, depth)
        self._last_lesson = time
