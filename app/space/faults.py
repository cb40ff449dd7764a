"""Collects what is wrong with a search space, so that one answer names every mistake and not only the first."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from app.errors import Fault, InvalidSearchSpace
from app.space.columns import JsonValue

MAX_FAULTS = 20
MAX_SHOWN_CHARACTERS = 80
MAX_SUGGESTIONS = 1_000
"""Known words that are compared with an unknown one: 20 ms."""


@dataclass
class Faults:
    """The faults found so far, at most `MAX_FAULTS`: an answer must not be larger than its question."""

    found: list[Fault] = field(default_factory=list)

    def add(self, pointer: str, message: str) -> None:
        if len(self.found) < MAX_FAULTS:
            self.found.append(Fault(pointer, message))

    @property
    def full(self) -> bool:
        """Reading may stop: no other fault would be told."""
        return len(self.found) >= MAX_FAULTS

    def __len__(self) -> int:
        return len(self.found)

    def error(self) -> InvalidSearchSpace:
        more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
        return InvalidSearchSpace(f"{self.found[0].pointer}: {self.found[0].message}{more}", self.found)

    def raise_any(self) -> None:
        if self.found:
            raise self.error()


def show(value: JsonValue) -> str:
    """A value for a message: as JSON, ASCII only, cut at 80 characters."""
    text = json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 3] + "..."


def suggestion(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'low'?"`, or nothing where no known word is near."""
    words = islice((k for k in known if len(k) <= 200), MAX_SUGGESTIONS)
    near = difflib.get_close_matches(word[:MAX_SHOWN_CHARACTERS], words, n=1)
    return f"; did you mean {show(near[0])}?" if near else ""
