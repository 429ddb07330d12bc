"""Attributes that are declared to need a lock: whether whoever accesses them holds it.

PYTEST_DONT_REWRITE

A step of a task keeps a lock to its end, so the answer is the same for all accesses of one moment. Who has made
the object in the same step, or is still about to (in `__init__` and the like), needs no lock.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Hashable
from types import FrameType
from typing import Any, NamedTuple, final

from trioflow.race.clocks.actor import Actor
from trioflow.race.clocks.holds import LockIdentity
from trioflow.race.model.sites import Site
from trioflow.race.shadow.annotated import Declarations, Declared
from trioflow.race.shadow.breaches import UnguardedAccess, WrongDeclaration
from trioflow.race.shadow.containers import Effects
from trioflow.race.shadow.identity import ObjectShadow, Shadows
from trioflow.race.shadow.kinds import container_of, is_a, lookup
from trioflow.race.shadow.values import Scope
from trioflow.race.shadow.variables import Access, Sink

_MAKING = frozenset(
    "__init__ __new__ __post_init__ __attrs_post_init__ __attrs_pre_init__ __setstate__ model_post_init".split()
)
_DEPTH = 32


class KnownLock(NamedTuple):
    """What is known of a lock."""

    identity: LockIdentity | None
    """None: it is a lock, but not one that is watched, so nothing is known of who holds it."""
    made_by: tuple[Actor, int] | None = None
    """Who has made it, in which step."""


def _no_locks(lock: object) -> KnownLock | None:  # noqa: ARG001 (it answers for any)
    """Stand in for whoever knows locks."""
    return KnownLock(None)


@final
class Guarded:
    """Checks the accesses of one test against what annotations declare."""

    def __init__(self, shadows: Shadows, sink: Sink) -> None:
        self._shadows = shadows
        self._sink = sink
        self.expected: dict[int, Declarations] = {}
        """What is declared of containers in declared attributes, until they are met, by their addresses."""
        self.locks: Callable[[object], KnownLock | None] = _no_locks
        """What is known of a lock; None for what is none."""

    def clear(self) -> None:
        """Forget everything."""
        self.expected.clear()

    def check(self, shadow: ObjectShadow, site: Site, effects: Effects, actor: Actor, frame: FrameType) -> None:
        """Variables of which something is declared are accessed."""
        declarations = shadow.declared
        assert declarations is not None
        if declarations.holder is None:
            for where, kind in effects:
                declared = declarations.of(where)
                if declared is not None:
                    self._attribute(shadow, where, declared, Access(kind, site, actor.moment), frame)
            return
        holder = declarations.holder
        name, declared = next(iter(declarations.by_name.items()))
        owner = holder.object()
        if owner is None or _held(owner, name) is not shadow.object():
            return  # it has been taken out, so the lock is no longer its
        kind = 0
        for _, each in effects:
            kind |= each
        self._guard(holder, shadow, effects[0][0], declared, Access(kind, site, actor.moment), frame)

    def _attribute(
        self, shadow: ObjectShadow, where: Hashable, declared: Declared, access: Access, frame: FrameType
    ) -> None:
        owner = shadow.object()
        if owner is None:
            return
        held = _held(owner, where)
        if container_of(type(held)) is not None:
            declarations = Declarations({where: declared}, shadow)
            known = self._shadows.by_id.get(id(held))
            if known is None:
                self.expected[id(held)] = declarations
            elif known.declared is None:
                known.declared = declarations
        self._guard(shadow, shadow, where, declared, access, frame)

    def _guard(
        self,
        holder: ObjectShadow,
        shadow: ObjectShadow,
        where: Hashable,
        declared: Declared,
        access: Access,
        frame: FrameType,
    ) -> None:
        """Report an access by somebody who does not hold the lock."""
        owner = holder.object()
        actor = access.moment.actor
        if declared.problem:
            self._sink.declared(WrongDeclaration(declared.variable, declared.problem, access.site, access))
            return
        if declared.guard is None or _is_being_made(holder, owner, actor, frame):
            return
        lock = declared.guard.lock
        if isinstance(lock, str):
            name = f"{declared.owner}.{lock}"
            lock = _lock_of(owner, lock, declared.owner)
            if lock is None:
                if not is_a(owner, type):  # a class's default, which has no lock of its own
                    self._wrong(declared, access, f"there is no lock in {name}")
                return
        else:
            name = declared.lock_name
        known = self.locks(lock)
        if known is None:
            self._wrong(declared, access, f"{name or repr(lock)} is no lock that the detector knows, but {_kind(lock)}")
            return
        identity = known.identity
        if identity is None or known.made_by == (actor, actor.step):
            return
        if not identity.exclusive:
            self._wrong(declared, access, f"{name or identity.describe()} lets in more than one at a time")
        elif not any(hold.lock is identity and not hold.over for hold in access.moment.holds):
            self._sink.declared(UnguardedAccess(shadow, where, declared.variable, name or identity.describe(), access))

    def _wrong(self, declared: Declared, access: Access, text: str) -> None:
        self._sink.declared(WrongDeclaration(declared.variable, text, access.site, access))


def _held(owner: Any, where: Any) -> Any:
    """What an attribute or global variable holds now; None if there is none."""
    if type(owner) is Scope:
        return _globals(owner).get(where)
    try:
        # Containers have attributes, too: not `content`, which would look for a key.
        return (type if is_a(owner, type) else object).__getattribute__(owner, where)
    except Exception:
        return None


def _globals(scope: Scope) -> dict[Any, Any]:
    module = sys.modules.get(scope.name)
    return {} if module is None else vars(module)


def _lock_of(owner: Any, name: str, declaring: str) -> object:
    """The lock in an attribute; None if there is none yet."""
    if name.startswith("__") and not name.endswith("__"):
        name = f"_{declaring.lstrip('_')}{name}"
    found = lookup(type(owner), name)
    if found is not None and is_a(found[1], property):
        return _computed(found[1], owner)
    if found is not None and is_a(found[1], functools.cached_property):
        return _held(owner, "__dict__").get(name)  # it is not ours to make
    held = _held(owner, name)
    return None if is_a(held, types.MethodType, types.FunctionType) else held


def _computed(attribute: property, owner: Any) -> object:
    """What a property returns: whoever names one as a lock expects it to be asked."""
    try:
        return None if attribute.fget is None else attribute.fget(owner)
    except Exception:
        return None


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _is_being_made(shadow: ObjectShadow, owner: Any, actor: Actor, frame: FrameType | None) -> bool:
    """Whether nobody else can know of an object yet."""
    born = shadow.born
    if born is not None and born.actor is actor and born.step == actor.step:
        return True
    for _ in range(_DEPTH):
        if frame is None:
            break
        code = frame.f_code
        if code.co_name in _MAKING and code.co_argcount and frame.f_locals.get(code.co_varnames[0]) is owner:
            return True
        frame = frame.f_back
    return False
