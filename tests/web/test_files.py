"""The pages as files: they hold nothing that is stored, and load nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from app.config import Settings
from app.main import create_app
from app.web import docs, files, pages

OWN = [path for path in sorted(pages.FOLDER.iterdir()) if path.suffix == ".js"] + [files.STATIC / "docs.js"]
ECHARTS = files.STATIC / "vendor" / "echarts"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that has no database: none of this needs one."""
    transport = httpx.ASGITransport(create_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


own_scripts = pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)


@pytest.mark.parametrize("folder", [docs.VENDORED, ECHARTS], ids=["swagger-ui", "echarts"])
def test_vendored_files_are_what_was_vendored(folder) -> None:
    written = re.findall(r"\| `(.+?)` \| `([0-9a-f]{128})` \|", (folder / "VENDOR.md").read_text())
    sums = {path.name: hashlib.sha512(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    del sums["VENDOR.md"]
    assert dict(written) == sums


@pytest.mark.parametrize("path", pages.PATHS)
async def test_every_page_is_the_same_file_with_a_strict_policy(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.content == (pages.FOLDER / "page.html").read_bytes()
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(policy)
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_assets_are_a_fixed_list(client: httpx.AsyncClient) -> None:
    for root, assets in (("/pages", pages.ASSETS), ("/docs", docs.ASSETS)):
        for name in assets:
            assert (await client.get(f"{root}/{name}")).status_code == 200
        for name in ("VENDOR.md", "..%2fdocs.py", "%2e%2e/docs.py", "page.html", "docs.html", "style.css%00"):
            assert (await client.get(f"{root}/{name}")).status_code == 404


async def test_an_unchanged_asset_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/pages/style.css")
    again = await client.get("/pages/style.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_assets_are_compressed_for_those_who_can_read_it(client: httpx.AsyncClient) -> None:
    plain = await client.get("/pages/echarts.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    small = await client.get("/pages/echarts.js", headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    assert int(small.headers["content-length"]) < len(plain.content) / 2
    assert small.headers["vary"] == "Accept-Encoding"


@own_scripts
def test_nothing_is_ever_made_of_markup(path) -> None:
    refused = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|javascript:"
    assert re.findall(refused, path.read_text()) == []


@own_scripts
def test_scripts_import_what_is_there_and_name_no_other_host(path) -> None:
    text = path.read_text()
    for name in re.findall(r"""(?:from|import\()\s*"\./([^"]+)\"""", text):
        assert name in pages.ASSETS
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[\w.-]+", text) == []
    assert len(text.splitlines()) < 400


def test_the_pages_hold_no_inline_script_or_style() -> None:
    for page in (pages.FOLDER / "page.html", files.STATIC / "docs.html"):
        text = page.read_text()
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []
        assert re.findall(r"""(?:src|href)="(?:https?:)?//""", text) == []
