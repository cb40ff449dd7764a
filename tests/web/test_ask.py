"""The page that asks: from a form to a ranking, and to the same question in other words."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from app.demo.question import SMALL_SPACE
from app.demo.space import HELD_OUT, METRIC
from tests.web.conftest import PROJECT, Demo, Watched, drawn, shown


def opened(watched: Watched, demo: Demo, scheme: str = "light") -> Page:
    page = watched.page()
    page.emulate_media(color_scheme=scheme)
    return shown(page, f"{demo.url}/ask?project={PROJECT}&dataset={HELD_OUT}")


def paste(page: Page, space: object) -> None:
    page.get_by_role("tab", name="JSON").click()
    page.get_by_role("textbox", name="Search space as JSON").fill(
        space if isinstance(space, str) else json.dumps(space)
    )


def rank(page: Page) -> dict:
    with page.expect_response("**/v1/recommend") as answered:
        page.get_by_role("button", name="Rank configurations").click()
    page.wait_for_selector("text=The same question elsewhere")
    drawn(page)
    return answered.value.json()


def copied(page: Page, form: str) -> str:
    page.get_by_role("tab", name=form).click()
    return page.get_by_role("tabpanel", name=form).locator("pre").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_space_of_past_runs_is_ranked_as_it_stands(watched: Watched, demo: Demo, scheme: str) -> None:
    page = opened(watched, demo, scheme)
    answer = rank(page)
    rows = page.get_by_role("region", name="Configurations, best first").locator("tbody tr")
    expect(rows).to_have_count(len(answer["configurations"]))
    for name, value in answer["configurations"][0]["configuration"].items():
        expect(rows.first).to_contain_text(f"{name} {value if isinstance(value, str) else ''}".strip())
    assert answer["search"]["enumeration"] in ("exact", "bounded")
    for heading in ("Why rank 1", f"{METRIC} against cost", "Parameter effects"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    nearest = answer["configurations"][0].get("nearest_runs") or []
    expect(page.get_by_role("region", name="Nearest past runs").locator("tbody tr")).to_have_count(len(nearest))
    page.get_by_role("button", name="Why rank 2?").click()
    expect(page.get_by_role("heading", name="Why rank 2")).to_be_visible()
    assert f"recommendation={answer['recommendation_id']}" in page.url


def test_what_is_there_for_one_choice_alone_is_a_condition(watched: Watched, demo: Demo) -> None:
    """Even where it may be left out: a depth of None is no number that is missing in all other models."""
    tried = [
        {"model": "forest", "depth": 3, "trees": 10},
        {"model": "forest", "depth": 5, "trees": 20},
        {"model": "forest", "trees": 40},
        {"model": "svm", "C": 1.0},
        {"model": "svm", "C": 10.0},
        {"model": "none"},
    ]
    runs = [{"hyperparameters": each, "architecture": {}} for each in tried]
    page = watched.page()
    page.goto(f"{demo.url}/")
    script = "async (runs) => (await import('/pages/space.js')).fromRuns(runs)"
    parameters = page.evaluate(script, runs)["parameters"]
    assert {name: spec.get("when") for name, spec in parameters.items()} == {
        "model": None,
        "depth": {"model": ["forest"]},
        "trees": {"model": ["forest"]},
        "C": {"model": ["svm"]},
    }


def test_the_link_to_an_answer_shows_it_again(watched: Watched, demo: Demo) -> None:
    page = opened(watched, demo)
    answer = rank(page)
    page.reload()
    page.wait_for_selector("main[aria-busy=false]")
    expect(page.get_by_role("heading", name="How it turned out")).to_be_visible()
    rows = page.get_by_role("region", name="Configurations, best first").locator("tbody tr")
    expect(rows).to_have_count(len(answer["configurations"]))


def test_looking_at_effects_stores_nothing(watched: Watched, demo: Demo) -> None:
    def stored() -> int:
        return len(demo.get("/v1/recommendations", project=PROJECT, limit=500)["recommendations"])

    page = opened(watched, demo)
    before = stored()
    rank(page)
    expect(page.get_by_role("heading", name="Parameter effects")).to_be_visible()
    assert stored() == before + 1


def test_two_objectives_are_ranked_by_front(watched: Watched, demo: Demo) -> None:
    page = opened(watched, demo)
    page.get_by_role("button", name="+ A second objective").click()
    expect(page.get_by_role("combobox", name="and", exact=True)).to_have_value("duration_seconds")
    page.get_by_text("Improve").click()
    answer = rank(page)
    assert answer["configurations"][0]["pareto_front"] == 0
    expect(page.get_by_role("columnheader", name="Front")).to_be_visible()


def test_a_space_is_built_by_hand(watched: Watched, demo: Demo) -> None:
    page = opened(watched, demo)
    paste(page, {"parameters": {"family": ["svm", "random_forest"]}})
    page.get_by_role("tab", name="Build").click()
    page.get_by_role("button", name="+ Add a parameter").click()
    group = page.get_by_role("group", name="Parameter parameter_2")
    group.get_by_label("Name").fill("C")
    group.get_by_label("Name").press("Tab")
    group = page.get_by_role("group", name="Parameter C")
    group.get_by_label("low of C").fill("0.01")
    group.get_by_label("high of C").fill("100")
    group.get_by_label("high of C").press("Tab")
    group.get_by_label("log").check()
    page.get_by_role("tab", name="JSON").click()
    space = json.loads(page.get_by_role("textbox", name="Search space as JSON").input_value())
    assert space["parameters"] == {
        "family": {"type": "categorical", "choices": ["svm", "random_forest"]},
        "C": {"type": "float", "low": 0.01, "high": 100, "log": True},
    }
    assert {entry["configuration"]["family"] for entry in rank(page)["configurations"]} <= {"svm", "random_forest"}


def test_the_question_in_other_words_is_the_same_question(watched: Watched, demo: Demo) -> None:
    page = opened(watched, demo)
    paste(page, SMALL_SPACE)
    first = rank(page)["configurations"][0]["configuration"]
    script = copied(page, "Python")
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout
    assert told.startswith(f"1 {first}")
    question = yaml.safe_load(copied(page, "YAML"))
    assert question["search_space"] == SMALL_SPACE
    assert (question["project"], question["dataset"]) == (PROJECT, HELD_OUT)
    command = copied(page, "curl")
    assert json.loads(command.partition("-d '")[2].rstrip("'")) == question
    if (bash := shutil.which("bash")) and shutil.which("curl"):
        answer = subprocess.run([bash, "-c", command], capture_output=True, text=True, timeout=60, check=True).stdout
        assert json.loads(answer)["configurations"][0]["configuration"] == first


def test_what_is_wrong_with_a_question_is_told_at_its_place(demo: Demo, browser: Browser) -> None:
    """The browser itself reports the 422 to its console, so this page is not watched."""
    page = browser.new_page()
    shown(page, f"{demo.url}/ask?project={PROJECT}&dataset={HELD_OUT}")
    paste(page, {"parameters": {"C": {"type": "float", "low": 3, "high": 1}}})
    page.get_by_role("button", name="Rank configurations").click()
    expect(page.locator(".faults")).to_contain_text("/search_space/parameters/C")
    paste(page, "{not json")
    page.get_by_role("button", name="Rank configurations").click()
    expect(page.locator(".faults")).to_contain_text("Not JSON")
    page.close()
