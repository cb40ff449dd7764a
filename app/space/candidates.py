"""An explicit list of configurations in place of a space: the same interface, over what was sent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import pointer
from app.space import encoding
from app.space.columns import (
    ABSENT,
    BoolArray,
    CodedColumn,
    Column,
    Columns,
    IntArray,
    JsonValue,
    NumericColumn,
    absent_where,
    is_number,
    level_key,
    take,
)
from app.space.faults import Faults, show
from app.space.paths import flatten, leaves, name_fault, path_of
from app.space.specs import check_value

MAX_CANDIDATES = 100_000
MAX_PATHS = 256
MAX_PLAIN_CHARACTERS = 1_000
EXACT = 2**53
_NUMBERS = frozenset({int, float})
_SCALARS = frozenset({str, int, float, bool, type(None)})
_ALWAYS_PLAIN = frozenset({bool, type(None), type(ABSENT)})
_ABSENT_LEVEL = object()


@dataclass(frozen=True, eq=False)
class CandidateList:
    """n configurations as they were sent, and as columns by input path.

    A path whose values are all numbers is numeric; any other is coded, with null as a level. Rows are the same
    configuration if they hold the same values, whether nested or dotted and whether 1 or 1.0.
    """

    candidates: tuple[Mapping[str, JsonValue], ...]
    columns: Columns

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @property
    def input_paths(self) -> frozenset[str]:
        """The inputs that candidates have."""
        return frozenset(self.columns)

    @property
    def finite(self) -> bool:
        return True

    @cached_property
    def _distinct(self) -> IntArray:
        """The first row of every configuration."""
        return encoding.first_of_each(self.identity(self.columns))

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        """The first row by identity."""
        identities = self.identity(self.columns)
        return {identities[row].tobytes(): row for row in self._distinct.tolist()}

    def size(self) -> int:
        """How many different configurations there are."""
        return len(self._distinct)

    def enumerate(self, limit: int) -> Columns | None:
        """All different configurations in the order sent; None if there are more than `limit`."""
        return take(self.columns, self._distinct) if self.size() <= limit else None

    def sample(self, n: int, seed: int) -> Columns:
        """At most n different configurations at random; all of them where n suffices."""
        rows = np.random.default_rng(seed).permutation(self._distinct)[:n]
        return take(self.columns, rows)

    def neighbours(self, columns: Columns, n_each: int, seed: int, scale: float = 0.1) -> Columns:
        """None: a list has no other configurations than its own."""
        return take(columns, np.zeros(0, dtype=np.int64))

    def allowed(self, columns: Columns) -> BoolArray:
        """(n,) everywhere true: a list excludes nothing that it holds."""
        return np.ones(len(next(iter(columns.values()))), dtype=np.bool_)

    def encode(self, configurations: Sequence[Mapping[str, JsonValue]]) -> Columns:
        """Configurations as columns; one that is not in the list is absent in every column.

        Values at paths that no candidate has are ignored.
        """
        flat = [flatten(configuration) for configuration in configurations]
        read = {path: _read(column, [row.get(path, ABSENT) for row in flat]) for path, column in self.columns.items()}
        known = np.logical_and.reduce([belongs for _, belongs in read.values()])
        columns = {path: column for path, (column, _) in read.items()}
        identities = self.identity(columns)
        listed = [identity.tobytes() in self._row_of for identity in identities]
        outside = ~(known & np.array(listed, dtype=np.bool_))
        return {path: absent_where(column, outside) for path, column in columns.items()}

    def decode(self, columns: Columns, rows: Sequence[int]) -> list[dict[str, JsonValue]]:
        """The configurations of some rows, each the very object that was sent (the first of equal ones)."""
        identities = self.identity(take(columns, np.array(rows, dtype=np.int64)))
        return [dict(self.candidates[self._row_of[identity.tobytes()]]) for identity in identities]

    def identity(self, columns: Columns) -> npt.NDArray[np.void]:
        """(n,) equal for two rows exactly if they are the same configuration."""
        return encoding.identity(columns, self.keys)

    def inputs(self, columns: Columns) -> Columns:
        """The columns by input path, as runs with these configurations would report them."""
        return encoding.inputs(columns, dict(zip(self.keys, self.keys, strict=True)))


def read_candidates(raw: JsonValue, where: str, faults: Faults) -> CandidateList | None:
    """The list that `raw` holds; None, and faults, if something in it cannot be a configuration.

    Values are checked by the column, not one by one: 1,000 candidates with 20 values take 10 ms, not 30.
    """
    if not isinstance(raw, list) or not raw:
        faults.add(where, "candidates is a list of configurations, not empty")
        return None
    if len(raw) > MAX_CANDIDATES:
        faults.add(where, f"{len(raw)} candidates; at most {MAX_CANDIDATES}")
        return None
    candidates = [candidate for candidate in raw if isinstance(candidate, dict) and candidate]
    if len(candidates) < len(raw):
        for i, candidate in enumerate(raw):
            if not isinstance(candidate, dict) or not candidate:
                faults.add(where + pointer(i), f"a candidate is an object with a value, not {show(candidate)}")
        return None
    columns = _columns(candidates, where, faults)
    return None if len(faults) else CandidateList(tuple(candidates), columns)


def _columns(candidates: Sequence[Mapping[str, JsonValue]], where: str, faults: Faults) -> dict[str, Column]:
    paths = _Paths()
    flat = [_flat(candidate, paths) for candidate in candidates]
    for i, (row, n_leaves) in enumerate(flat):
        if len(row) < n_leaves:
            faults.add(where + pointer(i), "one input stands in this candidate twice, nested and dotted")
    if len(paths) > MAX_PATHS:
        faults.add(where, f"the candidates have {len(paths)} different names; at most {MAX_PATHS}")
        return {}
    columns: dict[str, Column] = {}
    for path in dict.fromkeys(paths.values()):
        values = [row.get(path, ABSENT) for row, _ in flat]
        if _check(path, values, candidates, where, faults):
            columns[path] = _column(values)
    return columns


class _Paths(dict[str, str]):
    """Input paths by dotted name, each made once."""

    def __missing__(self, name: str) -> str:
        self[name] = path = path_of(name)
        return path


def _flat(candidate: Mapping[str, JsonValue], paths: _Paths) -> tuple[dict[str, JsonValue], int]:
    """A candidate as `path -> leaf`, and how many leaves it has."""
    nested = [name for name, value in candidate.items() if type(value) is dict]
    if not nested:
        return {paths[name]: value for name, value in candidate.items()}, len(candidate)
    flat = {paths[name]: value for name, value in candidate.items() if type(value) is not dict}
    pairs = [pair for name in nested for pair in leaves(candidate[name], name)]
    flat.update((paths[name], leaf) for name, leaf in pairs)
    return flat, len(candidate) - len(nested) + len(pairs)


def _check(
    path: str,
    values: Sequence[object],
    candidates: Sequence[Mapping[str, JsonValue]],
    where: str,
    faults: Faults,
) -> bool:
    """Whether a path and all its values can be a configuration's; a fault at each that cannot."""
    before = len(faults)
    if (fault := name_fault(path.removeprefix("hyperparameters."))) is not None:
        row = next(row for row, value in enumerate(values) if value is not ABSENT)
        faults.add(where + pointer(row), fault)
    elif not _plain(values):
        for row, value in enumerate(values):
            inside = Faults()
            if value is ABSENT or check_value(value, "", inside):  # type: ignore[arg-type]  # JSON by contract
                continue
            name = next(n for n in candidates[row] if (path + ".").startswith((path_of(n) + ".", n + ".")))
            for found in inside.found:
                faults.add(where + pointer(row, name) + found.pointer, found.message)
    return len(faults) == before


