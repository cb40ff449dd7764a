"""Every page in a real browser, light and dark: what it shows is what the API says, and nothing complains."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from app.demo.space import HELD_OUT, METRIC
from tests.web.conftest import HOSTILE, PROJECT, Demo, Watched, drawn, shown

SCHEMES = ["light", "dark"]
in_both = pytest.mark.parametrize("scheme", SCHEMES)


def page_in(watched: Watched, scheme: str) -> Page:
    page = watched.page()
    page.emulate_media(color_scheme=scheme)
    return page


def brightness(page: Page) -> float:
    """Of the page's ground: 0 is black, 1 is white."""
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", color)[:3])) / 765


def charts(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "figure.figure", "(figures) => figures.map((one) => one.getAttribute('aria-label'))"
    )


@in_both
def test_projects(watched: Watched, demo: Demo, scheme: str) -> None:
    page = shown(page_in(watched, scheme), f"{demo.url}/")
    assert (brightness(page) > 0.9) == (scheme == "light")
    card = page.locator(".project", has=page.get_by_role("link", name=PROJECT, exact=True))
    glance = demo.get("/v1/overview", project=PROJECT)["projects"][0]
    expect(card).to_contain_text(str(glance["n_runs"]))
    expect(card).to_contain_text({"succeeded": "healthy", "queued": "refit queued"}[glance["refit"]["state"]])
    expect(card).to_contain_text("v1")
    label = card.locator(".sparkline").get_attribute("aria-label")
    assert label is not None
    assert label.startswith(f"{sum(glance['runs_per_hour']['counts'])} runs")
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(PROJECT)


@in_both
def test_project(watched: Watched, demo: Demo, scheme: str) -> None:
    page = shown(page_in(watched, scheme), f"{demo.url}/project?name={PROJECT}")
    assert (brightness(page) > 0.9) == (scheme == "light")
    champion = demo.get("/v1/overview", project=PROJECT)["projects"][0]["champion"]
    report = demo.get(f"/v1/meta-learners/{champion['id']}")["report"]["targets"][METRIC]
    assert set(charts(page)) == {
        "Quality over versions", f"Regret on {METRIC}, by method", "Calibration of intervals",
        "Coverage of 90 % intervals by dataset", "Predicted against realised",
        *(["What the meta-learner relies on"] if "importance" in report else []),
    }  # fmt: skip
    quality = champion["quality"][METRIC]
    behind = page.locator("figure", has_text="Show as a table").nth(1)
    behind.get_by_text("Show as a table").click()
    regret = quality["regret"]["maximize"]["meta_learner"]["1"]
    expect(behind.locator("tbody tr", has_text="forerun").first).to_contain_text(f"{regret:.4g}")
    page.get_by_label("Target").select_option("duration_seconds")
    expect(page.get_by_role("figure", name="Regret on duration_seconds, by method")).to_be_visible()


@in_both
def test_dataset(watched: Watched, demo: Demo, scheme: str) -> None:
    page = shown(page_in(watched, scheme), f"{demo.url}/dataset?project={PROJECT}&name={HELD_OUT}")
    names = charts(page)
    assert names == [f"Best {METRIC} so far", "Predicted against realised", "Parallel coordinates of the runs"]
    runs = demo.get("/v1/runs", project=PROJECT, dataset=HELD_OUT)["runs"]
    best = max(run["metrics"].get(METRIC, 0) for run in runs)
    expect(page.locator(".tile", has_text=f"Best {METRIC}")).to_contain_text(f"{best:.4g}".rstrip("0"))
    similar = demo.get("/v1/similar-datasets", project=PROJECT, dataset=HELD_OUT)["similar"]
    expect(page.get_by_role("region", name="Similar datasets").locator("tbody tr").first).to_contain_text(
        similar[0]["dataset"]
    )
    page.get_by_label("Better is").select_option("minimize")
    drawn(page)


