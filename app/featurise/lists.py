"""Lists as statistics: whatever its length, a list becomes the same few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.space.columns import JsonValue, is_number


def list_statistics(items: list[JsonValue]) -> dict[str, float]:
    """Length, what its numbers come to, and how often each other item occurs ("=relu").

    Numbers inside nested lists count as the list's own; an object counts by its parts ("name=relu", "mean_units").
    """
    flat = list(_flat(items))
    statistics = {"length": float(len(items))}
    statistics |= number_statistics([float(item) for item in flat if is_number(item)])
    statistics |= _counts(f"={_text(item)}" for item in flat if isinstance(item, (str, bool)))
    return statistics | attribute_statistics([item for item in flat if isinstance(item, dict)])


def number_statistics(numbers: Sequence[float]) -> dict[str, float]:
    """First, last, sum, smallest, largest and mean; nothing of no numbers."""
    if not numbers:
        return {}
    return {
        "first": numbers[0],
        "last": numbers[-1],
        "sum": sum(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "mean": sum(numbers) / len(numbers),
    }


def attribute_statistics(objects: Sequence[Mapping[str, JsonValue]]) -> dict[str, float]:
    """Over objects: the mean of each numeric attribute, and how often each other value of an attribute occurs."""
    numbers: dict[str, list[float]] = {}
    others: list[str] = []
    for name, value in (pair for item in objects for pair in _attributes(item)):
        if isinstance(value, (str, bool)):
            others.append(f"{name}={_text(value)}")
        elif isinstance(value, (int, float)):
            numbers.setdefault(name, []).append(float(value))
    return {f"mean_{name}": sum(values) / len(values) for name, values in numbers.items()} | _counts(others)


def _counts(names: Iterable[str]) -> dict[str, float]:
    return {name: float(count) for name, count in Counter(names).items()}


def _attributes(item: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, value in item.items():
        if isinstance(value, dict):
            yield from _attributes(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from ((prefix + name, part) for part in _flat(value))
        else:
            yield prefix + name, value


def _flat(items: Sequence[JsonValue]) -> Iterator[JsonValue]:
    for item in items:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()
