"""The human side of the API: Swagger UI from files that ship with the package, so that no outside host is needed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

STATIC = Path(__file__).parent / "static"
VENDORED = STATIC / "vendor" / "swagger-ui"

ASSETS = {
    "docs.js": (STATIC / "docs.js", "text/javascript"),
    "swagger-ui-bundle.js": (VENDORED / "swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": (VENDORED / "swagger-ui.css", "text/css"),
    "favicon-32x32.png": (VENDORED / "favicon-32x32.png", "image/png"),
}
"""Everything that can be had under `/docs/`: a fixed list, so that no part of a URL ever names a file."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets style attributes
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

router = APIRouter(include_in_schema=False)


@router.get("/")
async def start() -> Response:
    """Someone who opens the address in a browser wants the documentation."""
    return RedirectResponse("docs")


@router.get("/docs")
async def page(request: Request) -> Response:
    return _file(request, STATIC / "docs.html", "text/html")


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    if name not in ASSETS:
        raise HTTPException(404)
    return _file(request, *ASSETS[name])


def _file(request: Request, path: Path, media_type: str) -> Response:
    content, tag = _read(path)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


@cache
def _read(path: Path) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
