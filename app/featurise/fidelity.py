"""Fidelity: how much of full training was spent (epochs, a fraction of the rows, a time limit).

What training gains shrinks with every doubling, so a fidelity that spans decades is read on a log scale even where
its values are evenly spaced: epochs 1, 2, ..., 100.
"""

from __future__ import annotations

from app.featurise.lists import list_statistics
from app.featurise.schema import Source, spans_decades

SOURCE = Source("fidelity", list_statistics, spans_decades)
