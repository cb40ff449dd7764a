"""The long campaign; prints what came of it, and how soon everything was well again. Fails on a broken promise."""

from __future__ import annotations

import argparse
import sys

from tests.faults.campaign import campaign
from tests.faults.clients import Load


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    load = Load(shares=(0.6, 0.2, 0.2), batch=60, rest_seconds=0.05)
    outcome = campaign(given.kills, given.runs, given.seed, load)
    sys.stdout.write("\n".join([str(outcome), *outcome.broken_promises, *outcome.ledger.surprises[:10]]) + "\n")
    return bool(outcome.broken_promises)


if __name__ == "__main__":
    sys.exit(main())
