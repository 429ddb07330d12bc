"""What is known about names and expressions without running them.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import Final

from trioflow.race.model.sites import Operation

BUILTINS: Final = frozenset(name for name in dir(builtins) if not name.startswith("@"))

KEYED_METHODS: Final = frozenset(
    {
        "get",
        "pop",
        "setdefault",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__contains__",
        "move_to_end",
        "insert",
    }
)
"""Methods of containers whose first argument is a key or an index."""

FRESH: Final = frozenset(
    {
        "range",
        "enumerate",
        "zip",
        "map",
        "filter",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "reversed",
        "iter",
    }
)
"""Builtin functions whose result nobody else can have seen; what they read, they read in the call."""

LAZY: Final = frozenset(
    {
        *("enumerate", "zip", "map", "filter", "reversed", "iter"),
        *("itertools.accumulate", "itertools.batched", "itertools.chain", "itertools.chain.from_iterable"),
        *("itertools.compress", "itertools.cycle", "itertools.dropwhile", "itertools.filterfalse", "itertools.groupby"),
        *(
            "itertools.islice",
            "itertools.pairwise",
            "itertools.starmap",
            "itertools.takewhile",
            "itertools.zip_longest",
        ),
    }
)
"""Functions whose result reads what they were given when it is used."""

VIEWS: Final = frozenset({"keys", "values", "items"})
"""Methods of dictionaries whose result reads when it is used."""

ITERATING: Final = frozenset({"__iter__", "__reversed__", *VIEWS})
"""Methods whose result is mostly used at once, and by code that is not rewritten."""

_FIRST: Final = slice(0, 1)
_SECOND: Final = slice(1, 2)
_ALL: Final = slice(0, None)

FUNCTIONS: Final[dict[str, tuple[slice, Operation]]] = {
    **dict.fromkeys(
        ("list", "tuple", "sorted", "set", "frozenset", "reversed", "enumerate", "any", "all", "sum"),
        (_FIRST, Operation.ITERATE),
    ),
    "zip": (_ALL, Operation.ITERATE),
    "map": (slice(1, None), Operation.ITERATE),
    "filter": (_SECOND, Operation.ITERATE),
    "len": (_FIRST, Operation.SHAPE),
    "next": (_FIRST, Operation.ITERATE),
    **dict.fromkeys(("dict", "bytes", "bytearray", "str", "repr", "format", "hash"), (_FIRST, Operation.CONTENTS_READ)),
    "print": (_ALL, Operation.CONTENTS_READ),
    **dict.fromkeys(
        (
            *("copy.copy", "copy.deepcopy", "json.dump", "json.dumps", "pickle.dump", "pickle.dumps"),
            *("pprint.pprint", "pprint.pformat", "collections.Counter", "collections.OrderedDict"),
            *("bisect.bisect", "bisect.bisect_left", "bisect.bisect_right", "math.fsum", "math.prod"),
            *("statistics.mean", "statistics.fmean", "statistics.median", "statistics.stdev", "statistics.mode"),
            *("zlib.compress", "zlib.crc32", "base64.b64encode", "hashlib.md5", "hashlib.sha1", "hashlib.sha256"),
            *("marshal.dumps"),
            *("pprint.pp", "reprlib.repr", "copy.replace"),
            *("dataclasses.replace", "dataclasses.asdict", "dataclasses.astuple"),
            *(f"{module}.{name}" for module in ("attr", "attrs") for name in ("evolve", "asdict", "astuple")),
        ),
        (_FIRST, Operation.CONTENTS_READ),
    ),
    **dict.fromkeys(
        (
            *("collections.deque", "random.choice", "random.choices", "random.sample"),
            *("itertools.accumulate", "itertools.cycle", "itertools.islice", "itertools.groupby", "itertools.tee"),
            *("itertools.pairwise", "itertools.batched", "itertools.permutations", "itertools.combinations"),
        ),
        (_FIRST, Operation.ITERATE),
    ),
    **dict.fromkeys(
        ("itertools.chain", "itertools.product", "itertools.zip_longest", "itertools.compress", "heapq.merge"),
        (_ALL, Operation.ITERATE),
    ),
    **dict.fromkeys(
        (
            *("heapq.nlargest", "heapq.nsmallest", "functools.reduce", "itertools.filterfalse", "itertools.takewhile"),
            *("itertools.dropwhile", "itertools.starmap"),
        ),
        (_SECOND, Operation.ITERATE),
    ),
    **dict.fromkeys(
        ("collections.defaultdict", "struct.unpack", "struct.unpack_from"), (_SECOND, Operation.CONTENTS_READ)
    ),
    "struct.pack_into": (_SECOND, Operation.CONTENTS_WRITE),
    **dict.fromkeys(
        (
            "heapq.heappush",
            "heapq.heappop",
            "heapq.heapify",
            "heapq.heapreplace",
            "heapq.heappushpop",
            "random.shuffle",
            "bisect.insort",
            "bisect.insort_left",
            "bisect.insort_right",
        ),
        (_FIRST, Operation.CONTENTS_WRITE),
    ),
}
"""Functions that read or change their arguments: which arguments, and what they do to them."""

CALLING: Final = frozenset(
    {
        *("map", "filter", "sorted", "min", "max", "functools.reduce"),
        *("itertools.starmap", "itertools.filterfalse", "itertools.takewhile", "itertools.dropwhile"),
    }
)
"""Functions that call a function which they are given."""

HANDED: Final = frozenset(
    {
        *("append", "appendleft", "extend", "insert", "add", "discard", "remove", "pop", "popleft", "popitem", "clear"),
        *("update", "setdefault", "get", "__getitem__", "__setitem__", "__delitem__", "__contains__"),
        *("sort", "reverse", "rotate", "move_to_end"),
    }
)
"""Methods of containers that may be handed over, to be called by somebody else."""

ON_FIRST: Final = {
    "operator.getitem": (Operation.ITEM_READ, None),
    "operator.setitem": (Operation.ITEM_WRITE, None),
    "operator.delitem": (Operation.ITEM_DELETE, None),
    "operator.contains": (Operation.MEMBER, None),
    **{
        f"operator.i{name}": (Operation.CONTENTS_WRITE, f"__i{name}__")
        for name in ("add", "mul", "or", "and", "xor", "sub")
    },
}
"""Functions that do to their first argument what an operator does, with the second as key: and by which method."""

CONTAINERS: Final = frozenset({"list", "dict", "set", "bytearray"})
MAKING: Final = frozenset({"fromkeys", "fromhex", "maketrans", "__new__", "__init__"})
"""Methods of these that are not called on one of them."""

CHANGING: Final = frozenset({"replace", "evolve"})
"""Functions that copy an object, but for the fields that they are given by keyword."""

ALONE: Final[dict[str, tuple[slice, Operation]]] = dict.fromkeys(("iter", "min", "max"), (_FIRST, Operation.ITERATE))
"""The same, for those that do it only if they get a single positional argument."""

METHODS: Final[dict[str, tuple[slice, Operation]]] = {
    "join": (_FIRST, Operation.ITERATE),
    "extend": (_FIRST, Operation.ITERATE),
    "update": (_ALL, Operation.ITERATE),
    **dict.fromkeys(("writelines", "writerow", "writerows", "fromlist"), (_FIRST, Operation.ITERATE)),
    **dict.fromkeys(("write", "send_all", "sendall", "sendto", "frombytes"), (_FIRST, Operation.CONTENTS_READ)),
    **dict.fromkeys(
        (
            *("union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint"),
            *("difference_update", "intersection_update", "symmetric_difference_update", "extendleft", "subtract"),
        ),
        (_ALL, Operation.CONTENTS_READ),
    ),
}
"""Methods that read their arguments."""


def is_foreign(name: str) -> bool:
    """Return whether pytest's assertion rewriting made a name, and not for a value of the program."""
    return name.startswith("@py") and not name.startswith("@py_assert")


