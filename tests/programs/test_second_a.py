EXPECT = {
    "test_class_attr_through_instance_vs_subclass_write": {"data-race": ["limit"], "section": [], "other": [], "origin": "own: second review"},
    "test_class_attr_shadowed_by_subclass": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_classmethod_sets_cls_attr": {"data-race": ["limit"], "section": [], "other": [], "origin": "own: second review"},
    "test_classmethod_on_two_subclasses": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_class_attr_counter_by_type_self": {"data-race": ["hits"], "section": ["hits"], "other": [], "origin": "own: second review"},
    "test_instance_counter_over_class_default": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_slot_inherited_lost_update": {"data-race": ["x"], "section": ["x"], "other": [], "origin": "own: second review"},
    "test_slot_different": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_property_rmw": {"data-race": ["_c|c"], "section": ["_c|c"], "other": [], "origin": "own: second review"},
    "test_property_augmented_one_step": {"data-race": ["_c|c"], "section": [], "other": [], "filtered": {"_c|c": "commuting"}, "origin": "own: second review"},
    "test_descriptor_dict_race": {"data-race": ["val|_d_val"], "section": [], "other": [], "origin": "own: second review"},
    "test_descriptor_two_objects": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_cached_property_one_step_each_own": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_dataclass_claim": {"data-race": ["status"], "section": ["status"], "other": [], "origin": "own: second review"},
    "test_dataclass_claim_then_checkpoint": {"data-race": ["status"], "section": [], "other": [], "origin": "own: second review"},
    "test_dataclass_default_factory_not_shared": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_dataclass_mutable_field_shared": {"data-race": ["tags"], "section": [], "other": [], "origin": "own: second review"},
    "test_dataclass_slots_tries": {"data-race": ["tries"], "section": ["tries"], "other": [], "origin": "own: second review"},
    "test_attrs_check_then_one_step_add": {"data-race": ["sent"], "section": [], "other": [], "filtered": {"sent": "commuting"}, "origin": "own: second review"},
    "test_attrs_closed_and_reopened": {"data-race": ["open"], "section": ["open"], "other": [], "origin": "own: second review"},
    "test_module_attr_via_sys_modules": {"data-race": ["verbosity"], "section": [], "other": [], "origin": "own: second review"},
    "test_from_import_reads": {"data-race": ["a"], "section": [], "other": [], "origin": "own: second review"},
    "test_from_import_other_name": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_proxy_getattr": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: second review"},
    "test_proxy_two_targets": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_super_method_writes": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: second review"},
    "test_name_mangled": {"data-race": ["__mangled"], "section": [], "other": [], "origin": "own: second review"},
    "test_mangled_in_two_classes": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_namedtuple_replaced_in_attr": {"data-race": ["pair"], "section": [], "other": [], "origin": "own: second review"},
    "test_tuple_attr_rebuilt": {"data-race": ["pair"], "section": ["pair"], "other": [], "origin": "own: second review"},
    "test_enum_state_is": {"data-race": ["colour"], "section": ["colour"], "other": [], "origin": "own: second review"},
    "test_enum_read_only": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_function_attr_memo": {"data-race": ["fn_attr"], "section": [], "other": [], "origin": "own: second review"},
    "test_global_lost_update": {"data-race": ["counter"], "section": ["counter"], "other": [], "origin": "own: second review"},
    "test_global_lazy_init": {"data-race": ["config"], "section": ["config"], "other": [], "origin": "own: second review"},
    "test_global_lazy_init_rechecked": {"data-race": ["config"], "section": [], "other": [], "origin": "own: second review"},
    "test_loop_variable_late_lambda": {"data-race": ["i", "out"], "section": [], "other": [], "filtered": {"out": "commuting"}, "origin": "own: second review"},
    "test_loop_variable_default": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_walrus_cell": {"data-race": ["last"], "section": [], "other": [], "origin": "own: second review"},
    "test_walrus_in_comprehension_leaks": {"data-race": ["y"], "section": [], "other": [], "origin": "own: second review"},
    "test_comprehension_own_scope": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_star_unpacking_cell": {"data-race": ["rest|first"], "section": [], "other": [], "origin": "own: second review"},
    "test_except_as_cell": {"data-race": ["err"], "section": [], "other": [], "origin": "own: second review"},
    "test_with_as_cell": {"data-race": ["res"], "section": [], "other": [], "origin": "own: second review"},
    "test_match_capture_cell": {"data-race": ["cap"], "section": [], "other": [], "origin": "own: second review"},
    "test_match_capture_before_start": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_match_star_and_rest_capture": {"data-race": ["cap"], "section": [], "other": [], "origin": "own: second review"},
    "test_default_argument_shared_list": {"data-race": ["acc"], "section": [], "other": [], "origin": "own: second review"},
    "test_nonlocal_two_levels": {"data-race": ["n"], "section": ["n"], "other": [], "origin": "own: second review"},
    "test_factory_cells_separate": {"data-race": [], "section": [], "other": [], "origin": "own: second review"},
    "test_for_else_cell": {"data-race": ["found"], "section": [], "other": [], "origin": "own: second review"},
    "test_local_function_rebound": {"data-race": ["f"], "section": [], "other": [], "origin": "own: second review"},
    "test_class_name_rebound": {"data-race": ["K"], "section": [], "other": [], "origin": "own: second review"},
    "test_import_rebinds_cell": {"data-race": ["mod"], "section": [], "other": [], "origin": "own: second review"},
    "test_lambda_reads_cell": {"data-race": ["total"], "section": ["total"], "other": [], "origin": "own: second review"},
    "test_globals_dict_store": {"data-race": ["GL"], "section": [], "other": [], "origin": "own: second review"},
}
import sys, types, enum
from dataclasses import dataclass, field
from typing import NamedTuple
from functools import cached_property
import contextlib
import attrs, trio
from trio.lowlevel import checkpoint


