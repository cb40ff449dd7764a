"""Settings from the environment: `FORERUN_` and the field's name in capitals, each with its unit and default."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "FORERUN_"


class Settings(BaseSettings):
    """Everything an operator may change."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port the API listens on; 0 takes a free one.")
    auth: Literal["auto", "required", "off"] = Field(
        "auto", description="Whether API keys are asked for; `auto`: on any but a loopback address."
    )
    allow_open: bool = Field(
        False, description="Lets `FORERUN_AUTH=off` hold on other than a loopback address: anyone may do anything."
    )
    allowed_hosts: str = Field(
        "",
        description="Names, separated by commas, by which the service may be addressed besides those of loopback. "
        "Checked on a loopback address, and wherever given.",
    )
    rate_limit: float = Field(0, ge=0, description="Requests that a key may make, per second; 0: any number.")
    rate_burst: int = Field(100, ge=1, description="Requests that a key may make at once, a number of requests.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")

    metrics_projects: int = Field(
        100, ge=0, description="Projects that have series of their own at `/metrics`: those that got runs last."
    )

    database_url: str | None = Field(
        None, description="PostgreSQL 18 or newer, `postgresql://user:password@host/name`. Absent: the embedded server."
    )
    database_password_file: Path | None = Field(
        None, description="File whose first line is the password for the URLs of the database, which then have none."
    )
    database_pooled: bool = Field(
        False,
        description="Whether the URLs lead through a pooler that lends connections for a transaction (PgBouncer's "
        "`pool_mode = transaction`).",
    )
    database_direct_url: str | None = Field(
        None,
        description="The same database past the pooler, for LISTEN, migrations and backups. Absent: there is no "
        "LISTEN with a pooler, and workers poll.",
    )
    database_replica_url: str | None = Field(
        None, description="A streaming replica, which the API reads from where it is up to date. Absent: no replica."
    )
    replica_wait_seconds: float = Field(
        0.1, ge=0, description="What a replica gets to catch up before the primary is read instead, seconds."
    )
    database_wait_seconds: float = Field(
        60, ge=0, description="How long a starting process waits for a database that does not answer yet, seconds."
    )
    data_dir: Path = Field(Path(".forerun"), description="Directory of the embedded server's data.")
    pool_size: int = Field(10, ge=1, description="Connections to the database, for each process.")
    pool_timeout_seconds: float = Field(
        2, gt=0, description="Wait for a free connection before answering 503, seconds."
    )
    connect_timeout_seconds: int = Field(
        2, ge=2, description="Wait for a new connection to the database, whole seconds."
    )
    statement_timeout_seconds: float = Field(10, gt=0, description="Longest statement of a request, seconds.")
    lock_timeout_seconds: float = Field(5, gt=0, description="Longest wait of a statement for a lock, seconds.")

    max_body_bytes: int = Field(2**20, ge=1024, description="Largest body of a request, bytes.")
    max_batch_body_bytes: int = Field(
        64 * 2**20, ge=1024, description="Largest body of `POST /v1/runs/batch` as one JSON document, bytes."
    )
    body_timeout_seconds: float = Field(
        10, gt=0, description="Wait for the bytes of a body in all, seconds; every 16 KiB received buys one more."
    )
    idle_timeout_seconds: int = Field(
        15, ge=1, description="How long a connection may be open without a whole request's head, whole seconds."
    )
    threads: int = Field(0, ge=0, description="Threads for answering recommendations; 0: one for each core.")
    warm_up: bool = Field(
        True,
        description="Whether the API makes ready what searches before anybody asks. One that only takes runs needs a "
        "third of the memory without.",
    )

    worker: bool = Field(True, description="Whether `forerun serve` and `forerun run` start a worker beside the API.")
    refit_threads: int = Field(
        0, ge=0, description="Threads of one refit; 0: one for each core, less one for an API beside the worker."
    )
    refit_concurrency: int = Field(1, ge=1, description="Refits (of different projects) that one worker runs at once.")
    refit_first_runs: int = Field(
        20, ge=1, description="Finished runs that a project needs before its first automatic refit, a number of runs."
    )
    refit_min_new_runs: int = Field(
        20, ge=1, description="Fewest new finished runs that start an automatic refit, a number of runs."
    )
    refit_min_new_fraction: float = Field(
        0.1, ge=0, description="The same as a fraction of the runs at the last refit; the larger of the two counts."
    )
    refit_increment_fraction: float = Field(
        0.01,
        ge=0,
        description="The same where the champion learns on from new runs alone, between full refits by that fraction; "
        "1: never.",
    )
    refit_delay_seconds: float = Field(
        5, ge=0, description="How long new runs are collected before an automatic refit is considered, seconds."
    )
    refit_interval_seconds: int = Field(
        300, ge=1, description="How often every project is considered for a refit, seconds (whole minutes from 60 on)."
    )
    refit_heartbeat_seconds: float = Field(
        5, gt=0, description="How often a running refit shows a sign of life, seconds."
    )
    refit_lease_seconds: float = Field(
        20, gt=0, description="Silence after which a running refit is taken for dead and queued again, seconds."
    )
    refit_max_attempts: int = Field(5, ge=1, description="Attempts after which a refit that keeps dying is given up.")
    refit_stop_seconds: float = Field(
        10, ge=0, description="Time that a stopping worker gives a running refit before it is handed back, seconds."
    )
    refit_seed: int = Field(0, ge=0, lt=2**31, description="Seed of every refit: same runs, same meta-learner.")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the API."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def keys_required(self) -> bool:
        """Whether API keys are asked for; in doubt they are."""
        if self.auth == "off":
            return not (self.is_loopback or self.allow_open)
        return self.auth == "required" or not self.is_loopback

    @property
    def listen_url(self) -> str | None:
        """Where notifications can be listened to, if anywhere."""
        return self.database_direct_url or (None if self.database_pooled else self.database_url)

    @property
    def segment_cache(self) -> Path:
        """Where this machine keeps the segments that it has read; it may be lost, and need not be writable."""
        return self.data_dir / "segments"

    def as_environment(self) -> dict[str, str]:
        """The variables under which another process has the same settings."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {variable(name): str(value) for name, value in given.items()}


def variable(field: str) -> str:
    return PREFIX + field.upper()


def settings_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = [
        f"| `{variable(name)}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _shown(default: object) -> str:
    if default is None or default == "":
        return "absent"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
