"""The documentation of the API: Swagger UI from files that ship with the package, so that no outside host is needed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.web.files import CONTENT_SECURITY_POLICY, STATIC, answer

VENDORED = STATIC / "vendor" / "swagger-ui"

ASSETS = {
    "docs.js": (STATIC / "docs.js", "text/javascript"),
    "swagger-ui-bundle.js": (VENDORED / "swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": (VENDORED / "swagger-ui.css", "text/css"),
    "docs.css": (STATIC / "docs.css", "text/css"),
    "favicon-32x32.png": (VENDORED / "favicon-32x32.png", "image/png"),
}
"""Everything that can be had under `/docs/`: a fixed list, so that no part of a URL ever names a file."""

POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI sets style attributes."""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page(request: Request) -> Response:
    return answer(request, STATIC / "docs.html", "text/html", POLICY)


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    if name not in ASSETS:
        raise HTTPException(404)
    return answer(request, *ASSETS[name], POLICY)
