"""Hypothesis strategies that several rooms share: small random search spaces as JSON, and what their rules mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.space.reference import Tree, key, specs_of, values_of

NAMES = ("a", "b", "c.d", "architecture.e", "learning-rate", "f")
CHOICES = (None, True, False, 1, 0, "1", "x", "long text", [1, "x"], {"k": 1, "l": {"m": None}})


@dataclass(frozen=True)
class Case:
    """A search space as it is sent, and what its constraints mean."""

    raw: dict[str, Any]
    trees: tuple[Tree, ...]


@st.composite
def spaces(draw: st.DrawFn, continuous: bool = False, max_parameters: int = 5) -> Case:
    """A space of at most a few thousand points (or a continuous one), in either notation."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=max_parameters, unique=True))
    declared: list[tuple[str, Any]] = []
    for name in names:
        when = draw(_when(declared))
        if when is None and draw(st.booleans()):
            declared.append((name, draw(_shorthand)))
        elif when is not None and (variants := draw(_variants(name, declared))):
            declared += variants
        else:
            declared.append((name, draw(_spec(continuous)) | ({} if when is None else {"when": when})))
    raw: dict[str, Any] = {"parameters": _written(draw, draw(st.permutations(declared)))}
    raw |= {"forbidden": forbidden} if (forbidden := draw(_forbidden(declared))) else {}
    trees = draw(_constraints(declared))
    raw |= {"constraints": [text_of(tree) for tree in trees]} if trees else {}
    return Case(raw, tuple(trees))


def _written(draw: st.DrawFn, declared: list[tuple[str, Any]]) -> Any:
    as_objects = all(isinstance(spec, dict) for _, spec in declared)
    unique = len({name for name, _ in declared}) == len(declared)
    if not as_objects and not unique:
        declared = [(name, spec if isinstance(spec, dict) else _long(spec)) for name, spec in declared]
    if not unique or (as_objects and draw(st.booleans())):
        return [{"name": name, **spec} for name, spec in declared]
    return dict(declared)


def _long(spec: Any) -> dict[str, Any]:
    return {"type": "categorical", "choices": spec} if isinstance(spec, list) else {"type": "constant", "value": spec}


_choices = st.lists(st.sampled_from(CHOICES), min_size=1, max_size=3, unique_by=repr)
_shorthand = _choices | st.sampled_from([c for c in CHOICES if not isinstance(c, (list, dict))])
_ints = st.builds(
    lambda low, span, step: {"type": "int", "low": low, "high": low + span, "step": step},
    st.integers(-2, 2),
    st.integers(0, 3),
    st.integers(1, 2),
)
_log_ints = st.builds(
    lambda low, span: {"type": "int", "low": low, "high": low + span, "log": True}, st.integers(1, 9), st.integers(0, 3)
)
_grids = st.builds(
    lambda low, n: {"type": "float", "low": low, "high": low + 0.25 * n, "step": 0.25},
    st.sampled_from([-0.5, 0.0, 1.0]),
    st.floats(0, 3),
)
_lists = st.builds(lambda kind, c: {"type": kind, "choices": c}, st.sampled_from(["categorical", "ordinal"]), _choices)
_fixed = st.just({"type": "bool"}) | st.sampled_from(CHOICES).map(lambda value: {"type": "constant", "value": value})
_floats = st.builds(
    lambda low, high, log: {"type": "float", "low": low, "high": high, "log": log},
    st.floats(1e-6, 1.0),
    st.floats(1.0, 1e6),
    st.booleans(),
)


def _spec(continuous: bool) -> st.SearchStrategy[dict[str, Any]]:
    finite = _ints | _log_ints | _grids | _lists | _fixed
    return finite | _floats if continuous else finite


def _finite(declared: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """The values of every parameter that has finitely many, over all of its variants."""
    found: dict[str, list[Any]] = {}
    for name, spec in specs_of(dict_or_list(declared)):
        if (values := values_of(spec)) is not None:
            known = found.setdefault(name, [])
            known += [value for value in values if key(value) not in map(key, known)]
    return found


def dict_or_list(declared: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, **(spec if isinstance(spec, dict) else _long(spec))} for name, spec in declared]


@st.composite
def _listed(draw: st.DrawFn, values: list[Any]) -> Any:
    some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique_by=repr))
    return some[0] if len(some) == 1 and not isinstance(some[0], list) and draw(st.booleans()) else some


