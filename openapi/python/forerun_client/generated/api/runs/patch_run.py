from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.run_patch import RunPatch
from ...models.run_record import RunRecord
from ...types import Response


def _get_kwargs(
    id: UUID,
    *,
    body: RunPatch,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/v1/runs/{id}".format(
            id=quote(str(id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RunRecord | None:
    if response.status_code == 200:
        response_200 = RunRecord.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Problem | RunRecord]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    id: UUID,
    *,
    client: AuthenticatedClient,
    body: RunPatch,
) -> Response[Problem | RunRecord]:
    """Finish or extend a running run

     Add to a run what was measured since: metrics and resources are merged, curve points appended,
    `state` ends it.

    Only a `running` run can change. The same patch again changes nothing (a curve point that is there
    already is not
    appended twice) and is answered as the first time, so a retry is safe; another patch to a finished
    run is refused.

    Args:
        id (UUID): `id` of the run, as answered when it was posted.
        body (RunPatch): What may be added to a `running` run: targets are merged, curve points
            appended.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunRecord]

    """
    kwargs = _get_kwargs(
        id=id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: UUID,
    *,
    client: AuthenticatedClient,
    body: RunPatch,
) -> Problem | RunRecord | None:
    """Finish or extend a running run

     Add to a run what was measured since: metrics and resources are merged, curve points appended,
    `state` ends it.

    Only a `running` run can change. The same patch again changes nothing (a curve point that is there
    already is not
    appended twice) and is answered as the first time, so a retry is safe; another patch to a finished
    run is refused.

    Args:
        id (UUID): `id` of the run, as answered when it was posted.
        body (RunPatch): What may be added to a `running` run: targets are merged, curve points
            appended.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunRecord

    """
    return sync_detailed(
        id=id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    id: UUID,
    *,
    client: AuthenticatedClient,
    body: RunPatch,
) -> Response[Problem | RunRecord]:
    """Finish or extend a running run

     Add to a run what was measured since: metrics and resources are merged, curve points appended,
    `state` ends it.

    Only a `running` run can change. The same patch again changes nothing (a curve point that is there
    already is not
    appended twice) and is answered as the first time, so a retry is safe; another patch to a finished
    run is refused.

    Args:
        id (UUID): `id` of the run, as answered when it was posted.
        body (RunPatch): What may be added to a `running` run: targets are merged, curve points
            appended.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunRecord]

    """
    kwargs = _get_kwargs(
        id=id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: UUID,
    *,
    client: AuthenticatedClient,
    body: RunPatch,
) -> Problem | RunRecord | None:
    """Finish or extend a running run

     Add to a run what was measured since: metrics and resources are merged, curve points appended,
    `state` ends it.

    Only a `running` run can change. The same patch again changes nothing (a curve point that is there
    already is not
    appended twice) and is answered as the first time, so a retry is safe; another patch to a finished
    run is refused.

    Args:
        id (UUID): `id` of the run, as answered when it was posted.
        body (RunPatch): What may be added to a `running` run: targets are merged, curve points
            appended.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunRecord

    """
    return (
        await asyncio_detailed(
            id=id,
            client=client,
            body=body,
        )
    ).parsed
