"""Values from texts: what MLflow and CSV files keep as strings was a number, a truth value or a list once."""

from __future__ import annotations

import ast
import json
import math
import re
from functools import lru_cache
from typing import Any, Final

LARGEST_EXACT: Final = 2**53
LARGEST: Final = 1e300
MAX_LITERAL_CHARACTERS: Final = 6_000
"""MLflow's own limit of a parameter; longer texts are never lists."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CODE = re.compile(r"[+-]?0\d")
"""007 is a name: as a number it would not come back as it was."""
_DURATION = re.compile(r"(?:(\d+) days? )?\+?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_WORDS: Final = {"True": True, "False": False, "true": True, "false": False, "None": None, "null": None}


def recovered(value: Any) -> Any:
    """The value that a text stands for, the text itself if it stands for none; what is no text stays as it is."""
    return _read(value) if isinstance(value, str) else finite(value)


@lru_cache(maxsize=65_536)
def _read(text: str) -> Any:
    stripped = text.strip()
    if stripped in _WORDS:
        return _WORDS[stripped]
    if _NUMBER.fullmatch(stripped) and not _CODE.match(stripped):
        return _number(stripped)
    if stripped[:1] in tuple("[({") and len(stripped) <= MAX_LITERAL_CHARACTERS:
        return _literal(stripped, text)
    return text


def _number(text: str) -> Any:
    number = float(text)
    if text.lstrip("+-").isdigit():
        return int(text) if abs(number) <= LARGEST_EXACT else text
    return number if abs(number) <= LARGEST else text


def _literal(stripped: str, text: str) -> Any:
    """A list or object, as JSON or as Python shows it."""
    for read in (json.loads, ast.literal_eval):
        try:
            return finite(read(stripped))
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return text


def finite(value: Any) -> Any:
    """The value as JSON can say it: numbers beyond it as texts, tuples and sets as lists, keys as texts."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_EXACT else str(value)
    if isinstance(value, float):
        return value if abs(value) <= LARGEST else str(value)  # also nan, which is not
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((finite(inner) for inner in value), key=repr)
    return str(value)


def measured(value: Any) -> float | None:
    """A measured number from what a source keeps, NaN where it is none that counts, None where it is no number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) <= LARGEST else math.nan


def seconds_of(value: Any) -> float | None:
    """A duration as pandas and others write it (`0 days 00:01:30.5`, `00:01:30`); None if it is none."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
