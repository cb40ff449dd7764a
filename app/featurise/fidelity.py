"""Fidelity: how much of full training was spent (epochs, a fraction of the rows, a time limit).

What training gains shrinks with every doubling, so a fidelity that spans decades is read on a log scale even where
its values are evenly spaced: epochs 1, 2, ..., 100.

A run that was stopped has had less than its fidelity says, and what it had reached says less than it seems to: that it
ended early is told as one more input, so that history teaches what that costs, and no candidate has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from app.featurise.lists import list_statistics
from app.featurise.schema import Source, spans_decades
from app.space.columns import CodedColumn, JsonValue
from app.types import OwnRun, RunTable

SOURCE = Source("fidelity", list_statistics, spans_decades)

ENDED, EARLY = "fidelity.ended", "early"


def with_ends(table: RunTable) -> RunTable:
    """The runs with what tells the stopped ones, where there are any and nobody uses the name for something else."""
    stopped = table.state == "stopped"
    if not stopped.any() or ENDED in table.inputs:
        return table
    ended = CodedColumn(np.where(stopped, 0, -1).astype(np.int32), (EARLY,))
    return replace(table, inputs={**table.inputs, ENDED: ended})


def inputs_with_end(run: OwnRun) -> Mapping[str, JsonValue]:
    """The same for one run."""
    return {ENDED: EARLY, **run.inputs} if run.state == "stopped" else run.inputs
