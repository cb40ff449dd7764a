"""A search space as JSON -> `SearchSpace` or `CandidateList`, or every fault with its pointer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.errors import pointer
from app.space.candidates import CandidateList, read_candidates
from app.space.columns import JsonValue, level_key, present
from app.space.conditions import Forbidden, Membership
from app.space.expressions import Constraint
from app.space.faults import MAX_FAULTS, Faults, show, suggestion
from app.space.names import BrokenParameter, ConstraintNames, path_key
from app.space.parameters import Choice, Number, Parameter, normal
from app.space.paths import name_fault, path_of
from app.space.space import SearchSpace
from app.space.specs import read_parameter
from app.space.syntax import CannotParse, parse_constraint

MAX_PARAMETERS = 256
MAX_RULES = 1_000
MAX_CONSTRAINT_CHARACTERS = 16_384
"""Of all constraints together. Two characters can be an operation, and a million rows of one take milliseconds."""
MAX_CHAIN = 32
VARIANT = "\x1f"
"""Stands between a repeated name and its variant's number in a column key; no name holds a control character."""


def parse_search_space(raw: JsonValue, where: str = "/search_space") -> SearchSpace | CandidateList:
    """The space that `raw` describes; `where` is its own place in the request.

    Raises: InvalidSearchSpace with a fault for every mistake, at most 20.
    """
    faults = Faults()
    if not isinstance(raw, dict):
        faults.add(where, f"a search space is an object, not {show(raw)}")
        raise faults.error()
    known = ("candidates",) if "candidates" in raw else ("parameters", "forbidden", "constraints")
    for key in raw:
        if key not in known and not faults.full:
            hint = " beside candidates" if known[0] == "candidates" else suggestion(key, known)
            faults.add(where + pointer(key), f"a search space has no {show(key)}{hint}")
    if "candidates" in raw:
        found = read_candidates(raw["candidates"], where + "/candidates", faults)
        faults.raise_any()
        assert found is not None
        return found
    space = _Reader(where, faults).read(raw)
    faults.raise_any()
    return space


@dataclass
class _Declared:
    """A parameter on its way: its spec's place, and itself unless that has a fault."""

    name: str
    where: str
    spec: JsonValue
    parameter: Parameter | None