@st.composite
def _when(draw: st.DrawFn, declared: list[tuple[str, Any]]) -> dict[str, Any] | None:
    finite = _finite(declared)
    if not finite or draw(st.booleans()):
        return None
    parents = draw(st.lists(st.sampled_from(sorted(finite)), min_size=1, max_size=2, unique=True))
    return {parent: draw(_listed(finite[parent])) for parent in parents}


@st.composite
def _variants(draw: st.DrawFn, name: str, declared: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Two specs of one name under different values of one parent, or none."""
    wide = {parent: values for parent, values in _finite(declared).items() if len(values) > 1}
    if not wide or draw(st.integers(0, 2)):
        return []
    parent = draw(st.sampled_from(sorted(wide)))
    first, second = draw(st.permutations(wide[parent]))[:2]
    return [(name, draw(_spec(False)) | {"when": {parent: [value]}}) for value in (first, second)]


@st.composite
def _forbidden(draw: st.DrawFn, declared: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    finite = _finite(declared)
    if not finite:
        return []
    some = st.lists(st.sampled_from(sorted(finite)), min_size=1, max_size=2, unique=True)
    clauses = draw(st.lists(some, max_size=2))
    return [{name: draw(_listed(finite[name])) for name in clause} for clause in clauses]


@st.composite
def _constraints(draw: st.DrawFn, declared: list[tuple[str, Any]]) -> list[Tree]:
    kinds: dict[str, set[str]] = {}
    for name, spec in specs_of(dict_or_list(declared)):
        values = values_of(spec)
        is_number = values is None or all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        is_truth = values is not None and all(isinstance(v, bool) for v in values)
        kinds.setdefault(name, set()).add("number" if is_number else "truth" if is_truth else "choice")
    numeric = sorted(name for name, kind in kinds.items() if kind == {"number"})
    truths = sorted(name for name, kind in kinds.items() if kind == {"truth"})
    texts = {
        name: strings
        for name, kind in kinds.items()
        if kind == {"choice"} and (strings := [v for v in _finite(declared)[name] if isinstance(v, str) or v is None])
    }
    atoms: list[st.SearchStrategy[Tree]] = [st.sampled_from([("truth", name) for name in truths])] if truths else []
    for name, strings in texts.items():
        atoms.append(
            st.tuples(
                st.sampled_from(["==", "!="]),
                st.just(("choice", name)),
                st.sampled_from([("text", s) for s in strings]),
            )
        )
    if numeric:
        atoms.append(st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _number(numeric), _number(numeric)))
    if not atoms:
        return []
    atom: st.SearchStrategy[Tree] = st.one_of(atoms)
    tree = st.recursive(
        atom,
        lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner),
        max_leaves=3,
    )
    return [t for t in draw(st.lists(tree, max_size=2)) if names_in(t)]


def _number(names: list[str]) -> st.SearchStrategy[Tree]:
    leaf: st.SearchStrategy[Tree] = st.sampled_from([("number", name) for name in names]) | st.tuples(
        st.just("literal"), st.integers(1, 4)
    )
    modulo = st.tuples(st.sampled_from(["//", "%"]), st.sampled_from([("number", n) for n in names]), leaf)
    return st.recursive(
        leaf | modulo,
        lambda inner: (
            st.tuples(st.sampled_from(["+", "-", "*", "/", "min", "max"]), inner, inner)
            | st.tuples(st.sampled_from(["negative", "abs"]), inner)
            | st.tuples(st.just("**"), inner, st.just(("literal", 2)))
        ),
        max_leaves=3,
    )


def names_in(tree: Tree) -> set[str]:
    """The parameters that a constraint names."""
    if tree[0] in {"number", "truth", "choice"}:
        return {tree[1]}
    return {name for part in tree[1:] if isinstance(part, tuple) for name in names_in(part)}


def text_of(tree: Tree) -> str:
    """A constraint as it is written."""
    match tree:
        case ("number" | "truth" | "choice", name):
            return f"`{name}`" if "-" in name else name
        case ("literal", value):
            return str(value)
        case ("text", value):
            return "null" if value is None else f"'{value}'"
        case ("min" | "max" as function, a, b):
            return f"{function}({text_of(a)}, {text_of(b)})"
        case ("abs", a):
            return f"abs({text_of(a)})"
        case ("negative", a):
            return f"-({text_of(a)})"
        case ("not", a):
            return f"not ({text_of(a)})"
        case (operator, a, b):
            return f"({text_of(a)}) {operator} ({text_of(b)})"
    raise AssertionError(tree)
