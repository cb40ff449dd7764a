"""Where the fields of a foreign history belong in a run, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from app.importers.yaml import read_yaml

KINDS: Final = (
    "dataset", "meta_features", "run_id", "state", "started_at", "finished_at", "hyperparameters", "architecture",
    "environment", "fidelity", "metrics", "resources", "tags", "ignored",
)  # fmt: skip
"""What a field can become. `dataset` names the data, `meta_features` describe it; `ignored` is left out."""

Patterns = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Rules:
    """Patterns of field names (`*` as in a shell) for each kind; an exact name counts before a pattern."""

    patterns: Patterns = field(default_factory=dict)
    _known: dict[str, str | None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if unknown := self.patterns.keys() - set(KINDS):
            raise ValueError(f"a field can become {', '.join(KINDS)}; not {min(unknown)}")

    def kind_of(self, name: str) -> str | None:
        """The kind that the rules send a field to, or None where they say nothing."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> str | None:
        for kind, patterns in self.patterns.items():
            if name in patterns:
                return kind
        for kind, patterns in self.patterns.items():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                return kind
        return None

    def only(self, kind: str) -> str | None:
        """The one field named for a kind of which a run has one."""
        return next(iter(self.patterns.get(kind, ())), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a history: whose runs they are, and where their fields belong."""

    project: str
    rules: Rules = field(default_factory=Rules)
    dataset: str | None = None
    """The dataset of every run; None: each says its own."""
    running: bool = False
    """Whether runs that are still running are taken, to be refreshed by the next import."""
    curves: bool = True


def read_mapping(text: str) -> dict[str, list[str]]:
    """A mapping file: YAML, `kind: name`, or `kind: [names and patterns]`. Raises ValueError."""
    document = read_yaml(text)
    if not isinstance(document, dict):
        raise ValueError("a mapping is a YAML object such as `metrics: [accuracy, val_*]`")  # noqa: TRY004  # of the file, not of a Python value
    return {str(kind): _names(kind, names) for kind, names in document.items()}


def _names(kind: Any, names: Any) -> list[str]:
    listed = names if isinstance(names, list) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise ValueError(f"{kind}: a name or a list of names, not {names!r}")
    return listed
