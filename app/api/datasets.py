"""`/v1/datasets`: what runs were trained on, and the numbers that describe it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from app.api import examples
from app.api import run_schemas as schemas
from app.api.access import CallerHandle
from app.api.dependencies import DatabaseHandle, Json, ProjectQuery
from app.api.glance_schemas import SIMILAR, NeighbourList
from app.api.problems import responses
from app.api.strict_json import StrictRoute
from app.flows.similar import similar_datasets
from app.store import datasets
from app.types import Name

router = APIRouter(tags=["datasets"], route_class=StrictRoute)

_NAME = "The dataset's name, percent-encoded where it has to be."
KnownDataset = Annotated[Name, Path(description=_NAME, examples=["iris"])]
AnyDataset = Annotated[Name, Path(description=_NAME, examples=["sonar"])]
OfProject = Annotated[
    Name,
    Query(
        description="The project that the dataset belongs to.",
        openapi_examples={"demo": {"summary": "The demo project", "value": examples.PROJECT}},
    ),
]


@router.get(
    "/v1/datasets",
    operation_id="list_datasets",
    summary="List datasets",
    response_model=schemas.DatasetList,
    response_description="A page of datasets, newest first.",
    responses=examples.answer(200, {"datasets": [schemas.DATASET_RECORD], "next_cursor": None}),
)
async def list_datasets(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: Annotated[Name | None, Query(description="Only datasets of this project.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most datasets to answer.")] = 100,
) -> Json:
    """Datasets, newest first, each with its meta-features and the number of its runs."""
    if project is not None:
        caller.check(project)
    async with database.snapshot() as connection:
        page, following = await datasets.page(
            connection, project=project, cursor=cursor, limit=limit, reach=caller.reach
        )
    return Json({"datasets": [asdict(dataset) for dataset in page], "next_cursor": following})


@router.get(
    "/v1/datasets/{name:path}",
    operation_id="get_dataset",
    summary="Look at a dataset",
    response_model=schemas.DatasetRecord,
    response_description="The dataset.",
    responses={**examples.answer(200, schemas.DATASET_RECORD), **responses(404)},
)
async def get_dataset(
    database: DatabaseHandle, caller: CallerHandle, name: KnownDataset, project: OfProject = "default"
) -> Json:
    """What is known about a dataset, and how many runs were trained on it."""
    caller.check(project)
    async with database.snapshot() as connection:
        return Json(asdict(await datasets.get(connection, project, name)))


@router.get(
    "/v1/similar-datasets",
    operation_id="list_similar_datasets",
    summary="Find datasets like one",
    response_model=NeighbourList,
    response_description="The datasets most like it, nearest first.",
    responses={**examples.answer(200, SIMILAR), **responses(404)},
)
async def list_similar_datasets(
    database: DatabaseHandle,
    caller: CallerHandle,
    project: ProjectQuery,
    dataset: Annotated[Name, Query(description="The dataset.", examples=["iris"])],
    limit: Annotated[int, Query(ge=1, le=100, description="Most datasets to answer.")] = 10,
) -> Json:
    """Those of the project whose meta-features are nearest; none that shares no meta-feature with it."""
    caller.check(project)
    return Json({"similar": await similar_datasets(database, project, dataset, limit)})


@router.put(
    "/v1/datasets/{name:path}",
    operation_id="put_dataset",
    summary="Describe a dataset",
    response_model=schemas.DatasetRecord,
    response_description="The dataset as it is now.",
    responses=examples.answer(200, schemas.DATASET_RECORD),
)
async def put_dataset(
    database: DatabaseHandle,
    caller: CallerHandle,
    name: AnyDataset,
    description: Annotated[
        schemas.DatasetDescription,
        Body(openapi_examples={"sonar": {"summary": "Four numbers", "value": schemas.DATASET_DESCRIPTION}}),
    ],
    project: OfProject = "default",
) -> Json:
    """Replace a dataset's meta-features as a whole. Project and dataset come into being if they are not there yet."""
    caller.check(project)
    async with database.transaction() as connection:
        return Json(asdict(await datasets.replace(connection, project, name, description.meta_features)))
