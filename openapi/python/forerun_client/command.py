"""`forerun-client`: the spool of this machine, looked at and delivered by hand or by cron."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx

from forerun_client.client import Forerun
from forerun_client.errors import ForerunError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status."""
    given = _parser().parse_args(arguments)
    with Forerun(given.url, given.key, spool=given.spool) as client:
        try:
            return _flush(client) if given.action == "flush" else _status(client)
        except (ForerunError, httpx.TransportError) as error:
            print(f"forerun: {error}", file=sys.stderr)  # noqa: T201  # a command
            return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="forerun-client", description="Runs that wait on disk for the service.")
    parser.add_argument("action", choices=["status", "flush"], help="count them, or deliver them now")
    parser.add_argument("--url", help="where the service is [env: FORERUN_URL]")
    parser.add_argument("--key", help="an API key [env: FORERUN_KEY]")
    parser.add_argument("--spool", type=Path, help="the directory [env: FORERUN_SPOOL, in it one for each service]")
    return parser


def _flush(client: Forerun) -> int:
    delivered = client.flush()
    print(f"{delivered} runs delivered to {client.address.url}")  # noqa: T201  # a command
    return _status(client)


def _status(client: Forerun) -> int:
    spool = client.spool
    print(f"{spool.pending_runs()} runs ({spool.pending_bytes():,} bytes) wait in {spool.directory}")  # noqa: T201  # a command
    if spool.rejected.exists():
        print(f"some were refused for good: {spool.rejected}")  # noqa: T201  # a command
    return 0
