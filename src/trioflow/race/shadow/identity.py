"""Which shadow belongs to which object.

PYTEST_DONT_REWRITE

Shadows are found by the address of their object. An object that allows weak references is held
weakly, and its shadow goes when it goes. A container does not allow them: it is held until the end of
the step in which it was met and let go as soon as nobody else holds it.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import gc
import sys
import weakref
from collections import deque
from collections.abc import Hashable
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

from trioflow.race.shadow.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from trioflow.race.clocks.actor import Actor, Moment
    from trioflow.race.shadow.annotated import Declarations
    from trioflow.race.shadow.containers import Effects
    from trioflow.race.shadow.guards import Guard
    from trioflow.race.shadow.kinds import Container
    from trioflow.race.shadow.variables import Variable

_FORGET = 8192
_OWNERS = 8
"""How many owners are remembered of an object that is passed on."""
_NONE: dict[Any, Any] = {}
"""Stands for a dictionary that most shadows never need; it stays empty."""


@final
class Anchor(weakref.ref[Any]):
    """A weak reference that knows its object's address."""

    __slots__ = ("key",)
    key: int


class OwnerHistory(NamedTuple):
    """What one owner did to an object."""

    recent: dict[Any, Moment]
    effects: dict[Any, Effects]
    before: dict[Hashable, tuple[Moment, object]]


