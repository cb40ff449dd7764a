from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.run import Run
from ...models.run_receipt import RunReceipt
from ...types import Response


def _get_kwargs(
    *,
    body: Run,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/runs",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RunReceipt | None:
    if response.status_code == 200:
        response_200 = RunReceipt.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = RunReceipt.from_dict(response.json())

        return response_201

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | RunReceipt]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: Run,
) -> Response[Problem | RunReceipt]:
    """Post a run

     Store one training, whatever its outcome: failed runs are learned from too.

    Give each run a `run_id` and a retry is safe: the same body again is recognised (200), another body
    under the same
    `run_id` is refused (409). An acknowledged run is durable. Project and dataset come into being with
    their first run;
    meta-features are merged into the dataset's, the last writer of each wins.

    Args:
        body (Run): One training of one configuration on one dataset, with its outcome.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunReceipt]

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
    body: Run,
) -> Problem | RunReceipt | None:
    """Post a run

     Store one training, whatever its outcome: failed runs are learned from too.

    Give each run a `run_id` and a retry is safe: the same body again is recognised (200), another body
    under the same
    `run_id` is refused (409). An acknowledged run is durable. Project and dataset come into being with
    their first run;
    meta-features are merged into the dataset's, the last writer of each wins.

    Args:
        body (Run): One training of one configuration on one dataset, with its outcome.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunReceipt

    """
    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: Run,
) -> Response[Problem | RunReceipt]:
    """Post a run

     Store one training, whatever its outcome: failed runs are learned from too.

    Give each run a `run_id` and a retry is safe: the same body again is recognised (200), another body
    under the same
    `run_id` is refused (409). An acknowledged run is durable. Project and dataset come into being with
    their first run;
    meta-features are merged into the dataset's, the last writer of each wins.

    Args:
        body (Run): One training of one configuration on one dataset, with its outcome.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RunReceipt]

    """
    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: Run,
) -> Problem | RunReceipt | None:
    """Post a run

     Store one training, whatever its outcome: failed runs are learned from too.

    Give each run a `run_id` and a retry is safe: the same body again is recognised (200), another body
    under the same
    `run_id` is refused (409). An acknowledged run is durable. Project and dataset come into being with
    their first run;
    meta-features are merged into the dataset's, the last writer of each wins.

    Args:
        body (Run): One training of one configuration on one dataset, with its outcome.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RunReceipt

    """
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