async def both(*fs):
    async with trio.open_nursery() as nursery:
        for f in fs:
            nursery.start_soon(f)


class Base:
    limit = 1
    registry = {}

    def __init__(self):
        self.n = 0
        self.state = "new"


class Child(Base):
    def bump(self):
        self.n = self.n + 1


#@ d=limit
async def test_class_attr_through_instance_vs_subclass_write():
    async def a():
        Base.limit = 5

    async def b():
        assert Child().limit in (1, 5)
    try:
        await both(a, b)
    finally:
        Base.limit = 1


#@
async def test_class_attr_shadowed_by_subclass():
    class P:
        limit = 1

    class Q(P):
        limit = 2

    async def a():
        P.limit = 5

    async def b():
        assert Q().limit == 2
    await both(a, b)


#@ d=limit
async def test_classmethod_sets_cls_attr():
    class P:
        limit = 1

        @classmethod
        def configure(cls, n):
            cls.limit = n

    async def a():
        P.configure(4)

    async def b():
        assert P().limit in (1, 4)
    await both(a, b)


#@
async def test_classmethod_on_two_subclasses():
    class P:
        limit = 1

        @classmethod
        def configure(cls, n):
            cls.limit = n

    class A(P):
        pass

    class B(P):
        pass

    async def a():
        A.configure(4)
        await checkpoint()
        assert A.limit == 4

    async def b():
        B.configure(5)
        await checkpoint()
        assert B.limit == 5
    await both(a, b)


#@ b=hits
async def test_class_attr_counter_by_type_self():
    class P:
        hits = 0

        async def hit(self):
            seen = type(self).hits
            await checkpoint()
            type(self).hits = seen + 1
    await both(P().hit, P().hit)
    assert P.hits in (1, 2)


#@
async def test_instance_counter_over_class_default():
    class P:
        hits = 0

        async def hit(self):
            seen = self.hits
            await checkpoint()
            self.hits = seen + 1
    await both(P().hit, P().hit)


class Slotted:
    __slots__ = ("x", "y", "__weakref__")

    def __init__(self):
        self.x = 0
        self.y = 0


class Slotted2(Slotted):
    __slots__ = ("z",)


#@ b=x
async def test_slot_inherited_lost_update():
    s = Slotted2()

    async def up(k):
        v = s.x
        await checkpoint()
        s.x = v + k

    async def a(): await up(1)
    async def b(): await up(2)
    await both(a, b)


#@
async def test_slot_different():
    s = Slotted2()
    s.z = 0

    async def a():
        v = s.x
        await checkpoint()
        s.x = v + 1

    async def b():
        v = s.z
        await checkpoint()
        s.z = v + 1
    await both(a, b)


class Temp:
    def __init__(self):
        self._c = 0

    @property
    def c(self):
        return self._c

    @c.setter
    def c(self, v):
        if v < -1000:
            raise ValueError
        self._c = v


