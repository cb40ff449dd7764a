"""What the dashboard and the alerts ask Prometheus for is what the service tells it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
import pytest
import yaml
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.config import Settings
from app.flows import upkeep
from app.learn.train import Trained
from app.main import create_app
from app.store import refits
from app.store.database import Database
from tests.flows.test_recommend import request, run_of, serve

DOCKER = Path(__file__).parents[1] / "docker"
DASHBOARD: dict[str, Any] = json.loads((DOCKER / "grafana" / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS: dict[str, Any] = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
BY_PROMETHEUS = {"instance", "job"}
"""Labels that no process gives itself."""
NOT_OURS = {"up"}


def queries() -> dict[str, str]:
    """Every PromQL expression of the dashboard and the alerts, by where it stands."""
    found = {f"{panel['title']} {each['refId']}": each["expr"] for panel in PANELS for each in panel["targets"]}
    found |= {each["name"]: each["expr"] for each in DASHBOARD["annotations"]["list"]}
    return found | {rule["alert"]: rule["expr"] for rule in RULES}


def selectors(expression: str) -> list[promql.VectorSelector]:
    """What a query selects, its variables filled in as Grafana does."""
    plain = re.sub(r"\$__\w+", "5m", expression).replace("$instance", ".*").replace("$project", ".*")
    found: list[promql.VectorSelector] = []

    def visit(node: object) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(promql.parse(plain), visit)
    return found


async def busy(app: FastAPI, database: Database, trained: Trained) -> None:
    """Let everything happen once that has a metric."""
    await serve(database, trained)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        asked = (await client.post("/v1/recommend", json=request().model_dump(mode="json"))).json()
        run = run_of(asked["configurations"][0]["configuration"], recommendation_id=asked["recommendation_id"])
        posted = {"project": "p", "dataset": "data-5", "state": "completed", **run}
        assert (await client.post("/v1/runs", json=posted)).status_code == 201
        assert (await client.post("/v1/refits", json={"project": "p"})).status_code == 202
    async with database.transaction() as connection:
        project_id = await connection.scalar(text("SELECT id FROM projects"))
        [refit_id] = await refits.unfinished(connection, project_id)
        attempt = await refits.start(connection, refit_id)
        assert attempt
        await refits.fail(connection, attempt, "no matter")
        await refits.request(connection, project_id, "request")
    await upkeep.measure(database, project_id)


async def test_what_is_asked_for_is_told(settings: Settings, database: Database, trained: Trained) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        await busy(app, database, trained)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            exposition = (await client.get("/metrics")).text
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition):
        suffix = "_total" if family.type == "counter" else ""
        labels.setdefault(family.name + suffix, set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    wrong = [
        f"{where}: {selector}"
        for where, expression in queries().items()
        for selector in selectors(expression)
        if selector.name not in NOT_OURS
        and (
            selector.name not in labels
            or {each.name for each in selector.matchers.matchers} - labels[selector.name] - BY_PROMETHEUS
        )
    ]
    assert not wrong


def test_a_query_for_nothing_would_be_found() -> None:
    [selector] = selectors('sum(rate(forerun_nonsense_total{wrong="1",instance=~"$instance"}[$__rate_interval]))')
    assert selector.name == "forerun_nonsense_total"
    assert [each.name for each in selector.matchers.matchers] == ["wrong", "instance"]


def test_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, which is not here")
@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_prometheus_agrees(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments], cwd=DOCKER / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
