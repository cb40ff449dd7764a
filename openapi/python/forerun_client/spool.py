"""Runs on disk until the service has them: a directory that any number of processes append to and one drains.

    00000001.ndjson   appended to, one run a line, each line synced before `append` returns
    00000001.sending  closed, being posted; removed when the service has acknowledged every line
    rejected.ndjson   what the service will never take, each with its reason

A line that a crash tore apart was never acknowledged to its writer and is skipped. A crash between the service's
acknowledgement and the removal posts lines again, which their `run_id` makes harmless.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from forerun_client.errors import Busy, SpoolFull

log = logging.getLogger("forerun_client.spool")

MAX_BYTES: Final = 256 * 2**20
SEGMENT_BYTES: Final = 2**20
"""From this size on a new segment is begun: what is posted in one request, and posted again after a crash."""

Rejection = tuple[int, Any]
"""The place of a line among those posted, and why it was not taken (JSON)."""
Post = Callable[[list[bytes]], Iterable[Rejection]]


class Spool:
    """One server's spool, shared by threads, forks and processes of one machine."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.directory = directory
        self.max_bytes = max_bytes
        self.segment_bytes = segment_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _appending(self) -> FileLock:
        """A lock of its own for each use: one that a fork inherited would be held by two."""
        return FileLock(self.directory / "append.lock")

    def _draining(self) -> FileLock:
        return FileLock(self.directory / "drain.lock")

    @property
    def rejected(self) -> Path:
        return self.directory / "rejected.ndjson"

    def append(self, line: bytes) -> None:
        """Put one line, ended by a newline, where no crash can lose it. Raises SpoolFull."""
        with self._appending():
            if self.pending_bytes() + len(line) > self.max_bytes:
                raise SpoolFull(f"{self.directory} holds its {self.max_bytes:,} bytes of runs that were not posted yet")
            segment = self._open_segment()
            is_new = not segment.exists()
            _append_synced(segment, line)
            if is_new:
                _sync_directory(self.directory)

    def drain(self, post: Post, wait_seconds: float = 0.0) -> int:
        """Post everything there is, oldest first; how many runs the service has now.

        Raises: Busy if another process drains for longer than `wait_seconds`; what `post` raises, with all kept that
        was not acknowledged.
        """
        try:
            with self._draining().acquire(timeout=wait_seconds):
                return sum(self._drain_segment(segment, post) for segment in iter(self._close_oldest, None))
        except Timeout as error:
            raise Busy(f"another process is delivering what is in {self.directory}") from error

    def pending_bytes(self) -> int:
        """Bytes of runs that the service does not have."""
        return sum(_size(path) for path in (*self._segments(), *self._closed()))

    def pending_runs(self) -> int:
        return sum(len(list(_lines(path))) for path in (*self._closed(), *self._segments()))

    def _segments(self) -> list[Path]:
        return _numbered(self.directory, "ndjson")

    def _closed(self) -> list[Path]:
        return _numbered(self.directory, "sending")

    def _open_segment(self) -> Path:
        """The one to append to, which need not exist yet."""
        segments = self._segments()
        if segments and _size(segments[-1]) < self.segment_bytes:
            return segments[-1]
        last = max((int(path.stem) for path in (*segments, *self._closed())), default=0)
        return self.directory / f"{last + 1:08}.ndjson"

    def _close_oldest(self) -> Path | None:
        """A segment that nobody appends to any more; None when there is nothing to post."""
        with self._appending():
            if closed := self._closed():
                return closed[0]
            segments = self._segments()
            return segments[0].rename(segments[0].with_suffix(".sending")) if segments else None

    def _drain_segment(self, segment: Path, post: Post) -> int:
        lines = list(_lines(segment))
        rejected = [
            json.dumps({"error": reason, "run": json.loads(lines[index])}).encode() + b"\n"
            for index, reason in (post(lines) if lines else ())
        ]
        if rejected:
            log.error("%d runs were not taken; they are in %s with the reason", len(rejected), self.rejected)
            _append_synced(self.rejected, b"".join(rejected))
        segment.unlink()
        _sync_directory(self.directory)
        return len(lines) - len(rejected)


def _numbered(directory: Path, suffix: str) -> list[Path]:
    found = (path for path in directory.glob(f"*.{suffix}") if re.fullmatch(r"\d{8,}", path.stem))
    return sorted(found, key=lambda path: int(path.stem))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # drained meanwhile
        return 0


def _lines(segment: Path) -> Iterator[bytes]:
    try:
        content = segment.read_bytes()
    except FileNotFoundError:
        return
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n") and _is_json(line):
            yield line


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _append_synced(path: Path, lines: bytes) -> None:
    """Append after a newline, whatever a crash has left at the end, and wait for the disk."""
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) == b"\n" else b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    """So that a new name, or one that is gone, survives a power cut."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def default_directory(url: str) -> Path:
    """FORERUN_SPOOL or the user's state directory, and in it one for each service."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    root = os.environ.get("FORERUN_SPOOL") or Path(state, "forerun", "spool")
    return Path(root, re.sub(r"[^A-Za-z0-9.-]+", "_", url.partition("://")[2]).strip("_"))
