"""What an object is to the detector: a container whose contents count, or something with attributes.

PYTEST_DONT_REWRITE

An attribute that a class computes (a property, a method, any descriptor but a slot) is no
variable: what its code touches is. All answers depend on the type alone and are remembered by type.
"""

# What is looked at may be of any type.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import array
import collections
import enum
import threading
import types
import weakref
from collections.abc import Mapping
from typing import Any, TypeVar, final

from trioflow.race.model.members import store_plainly


class Container(enum.Enum):
    """The kinds of containers whose contents are variables."""

    DICT = "dict"
    LIST = "list"
    SET = "set"
    SEQUENCE = "sequence"
    """A deque, bytearray or array: one variable for all that is in it."""


class Attribute(enum.Enum):
    """What looking an attribute up on a type leads to."""

    INSTANCE = "instance"
    """The instance's own dictionary, or a slot."""
    DEFAULT = "default"
    """The instance's own dictionary if it is there, else a plain value of the class."""
    COMPUTED = "computed"
    """A method, property or other descriptor: no variable."""
    DYNAMIC = "dynamic"
    """Nothing, so that `__getattr__` may be asked."""


store_plainly(Container, Attribute)

_BASES: tuple[tuple[type, Container], ...] = (
    (dict, Container.DICT),
    (list, Container.LIST),
    (set, Container.SET),
    (collections.deque, Container.SEQUENCE),
    (bytearray, Container.SEQUENCE),
    (array.array, Container.SEQUENCE),
)

_DELEGATING: tuple[tuple[type, str], ...] = (
    (collections.UserDict, "data"),
    (collections.UserList, "data"),
    (collections.ChainMap, "maps"),
    (weakref.WeakValueDictionary, "data"),
    (weakref.WeakKeyDictionary, "data"),
    (weakref.WeakSet, "data"),
)


_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")


@final
class TypeTable(dict[_Key, _Answer]):
    """What is known by type; what is known of types that were made in functions is let go with their test."""

    def __init__(self) -> None:
        super().__init__()
        self._local: list[_Key] = []

    def learn(self, key: _Key, answer: _Answer, cls: type) -> _Answer:
        """Remember an answer that holds for a type."""
        self[key] = answer
        if "<locals>" in type.__dict__["__qualname__"].__get__(cls):
            self._local.append(key)
        return answer

    def forget_local_types(self) -> None:
        """Let go of the types that were made in functions."""
        for key in self._local:
            self.pop(key, None)
        self._local.clear()


_delegating: TypeTable[type, str | None] = TypeTable()
_containers: TypeTable[type, Container | None] = TypeTable()
_attributes: TypeTable[tuple[type, str], Attribute] = TypeTable()


def name_of(cls: type) -> str:
    """What a class is called, without asking its metaclass."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name


def name_of_module(module: types.ModuleType) -> str:
    """What a module is called, without asking a class derived from that of modules."""
    return str(_namespace_of(module).get("__name__"))


def _namespace_of(module: types.ModuleType) -> dict[str, Any]:
    namespace: dict[str, Any] = vars(types.ModuleType)["__dict__"].__get__(module)
    return namespace


def is_a(value: object, *classes: type) -> bool:
    """Whether a value is of one of these classes; unlike `isinstance` it does not ask the value itself."""
    return issubclass(type(value), classes)


def container_of(cls: type) -> Container | None:
    """Which kind of container the instances of `cls` are; None for anything else."""
    try:
        return _containers[cls]
    except KeyError:
        return _containers.learn(cls, next((kind for base, kind in _BASES if _derives(cls, base)), None), cls)


def _derives(cls: type, base: type) -> bool:
    """Whether a class derives from another, without asking the hooks of abstract base classes.

    Those may run code of the program, keep weak references to the class, and on Python 3.11 crash the interpreter for
    types of its own that nobody has used yet.
    """
    return type.__subclasscheck__(base, cls)


def containers_in(value: object) -> tuple[Any, ...]:
    """The containers in which one of the standard library's containers in Python keeps what is in it."""
    cls = type(value)
    if cls not in _delegating:
        _delegating.learn(cls, next((name for base, name in _DELEGATING if _derives(cls, base)), None), cls)
    name = _delegating[cls]
    if name is None:
        return ()
    try:
        inner = object.__getattribute__(value, name)
    except AttributeError:
        return ()  # it is being made
    return tuple(inner) if name == "maps" else (inner,)


def attribute_of(cls: type, name: str) -> Attribute:
    """What `name` leads to on instances of `cls`."""
    try:
        return _attributes[cls, name]
    except KeyError:
        return _attributes.learn((cls, name), _classify(cls, name), cls)


def forget_types() -> None:
    """Let go of the types met so far."""
    _delegating.clear()
    _containers.clear()
    _attributes.clear()


def forget_local_types() -> None:
    """Let go of the types that were made in functions, which may end with the test in which they were met."""
    for table in (_delegating, _containers, _attributes):
        table.forget_local_types()


def bases_of(cls: type) -> tuple[type, ...]:
    """A class and those it derives from, in the order in which names are looked up."""
    # A type of the interpreter's own may have no such order before it is first used.
    return type.__dict__["__mro__"].__get__(cls) or (cls,)


def lookup(cls: type, name: str) -> tuple[type, Any] | None:
    """Where on the classes of `cls` a name is defined, and as what; without running any code of theirs."""
    for base in bases_of(cls):
        namespace: Mapping[str, Any] = type.__dict__["__dict__"].__get__(base) or {}
        if name in namespace:
            return base, namespace[name]
    return None


def positional_attributes(value: object) -> tuple[str, ...]:
    """The attributes that patterns without names look at, as `Point(0, y)` does."""
    found = lookup(type(value), "__match_args__")
    names: list[Any] = list(found[1]) if found is not None and type(found[1]) is tuple else []
    return tuple(each for each in names if isinstance(each, str))


def _classify(cls: type, name: str) -> Attribute:
    if issubclass(cls, threading.local):
        return Attribute.COMPUTED  # each thread finds attributes of its own
    found = lookup(cls, name)
    if found is None:
        if lookup(cls, "__getattr__") is not None:
            return Attribute.DYNAMIC
        return Attribute.INSTANCE
    value = found[1]
    if is_a(value, types.MemberDescriptorType):
        return Attribute.INSTANCE
    if name.startswith("__") and name.endswith("__"):
        return Attribute.COMPUTED
    if is_descriptor(value):
        return Attribute.COMPUTED
    return Attribute.DEFAULT


def is_descriptor(value: object) -> bool:
    """Whether a value found on a class is asked what it stands for, instead of being it."""
    return lookup(type(value), "__get__") is not None or lookup(type(value), "__set__") is not None


def class_variable(value: type, name: str, *, written: bool) -> type | None:
    """The class whose variable is meant by an attribute of a class; None if it is no variable."""
    if name.startswith("__") and name.endswith("__"):
        return None
    if written:
        return value
    found = lookup(value, name)
    if found is None or is_descriptor(found[1]) or is_a(found[1], type):
        return None
    return found[0]


def is_module_variable(value: types.ModuleType, name: str) -> bool:
    """Whether what a module has under a name is more than a function, a class or another module."""
    namespace = _namespace_of(value)
    found = namespace.get(name)
    if name not in namespace or name.startswith("__"):
        return False
    return not is_a(found, types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType)
