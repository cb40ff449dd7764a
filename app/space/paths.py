"""Names and input paths: where a parameter stands in a run, and a nested configuration as `path -> leaf`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from app.space.columns import JsonValue

INPUT_PREFIXES = ("hyperparameters.", "architecture.", "environment.", "fidelity.")
MAX_NAME_CHARACTERS = 200
MAX_DEPTH = 32


def path_of(name: str) -> str:
    """The input that a parameter name addresses: `hyperparameters.<name>` unless it begins with an input's kind."""
    return name if name.startswith(INPUT_PREFIXES) else "hyperparameters." + name


def name_fault(name: str) -> str | None:
    """What is wrong with a parameter name, or None."""
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        return f"a name has 1 to {MAX_NAME_CHARACTERS} characters, this one {len(name)}"
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in name) or "`" in name:
        return "a name has no control characters, lone surrogates or backticks"
    if any(not part.strip() for part in name.split(".")):
        return "a name has no empty part between its dots"
    if any(part.startswith("__") for part in name.split(".")):
        return "names beginning with two underscores are reserved"
    return None


def flatten(configuration: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """A nested or dotted configuration as `input path -> leaf`; lists and empty objects are leaves.

    Of two spellings of one path in the same configuration the last one counts.
    """
    flat: dict[str, JsonValue] = {}
    for name, value in configuration.items():
        if isinstance(value, dict) and value:
            flat.update((path_of(inner), leaf) for inner, leaf in leaves(value, name))
        else:
            flat[path_of(name)] = value
    return flat


def leaves(value: JsonValue, prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Every leaf below a value with its dotted name; a scalar is its own leaf, named by the prefix.

    An object that stands in 32 others is a leaf, too.
    """
    stack = [(prefix, value, 0)]
    while stack:
        name, inner, depth = stack.pop()
        if not isinstance(inner, dict) or not inner or depth >= MAX_DEPTH:
            yield name, inner
            continue
        dot = name + "." if name else ""
        stack.extend((dot + key, child, depth + 1) for key, child in reversed(inner.items()))
