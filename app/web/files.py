"""Files that ship with the package, as answers: whole, tagged by their content, compressed for whoever reads gzip."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Own files alone, and nothing inline."""


def answer(request: Request, path: Path, media_type: str, policy: str = CONTENT_SECURITY_POLICY) -> Response:
    """The file; or 304 for a browser that has it. `path` is never made from what a request says."""
    content, compressed, tag = _read(path)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Security-Policy": policy}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(compressed, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
    return Response(content, headers=headers, media_type=media_type)


@cache
def _read(path: Path) -> tuple[bytes, bytes | None, str]:
    """A file's bytes, the same compressed where that makes them fewer, and their tag."""
    content = path.read_bytes()
    compressed = gzip.compress(content, mtime=0)
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'  # weak: it stands for either form
    return content, compressed if len(compressed) < len(content) else None, tag
