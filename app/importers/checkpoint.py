"""How far an import came: a small file, so that one that broke off can go on where the service last said yes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from app.importers.source import Cursor


class Checkpoint:
    """The cursor after the last acknowledged chunk of one import, named by what is imported and where to."""

    def __init__(self, directory: Path, *identity: Any) -> None:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
        self.path = directory / "imports" / f"{digest[:32]}.json"

    def read(self) -> Cursor:
        """Where to go on; None if nothing is known of this import."""
        try:
            cursor: Cursor = json.loads(self.path.read_text())["cursor"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cursor

    def write(self, cursor: Cursor) -> None:
        """Remember a cursor; the file is whole at every moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"cursor": cursor}))
        fresh.replace(self.path)

    def forget(self) -> None:
        """The import is complete: the next one begins at the beginning, and finds what has changed since."""
        self.path.unlink(missing_ok=True)
