"""Real data sets that ship inside installed packages: scikit-learn's, plotly's and statsmodels' own copies.

Each is one classification task; where the original is not one (diabetes, gapminder, tips, ...), the name says what is
predicted. Nothing is downloaded and nothing is made up; at most `MAX_ROWS` rows are kept, chosen with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sklearn import datasets as sklearn_datasets

from app.featurise.describe import describe

MAX_ROWS = 1000
"""More rows would make the trainings longer, not the demo clearer."""

TARGET = "target"


class PackageMissing(RuntimeError):
    """A package that ships one of the data sets is not installed."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A classification task. Shapes: X (n, d) float64 with categories one-hot, y (n,) class codes."""

    name: str
    table: pa.Table  # as read, the label in the column TARGET
    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.int64]


def names() -> list[str]:
    return list(READERS)


@cache
def load(name: str) -> Task:
    """The task of that name. Raises PackageMissing."""
    table = _sample(READERS[name]())
    labels = table.column(TARGET).combine_chunks().dictionary_encode()
    inputs = table.drop_columns([TARGET])
    return Task(name, table, _matrix(inputs), labels.indices.to_numpy().astype(np.int64))


@cache
def meta_features(task: Task) -> dict[str, float]:
    """What `forerun describe` says of the task's table, to six digits."""
    return {name: float(f"{value:.6g}") for name, value in describe(task.table, TARGET).items()}


def _sample(table: pa.Table) -> pa.Table:
    if table.num_rows <= MAX_ROWS:
        return table
    rows = np.random.default_rng(0).choice(table.num_rows, MAX_ROWS, replace=False)
    return table.take(pa.array(np.sort(rows)))


def _matrix(inputs: pa.Table) -> npt.NDArray[np.float64]:
    blocks = []
    for column in inputs.itercolumns():
        if pa.types.is_string(column.type):
            codes = column.combine_chunks().dictionary_encode()
            blocks.append(np.eye(len(codes.dictionary))[codes.indices.to_numpy()])
        else:
            blocks.append(column.to_numpy().astype(np.float64)[:, None])
    return np.hstack(blocks)


# ---------------------------------------------------------------- scikit-learn


def _from_sklearn(loader: Callable[[], sklearn_datasets.Bunch]) -> Callable[[], pa.Table]:
    def read() -> pa.Table:
        bunch = loader()
        columns = {str(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
        return pa.table({**columns, TARGET: np.asarray(bunch.target_names)[bunch.target].astype(str)})

    return read


def _diabetes() -> pa.Table:
    bunch = sklearn_datasets.load_diabetes(scaled=False)
    columns = {str(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
    above = bunch.target > np.median(bunch.target)
    return pa.table({**columns, TARGET: np.where(above, "above", "below")})


# ---------------------------------------------------------------- tables of other packages


def _file_of(package: str, path: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(f"the demo reads a data set from inside {package!r}: pip install 'forerun[demo]'")
    return Path(spec.submodule_search_locations[0]) / path


def _csv(package: str, path: str, delimiter: str = ",") -> pa.Table:
    options = pa.csv.ParseOptions(delimiter=delimiter, quote_char='"')
    table = pa.csv.read_csv(_file_of(package, path), parse_options=options)
    return table.rename_columns([name.strip("'\" ") for name in table.column_names])


def _labelled(table: pa.Table, label: npt.NDArray[np.str_], drop: Sequence[str]) -> pa.Table:
    return table.drop_columns(list(drop)).append_column(TARGET, pa.array(label))


def _gapminder() -> pa.Table:
    table = _csv("plotly", "package_data/datasets/gapminder.csv.gz")
    label = table.column("continent").to_numpy()
    return _labelled(table.select(["year", "lifeExp", "pop", "gdpPercap"]), label, [])


def _tips() -> pa.Table:
    table = _csv("plotly", "package_data/datasets/tips.csv.gz")
    return _labelled(table, table.column("time").to_numpy(), ["time"])


def _vote() -> pa.Table:
    table = _csv("statsmodels", "datasets/anes96/anes96.csv", delimiter="\t")
    label = np.where(table.column("vote").to_numpy() == 1, "Dole", "Clinton")
    return _labelled(table, label, ["vote"])


def _affairs() -> pa.Table:
    table = _csv("statsmodels", "datasets/fair/fair.csv")
    return _labelled(table, _yes_no(pc.greater(table.column("affairs"), 0)), ["affairs"])


def _visits() -> pa.Table:
    table = _csv("statsmodels", "datasets/randhie/randhie.csv")
    return _labelled(table, _yes_no(pc.greater(table.column("mdvis"), 0)), ["mdvis"])


def _mode_chosen() -> pa.Table:
    table = _csv("statsmodels", "datasets/modechoice/modechoice.csv", delimiter=";")
    return _labelled(table, _yes_no(pc.equal(table.column("choice"), 1)), ["individual", "choice"])


def _yes_no(mask: pa.ChunkedArray) -> npt.NDArray[np.str_]:
    return np.where(mask.to_numpy(), "yes", "no")


READERS: dict[str, Callable[[], pa.Table]] = {
    "iris": _from_sklearn(sklearn_datasets.load_iris),
    "wine": _from_sklearn(sklearn_datasets.load_wine),
    "breast_cancer": _from_sklearn(sklearn_datasets.load_breast_cancer),
    "digits": _from_sklearn(sklearn_datasets.load_digits),
    "diabetes_above_median": _diabetes,
    "gapminder_continent": _gapminder,  # a country's years stand in several folds: easier than for a new country
    "tips_lunch_or_dinner": _tips,
    "anes96_vote": _vote,
    "fair_any_affair": _affairs,
    "randhie_any_doctor_visit": _visits,
    "modechoice_chosen": _mode_chosen,
}