#@ b=_c|c
async def test_property_rmw():
    t = Temp()

    async def up(k):
        v = t.c
        await checkpoint()
        t.c = v + k

    async def a(): await up(1)
    async def b(): await up(2)
    await both(a, b)


#@ c=_c|c
async def test_property_augmented_one_step():
    t = Temp()

    async def a():
        await checkpoint()
        t.c += 1

    async def b():
        await checkpoint()
        t.c += 2
    await both(a, b)
    assert t.c == 3


class Desc:
    def __set_name__(self, owner, name):
        self.name = "_d_" + name

    def __get__(self, obj, tp=None):
        return obj.__dict__[self.name]

    def __set__(self, obj, v):
        obj.__dict__[self.name] = v


class WithDesc:
    val = Desc()

    def __init__(self):
        self.val = 0


#@ d=val|_d_val
async def test_descriptor_dict_race():
    w = WithDesc()

    async def a():
        w.val = 1

    async def b():
        assert w.val in (0, 1)
    await both(a, b)


#@
async def test_descriptor_two_objects():
    w, x = WithDesc(), WithDesc()

    async def a():
        w.val = 1
        await checkpoint()
        assert w.val == 1

    async def b():
        x.val = 2
        await checkpoint()
        assert x.val == 2
    await both(a, b)


class Lazy:
    def __init__(self):
        self.made = 0

    @cached_property
    def thing(self):
        self.made += 1
        return object()


#@
async def test_cached_property_one_step_each_own():
    async def a():
        l = Lazy()
        assert l.thing is l.thing
        await checkpoint()
        assert l.made == 1
    await both(a, a)


@dataclass
class Job:
    status: str = "new"
    tags: list = field(default_factory=list)
    tries: int = 0


@dataclass(slots=True)
class SJob:
    status: str = "new"
    tries: int = 0


#@ b=status
async def test_dataclass_claim():
    j = Job()
    won = []

    async def claim(me):
        if j.status == "new":
            await checkpoint()
            j.status = me

    async def a(): await claim("a")
    async def b(): await claim("b")
    await both(a, b)
    assert j.status in "ab"


#@ d=status
async def test_dataclass_claim_then_checkpoint():
    j = Job()
    won = []

    async def claim(me):
        if j.status == "new":
            j.status = me
            await checkpoint()

    async def a(): await claim("a")
    async def b(): await claim("b")
    await both(a, b)


#@
async def test_dataclass_default_factory_not_shared():
    async def a():
        j = Job()
        j.tags.append(1)
        await checkpoint()
        assert len(j.tags) == 1
    await both(a, a)


#@ d=tags
async def test_dataclass_mutable_field_shared():
    j = Job()

    async def a():
        j.tags.append("x")

    async def b():
        assert len(j.tags) in (0, 1)
    await both(a, b)


#@ b=tries
async def test_dataclass_slots_tries():
    j = SJob()

    async def a():
        t = j.tries
        await checkpoint()
        j.tries = t + 1

    async def b():
        t = j.tries
        await checkpoint()
        j.tries = t + 2
    await both(a, b)


@attrs.define
class AConn:
    open: bool = True
    sent: int = attrs.field(default=0, converter=int)
    log: list = attrs.Factory(list)

    async def send(self, n):
        if not self.open:
            return
        await checkpoint()
        self.sent = self.sent + n

    async def close(self):
        if self.open:
            await checkpoint()
            self.open = False


#@ c=sent
async def test_attrs_check_then_one_step_add():
    c = AConn()

    async def a(): await c.send(1)
    async def b(): await c.send(2)
    await both(a, b)
    assert c.sent == 3


#@ b=open
async def test_attrs_closed_and_reopened():
    c = AConn()

    async def a(): await c.close()
    async def b(): c.open = "again"
    await both(a, b)


#@ d=verbosity
async def test_module_attr_via_sys_modules():
    m = types.ModuleType("settings_x")
    m.verbosity = 0
    sys.modules["settings_x"] = m

    async def a():
        import settings_x
        settings_x.verbosity = 3

    async def b():
        from settings_x import verbosity
        assert verbosity in (0, 3)

    async def b2():
        import settings_x as s
        assert s.verbosity in (0, 3)
    await both(a, b, b2)
    del sys.modules["settings_x"]


