"""Recommendations on a real database: what is known is used, what is damaged is survived, what is answered is kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.errors import InvalidRequest, InvalidSearchSpace, UnknownMetric
from app.flows import feedback
from app.flows.recommend import Bundles, recommend
from app.learn.train import Trained, train
from app.store import meta_learners, projects
from app.store.database import Database
from app.store.upsert import upsert
from app.types import RecommendRequest, Run
from tests.histories import SPACE, accuracy, history, meta_features, table

ACCURACY = {"metric": "accuracy", "direction": "maximize"}


@pytest.fixture(scope="session")
def trained() -> Trained:
    return train(table(history([d for d in range(9) if d != 5], 20)), seed=0, threads=1)


def request(**fields: Any) -> RecommendRequest:
    body = {
        "project": "p",
        "dataset": {"name": "data-5", "meta_features": meta_features(5)},
        "objectives": [ACCURACY],
        "search_space": SPACE,
        "top_k": 3,
    }
    return RecommendRequest.model_validate({**body, **fields})


async def serve(database: Database, trained: Trained) -> UUID:
    """Make it the champion of project p."""
    async with database.transaction() as connection:
        project_id = (await projects.ensure(connection, ["p"]))["p"]
        meta_learner_id = await meta_learners.insert_next(
            connection,
            project_id,
            trained.content,
            n_runs=trained.n_runs,
            n_datasets=trained.n_datasets,
            format_version=1,
            report=trained.report,
            verdict={"promoted": True, "reason": "", "figures": {}},
        )
        await meta_learners.promote(connection, meta_learner_id)
    return meta_learner_id


async def post(database: Database, *runs: dict[str, Any]) -> list[UUID]:
    body = {"project": "p", "dataset": "data-5", "state": "completed"}
    async with database.transaction() as connection:
        outcomes = await upsert(connection, [Run.model_validate({**body, **run}) for run in runs])
    return [outcome.id for outcome in outcomes if outcome.id]


def run_of(configuration: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"hyperparameters": configuration, "metrics": {"accuracy": accuracy(configuration, 5)}, **fields}


async def test_from_cold_to_zero_shot_to_few_shot(database: Database, trained: Trained) -> None:
    bundles = Bundles(2)
    cold = await recommend(database, bundles, request())
    assert (cold["basis"], cold["meta_learner"]) == ("cold_start", None)
    meta_learner_id = await serve(database, trained)
    zero = await recommend(database, bundles, request())
    assert (zero["basis"], zero["meta_learner"]["id"]) == ("zero_shot", str(meta_learner_id))
    winner = zero["configurations"][0]["configuration"]
    await post(database, run_of(winner))
    few = await recommend(database, bundles, request())
    assert (few["basis"], few["n_own_runs"]) == ("few_shot", 1)
    assert winner not in [entry["configuration"] for entry in few["configurations"]]


async def test_the_answer_is_kept_with_the_runs_that_followed(database: Database, trained: Trained) -> None:
    await serve(database, trained)
    answer = await recommend(database, Bundles(1), request())
    second = answer["configurations"][1]
    named = {"recommendation_id": answer["recommendation_id"]}
    await post(database, run_of(second["configuration"], **named), run_of({"family": "linear", "rate": 0.5}, **named))
    record = await feedback.recommendation(database, UUID(answer["recommendation_id"]))
    followed, other = sorted(record["runs"], key=lambda run: run["rank"] or 99)  # of one batch, so in no set order
    assert {key: record[key] for key in answer} == answer
    assert (followed["rank"], followed["predicted"]) == (2, second["predicted"])
    assert followed["realised"] == {"accuracy": accuracy(second["configuration"], 5)}
    assert (other["rank"], other["predicted"]) == (None, None)


async def test_observations_count_like_stored_runs_and_are_not_stored(database: Database, trained: Trained) -> None:
    await serve(database, trained)
    told = [
        {"configuration": {"family": "tree", "rate": 0.05, "depth": d}, "metrics": {"accuracy": 0.6}} for d in (5, 6)
    ]
    answer = await recommend(database, Bundles(1), request(observations=told))
    assert (answer["basis"], answer["n_own_runs"]) == ("few_shot", 2)
    assert (await recommend(database, Bundles(1), request()))["basis"] == "zero_shot"


async def test_what_is_running_is_not_proposed_again(database: Database, trained: Trained) -> None:
    await serve(database, trained)
    space = {"candidates": [{"family": "linear", "rate": r} for r in (0.01, 0.05, 0.2)]}
    first = (await recommend(database, Bundles(1), request(search_space=space)))["configurations"][0]["configuration"]
    await post(database, {"hyperparameters": first, "state": "running"})
    answer = await recommend(database, Bundles(1), request(search_space=space))
    assert len(answer["configurations"]) == 2
    assert first not in [entry["configuration"] for entry in answer["configurations"]]


async def test_a_damaged_champion_is_survived_by_the_one_before(database: Database, trained: Trained) -> None:
    earlier, damaged = await serve(database, trained), await serve(database, trained)
    async with database.transaction() as connection:
        flip = "UPDATE meta_learners SET content = set_byte(content, 500, get_byte(content, 500) # 1) WHERE id = :id"
        await connection.execute(text(flip), {"id": damaged})
    answer = await recommend(database, Bundles(2), request())
    assert answer["meta_learner"]["id"] == str(earlier)
    assert any("damaged" in warning for warning in answer["warnings"])


async def test_nothing_left_undamaged_is_a_cold_start(database: Database, trained: Trained) -> None:
    await serve(database, trained)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE meta_learners SET content = 'x'::bytea"))
    answer = await recommend(database, Bundles(2), request())
    assert answer["basis"] == "cold_start"
    assert any("damaged" in warning for warning in answer["warnings"])


async def test_the_projects_objectives_serve_where_the_request_has_none(database: Database, trained: Trained) -> None:
    await serve(database, trained)
    async with database.transaction() as connection:
        await projects.put(connection, "p", [ACCURACY], {})
    assert (await recommend(database, Bundles(1), request(objectives=[])))["configurations"]


async def test_what_cannot_be_asked_is_refused_at_its_place(database: Database, trained: Trained) -> None:
    bundles = Bundles(1)
    with pytest.raises(InvalidRequest) as nothing:
        await recommend(database, bundles, request(objectives=[]))
    assert nothing.value.faults[0].pointer == "/objectives"
    await serve(database, trained)
    with pytest.raises(UnknownMetric) as unknown:
        await recommend(database, bundles, request(objectives=[{"metric": "acuracy", "direction": "maximize"}]))
    assert unknown.value.faults[0].pointer == "/objectives/0/metric"
    assert "did you mean 'accuracy'" in unknown.value.detail
    with pytest.raises(InvalidRequest) as twice:
        await recommend(database, bundles, request(objectives=[ACCURACY, ACCURACY]))
    assert twice.value.faults[0].pointer == "/objectives/1/metric"
    with pytest.raises(InvalidSearchSpace) as space:
        await recommend(
            database, bundles, request(search_space={"parameters": {"x": {"type": "float", "low": 2, "high": 1}}})
        )
    assert space.value.faults[0].pointer.startswith("/search_space/parameters/x")


async def test_a_size_beyond_what_json_numbers_hold_is_a_string(database: Database) -> None:
    space = {"parameters": {f"x{i}": {"type": "int", "low": 1, "high": 100} for i in range(10)}}
    answer = await recommend(database, Bundles(1), request(search_space=space))
    assert answer["search"]["space_size"] == str(100**10)
    assert answer["search"]["enumeration"] == "sampled"