@final
class ObjectShadow:
    """The shadow of one object: first of all accesses of one owner, later variable by variable."""

    __slots__ = (
        "anchor",
        "before",
        "born",
        "container",
        "declared",
        "effects",
        "guards",
        "key",
        "label",
        "made",
        "noted",
        "owner",
        "past",
        "recent",
        "relied",
        "shared",
    )

    def __init__(self, key: int, container: Container | None, owner: Actor, label: str) -> None:
        self.key = key
        self.container = container
        self.owner = owner
        self.label = label
        """What the object is called: a class's name, `closure`, `global`."""
        self.anchor: Anchor | Any = None
        self.recent: dict[Any, Moment] = {}
        """The last access at each site (with its key): all there is to know while the object has one owner."""
        self.effects: dict[Any, Effects] = _NONE
        """What each of these did, where the object is a container."""
        self.before: dict[Hashable, tuple[Moment, object]] = _NONE
        """Per variable the digest of the value before the owner's last write."""
        self.past: tuple[OwnerHistory, ...] = ()
        """What earlier owners did, each after the one before: somebody may come whom nothing orders after them."""
        self.shared: dict[Hashable, Variable] | None = None
        self.born: Moment | None = None
        """When the object was made, if it was seen in its making."""
        self.made: tuple[CodeType, int] | None = None
        """The instruction that made the object, if it was seen in its making."""
        self.noted: frozenset[Hashable] = frozenset()
        """The variables with accesses on which something may rely."""
        self.guards: dict[Hashable, Guard] = _NONE
        """Per variable, the lock that it stands for if it is a flag by which tasks exclude each other."""
        self.declared: Declarations | None = None
        """What annotations say of its variables."""
        self.relied: frozenset[tuple[int, int]] = frozenset()
        """Actors and sites of writes that relied on an earlier access to the same variable."""

    def note(self, key: Any, moment: Moment) -> None:
        """Remember the last access at a site; the oldest go where there are too many."""
        recent = self.recent
        recent[key] = moment
        if len(recent) > _FORGET:
            for old in list(recent)[: _FORGET // 2]:
                del recent[old]
                self.effects.pop(old, None)

    def keep_effects(self, recent: Any, effects: Effects) -> None:
        """Remember what an access did."""
        if self.effects is _NONE:
            self.effects = {}
        self.effects[recent] = effects

    def keep_before(self, where: Hashable, moment: Moment, replaced: object) -> None:
        """Remember what the owner's last write replaced."""
        if self.before is _NONE:
            self.before = {}
        self.before[where] = (moment, replaced)

    def keep_guard(self, where: Hashable, guard: Guard) -> None:
        """Remember that a variable is a flag."""
        if self.guards is _NONE:
            self.guards = {}
        self.guards[where] = guard

    def history(self) -> OwnerHistory:
        """What the present owner did."""
        return OwnerHistory(self.recent, self.effects, self.before)

    def change_owner(self, owner: Actor) -> None:
        """Go over to somebody who comes after all that the present owner did."""
        if self.recent:
            self.past = (*self.past[1 - _OWNERS :], self.history())
            self.recent = {}
        self.owner = owner
        self._forget_owner()

    def share(self, variables: dict[Hashable, Variable]) -> None:
        """Have a shadow for each variable from now on."""
        self.shared = variables
        self.past = ()
        self._forget_owner()

    def _forget_owner(self) -> None:
        self.effects = _NONE
        self.before = _NONE
        self.born = None

    def object(self) -> Any:
        """The object, or None if it is gone."""
        return self.anchor() if type(self.anchor) is Anchor else self.anchor


class Shadows:
    """All shadows of one test."""

    _HELD: ClassVar[int]

    def __init__(self) -> None:
        self.by_id: dict[int, ObjectShadow] = {}
        self.fresh = 0
        """How many objects that can't be held weakly were met since the last look."""
        self._held: deque[ObjectShadow] = deque()
        self._sorting = False
        """Whether what is held is being gone through, in the midst of which the garbage collector may start."""

    def make(self, value: Any, key: int, container: Container | None, owner: Actor, label: str) -> ObjectShadow:
        """A new shadow for an object that has none under that key."""
        shadow = ObjectShadow(key, container, owner, label)
        try:
            anchor = Anchor(value, self._gone)
        except TypeError:
            shadow.anchor = value
            self._held.append(shadow)
            self.fresh += 1
        else:
            anchor.key = key
            shadow.anchor = anchor
        self.by_id[key] = shadow
        return shadow

    @uninterrupted
    def _gone(self, anchor: weakref.ref[Any]) -> None:
        key = anchor.key  # type: ignore[attr-defined]
        shadow = self.by_id.get(key)
        if shadow is not None and shadow.anchor is anchor:
            del self.by_id[key]
            shadow.shared = None

    def let_go(self) -> None:
        """Drop new containers that nobody else holds, and look at as many of the older ones."""
        if self._sorting:
            return
        self._sorting = True
        held = self._held
        fresh, self.fresh = self.fresh, 0
        kept: list[ObjectShadow] = []
        for count in range(min(2 * fresh, len(held))):
            shadow = held.pop() if count < fresh else held.popleft()
            if sys.getrefcount(shadow.anchor) <= self._HELD:
                self.by_id.pop(shadow.key, None)
                shadow.anchor = None
            elif count < fresh:
                kept.append(shadow)
            else:
                held.append(shadow)
        held.extend(kept)
        self._sorting = False

    def forget_unheld(self) -> None:
        """Drop all containers that nobody else holds."""
        if self._sorting:
            return
        self._sorting = True
        held = self._held
        for _ in range(len(held)):
            shadow = held.popleft()
            if sys.getrefcount(shadow.anchor) <= self._HELD:
                self.by_id.pop(shadow.key, None)
                shadow.anchor = None
            else:
                held.append(shadow)
        self._sorting = False

    def release(self) -> list[ObjectShadow]:
        """Hold nothing that the garbage collector looks at; return the shadows that did."""
        released: list[ObjectShadow] = []
        if self._sorting:
            return released
        for shadow in list(self._held):
            if gc.is_tracked(shadow.anchor):
                released.append(shadow)
                shadow.anchor = None
        return released

    def bury(self) -> None:
        """Forget those whose objects have gone while nobody held them."""
        self._sorting = True
        held = self._held
        for _ in range(len(held)):
            shadow = held.popleft()
            if shadow.anchor is not None:
                held.append(shadow)
                continue
            shadow.shared = None
            if self.by_id.get(shadow.key) is shadow:
                del self.by_id[shadow.key]
        self._sorting = False

    def clear(self) -> None:
        """Forget everything, and leave no cycles to the garbage collector."""
        for shadow in list(self.by_id.values()):
            shadow.shared = None
            shadow.anchor = None
        self.by_id.clear()
        self._held.clear()
        self.fresh = 0


def _count() -> int:
    """What `getrefcount` says of an object that only a shadow holds."""
    shadow = ObjectShadow(0, None, None, "")  # type: ignore[arg-type]
    shadow.anchor = []
    return sys.getrefcount(shadow.anchor)


Shadows._HELD = _count()
