"""Pages for people who would rather look than read.

They are files and hold nothing of what is stored: a script in the browser asks the API, as any client does, with the
reader's own key. So there is one place that decides who sees what, and no page is ever made from what was posted.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.web.files import STATIC, answer

FOLDER = STATIC / "pages"
PATHS = ("/", "/project", "/dataset", "/ask", "/run")
"""The pages. What they are about stands in the query: `/project?name=demo`; names may hold any character."""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
ASSETS = {path.name: (path, _TYPES[path.suffix]) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}
ASSETS["echarts.js"] = (STATIC / "vendor" / "echarts" / "echarts.js", "text/javascript")
"""Everything that can be had under `/pages/`: fixed when the process starts."""

router = APIRouter(include_in_schema=False)


async def page(request: Request) -> Response:
    """The frame of every page; its script looks at the address and fills it."""
    return answer(request, FOLDER / "page.html", "text/html")


for path in PATHS:
    router.add_api_route(path, page, methods=["GET"])


@router.get("/pages/{name}")
async def asset(request: Request, name: str) -> Response:
    if name not in ASSETS:
        raise HTTPException(404)
    return answer(request, *ASSETS[name])