def is_foreign_expression(node: ast.expr) -> bool:
    """Return whether an expression starts from a name that pytest's assertion rewriting made."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and is_foreign(node.id)


def is_literal(node: ast.expr) -> bool:
    """Return whether evaluating an expression makes an object that nobody else has."""
    return isinstance(
        node,
        ast.Constant
        | ast.JoinedStr
        | ast.List
        | ast.Tuple
        | ast.Set
        | ast.Dict
        | ast.ListComp
        | ast.SetComp
        | ast.DictComp
        | ast.GeneratorExp
        | ast.Lambda,
    )


def is_constant(node: ast.expr) -> bool:
    """Return whether an expression is a constant, a signed number or a tuple of such."""
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float() | complex())):
            return True
        case ast.Tuple(elts=elements):
            return all(is_constant(element) for element in elements)
        case _:
            return False


def is_simple_key(node: ast.expr) -> bool:
    """Return whether evaluating an expression twice is the same as evaluating it once."""
    match node:
        case ast.Name(id=name):
            return not is_foreign(name)
        case ast.Tuple(elts=elements):
            return all(is_simple_key(element) for element in elements)
        case _:
            return is_constant(node)


def is_place(node: ast.expr) -> bool:
    """Return whether an expression names a place where an object is kept."""
    match node:
        case ast.Name(id=name):
            return name != "__debug__" and not is_foreign(name)
        case ast.Attribute() | ast.Subscript():
            return not is_foreign_expression(node)
        case _:
            return False


def is_display(node: ast.expr) -> bool:
    """Return whether an expression makes a new list or set."""
    match node:
        case ast.List() | ast.ListComp() | ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="list" | "set" | "sorted")):
            return True
        case _:
            return False


def compares_elements(node: ast.expr) -> bool:
    """Return whether looking for something in a display compares it with more than constants."""
    return isinstance(node, ast.Tuple | ast.List) and not all(map(is_constant, node.elts))


def is_copy(node: ast.expr) -> bool:
    """Return whether an expression yields a container that nobody changes while it is used, as far as it shows."""
    match node:
        case ast.Subscript(slice=ast.Slice()) | ast.BinOp():
            return True
        case ast.Call(func=ast.Attribute(attr="copy" | "split" | "splitlines" | "readlines")):
            return True
        case _:
            return is_literal(node) and not isinstance(node, ast.GeneratorExp)


def is_plain(node: ast.expr) -> bool:
    """Return whether an expression certainly yields a number or text, as far as it shows."""
    match node:
        case ast.Constant() | ast.JoinedStr() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.BinOp(left=left, op=operator, right=right):
            # A list times a number is a list.
            if isinstance(operator, ast.Mult) and (isinstance(left, ast.List) or isinstance(right, ast.List)):
                return False
            return is_plain(left) or is_plain(right)
        case ast.Call(func=ast.Name(id="len" | "int" | "float" | "str" | "abs" | "round" | "ord" | "sum")):
            return True
        case _:
            return False


def is_unchanging(node: ast.expr) -> bool:
    """Return whether an augmented assignment of a value certainly makes a new object."""
    return is_plain(node) and not (isinstance(node, ast.Constant) and isinstance(node.value, bytes))


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and what is evaluated with it: not the bodies of functions in it."""
    yield node
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
            return
        case ast.GeneratorExp():
            yield from evaluated(node.generators[0].iter)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from evaluated(child)


def suspends(node: ast.AST) -> bool:
    """Return whether other tasks or the caller may run while an expression is evaluated."""
    return any(
        isinstance(each, ast.Await | ast.Yield | ast.YieldFrom)
        or (isinstance(each, ast.comprehension) and each.is_async)
        for each in evaluated(node)
    )


def mangled(name: str, class_name: str | None) -> str:
    """Return the name under which an attribute written in a class body is really kept."""
    if class_name is None or not name.startswith("__") or name.endswith("__"):
        return name
    stripped = class_name.lstrip("_")
    return f"_{stripped}{name}" if stripped else name
