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
RUN := uv run --frozen --no-sync
# One more process than processors: some tests wait for servers, workers and browsers.
TESTERS := $(shell n=$$(( $$(nproc) + 1 )); echo $$(( n > 4 ? 4 : n )))

.PHONY: help setup demo up down deploy test test-all bench faults year parity scale image lint format sandbox clean

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

deploy: setup ## to a Prefect server elsewhere: pool, deployments, alerts, limits (SERVER=http://HOST:4200 KIND=process PROJECT=/app)
	@$(RUN) python -m operate deploy --server "$(SERVER)" $(if $(KIND),--kind $(KIND)) $(if $(PROJECT),--project $(PROJECT))

PYTEST := $(RUN) pytest -n $(TESTERS) --dist loadgroup --no-loadscope-reorder $(if $(ARGS),,--cov --cov-report=term-missing:skip-covered)

test: setup ## what a change may break, in 10 minutes, with coverage (ARGS="tests/rules/test_engine.py -x" for some of it)
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: setup ## also the slow tests: workers killed, the UI in a browser, short campaigns, the demo, the image, make up
	@$(PYTEST) $(ARGS)

bench: setup ## how fast it decides; figures that depend on the machine
	@$(RUN) python -m benchmarks.deciding

faults: setup ## every point of a run x everything that may happen there, and random pairs (PAIRS=2000, SEED=1)
	@$(RUN) python -m trials.campaign $(if $(PAIRS),--pairs $(PAIRS)) $(if $(SEED),--seed $(SEED))

year: setup ## a simulated year of eight stores against an oracle; ends with JSON (SEED=2, DAYS=30 for a short form)
	@$(RUN) python -m trials.year $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS))

parity: setup ## the legacy against itself, the golden set, and 100 wrong systems; ends with JSON (REPORT=folder)
	@$(RUN) python -m trials.parity $(if $(REPORT),--report $(REPORT))

scale: setup ## 200 stores shared by several workers, one of which is killed; ends with JSON (STORES=24, WORKERS=2, SHARDS=3)
	@$(RUN) python -m trials.scale $(if $(STORES),--stores $(STORES)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SHARDS),--shards $(SHARDS))

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