def test_a_dataset_without_followed_runs_says_so(watched: Watched, demo: Demo) -> None:
    page = shown(watched.page(), f"{demo.url}/dataset?project={PROJECT}&name=iris")
    expect(page.get_by_text("No run on this dataset has followed a recommendation")).to_be_visible()


@in_both
def test_run(watched: Watched, demo: Demo, scheme: str) -> None:
    page = shown(page_in(watched, scheme), f"{demo.url}/run?id={demo.run}")
    expect(page.get_by_role("heading", level=1)).to_have_text("followed-1")
    targets = page.get_by_role("region", name="Targets")
    expect(targets).to_contain_text(METRIC)
    expect(targets).to_contain_text("inside")
    page.get_by_role("link", name="a recommendation, rank 1").click()
    expect(page.get_by_role("heading", name="How it turned out")).to_be_visible()
    expect(page.get_by_role("region", name="Runs that followed").locator("tbody tr")).to_have_count(12)


@pytest.mark.parametrize(
    "page_name", ["/", "/project?name={}", "/dataset?project={}&name={}", "/run?id={id}", "/ask?project={}"]
)
def test_names_are_never_markup(watched: Watched, demo: Demo, page_name: str) -> None:
    run = demo.get("/v1/runs", project=HOSTILE)["runs"][0]["id"]
    query = quote(HOSTILE, safe="")
    page = shown(watched.page(), demo.url + page_name.format(query, query, id=run))
    if page_name.startswith("/ask"):
        page.get_by_role("button", name="Rank configurations").click()
        page.wait_for_selector("text=The same question elsewhere")
        for form in ("Python", "YAML"):
            page.get_by_role("tab", name=form).click()
    for summary in page.locator("details.behind > summary").all():
        summary.click()
    body = page.locator("body").inner_text()
    values = page.eval_on_selector_all("input, select", "(fields) => fields.map((one) => one.value).join()")
    assert HOSTILE in body + values
    assert page.locator("main img, main script, main iframe").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_damaged_champion_is_shown(watched: Watched, demo: Demo) -> None:
    champion = demo.get("/v1/overview", project=PROJECT)["projects"][0]["champion"]["id"]
    demo.app.state.bundles.damaged.add(UUID(champion))
    try:
        page = shown(watched.page(), f"{demo.url}/")
        expect(page.locator(".project", has_text="damaged bundle")).to_have_count(1)
        expect(page.get_by_role("alert")).to_contain_text("damaged; refit its project")
    finally:
        demo.app.state.bundles.damaged.clear()


def test_the_theme_can_be_chosen_and_charts_follow(watched: Watched, demo: Demo) -> None:
    page = shown(page_in(watched, "light"), f"{demo.url}/project?name={PROJECT}")
    bar = "getComputedStyle(document.querySelectorAll('.chart')[2].querySelector('svg path[fill^=\"rgb\"]')).fill"
    before = page.evaluate(bar)
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme: Light").click()
    assert brightness(page) < 0.2
    assert page.evaluate(bar) != before
    page.reload()
    page.wait_for_selector("main[aria-busy=false]")
    assert brightness(page) < 0.2
    page.get_by_role("button", name="Theme: Dark").click()
    assert brightness(page) > 0.9


def test_the_keyboard_is_enough(watched: Watched, demo: Demo) -> None:
    page = shown(watched.page(), f"{demo.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ask what to train next")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector(".ask-form")
    page.get_by_role("tab", name="Build").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="JSON")).to_be_focused()
    expect(page.get_by_role("textbox", name="Search space as JSON")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/project?name=nothing", "There is no such thing"),
        ("/run?id=01890000-0000-7000-8000-000000000000", "There is no such thing"),
    ],
)
def test_what_is_not_there_is_told(browser: Browser, demo: Demo, path: str, told: str) -> None:
    page = browser.new_page()
    page.goto(demo.url + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(told)
    page.get_by_role("link", name="All projects").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    page.close()
