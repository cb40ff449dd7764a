from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.overview_list import OverviewList
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    project: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["project"] = project

    params["cursor"] = cursor

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/overview",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> OverviewList | Problem | None:
    if response.status_code == 200:
        response_200 = OverviewList.from_dict(response.json())

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[OverviewList | Problem]:
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
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
) -> Response[OverviewList | Problem]:
    """See how projects stand

     What came in lately, who serves and how well, and how the last refit went.

    A project that is not there makes an empty list. Counting stops at 100,000 runs, and at 10,000
    in any one hour.

    Args:
        project (str | Unset): Only this project.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most that one page lists. Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OverviewList | Problem]

    """
    kwargs = _get_kwargs(
        project=project,
        cursor=cursor,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
) -> OverviewList | Problem | None:
    """See how projects stand

     What came in lately, who serves and how well, and how the last refit went.

    A project that is not there makes an empty list. Counting stops at 100,000 runs, and at 10,000
    in any one hour.

    Args:
        project (str | Unset): Only this project.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most that one page lists. Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OverviewList | Problem

    """
    return sync_detailed(
        client=client,
        project=project,
        cursor=cursor,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
) -> Response[OverviewList | Problem]:
    """See how projects stand

     What came in lately, who serves and how well, and how the last refit went.

    A project that is not there makes an empty list. Counting stops at 100,000 runs, and at 10,000
    in any one hour.

    Args:
        project (str | Unset): Only this project.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most that one page lists. Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OverviewList | Problem]

    """
    kwargs = _get_kwargs(
        project=project,
        cursor=cursor,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    project: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
    limit: int | Unset = 20,
) -> OverviewList | Problem | None:
    """See how projects stand

     What came in lately, who serves and how well, and how the last refit went.

    A project that is not there makes an empty list. Counting stops at 100,000 runs, and at 10,000
    in any one hour.

    Args:
        project (str | Unset): Only this project.
        cursor (str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Most that one page lists. Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OverviewList | Problem

    """
    return (
        await asyncio_detailed(
            client=client,
            project=project,
            cursor=cursor,
            limit=limit,
        )
    ).parsed