#@ d=a
async def test_from_import_reads():
    m = types.ModuleType("settings_y")
    m.a = 0
    m.b = 0
    sys.modules["settings_y"] = m

    async def w():
        import settings_y
        settings_y.a = 3

    async def r():
        from settings_y import a
        assert a in (0, 3)
    await both(w, r)
    del sys.modules["settings_y"]


#@
async def test_from_import_other_name():
    m = types.ModuleType("settings_z")
    m.a = 0
    m.b = 0
    sys.modules["settings_z"] = m

    async def w():
        import settings_z
        settings_z.a = 3

    async def r():
        from settings_z import b
        assert b == 0
    await both(w, r)
    del sys.modules["settings_z"]


class Proxy:
    def __init__(self, target):
        object.__setattr__(self, "_t", target)

    def __getattr__(self, name):
        return getattr(self._t, name)

    def __setattr__(self, name, v):
        setattr(self._t, name, v)


#@ b=n
async def test_proxy_getattr():
    p = Proxy(Base())

    async def a():
        v = p.n
        await checkpoint()
        p.n = v + 1

    async def b():
        v = p.n
        await checkpoint()
        p.n = v + 2
    await both(a, b)


#@
async def test_proxy_two_targets():
    p, q = Proxy(Base()), Proxy(Base())

    async def a():
        v = p.n
        await checkpoint()
        p.n = v + 1

    async def b():
        v = q.n
        await checkpoint()
        q.n = v + 2
    await both(a, b)


#@ b=n
async def test_super_method_writes():
    class C(Child):
        async def go(self, k):
            if self.n == 0:
                await checkpoint()
                super().bump()
                self.n += k
    c = C()
    async def a(): await c.go(1)
    async def b(): await c.go(5)
    await both(a, b)


#@ d=__mangled
async def test_name_mangled():
    class C:
        def __init__(self): self.__mangled = 0
        def set(self, v): self.__mangled = v
        def get(self): return self.__mangled
    c = C()

    async def a(): c.set(3)
    async def b(): assert c.get() in (0, 3)
    await both(a, b)


#@
async def test_mangled_in_two_classes():
    class C:
        def __init__(self): self.__v = 0
        def setc(self, v): self.__v = v

    class D(C):
        def __init__(self):
            super().__init__()
            self.__v = 1
        def setd(self, v): self.__v = v
    d = D()

    async def a(): d.setc(3)
    async def b(): d.setd(4)
    await both(a, b)


class NT(NamedTuple):
    a: int
    b: int


#@ d=pair
async def test_namedtuple_replaced_in_attr():
    h = types.SimpleNamespace(pair=NT(1, 2))

    async def a(): h.pair = h.pair._replace(a=5)
    async def b(): assert h.pair.a in (1, 5)
    await both(a, b)


#@ b=pair
async def test_tuple_attr_rebuilt():
    h = types.SimpleNamespace(pair=(0, 0))

    async def a():
        x, y = h.pair
        await checkpoint()
        h.pair = x + 1, y

    async def b():
        x, y = h.pair
        await checkpoint()
        h.pair = x, y + 1
    await both(a, b)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


#@ b=colour
async def test_enum_state_is():
    h = types.SimpleNamespace(colour=Color.RED, by=None)

    async def a():
        if h.colour is Color.RED:
            await checkpoint()
            h.colour = Color.BLUE

    async def b():
        await checkpoint()
        h.colour = Color.RED
    await both(a, b)


#@
async def test_enum_read_only():
    async def a():
        assert Color.RED.value == 1
        await checkpoint()
        assert Color["BLUE"].value == 2
    await both(a, a)


#@ d=fn_attr
async def test_function_attr_memo():
    def f():
        return f.fn_attr
    f.fn_attr = 0

    async def a(): f.fn_attr = 1
    async def b(): assert f() in (0, 1)
    await both(a, b)


# ---- names
counter = 0
config = None
table = {}


#@ b=counter
async def test_global_lost_update():
    async def up(k):
        global counter
        v = counter
        await checkpoint()
        counter = v + k
    async def a(): await up(1)
    async def b(): await up(2)
    await both(a, b)


#@ b=config
async def test_global_lazy_init():
    global config
    config = None

    async def get():
        global config
        if config is None:
            await checkpoint()
            config = object()
        return config

    async def a(): assert await get()
    await both(a, a)


