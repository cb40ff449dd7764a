"""MLflow -> runs: from a store's tables, a folder of files (`mlruns`) or a tracking server, which all know the same.

What MLflow keeps as text is recovered; the dataset is what `log_input` named, else the experiment; metrics of the
machine (`system/`) are left out unless a rule wants them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.importers.mlflow import files, server, tables
from app.importers.rules import Plan
from app.importers.source import Source

__all__ = ["open_store"]


def open_store(where: str, plan: Plan, *, experiments: Sequence[str] = ()) -> Source:
    """The runs of some experiments, or of all that are not deleted. Raises: CannotImport."""
    if where.startswith(("http://", "https://")):
        return server.open_server(where, plan, experiments)
    folder = Path(where.removeprefix("file://"))
    if folder.is_dir():
        return files.open_folder(folder, plan, experiments)
    return tables.open_tables(where, plan, experiments)
