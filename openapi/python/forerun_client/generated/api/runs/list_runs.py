from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.list_runs_state import ListRunsState
from ...models.problem import Problem
from ...models.run_list import RunList
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    project: str | Unset = UNSET,
    dataset: str | Unset = UNSET,
    state: ListRunsState | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 100,
    curves: bool | Unset = True,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["project"] = project

    params["dataset"] = dataset

    json_state: str | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = state

    params["state"] = json_state

    params["cursor"] = cursor

    params["limit"] = limit

    params["curves"] = curves

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/runs",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RunList | None:
    if response.status_code == 200:
        response_200 = RunList.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Problem | RunList]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    dataset: str | Unset = UNSET,
    state: ListRunsState | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 100,
    curves: bool | Unset = True,
) -> Response[Problem | RunList]:
    """List runs

     Stored runs, newest first. Runs that are posted meanwhile neither repeat nor shift what later pages
    hold.

    Args:
        project (str | Unset): Only runs of this project.
        dataset (str | Unset): Only runs on the dataset of this name.
        state (ListRunsState | Unset): Only runs in this state.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most runs to answer; very large ones fill a page sooner. Default:
            100.
        curves (bool | Unset): Whether runs come with their learning curves; else these are empty.
            Default: True.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunList]

    """
    kwargs = _get_kwargs(
        project=project,
        dataset=dataset,
        state=state,
        cursor=cursor,
        limit=limit,
        curves=curves,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    dataset: str | Unset = UNSET,
    state: ListRunsState | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 100,
    curves: bool | Unset = True,
) -> Problem | RunList | None:
    """List runs

     Stored runs, newest first. Runs that are posted meanwhile neither repeat nor shift what later pages
    hold.

    Args:
        project (str | Unset): Only runs of this project.
        dataset (str | Unset): Only runs on the dataset of this name.
        state (ListRunsState | Unset): Only runs in this state.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most runs to answer; very large ones fill a page sooner. Default:
            100.
        curves (bool | Unset): Whether runs come with their learning curves; else these are empty.
            Default: True.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunList

    """
    return sync_detailed(
        client=client,
        project=project,
        dataset=dataset,
        state=state,
        cursor=cursor,
        limit=limit,
        curves=curves,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    dataset: str | Unset = UNSET,
    state: ListRunsState | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 100,
    curves: bool | Unset = True,
) -> Response[Problem | RunList]:
    """List runs

     Stored runs, newest first. Runs that are posted meanwhile neither repeat nor shift what later pages
    hold.

    Args:
        project (str | Unset): Only runs of this project.
        dataset (str | Unset): Only runs on the dataset of this name.
        state (ListRunsState | Unset): Only runs in this state.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most runs to answer; very large ones fill a page sooner. Default:
            100.
        curves (bool | Unset): Whether runs come with their learning curves; else these are empty.
            Default: True.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunList]

    """
    kwargs = _get_kwargs(
        project=project,
        dataset=dataset,
        state=state,
        cursor=cursor,
        limit=limit,
        curves=curves,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    dataset: str | Unset = UNSET,
    state: ListRunsState | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 100,
    curves: bool | Unset = True,
) -> Problem | RunList | None:
    """List runs

     Stored runs, newest first. Runs that are posted meanwhile neither repeat nor shift what later pages
    hold.

    Args:
        project (str | Unset): Only runs of this project.
        dataset (str | Unset): Only runs on the dataset of this name.
        state (ListRunsState | Unset): Only runs in this state.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most runs to answer; very large ones fill a page sooner. Default:
            100.
        curves (bool | Unset): Whether runs come with their learning curves; else these are empty.
            Default: True.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunList

    """
    return (
        await asyncio_detailed(
            client=client,
            project=project,
            dataset=dataset,
            state=state,
            cursor=cursor,
            limit=limit,
            curves=curves,
        )
    ).parsed