@dataclass
class _Reader:
    """The space being read: what is declared under each path, and the faults so far."""

    where: str
    faults: Faults
    declared: list[_Declared] = field(default_factory=list)
    by_path: dict[str, list[_Declared]] = field(default_factory=dict)

    def read(self, raw: Mapping[str, JsonValue]) -> SearchSpace:
        self._declare(raw.get("parameters"))
        self._key_variants()
        self._check_nesting()
        ordered = self._with_conditions()
        forbidden = tuple(self._forbidden(raw.get("forbidden", [])))
        constraints = tuple(self._constraints(raw.get("constraints", [])))
        by_key = {parameter.key: parameter for parameter in ordered}
        parameters = tuple(by_key[d.parameter.key] for d in self.declared if d.parameter and d.parameter.key in by_key)
        return SearchSpace(parameters, tuple(ordered), forbidden, constraints)

    # ------------------------------------------------------------ parameters

    def _declare(self, raw: JsonValue) -> None:
        where = self.where + "/parameters"
        if not isinstance(raw, (dict, list)) or not raw:
            self.faults.add(where if raw is not None else self.where, "parameters is a map or a list, not empty")
            return
        if len(raw) > MAX_PARAMETERS:
            self.faults.add(where, f"{len(raw)} parameters; at most {MAX_PARAMETERS}")
            return
        named = self._from_map(raw) if isinstance(raw, dict) else self._from_list(raw)
        for name, spec, place in named:
            if (fault := name_fault(name)) is not None:
                self.faults.add(place, fault)
                continue
            declared = _Declared(name, place, spec, read_parameter(name, spec, place, self.faults))
            self.declared.append(declared)
            self.by_path.setdefault(path_key(name), []).append(declared)

    def _from_map(self, raw: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue, str]]:
        seen: dict[str, str] = {}
        for name, spec in raw.items():
            place = self.where + pointer("parameters", name)
            twin = seen.setdefault(path_key(name), name)
            if twin != name:
                self.faults.add(place, f"{show(name)} and {show(twin)} name the same input")
                continue
            yield name, spec, place

    def _from_list(self, raw: list[JsonValue]) -> Iterator[tuple[str, JsonValue, str]]:
        for i, spec in enumerate(raw):
            place = self.where + pointer("parameters", i)
            if not isinstance(spec, dict):
                self.faults.add(place, f"in a list of parameters each one is an object with a name, not {show(spec)}")
            elif not isinstance(name := spec.get("name"), str):
                self.faults.add(place + ("/name" if "name" in spec else ""), "a parameter in a list needs a name")
            else:
                yield name, {key: value for key, value in spec.items() if key != "name"}, place

    def _key_variants(self) -> None:
        """Gives variants of one name their own column keys, and one spelling of the name."""
        for variants in self.by_path.values():
            for i, d in enumerate(variants):
                if len(variants) > 1 and d.parameter is not None:
                    name = variants[0].name
                    d.parameter = replace(d.parameter, name=name, key=f"{name}{VARIANT}{i}")

    def _check_nesting(self) -> None:
        """A parameter whose choices are objects owns every input below its own."""
        owners = {
            d.parameter.path: d.name
            for d in self.declared
            if isinstance(d.parameter, Choice) and d.parameter.has_objects
        }
        for d in self.declared if owners else []:
            parts = path_of(d.name).split(".")
            above = (".".join(parts[:n]) for n in range(1, len(parts)))
            if owner := next((owners[path] for path in above if path in owners), None):
                self.faults.add(d.where, f"{show(d.name)} lies inside the objects that {show(owner)} chooses from")

    # ------------------------------------------------------------ conditions

    def _with_conditions(self) -> list[Parameter]:
        """The parameters with their conditions, parents before children."""
        whens = [self._when(d) for d in self.declared]
        parents: dict[str, dict[str, None]] = {}
        for d, when in zip(self.declared, whens, strict=True):
            parents.setdefault(path_key(d.name), {}).update(dict.fromkeys(path_key(m.name) for m in when))
        order = self._order(parents)
        for d, when in zip(self.declared, whens, strict=True):
            if d.parameter is not None:
                d.parameter = replace(d.parameter, when=when)
        if order is None:
            return []
        self._check_disjoint()
        return [d.parameter for path in order for d in self.by_path[path] if d.parameter is not None]

    def _when(self, declared: _Declared) -> tuple[Membership, ...]:
        raw = declared.spec.get("when", {}) if isinstance(declared.spec, dict) else {}
        if not isinstance(raw, dict):
            self.faults.add(declared.where + "/when", f"when is an object of parents and values, not {show(raw)}")
            return ()
        found = [self._membership(name, value, declared.where + "/when", parent=True) for name, value in raw.items()]
        return tuple(membership for membership in found if membership is not None)

    def _membership(self, name: str, value: JsonValue, where: str, *, parent: bool) -> Membership | None:
        """A name with a value or a list of values; the values must be ones that it can take."""
        if self.faults.full:
            return None
        place = where + pointer(name)
        variants = self.by_path.get(path_key(name))
        if variants is None:
            known = [d.name for d in self.declared]
            self.faults.add(place, f"there is no parameter {show(name)}{suggestion(name, known)}")
            return None
        values = value if isinstance(value, list) else [value]
        if not values:
            self.faults.add(place, "the list of values is empty")
            return None
        parameters = [d.parameter for d in variants if d.parameter is not None]
        if len(parameters) < len(variants):
            return None  # the parent's own fault is reported
        if parent and any(isinstance(p, Number) and p.count is None for p in parameters):
            message = f"{show(name)} is continuous: it never has exactly a listed value; give it a step or choices"
            self.faults.add(place, message)
            return None
        taken = np.logical_or.reduce([present(p.read(values)) for p in parameters])
        for i in np.flatnonzero(~taken)[:MAX_FAULTS].tolist():
            at = place + pointer(i) if isinstance(value, list) else place
            self.faults.add(at, f"{show(name)} cannot be {show(values[i])}{_nearest(parameters, values[i])}")
        return Membership(
            parameters[0].name,
            {p.key: p.accepts(values) for p in parameters},
            frozenset(level_key(normal(one)) for one in values),
        )

    def _order(self, parents: Mapping[str, Mapping[str, None]]) -> list[str] | None:
        """Paths with parents first, in declared order otherwise; None if there is a cycle or too long a chain."""
        depth: dict[str, int] = {}
        pending = list(parents)
        while pending:
            ready = [path for path in pending if all(parent in depth for parent in parents[path])]
            if not ready:
                self._report_cycle(pending, parents)
                return None
            depth.update({path: 1 + max((depth[parent] for parent in parents[path]), default=-1) for path in ready})
            pending = [path for path in pending if path not in depth]
        for path, level in depth.items():
            if level > MAX_CHAIN:
                self.faults.add(
                    self.by_path[path][0].where + "/when", f"the chain of conditions is longer than {MAX_CHAIN}"
                )
                return None
        return list(depth)

    def _report_cycle(self, pending: list[str], parents: Mapping[str, Mapping[str, None]]) -> None:
        left = set(pending)
        trail = [pending[0]]
        while trail.count(trail[-1]) < 2:
            trail.append(next(parent for parent in parents[trail[-1]] if parent in left))
        cycle = trail[trail.index(trail[-1]) :]
        names = " -> ".join(self.by_path[path][0].name for path in cycle)
        self.faults.add(self.by_path[cycle[0]][0].where + "/when", f"the conditions go in a circle: {names}")

    def _check_disjoint(self) -> None:
        """Of the variants of one name, at most one may be active in any configuration."""
        for variants in self.by_path.values():
            needs = [self._needs(d.parameter) if d.parameter is not None else None for d in variants]
            for i, mine in enumerate(needs):
                other = next((j for j, theirs in enumerate(needs[:i]) if _overlap(theirs, mine)), None)
                if other is not None:
                    name = variants[i].name
                    message = f"{show(name)} is declared at {variants[other].where} too, and both can be active at once"
                    self.faults.add(variants[i].where, message)

    def _needs(self, parameter: Parameter) -> dict[str, frozenset[str]]:
        """The values that every ancestor must have one of, through parents that have one variant."""
        needs: dict[str, frozenset[str]] = {}
        stack, seen = list(parameter.when), set[Membership]()
        while stack:
            membership = stack.pop()
            if membership in seen:
                continue
            seen.add(membership)
            needs[membership.name] = needs.get(membership.name, membership.values) & membership.values
            variants = self.by_path[path_key(membership.name)]
            if len(variants) == 1 and variants[0].parameter is not None:
                stack.extend(variants[0].parameter.when)
        return needs

    # ------------------------------------------------------------ rules

    def _rules(self, raw: JsonValue, key: str) -> Iterator[tuple[JsonValue, str]]:
        place = self.where + pointer(key)
        if not isinstance(raw, list):
            self.faults.add(place, f"{key} is a list, not {show(raw)}")
        elif len(raw) > MAX_RULES:
            self.faults.add(place, f"{len(raw)} {key}; at most {MAX_RULES}")
        else:
            for i, rule in enumerate(raw):
                if not self.faults.full:
                    yield rule, place + pointer(i)

    def _forbidden(self, raw: JsonValue) -> Iterator[Forbidden]:
        for clause, place in self._rules(raw, "forbidden"):
            if not isinstance(clause, dict) or not clause:
                self.faults.add(place, f"a forbidden clause is an object of names and values, not {show(clause)}")
                continue
            if repeated := [p for p, n in Counter(map(path_key, clause)).items() if n > 1]:
                self.faults.add(place, f"{repeated[0]} stands twice in this clause")
                continue
            found = [self._membership(name, value, place, parent=False) for name, value in clause.items()]
            condition = tuple(membership for membership in found if membership is not None)
            if len(condition) == len(found):
                yield Forbidden(condition, f"forbidden {show(clause)}", place)

    def _constraints(self, raw: JsonValue) -> Iterator[Constraint]:
        by_path = {path: [d.parameter for d in variants] for path, variants in self.by_path.items()}
        names = ConstraintNames(by_path, [d.name for d in self.declared])
        characters = 0
        for text, place in self._rules(raw, "constraints"):
            if not isinstance(text, str):
                self.faults.add(place, f'a constraint is a text such as "a * b <= 6", not {show(text)}')
                continue
            try:
                root, variants = parse_constraint(text, names.lookup, names.level_of)
            except CannotParse as error:
                self.faults.add(place, str(error))
            except BrokenParameter:
                continue
            else:
                characters += len(text)
                if characters > MAX_CONSTRAINT_CHARACTERS:
                    message = f"the constraints have more than {MAX_CONSTRAINT_CHARACTERS} characters together"
                    self.faults.add(place, message)
                    return
                yield Constraint(root, variants, f"constraint {show(text)}", place)


def _nearest(parameters: Sequence[Parameter], value: JsonValue) -> str:
    known = [c for p in parameters if isinstance(p, Choice) for c in p.choices if isinstance(c, str)]
    return suggestion(value, known) if isinstance(value, str) else ""


def _overlap(first: Mapping[str, frozenset[str]] | None, second: Mapping[str, frozenset[str]] | None) -> bool:
    """Whether two sets of needs can be met together."""
    if first is None or second is None:
        return False
    return all(first[name] & second[name] for name in first.keys() & second.keys())
