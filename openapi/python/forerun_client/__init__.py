"""Client of forerun: post what was trained, ask what to train next.

from forerun_client import Forerun, inputs_of

with Forerun("http://127.0.0.1:8000") as client:
answer = client.recommend(project="tabular", dataset="adult", search_space=..., objectives=...)
best = answer.configurations[0].configuration
with client.run("tabular", dataset="adult", **inputs_of(best)) as run:
run.log(step=1, accuracy=0.87)
"""

from forerun_client.aio import AsyncForerun
from forerun_client.calls import Posted
from forerun_client.client import Forerun
from forerun_client.errors import Busy, Fault, ForerunError, InvalidRequest, RefitFailed, Refused, SpoolFull
from forerun_client.run import Run
from forerun_client.spool import Spool
from forerun_client.values import inputs_of

__all__ = [
    "AsyncForerun",
    "Busy",
    "Fault",
    "Forerun",
    "ForerunError",
    "InvalidRequest",
    "Posted",
    "RefitFailed",
    "Refused",
    "Run",
    "Spool",
    "SpoolFull",
    "inputs_of",
]
