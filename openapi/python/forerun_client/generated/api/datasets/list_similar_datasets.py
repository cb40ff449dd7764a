from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.neighbour_list import NeighbourList
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    project: str,
    dataset: str,
    limit: int | Unset = 10,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["project"] = project

    params["dataset"] = dataset

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/similar-datasets",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> NeighbourList | Problem | None:
    if response.status_code == 200:
        response_200 = NeighbourList.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[NeighbourList | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    project: str,
    dataset: str,
    limit: int | Unset = 10,
) -> Response[NeighbourList | Problem]:
    """Find datasets like one

     Those of the project whose meta-features are nearest; none that shares no meta-feature with it.

    Args:
        project (str): The project.
        dataset (str): The dataset.
        limit (int | Unset): Most datasets to answer. Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NeighbourList | Problem]

    """
    kwargs = _get_kwargs(
        project=project,
        dataset=dataset,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    project: str,
    dataset: str,
    limit: int | Unset = 10,
) -> NeighbourList | Problem | None:
    """Find datasets like one

     Those of the project whose meta-features are nearest; none that shares no meta-feature with it.

    Args:
        project (str): The project.
        dataset (str): The dataset.
        limit (int | Unset): Most datasets to answer. Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NeighbourList | Problem

    """
    return sync_detailed(
        client=client,
        project=project,
        dataset=dataset,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    project: str,
    dataset: str,
    limit: int | Unset = 10,
) -> Response[NeighbourList | Problem]:
    """Find datasets like one

     Those of the project whose meta-features are nearest; none that shares no meta-feature with it.

    Args:
        project (str): The project.
        dataset (str): The dataset.
        limit (int | Unset): Most datasets to answer. Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NeighbourList | Problem]

    """
    kwargs = _get_kwargs(
        project=project,
        dataset=dataset,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    project: str,
    dataset: str,
    limit: int | Unset = 10,
) -> NeighbourList | Problem | None:
    """Find datasets like one

     Those of the project whose meta-features are nearest; none that shares no meta-feature with it.

    Args:
        project (str): The project.
        dataset (str): The dataset.
        limit (int | Unset): Most datasets to answer. Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NeighbourList | Problem

    """
    return (
        await asyncio_detailed(
            client=client,
            project=project,
            dataset=dataset,
            limit=limit,
        )
    ).parsed
