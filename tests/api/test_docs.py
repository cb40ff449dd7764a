"""The documentation page works in a real browser, from this server's own files alone."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app import keys
from app.config import Settings
from app.main import create_app
from app.web import docs
from tests.api.conftest import served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_vendored_files_are_what_was_vendored() -> None:
    written = re.findall(r"\| `(.+?)` \| `([0-9a-f]{128})` \|", (docs.VENDORED / "VENDOR.md").read_text())
    sums = {path.name: hashlib.sha512(path.read_bytes()).hexdigest() for path in docs.VENDORED.iterdir()}
    del sums["VENDOR.md"]
    assert dict(written) == sums


async def test_the_start_page_leads_to_the_documentation(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", follow_redirects=True)
    assert answer.url.path == "/docs"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_assets_are_a_fixed_list(client: httpx.AsyncClient) -> None:
    for name in docs.ASSETS:
        assert (await client.get(f"/docs/{name}")).status_code == 200
    for name in ("VENDOR.md", "..%2fdocs.py", "%2e%2e/docs.py", "docs.html", "swagger-ui.css%00"):
        assert (await client.get(f"/docs/{name}")).status_code == 404


async def test_an_unchanged_asset_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/docs/swagger-ui.css")
    again = await client.get("/docs/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_the_page_works_in_a_browser(service: str, browser: Browser) -> None:
    page = browser.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{service}/docs")
    page.wait_for_selector(".opblock")
    operations = {block.inner_text() for block in page.query_selector_all(".opblock-summary-path")}
    assert {path.replace("\u200b", "") for path in operations} >= {"/v1/recommend", "/v1/runs", "/healthz"}
    assert _executed(page, "operations-operations-health") == "200"
    assert _executed(page, "operations-runs-post_run") == "201"
    assert [url for url in requested if not url.startswith((service, "data:"))] == []
    assert complaints == []


@pytest.fixture
def closed(settings: Settings, database_url: str) -> Iterator[tuple[str, str]]:
    """The URL of a service that asks for keys, and one. Made before the browser, which has a loop of its own."""
    _, key = keys.create(database_url, "somebody", ["read"], None, None)
    with served(create_app(settings.model_copy(update={"auth": "required"}))) as url:
        yield url, key


def test_the_authorize_button_takes_a_key(closed: tuple[str, str], browser: Browser) -> None:
    url, key = closed
    page = browser.new_page()
    page.goto(f"{url}/docs")
    page.wait_for_selector(".opblock")
    assert _executed(page, "operations-projects-list_projects") == "401"
    page.locator(".scheme-container .authorize").click()
    page.locator(".auth-container input").fill(key)
    page.locator(".auth-container button.authorize").click()
    page.locator(".auth-container button.btn-done").click()
    with page.expect_response("**/v1/projects*") as answered:
        page.locator("#operations-projects-list_projects button.execute").click()
    assert answered.value.status == 200


def _executed(page: Page, operation: str) -> str:
    """The status that an operation answers with when its example is sent as it stands."""
    block = page.locator(f"#{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    return block.locator(".live-responses-table .response-col_status").last.inner_text().split()[0]
