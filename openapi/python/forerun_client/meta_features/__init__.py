"""Meta-features of a table, computed where the table is: only these numbers leave the machine.

Needs `pip install "forerun-client[describe]"`. Its other modules are copies of the service's own, made by
`make openapi`: the figures are the same.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from forerun_client.meta_features.describe import describe, read_table

__all__ = ["describe", "describe_frame", "read_table"]


def describe_frame(frame: Any, target: str, seed: int = 0) -> dict[str, float]:
    """The meta-features of a pandas or polars DataFrame, without its index. Raises InvalidRequest."""
    table = frame.to_arrow() if hasattr(frame, "to_arrow") else pa.Table.from_pandas(frame, preserve_index=False)
    return describe(table, target, seed)
