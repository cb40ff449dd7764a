"""The documentation in a real browser: every operation succeeds as it stands on the demo project."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def tried(page: Page, blocks: str) -> dict[str, str]:
    """Send the example of every operation there; the status that each answers with, by its id."""
    page.eval_on_selector_all(f"{blocks} .opblock-summary-control", "(heads) => heads.forEach((head) => head.click())")
    n = page.locator(blocks).count()
    expect(page.locator(f"{blocks} button.execute")).to_have_count(n, timeout=30_000)
    page.eval_on_selector_all(f"{blocks} button.execute", "(buttons) => buttons.forEach((button) => button.click())")
    status = f"{blocks} .live-responses-table .response .response-col_status"
    expect(page.locator(status)).to_have_count(n, timeout=60_000)
    found = page.eval_on_selector_all(status, "(all) => all.map((one) => [one.closest('.opblock').id, one.innerText])")
    return {identifier.rpartition("-")[2]: text.split()[0] for identifier, text in found}


def test_every_example_succeeds_as_it_stands(watched: Watched, demo: Demo) -> None:
    page = opened(watched.page(), demo.url)
    answers = tried(page, ".opblock:not(.opblock-delete)")
    page = opened(watched.page(), demo.url)  # by now there is a key that may be revoked
    answers |= tried(page, ".opblock-delete")
    operations = [operation for path in demo.get("/openapi.json")["paths"].values() for operation in path.values()]
    assert answers.keys() == {operation["operationId"] for operation in operations}
    assert {name: status for name, status in answers.items() if not re.fullmatch("20[0124]", status)} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark(watched: Watched, demo: Demo, scheme: str) -> None:
    page = watched.page()
    page.emulate_media(color_scheme=scheme)
    opened(page, demo.url)
    turned = page.evaluate("getComputedStyle(document.querySelector('#swagger-ui')).filter")
    assert turned.startswith("invert") == (scheme == "dark")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the operations")).to_be_focused()
    page.get_by_role("link", name="Projects").click()
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
    assert tried(page, "#operations-projects-list_projects") == {"list_projects": "401"}
    page.locator(".scheme-container .authorize").click()
    page.locator(".auth-container input").fill(key)
    page.locator(".auth-container button.authorize").click()
    page.locator(".auth-container button.btn-done").click()
    with page.expect_response("**/v1/projects*") as answered:
        page.locator("#operations-projects-list_projects button.execute").click()
    assert answered.value.status == 200
    page.close()
