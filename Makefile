# Two commands matter: `make demo` shows the notifier at work, `make test` proves it.
SHELL := /bin/bash
export PATH := $(CURDIR)/.tools/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
# A company's own certificate authority is in the system's store.
export UV_SYSTEM_CERTS := true
export PREFECT_SERVER_ALLOW_EPHEMERAL_MODE := false
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
# Python keeps what it has compiled: else each process compiles thousands of modules, for 7 s.
unexport PYTHONDONTWRITEBYTECODE
RUN := uv run --frozen --no-sync
# More processes than processors: many tests wait for servers, workers and browsers.
TESTERS := $(shell n=$$(( 2 * $$(nproc) )); echo $$(( n > 8 ? 8 : n )))

.PHONY: help setup demo up down deploy test test-all bench faults year day hostile parity mutants scale image lint format sandbox clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install uv, the locked dependencies, Chromium and its driver
	@bash scripts/setup

demo: setup ## run the real flow twice against the sandbox (KEEP=1 keeps the UI up, JSON=1 ends with JSON, SCENARIO=evening)
	@$(RUN) python -m sandbox.demo $(if $(KEEP),--keep) $(if $(JSON),--json) --scenario $(or $(SCENARIO),first-run)

up: setup ## server, worker and schedule on this machine against the sandbox (REAL=1: the real world; PORT=4200; STAY=1: until one of them ends)
	@$(RUN) python -m operate up $(if $(PORT),--port $(PORT)) $(if $(REAL),--real) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(STAY),--stay)

down: setup ## end what `make up` started; the history of runs stays (FORGET=1 removes it)
	@$(RUN) python -m operate down $(if $(FORGET),--forget)

deploy: setup ## to a Prefect server elsewhere: pool, deployments, alerts, limits (SERVER=https://HOST:4200 KIND=process PROJECT=/app)
	@$(RUN) python -m operate deploy --server "$(SERVER)" $(if $(KIND),--kind $(KIND)) $(if $(PROJECT),--project $(PROJECT))

# What was covered is judged in a step of its own: slipcover 1.1 loses the workers' part with --fail-under.
COVER := $(if $(ARGS),,-m slipcover --json --out .coverage.json)
COVERED := $(if $(ARGS),true,$(RUN) python -m slipcover --merge .coverage.json --out .coverage.json --skip-covered --fail-under 90)
PYTEST := $(RUN) python $(COVER) -m pytest -n $(TESTERS) --dist loadgroup --no-loadscope-reorder

# In a fresh clone every tester would compile the same thousands of modules: one does it for all.
COMPILED := .venv/compiled
$(COMPILED): uv.lock | setup
	@$(RUN) python -m slipcover --json --out .coverage.json -m pytest -q --collect-only >/dev/null && touch $@ || true

test: setup $(if $(ARGS),,$(COMPILED)) ## what a change may break, with coverage (ARGS="tests/rules/test_engine.py -x" for some of it)
	@$(PYTEST) -m "not slow" $(ARGS) && $(COVERED)

test-all: setup $(if $(ARGS),,$(COMPILED)) ## also the slow tests: workers killed, the UI in a browser, short campaigns, the demo, make up
	@$(PYTEST) $(ARGS) && $(COVERED)

bench: setup ## the legacy, the flow, the command and the Lambda side by side, growth, deciding; ends with JSON (BENCH="--sizes 500 1000 2000"); writes README and docs/images
	@uv run --frozen $(if $(findstring --short,$(BENCH)),--no-sync,--group bench) python -m benchmarks $(BENCH)

faults: setup ## every point of a run x everything that may happen there, and random pairs (PAIRS=2000, SEED=1)
	@$(RUN) python -m trials.campaign $(if $(PAIRS),--pairs $(PAIRS)) $(if $(SEED),--seed $(SEED))

year: setup ## a simulated year of eight stores against an oracle; ends with JSON (SEED=2, DAYS=30 for a short form; SEEDS=1..20 for a swarm)
	@$(RUN) python -m trials.year$(if $(SEEDS),.swarm --seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS))

day: setup ## a healthy and a troubled day of eight stores: who is told what, and when; ends with JSON (SEED=2, BUGS=1 for the planted bugs)
	@$(RUN) python -m trials.day $(if $(SEED),--seed $(SEED)) $(if $(BUGS),--bugs)

hostile: setup ## odd input and odd answers in families, made from a seed and judged one by one; ends with JSON (SEED=2, BUGS=1 for the planted bugs)
	@$(RUN) python -m trials.hostile $(if $(SEED),--seed $(SEED)) $(if $(BUGS),--bugs)

parity: setup ## the legacy against itself, the golden set, and 100 wrong systems; ends with JSON (REPORT=folder)
	@$(RUN) python -m trials.parity $(if $(REPORT),--report $(REPORT))

mutants: setup ## change the code in one place, 50 times, and see whether its tests fail; ends with JSON (COUNT=200, SEED=2, MODULE=engine; WHOLE=1 for all changes)
	@uv run --frozen --group mutants python -m trials.mutants $(if $(WHOLE),--count 0,$(if $(COUNT),--count $(COUNT))) $(if $(SEED),--seed $(SEED)) $(if $(MODULE),--module $(MODULE))

scale: setup ## 200 stores shared by several workers, one of which is killed; ends with JSON (STORES=24, WORKERS=2, SHARDS=3; THROUGHPUT=12 for what 1, 2 and 4 workers do)
	@$(RUN) python -m trials.scale $(if $(STORES),--stores $(STORES)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SHARDS),--shards $(SHARDS)) $(if $(THROUGHPUT),--throughput $(THROUGHPUT))

image: setup ## build the Dockerfile with buildah, look at the image, run its worker and its Lambda (root; KEEP=folder keeps it)
	@$(RUN) python -m trials.image $(if $(JSON),--json) $(if $(KEEP),--keep $(KEEP))

lint: setup ## ruff, mypy, and import-linter's layers
	@$(RUN) ruff format --check . && $(RUN) ruff check . && $(RUN) lint-imports && $(RUN) mypy

format: setup ## let ruff format and mend what it can
	@$(RUN) ruff format . && $(RUN) ruff check --fix .

sandbox: setup ## the simulated outside world alone, with a page of phones
	@$(RUN) python -m sandbox

clean: ## remove what setup and runs have made
	rm -rf .venv .tools .naverplace .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