#@ d=config
async def test_global_lazy_init_rechecked():
    global config
    config = None

    async def get():
        global config
        if config is None:
            new = object()
            await checkpoint()
            if config is None:
                config = new
        return config

    async def a(): assert await get()
    await both(a, a)


#@ d=i c=out
async def test_loop_variable_late_lambda():
    out = []
    async with trio.open_nursery() as n:
        for i in range(3):
            async def show():
                out.append(i)
            n.start_soon(show)
            await checkpoint()
    assert len(out) == 3


#@
async def test_loop_variable_default():
    out = []
    async with trio.open_nursery() as n:
        for i in range(3):
            async def show(i=i):
                assert i in range(3)
            n.start_soon(show)
            await checkpoint()


#@ d=last
async def test_walrus_cell():
    last = None

    async def a():
        nonlocal last
        if (last := 3) == 3:
            await checkpoint()

    async def b():
        assert last in (None, 3)
    await both(a, b)


#@ d=y
async def test_walrus_in_comprehension_leaks():
    y = 0

    async def b():
        assert y in (0, 2)
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        [y := k for k in (1, 2)]


#@
async def test_comprehension_own_scope():
    k = 0

    async def b():
        assert k == 0
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        assert [k for k in (1, 2)] == [1, 2]


#@ d=rest|first
async def test_star_unpacking_cell():
    first, rest = 0, []

    async def a():
        nonlocal first, rest
        first, *rest = (1, 2, 3)

    async def b():
        assert len(rest) in (0, 2)
    await both(a, b)


#@ d=err
async def test_except_as_cell():
    err = None
    seen = []

    async def b():
        try:
            seen.append(err)
        except NameError:
            pass
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        try:
            raise ValueError
        except ValueError as err:
            await checkpoint()


#@ d=res
async def test_with_as_cell():
    res = None

    async def b():
        assert res in (None, 7)
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        with contextlib.nullcontext(7) as res:
            await checkpoint()


#@ d=cap
async def test_match_capture_cell():
    cap = None

    async def b():
        assert cap in (None, 2)
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        match (1, 2):
            case (1, cap):
                pass


#@
async def test_match_capture_before_start():
    cap = None

    async def b():
        assert cap == 2
    match {"a": 2}:
        case {"a": cap}:
            pass
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()


#@ d=cap
async def test_match_star_and_rest_capture():
    cap = None

    async def b():
        assert cap in (None, {"b": 3})
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        match {"a": 2, "b": 3}:
            case {"a": 2, **cap}:
                pass


#@ d=acc
async def test_default_argument_shared_list():
    async def add(x, acc=[]):
        acc.append(x)
        return len(acc)

    async def a(): assert await add(1) in (1, 2)
    async def b(): assert await add(2) in (1, 2)
    await both(a, b)


#@ b=n
async def test_nonlocal_two_levels():
    n = 0

    def outer(k):
        async def inner():
            nonlocal n
            v = n
            await checkpoint()
            n = v + k
        return inner
    await both(outer(1), outer(2))


#@
async def test_factory_cells_separate():
    def outer():
        n = 0

        async def inner():
            nonlocal n
            v = n
            await checkpoint()
            n = v + 1
        return inner
    await both(outer(), outer())


#@ d=found
async def test_for_else_cell():
    found = None

    async def a():
        nonlocal found
        for k in range(3):
            if k == 7:
                break
            await checkpoint()
        else:
            found = False

    async def b():
        assert found in (None, False)
    await both(a, b)


#@ d=f
async def test_local_function_rebound():
    def f(): return 1

    async def b(): assert f() in (1, 2)
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        def f(): return 2


#@ d=K
async def test_class_name_rebound():
    class K: v = 1

    async def b(): assert K.v in (1, 2)
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        class K: v = 2


#@ d=mod
async def test_import_rebinds_cell():
    mod = None

    async def b(): assert mod is None or mod.sep
    async with trio.open_nursery() as n:
        n.start_soon(b)
        await checkpoint()
        import os as mod


#@ b=total
async def test_lambda_reads_cell():
    total = 0
    get = lambda: total

    async def up(k):
        nonlocal total
        v = get()
        await checkpoint()
        total = v + k
    async def a(): await up(1)
    async def b(): await up(2)
    await both(a, b)


#@ d=GL
async def test_globals_dict_store():
    async def a(): globals()["GL"] = 4
    async def b(): assert globals()["GL"] in (0, 4)
    await both(a, b)

GL = 0
