"""What a process remembers of datasets, so that most transactions need not ask: where they are, and what they know.

It is a guess until the database has confirmed it, in the transaction that relies on it: a dataset's row is still the
version that was seen if the transaction that wrote it is (its `xmin`). Rows of projects and datasets are never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

Key: TypeAlias = tuple[str, str]
"""The project's name and the dataset's own."""

MOST: Final = 10_000
"""Datasets that are remembered, some kB each."""


class Home(NamedTuple):
    """A dataset that was seen."""

    project_id: int
    dataset_id: int
    version: int
    """The transaction that wrote its row."""
    meta_features: Mapping[str, float]
    """Some that it has, if not all."""

    def has(self, meta_features: Mapping[str, float]) -> bool:
        """Whether it is known to have these."""
        known = self.meta_features
        return meta_features is known or meta_features.items() <= known.items()


class Homes:
    """The memory of one process for one database."""

    def __init__(self) -> None:
        self._seen: dict[Key, Home] = {}

    def get(self, key: Key, meta_features: Mapping[str, float]) -> Home | None:
        """Where a dataset probably is, if it probably has these meta-features."""
        home = self._seen.get(key)
        return home if home is not None and home.has(meta_features) else None

    def see(self, key: Key, home: Home) -> None:
        """Remember it; of an unchanged row, all that is known of it."""
        known = self._seen.get(key)
        if known is not None and known[:3] == home[:3] and not home.has(known.meta_features):
            home = home._replace(meta_features={**known.meta_features, **home.meta_features})
        elif len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[key] = home