def _plain(values: Sequence[object]) -> bool:
    """Whether all values are scalars that need no closer look."""
    kinds = set(map(type, values)) - _ALWAYS_PLAIN
    if kinds <= _NUMBERS:
        numbers: list[Any] = [value for value in values if type(value) in _NUMBERS]
        # A sum is NaN if any number is; minimum and maximum may miss one.
        return not numbers or (min(numbers) >= -EXACT and max(numbers) <= EXACT and sum(numbers) * 0 == 0)
    return kinds == {str} and max(len(value) for value in values if isinstance(value, str)) <= MAX_PLAIN_CHARACTERS


def _column(values: Sequence[object]) -> Column:
    """The values of one path: numeric if all are numbers, else coded (and null is a level)."""
    if set(map(type, values)) - {object} <= _NUMBERS:
        return _numbers(values)
    keys = [_level(value) for value in values]
    levels: dict[Hashable, JsonValue] = {}
    for key, value in zip(keys, values, strict=True):
        levels.setdefault(key, value)  # type: ignore[call-overload]  # JSON by contract
    levels.pop(_ABSENT_LEVEL, None)
    return _codes(keys, tuple(levels), tuple(levels.values()))


def _read(column: Column, values: Sequence[object]) -> tuple[Column, BoolArray]:
    """Values as a column like another one, and where (n,) they belong to it."""
    absent = np.fromiter((value is ABSENT for value in values), dtype=np.bool_, count=len(values))
    if isinstance(column, NumericColumn):
        read = _numbers([value if is_number(value) else ABSENT for value in values])
        return read, absent | ~np.isnan(read.values)
    coded = _codes([_level(value) for value in values], [_level(level) for level in column.levels], column.levels)
    return coded, absent | (coded.codes >= 0)


def _numbers(values: Sequence[object]) -> NumericColumn:
    return NumericColumn(np.array([np.nan if value is ABSENT else value for value in values], dtype=np.float64))


def _codes(keys: Sequence[Hashable], level_keys: Sequence[Hashable], levels: tuple[JsonValue, ...]) -> CodedColumn:
    code_of = {key: code for code, key in enumerate(level_keys)}
    return CodedColumn(np.array([code_of.get(key, -1) for key in keys], dtype=np.int32), levels)


def _level(value: object) -> Hashable:
    """A cheap key with the meaning of `level_key`: 1 and 1.0 are one level, true and "1" are others."""
    if type(value) in _SCALARS:
        return (type(value) is bool, value)
    return _ABSENT_LEVEL if value is ABSENT else level_key(value)  # type: ignore[arg-type]  # JSON by contract
