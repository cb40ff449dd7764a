"""Where keys are asked for: the pages ask for one, use it, and show what it opens and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app import keys
from app.config import Settings
from app.main import create_app
from app.store.keys import Scope
from tests.api.conftest import served
from tests.conftest import _database
from tests.web.conftest import in_thread

OURS, THEIRS = "ours", "theirs"


@pytest.fixture(scope="module")
def closed(server_url: str, template: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a service that asks for keys, with two projects, and some keys."""
    with contextmanager(_database)(server_url, template) as database_url:

        def key(name: str, scopes: list[Scope], projects: list[str] | None = None) -> str:
            return in_thread(lambda: keys.create(database_url, name, scopes, projects, None)[1])

        made = {"admin": key("admin", ["admin"])}
        with served(create_app(Settings(database_url=database_url, worker=False, auth="required"))) as url:
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {made['admin']}"}) as client:
                for project in (OURS, THEIRS):
                    client.put(f"/v1/projects/{project}", json={}).raise_for_status()
            made["ours"] = key("ours", ["read", "recommend"], [OURS])
            made["ask"] = key("ask", ["recommend"])
            yield url, made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def give(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_key_is_asked_for_and_used(page: Page, closed: tuple[str, dict[str, str]]) -> None:
    url, made = closed
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text("This service asks for a key")
    assert OURS not in page.content()
    give(page, "fr_wrong")
    expect(page.locator(".notice.bad")).to_contain_text("not valid")
    give(page, made["admin"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    expect(page.locator(".project")).to_have_count(2)
    assert made["admin"] not in page.url
    assert made["admin"] not in str(page.evaluate("({...localStorage})"))
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Key").click()
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This service asks for a key")


def test_the_key_of_one_project_shows_nothing_of_another(page: Page, closed: tuple[str, dict[str, str]]) -> None:
    url, made = closed
    page.goto(url)
    give(page, made["ours"])
    expect(page.locator(".project")).to_have_count(1)
    expect(page.locator(".project")).to_contain_text(OURS)
    page.goto(f"{url}/project?name={THEIRS}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This key does not open this")
    page.goto(f"{url}/ask")
    expect(page.get_by_label("Project").locator("option")).to_have_text([OURS])


def test_a_key_that_may_not_look_says_so(page: Page, closed: tuple[str, dict[str, str]]) -> None:
    url, made = closed
    page.goto(url)
    give(page, made["ask"])
    expect(page.get_by_role("heading", level=1)).to_have_text("This key does not open this")
    expect(page.locator("main")).to_contain_text("scope 'read'")


def test_the_documentation_takes_the_key_of_the_pages(page: Page, closed: tuple[str, dict[str, str]]) -> None:
    url, made = closed
    page.goto(url)
    give(page, made["admin"])
    page.get_by_role("link", name="API", exact=True).click()
    block = page.locator("#operations-projects-list_projects")
    block.locator(".opblock-summary-control").click()
    with page.expect_response("**/v1/projects*") as answered:
        block.locator("button.execute").click()
    assert answered.value.status == 200


@pytest.fixture
def empty(settings: Settings) -> Iterator[str]:
    with served(create_app(settings)) as url:
        yield url


def test_a_service_without_projects_says_what_to_do(empty: str, page: Page) -> None:
    page.goto(empty)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here yet")
    command = page.locator("pre").first.inner_text()
    assert f"curl -s {empty}/v1/runs" in command
    body = command.partition("-d '")[2].rstrip("'")
    headers = {"Content-Type": "application/json"}
    assert httpx.post(f"{empty}/v1/runs", content=body, headers=headers).status_code == 201
    page.get_by_role("button", name="Look again").click()
    expect(page.locator(".project")).to_contain_text("tabular")
