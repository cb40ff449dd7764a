"""What a client sends is for the database: no part of it may be read in the log, whatever becomes of the request."""

from __future__ import annotations

import json
import logging

import pytest

from tests.hostile.served import Served
from tests.secrets import Listener, assert_no_secret

MARK = "hunter2-Zk9vTq81-xyzzy"
GOOD = {"project": "p", "dataset": "d", "state": "completed", "metrics": {"m": 1.0}}


def test_nothing_that_was_sent_is_logged(victim: Served) -> None:
    bodies = {
        "stored": json.dumps(GOOD | {"tags": {MARK: MARK}, "hyperparameters": {"token": MARK}, "run_id": MARK}),
        "in conflict": json.dumps(GOOD | {"run_id": MARK, "metrics": {"m": 2.0}}),
        "invalid": json.dumps(GOOD | {MARK: MARK, "state": MARK}),
        "malformed": f'{{"{MARK}": "{MARK}", ',
        "with a NUL": json.dumps(GOOD | {"hyperparameters": {"token": MARK + "\x00"}}),
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {MARK}",
        "Cookie": f"session={MARK}",
        "X-Api-Key": MARK,
        "User-Agent": MARK,
        "Referer": f"http://localhost/?token={MARK}",
    }
    with victim.client(headers=headers) as client:
        for body in bodies.values():
            for path in ("/v1/runs", "/v1/runs/batch", "/v1/recommend", "/v1/refits", f"/v1/{MARK}"):
                client.post(f"{path}?token={MARK}", content=body)
                client.post(path, content=body)
        client.put(f"/v1/datasets/{MARK}", content=bodies["invalid"])
        client.put(f"/v1/projects/{MARK}", content='{"objectives": []}')
        client.get("/v1/runs", params={"cursor": MARK, "project": MARK})
        client.get(f"/docs/{MARK}")
        client.request(MARK[:7].upper(), f"/{MARK}")
    written = victim.log.read_text()
    assert written.count("POST /v1/runs ") > len(bodies)
    assert MARK not in written
    assert "Zk9vTq81" not in written


def test_every_line_of_the_log_is_one_object(victim: Served) -> None:
    forged = 'x\r\n{"level": "error", "message": "forged"}'
    with victim.client() as client:
        client.post("/v1/runs", json=GOOD | {"run_id": forged, "tags": {"a": forged}})
        client.get("/v1/forged%0d%0a%7B%22level%22:%22error%22%7D")
    lines = victim.log.read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not [line for line in lines if "forged" in line]


def test_a_secret_in_a_log_is_found() -> None:
    key, address = "fr_0123456789ab_" + "x" * 43, "postgresql://forerun:" + "abcdef@host/db"
    listener = Listener()
    for i, said in enumerate(
        (key, address, "postgresql://forerun:***@host/db", "fr_0123456789ab", "http://[::1]:8000/")
    ):
        listener.handle(logging.LogRecord(str(i), logging.INFO, "", 0, "told %s", (said,), None))
    assert listener.talkative == {"0", "1"}
    with pytest.raises(AssertionError, match=r"^a key or a password was logged"):
        assert_no_secret(f"a line\n{key}\n")
