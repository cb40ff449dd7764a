"""The language of search spaces: what may be tried, sampled, listed and counted, always as columns.

A space is `{"parameters": ..., "forbidden": [...], "constraints": [...]}` or `{"candidates": [...]}`.

**Parameters** are a map `{name: spec}` or a list of specs with `name`. Bounds are inclusive.

    {"type": "float", "low": 0.001, "high": 1, "log": true}     {"type": "float", "low": 0, "high": 1, "step": 0.1}
    {"type": "int", "low": 1, "high": 15}                       {"type": "int", "low": 16, "high": 512, "log": true}
    {"type": "categorical", "choices": ["relu", null, 3]}       {"type": "ordinal", "choices": ["s", "m", "l"]}
    {"type": "bool"}      {"type": "constant", "value": 7}      ["a", "b"] is choices, any scalar is a constant

Choices are any JSON values; 1, true and "1" are three choices, 1 and 1.0 are one. `step` and `log` exclude each other.
A name addresses `hyperparameters.<name>`; the prefixes `architecture.`, `environment.` and `fidelity.` address the
other inputs. In a configuration `{"optimizer": {"name": "adam"}}` and `{"optimizer.name": "adam"}` are the same.

**Conditions.** `"when": {"booster": ["gbtree", "dart"], "device": "gpu"}`: active only if every named parent has one of
the listed values (so its children are inactive with it). A list is always a list of values; a choice that is a list
stands in one. Inactive parameters are absent. In the list form a name may repeat if no two of its variants can be
active at once. Parents are not continuous, do not go in circles, and stand in chains of at most 32.

**Forbidden** clauses are partial assignments, `{"booster": "gbtree", "max_depth": [14, 15]}`: no configuration may
match every name of one.

**Constraints** are texts, `"learning_rate * max_depth <= 6"`: + - * / // % ** and comparisons (chained, too) of
numbers, == and != of choices (`optimizer != "sgd"`, `depth == null`), booleans as conditions, and, or, not,
parentheses, abs, min, max, log, exp, sqrt. Names that are not words with dots stand in backticks: `` `learning-rate` <
1 ``. Precedence is Python's; the text is parsed (`syntax`), never executed. A constraint that names an inactive
parameter holds. One that cannot be evaluated (a division by zero, an overflow) does not. Numbers compare with an
allowance for rounding, so 0.1 + 0.2 == 0.3.

**Candidates** are the configurations themselves, to be ranked.

    space = parse_search_space({"parameters": {"depth": {"type": "int", "low": 1, "high": 9}, "booster": ["a", "b"]}})
    space.size()                            # 18; None if infinite
    columns = space.sample(8, seed=0)       # or enumerate(limit), neighbours(columns, ...), encode(configurations)
    space.decode(columns, [0, 3])           # two configurations as JSON

Files: `parameters`, `conditions` and `expressions` are what a space consists of; `parse` (with `specs`, `syntax`,
`names`, `paths`, `faults`) reads it; `space` and `candidates` are what the other rooms hold; `enumeration`, `counting`,
`sampling` and `encoding` are what those do.
"""

from app.space.candidates import CandidateList
from app.space.columns import CodedColumn, Column, Columns, JsonValue, NumericColumn
from app.space.encoding import is_among
from app.space.parameters import Choice, Number, Parameter
from app.space.parse import parse_search_space
from app.space.paths import path_of
from app.space.space import SearchSpace

__all__ = [
    "CandidateList",
    "Choice",
    "CodedColumn",
    "Column",
    "Columns",
    "JsonValue",
    "Number",
    "NumericColumn",
    "Parameter",
    "SearchSpace",
    "is_among",
    "parse_search_space",
    "path_of",
]
