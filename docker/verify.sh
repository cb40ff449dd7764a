#!/usr/bin/env bash
# Run the composition for real, from nothing to a recommendation, and take it down again:
#   docker/verify.sh                                           with Docker
#   ENGINE=podman COMPOSE=podman-compose docker/verify.sh      with Podman
# The image forerun:latest and its neighbours must be there; `docker compose build` makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
ENGINE=${ENGINE:-docker}
COMPOSE=${COMPOSE:-docker compose}
URL=http://127.0.0.1:8000

step() { printf '\n== %s\n' "$*"; }
containers() { $ENGINE ps --quiet --filter "label=com.docker.compose.service=$1" --filter status=running; }
until_ok() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "not in time: $*" >&2; "$@"; return 1; }
    sleep 0.5
  done
}
inside() { $ENGINE exec "$(containers "$1" | sed -n 1p)" "${@:2}"; }

made=
[ -e .secrets/database_password ] || { made=1; mkdir -m 700 -p .secrets; openssl rand -hex 24 > .secrets/database_password; }
finish() { # podman-compose forgets what it scaled
  $ENGINE ps -aq --filter label=com.docker.compose.project=forerun | xargs -r "$ENGINE" rm -f >/dev/null 2>&1 || true
  $COMPOSE down -v >/dev/null 2>&1 || true
  [ -z "$made" ] || rm -r .secrets
}
trap finish EXIT

step "database, then the migration, started together: the migration waits by itself"
$COMPOSE up -d database
$COMPOSE run --rm --no-deps -T migrate

step "the API refuses to start without a key; the first one is made"
key=$($COMPOSE run --rm --no-deps -T api keys create verify --scope admin 2>/dev/null | tail -1 | tr -d '\r')
[[ $key == fr_* ]]

step "three of the API, two workers, one proxy"
$COMPOSE up -d --no-deps --scale api=3 api
$COMPOSE up -d --no-deps --scale worker=2 worker
$COMPOSE up -d --no-deps proxy
until_ok 60 curl -fsS $URL/readyz
[ "$(containers api | wc -l)$(containers worker | wc -l)" = 32 ]

step "who they are, and what they may: uid, capabilities, root file system, the health check"
[ "$(inside api id -u)" = 10001 ]
inside api grep -q '^CapEff:.*0000000000000000$' /proc/1/status
inside api grep -q '^NoNewPrivs:.*1$' /proc/1/status
inside api sh -c '! touch /opt/forerun/x' 2>/dev/null
inside api sh -c '! env | grep -q "$1"' - "$(cat .secrets/database_password)"
healthy=$($ENGINE image inspect forerun:latest --format '{{json .Config.Healthcheck.Test}}' \
  | python3 -c 'import json, shlex, sys; print(shlex.join(json.load(sys.stdin)[1:]))')
until_ok 60 inside api sh -c "$healthy"

step "runs come in through the proxy, a worker learns, an answer goes out"
say() { curl -fsS "$URL$1" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "${@:2}"; }
python3 - <<'RUNS' | say /v1/runs/batch --data-binary @- | cut -c1-120; echo
import json, random
random.seed(0)
runs = []
for dataset in range(8):
    for i in range(30):
        x = random.random()
        runs.append({"project": "verify", "run_id": f"{dataset}-{i}", "dataset": {"name": f"d{dataset}", "meta_features": {"size": dataset}},
                     "state": "completed", "hyperparameters": {"x": x}, "metrics": {"y": (x - 0.3) ** 2 + dataset}})
print(json.dumps({"runs": runs}))
RUNS
learned() { say "/v1/meta-learners?project=verify" | grep -q '"champion":true'; }
until_ok 120 learned
for i in $(seq 30); do say "/v1/runs?project=verify&limit=1" >/dev/null; done
for api in $(containers api); do # each has answered its share
  echo "$api wrote $($ENGINE logs "$api" 2>&1 | grep -c '"route": "/v1/runs"') of these lines"
done
ask='{"project": "verify", "dataset": "new", "objectives": [{"metric": "y", "direction": "minimize"}],
      "search_space": {"parameters": {"x": {"type": "float", "low": 0, "high": 1}}}, "top_k": 1}'
say /v1/recommend -d "$ask"; echo

step "the database dies and comes back; what was stored is there"
$ENGINE kill -s KILL "$(containers database)" >/dev/null
$ENGINE start "$($ENGINE ps -aq --filter label=com.docker.compose.service=database)" >/dev/null
until_ok 60 curl -fsS $URL/readyz
say "/v1/runs?project=verify&limit=1" | grep -q '"run_id"'

step "SIGTERM: PID 1 ends in order, with status 0"
for service in api worker; do
  container=$(containers $service | sed -n 1p)
  began=$(date +%s%N)
  $ENGINE stop -t 30 "$container" >/dev/null
  echo "$service ended with $($ENGINE inspect "$container" --format '{{.State.ExitCode}}')" \
       "after $((($(date +%s%N) - began) / 1000000)) ms"
  [ "$($ENGINE inspect "$container" --format '{{.State.ExitCode}}')" = 0 ]
done
until_ok 10 curl -fsS $URL/readyz

step "good: $($ENGINE image inspect forerun:latest --format '{{.Size}}' | awk '{printf "%.0f MB", $1 / 1e6}')"
