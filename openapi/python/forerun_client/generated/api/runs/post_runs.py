from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.batch_receipt import BatchReceipt
from ...models.problem import Problem
from ...models.run_batch import RunBatch
from ...types import Response


def _get_kwargs(
    *,
    body: RunBatch,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/runs/batch",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> BatchReceipt | Problem | None:
    if response.status_code == 200:
        response_200 = BatchReceipt.from_dict(response.json())

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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[BatchReceipt | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: RunBatch,
) -> Response[BatchReceipt | Problem]:
    """Post many runs

     Store many runs at once; one that is bad never rejects the others.

    As `application/json`, up to 10,000 runs are stored together and answered one by one. As
    `application/x-ndjson`, one run a line, a body of any length is stored while it arrives, a thousand
    runs at a time,
    and the answer lists the lines that were not taken. Give the runs a `run_id`, and all of it can be
    sent again when
    the connection breaks.

    Args:
        body (RunBatch): Many runs at once; one that is not valid does not reject the others.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchReceipt | Problem]

    """
    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: RunBatch,
) -> BatchReceipt | Problem | None:
    """Post many runs

     Store many runs at once; one that is bad never rejects the others.

    As `application/json`, up to 10,000 runs are stored together and answered one by one. As
    `application/x-ndjson`, one run a line, a body of any length is stored while it arrives, a thousand
    runs at a time,
    and the answer lists the lines that were not taken. Give the runs a `run_id`, and all of it can be
    sent again when
    the connection breaks.

    Args:
        body (RunBatch): Many runs at once; one that is not valid does not reject the others.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchReceipt | Problem

    """
    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: RunBatch,
) -> Response[BatchReceipt | Problem]:
    """Post many runs

     Store many runs at once; one that is bad never rejects the others.

    As `application/json`, up to 10,000 runs are stored together and answered one by one. As
    `application/x-ndjson`, one run a line, a body of any length is stored while it arrives, a thousand
    runs at a time,
    and the answer lists the lines that were not taken. Give the runs a `run_id`, and all of it can be
    sent again when
    the connection breaks.

    Args:
        body (RunBatch): Many runs at once; one that is not valid does not reject the others.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchReceipt | Problem]

    """
    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: RunBatch,
) -> BatchReceipt | Problem | None:
    """Post many runs

     Store many runs at once; one that is bad never rejects the others.

    As `application/json`, up to 10,000 runs are stored together and answered one by one. As
    `application/x-ndjson`, one run a line, a body of any length is stored while it arrives, a thousand
    runs at a time,
    and the answer lists the lines that were not taken. Give the runs a `run_id`, and all of it can be
    sent again when
    the connection breaks.

    Args:
        body (RunBatch): Many runs at once; one that is not valid does not reject the others.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchReceipt | Problem

    """
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
