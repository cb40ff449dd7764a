"""The documentation in a real browser: every operation succeeds as it stands on the demo project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app import keys
from app.config import Settings
from app.main import create_app
from tests.api.conftest import served
from tests.web.conftest import Demo, Watched, in_thread


def opened(page: Page, url: str) -> Page:
    page.goto(f"{url}/docs")
    page.wait_for_selector(".opblock")
    return page


def tried(page: Page, operation: str) -> str:
    """The status that an operation answers with when its example is sent as it stands."""
    block = page.locator(f"[id$='-{operation}']")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    status = block.locator(".live-responses-table .response .response-col_status").inner_text().split()[0]
    block.locator(".opblock-summary-control").click()  # Swagger UI is slow with many of them open
    return status


def test_examples_succeed_as_they_stand(watched: Watched, demo: Demo) -> None:
    page = opened(watched.page(), demo.url)
    statuses = {name: tried(page, name) for name in ("health", "recommend", "post_run", "get_run", "get_meta_learner")}
    assert statuses == {name: "201" if name == "post_run" else "200" for name in statuses}


def filled(page: Page, url: str) -> dict[str, Any]:
    """The document as the page shows it, with the ids of what is there."""
    opened(page, url)
    document: dict[str, Any] = page.evaluate("ui.specSelectors.specJson().toJS()")
    return document


def _example(parameter: dict[str, Any]) -> Any:
    return next((one["value"] for one in parameter.get("examples", {}).values()), parameter.get("example"))


def sent(client: httpx.Client, path: str, method: str, operation: dict[str, Any]) -> httpx.Response:
    """An operation's example, sent as Swagger UI would send it: what is filled in, and the first body."""
    values = {(one["in"], one["name"]): _example(one) for one in operation.get("parameters", ())}
    query = {name: value for (place, name), value in values.items() if place == "query" and value is not None}
    for (place, name), value in values.items():
        if place == "path":
            path = path.replace(f"{{{name}}}", value)
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = media["example"] if "example" in media else next(iter(media.get("examples", {}).values()), {}).get("value")
    return client.request(method, path, params=query, json=body)


def test_the_example_of_every_operation_succeeds(watched: Watched, demo: Demo) -> None:
    page = watched.page()
    failed: dict[str, str] = {}
    with httpx.Client(base_url=demo.url, timeout=300) as client:
        for deleting in (False, True):  # by then there is a key that may be revoked
            for path, methods in filled(page, demo.url)["paths"].items():
                for method, operation in methods.items():
                    if (method == "delete") == deleting:
                        answer = sent(client, path, method, operation)
                        if not answer.is_success:
                            failed[operation["operationId"]] = answer.text
    assert failed == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark(watched: Watched, demo: Demo, scheme: str) -> None:
    page = watched.page()
    page.emulate_media(color_scheme=scheme)
    opened(page, demo.url)
    turned = page.evaluate("getComputedStyle(document.querySelector('#swagger-ui')).filter")
    assert turned.startswith("invert") == (scheme == "dark")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the operations")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Projects", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")


@pytest.fixture
def closed(settings: Settings, database_url: str) -> Iterator[tuple[str, str]]:
    """The URL of a service that asks for keys, and one."""
    _, key = in_thread(lambda: keys.create(database_url, "somebody", ["read"], None, None))
    with served(create_app(settings.model_copy(update={"auth": "required"}))) as url:
        yield url, key


def test_the_authorize_button_takes_a_key(closed: tuple[str, str], browser: Browser) -> None:
    url, key = closed
    page = opened(browser.new_page(), url)
    assert tried(page, "list_projects") == "401"
    page.locator("#operations-projects-list_projects .opblock-summary-control").click()
    page.locator(".scheme-container .authorize").click()
    page.locator(".auth-container input").fill(key)
    page.locator(".auth-container button.authorize").click()
    page.locator(".auth-container button.btn-done").click()
    with page.expect_response("**/v1/projects*") as answered:
        page.locator("#operations-projects-list_projects button.execute").click()
    assert answered.value.status == 200
    page.close()
