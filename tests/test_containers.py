"""The container files as far as they can be checked without containers; `docker/verify.sh` runs them for real."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Settings, variable

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
NGINX = (ROOT / "docker" / "nginx.conf").read_text()
OURS = {name for name, service in COMPOSE["services"].items() if service["image"] == "forerun:latest"}


def test_every_setting_that_is_named_exists() -> None:
    known = {variable(name) for name in Settings.model_fields}
    for file in ("docker-compose.yml", "docker/Dockerfile"):
        assert set(re.findall(r"FORERUN_[A-Z_]+", (ROOT / file).read_text())) <= known


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_service_may_more_than_it_must(name: str) -> None:
    service = COMPOSE["services"][name]
    if name == "database":  # its image changes to its own user by itself, for which it needs what others give up
        return
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name in {"prometheus", "grafana"} or service["read_only"] is True
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_ours_can_be_scaled_and_hold_no_secret() -> None:
    assert {"migrate", "api", "worker"} == OURS
    for name in OURS:
        service = COMPOSE["services"][name]
        assert "ports" not in service
        assert "container_name" not in service
        assert not re.search(r"postgresql://\w+:", str(service["environment"]))


def test_what_is_compiled_has_a_place_that_lasts() -> None:
    """The root file system is read-only: elsewhere every process would compile the search anew."""
    final = (ROOT / "docker" / "Dockerfile").read_text().rpartition("FROM ")[2]
    place = re.search(r"NUMBA_CACHE_DIR=(\S+)", final)
    assert place
    assert f"COPY --from=build --chown=10001:10001 {place[1]} {place[1]}" in final
    for name in OURS:
        assert f"compiled:{place[1]}" in COMPOSE["services"][name]["volumes"]
    assert "compiled" in COMPOSE["volumes"]


def test_a_stopping_container_gets_the_time_it_needs() -> None:
    from app.commands.serve import STOP_SECONDS, _worker_stop_seconds

    def seconds(name: str) -> float:
        return float(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s"))

    assert seconds("api") > STOP_SECONDS
    assert seconds("worker") > _worker_stop_seconds(Settings())


def with_tls(configuration: str, directory: Path) -> str:
    """The proxy's configuration as the comments in it say, with a certificate of its own."""
    certificate, key = directory / "certificate", directory / "key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], capture_output=True, check=True)
    told = configuration.replace("# listen 8443", "listen 8443").replace("# ssl_", "ssl_")
    return told.replace("/run/secrets/tls_certificate", str(certificate)).replace("/run/secrets/tls_key", str(key))


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here to ask")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "with TLS"])
def test_nginx_takes_the_configuration(tls: bool, tmp_path: Path) -> None:
    local = NGINX.replace("/tmp/", f"{tmp_path}/")
    told = with_tls(local, tmp_path) if tls else local
    assert ("listen 8443" in re.sub(r"#.*", "", told)) is tls
    file = tmp_path / "nginx.conf"
    file.write_text(told)
    done = subprocess.run(["nginx", "-t", "-c", file, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
