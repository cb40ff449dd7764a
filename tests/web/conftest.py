"""A service with a history that was learned from, a browser, and somebody who watches what it does."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.config import Settings
from app.demo import history
from app.demo.question import SMALL_SPACE, question
from app.demo.space import HELD_OUT, METRIC, OBJECTIVE
from app.flows.refit import refit
from app.main import create_app
from app.store import refits
from app.store.database import connect
from tests.api.conftest import served
from tests.conftest import _database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROJECT = "demo"
T = TypeVar("T")
expect.set_options(timeout=120_000)
DATASETS = ("iris", "wine", "digits", "anes96_vote", "fair_any_affair", "gapminder_continent")
RUNS_EACH = 20
HOSTILE = """<img src=x onerror=window.hacked=1>"'&{{7*7}}"""
"""A name that would do harm wherever it was taken for markup."""


@dataclass(frozen=True)
class Demo:
    """A service over the demo's history, as `forerun run` makes it, but smaller; and a project with hostile names."""

    url: str
    app: FastAPI
    run: str
    running: str
    recommendation: str

    def get(self, path: str, **query: Any) -> Any:
        return httpx.get(f"{self.url}{path}", params=query).raise_for_status().json()


@pytest.fixture(scope="session")
def demo(server_url: str, template: str) -> Iterator[Demo]:
    with ExitStack() as stack:
        database_url = stack.enter_context(contextmanager(_database)(server_url, template))
        app = create_app(Settings(database_url=database_url, worker=False))
        url = stack.enter_context(served(app))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=300))
        _load(client)
        _learn(client, database_url)
        recommendation, runs = _ask_and_follow(client)
        running = _post(client, {**_RUNNING, "project": PROJECT, "dataset": HELD_OUT})
        _post_hostile(client)
        yield Demo(url, app, runs[0], running, recommendation)


def _load(client: httpx.Client) -> None:
    """Two targets are enough to see and quick to learn."""
    client.put(f"/v1/projects/{PROJECT}", json={"objectives": [OBJECTIVE]}).raise_for_status()
    runs = [_small(run) for name in DATASETS for run in _history_of(name)[:RUNS_EACH]]
    client.post("/v1/runs/batch", json={"runs": runs}).raise_for_status()
    described = {"meta_features": _history_of(HELD_OUT)[0]["dataset"]["meta_features"]}
    client.put(f"/v1/datasets/{HELD_OUT}", params={"project": PROJECT}, json=described).raise_for_status()


def _history_of(name: str) -> list[Any]:
    return [run for run in history.committed() if run["dataset"]["name"] == name]


def _small(run: dict[str, Any]) -> dict[str, Any]:
    metrics = {METRIC: run["metrics"][METRIC]}
    resources = {"duration_seconds": run["resources"]["duration_seconds"]}
    return {**run, "project": PROJECT, "metrics": metrics, "resources": resources}


def _learn(client: httpx.Client, database_url: str) -> None:
    """What a worker does, in this process."""
    queued = client.post("/v1/refits", json={"project": PROJECT}).raise_for_status().json()
    in_thread(lambda: asyncio.run(_refitted(database_url, UUID(queued["id"]))))
    assert client.get(f"/v1/refits/{queued['id']}").json()["state"] == "succeeded"


async def _refitted(database_url: str, refit_id: UUID) -> None:
    database = connect(database_url)
    async with database.transaction() as connection:
        attempt = await refits.start(connection, refit_id)
    assert attempt
    await refit(database, attempt, Settings(refit_threads=1))
    await database.close()


def in_thread(function: Callable[[], T]) -> T:
    """Call what runs a loop of its own, where the browser's may be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def _ask_and_follow(client: httpx.Client) -> tuple[str, list[str]]:
    """A recommendation for a data set without runs, and twelve runs that follow it."""
    asked = question(PROJECT, HELD_OUT, 12, space=SMALL_SPACE)
    answer = client.post("/v1/recommend", json=asked).raise_for_status().json()
    runs = []
    for entry in answer["configurations"]:
        predicted = entry["predicted"][METRIC]
        realised = predicted["lower"] if entry["rank"] % 3 else predicted["mean"]
        run = {
            "recommendation_id": answer["recommendation_id"],
            "run_id": f"followed-{entry['rank']}",
            "hyperparameters": entry["configuration"],
            **asked["context"],
            "metrics": {METRIC: realised},
            "resources": {"duration_seconds": entry["predicted"]["duration_seconds"]["mean"]},
        }
        runs.append(_post(client, {"project": PROJECT, "dataset": HELD_OUT, "state": "completed", **run}))
    return answer["recommendation_id"], runs


_RUNNING = {"run_id": "still-training", "state": "running", "hyperparameters": {"family": "svm", "C": 3.0}}


def _post_hostile(client: httpx.Client) -> None:
    for i in range(3):
        curve = [{"step": step, "metrics": {HOSTILE: 0.1 * step * (i + 1)}} for step in range(1, 4)]
        run = {
            "project": HOSTILE,
            "dataset": {"name": HOSTILE, "meta_features": {HOSTILE: 1.0 + i}},
            "run_id": f"{HOSTILE}{i}",
            "state": "completed",
            "hyperparameters": {HOSTILE: HOSTILE, "rate": 0.1 * (i + 1), "family": f"{HOSTILE}{i}"},
            "metrics": {HOSTILE: 0.3 * (i + 1)},
            "resources": {"duration_seconds": 2.0 + i},
            "learning_curve": curve,
            "tags": {HOSTILE: HOSTILE},
        }
        _post(client, run)


def _post(client: httpx.Client, run: dict[str, Any]) -> str:
    identifier: str = client.post("/v1/runs", json=run).raise_for_status().json()["id"]
    return identifier


# ---------------------------------------------------------------- the browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright runs a loop of its own in this thread, so a module with a browser has no asynchronous test."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A context whose pages are watched: what they complain of, and whom they ask."""

    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def page(self) -> Page:
        page = self.context.new_page()
        page.on("request", lambda request: self.requested.append(request.url))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def foreign(self, *origins: str) -> list[str]:
        return [url for url in self.requested if not url.startswith((*origins, "data:"))]


@pytest.fixture
def watched(browser: Browser, demo: Demo) -> Iterator[Watched]:
    """Fails where a page complained or asked another origin."""
    watched = Watched(browser.new_context(viewport={"width": 1280, "height": 900}))
    watched.context.set_default_timeout(120_000)
    yield watched
    watched.context.close()
    assert watched.complaints == []
    assert watched.foreign(demo.url) == []


def shown(page: Page, url: str) -> Page:
    """Go there, and wait until the page is filled and its charts are drawn; everything that is used has a name."""
    page.goto(url)
    page.wait_for_selector("main[aria-busy=false]")
    drawn(page)
    assert page.evaluate(UNNAMED) == []
    assert page.locator("h1").count() == 1
    return page


def drawn(page: Page) -> None:
    expect(page.locator(".chart:not(:has(svg path))")).to_have_count(0)


UNNAMED = """() => {
    const named = (one) => one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim();
    const used = document.querySelectorAll("button, a, input, select, textarea");
    return [...used].filter((one) => !named(one)).map((one) => one.outerHTML);
}"""
"""The controls and links that assistive technology could not tell."""
