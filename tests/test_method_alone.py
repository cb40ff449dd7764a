"""The three steps run on a table of runs with no server, database or web framework in reach: in a notebook, say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = """
import sys

BLOCKED = "sqlalchemy psycopg alembic procrastinate fastapi starlette uvicorn httpx pydantic_settings".split()

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Wall())

from app.learn.bundle import from_bytes
from app.learn.train import train
from app.search.question import Question
from app.search.rank import rank
from app.space import parse_search_space
from app.types import Objective
from tests.histories import SPACE, history, meta_features, table

runs = table(history([0, 1, 2, 3, 4, 6], 20))                   # featurise
learner = from_bytes(train(runs, seed=0, threads=1).content)    # learn
question = Question(
    space=parse_search_space(SPACE),
    objectives=(Objective(metric="accuracy", direction="maximize"),),
    meta_features=meta_features(5),
)
ranking = rank(question, learner)                               # search
assert ranking.basis == "zero_shot"
print(ranking.configurations[0]["configuration"]["family"])
assert not [name for name in BLOCKED if name in sys.modules]
"""


def test_featurise_learn_and_search_need_no_server():
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "tree"
