# Everything a developer does with Storecast. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BACKEND := backend
VENV := $(BACKEND)/.venv/bin
# In the backend's folder, with the tools of its environment first in PATH. `exec`: a signal to make reaches the
# program itself, which then stops what it started.
RUN := cd $(BACKEND) && exec env PATH="$(CURDIR)/$(VENV):$$PATH"
DEMO := $(RUN) python -m demo
NPM := npm --no-fund --no-audit --prefix
# A private demo is the CDNOW store, whatever the shell says about the demo of `make demo`.
PRIVATE := -u DEMO_STORE -u DEMO_CUSTOMERS
COVERAGE_FLOOR := 85

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2} /^## / {printf "\n%s\n", substr($$0, 4)}' $(MAKEFILE_LIST)

## See it

.PHONY: demo
demo: install ## Run everything locally and print the address (DEMO_CUSTOMERS=200000, DEMO_STORE=folder)
	@$(DEMO) up

.PHONY: demo-reset
demo-reset: install ## Delete what the demo kept
	@$(DEMO) reset

.PHONY: smoke
smoke: install ## The main job over HTTP against a demo of its own; one JSON line last
	@$(RUN) env $(PRIVATE) python -m demo run -- python -m demo.smoke

## Work on it

.PHONY: install
install: ## Bring packages, schema and builds up to date with the locks
	@$(PYTHON) $(BACKEND)/demo/install.py

.PHONY: test
test: check test-backend test-frontend test-extensions smoke e2e ## Everything that CI runs

.PHONY: test-backend
test-backend: install ## Backend tests on a real PostgreSQL and Redis (T=tests/segments for a part)
ifdef T
	@$(RUN) python -m pytest $(T)
else
	@$(RUN) python -m pytest -n 2 --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)
endif

.PHONY: test-frontend
test-frontend: install ## Frontend tests
	@$(NPM) frontend test

.PHONY: test-extensions
test-extensions: install ## Web pixel tests
	@$(NPM) extensions/web-pixel test

.PHONY: e2e
e2e: install ## The main job in a real Chromium; installs one where it may
	@browser="$$($(RUN) python -m demo.browser)"; \
	$(RUN) CHROMIUM="$$browser" env $(PRIVATE) python -m demo run -- npm --prefix ../frontend run e2e

.PHONY: pictures
pictures: ## The main job in Chromium, keeping its pictures of every page in docs/images
	@STORECAST_IMAGES=$(CURDIR)/docs/images $(MAKE) --no-print-directory e2e

.PHONY: check
check: install codegen ## Format, lint, types, boundaries, migrations, freshness of what is generated
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) python -m demo.checks migrations
	@$(NPM) frontend run lint
	@$(NPM) frontend run typecheck
	@$(NPM) extensions/web-pixel run check
	@$(RUN) python -m demo.checks api-types

.PHONY: fix
fix: install ## Format and fix what tools can fix
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .
	@$(NPM) frontend run fix

.PHONY: migrate
migrate: install ## Write a migration from the models (m="add segments.color")
	@test -n "$(m)" || { echo 'say what it does: make migrate m="add segments.color"' >&2; exit 2; }
	@$(RUN) python -m demo.checks write-migration "$(m)"

.PHONY: golden
golden: install ## Write the golden files anew; read the diff before you commit it
	@$(RUN) UPDATE_GOLDEN=1 python -m pytest -q $$(grep -rl --include='test_*.py' UPDATE_GOLDEN tests)

.PHONY: codegen
codegen: install
	@$(PYTHON) $(BACKEND)/demo/install.py --codegen

.PHONY: api-types
api-types: codegen ## Write the OpenAPI document and the frontend's API types
	@$(RUN) python -m storecast.entrypoints.cli openapi
	@$(NPM) frontend/codegen run generate

.PHONY: docs
docs: install ## Check the links and the commands that the documentation names
	@$(RUN) python -m pytest -q tests/infrastructure/test_docs.py

## Measure it

BENCHES := $(patsubst $(BACKEND)/benchmarks/bench_%.py,bench-%,$(wildcard $(BACKEND)/benchmarks/bench_*.py))

.PHONY: bench
bench: $(BENCHES) ## Every benchmark, one by one: bench-sync, bench-webhooks, bench-edge, bench-send, bench-jobs, … (N=… for the size)

bench-%: install
	@test -f $(BACKEND)/benchmarks/bench_$*.py || { echo "there is no backend/benchmarks/bench_$*.py" >&2; exit 2; }
	@$(RUN) python -m benchmarks.bench_$*

.PHONY: chaos-jobs
chaos-jobs: install ## Jobs while workers, relays and the broker are killed (BROKER=redis|rabbitmq, N=20000, KILLS=25)
	@$(RUN) python -m benchmarks.chaos_jobs

.PHONY: chaos-webhooks
chaos-webhooks: install ## Webhooks while edge, relay, workers, PostgreSQL and Redis are killed (N=20000, KILLS=24)
	@$(RUN) python -m benchmarks.chaos_webhooks

.PHONY: chaos-send
chaos-send: install ## A campaign while workers, SMTP server, PostgreSQL and Redis are killed (N=100000, KILLS=12, RATE=1500)
	@$(RUN) python -m benchmarks.chaos_send

.PHONY: audit
audit: install ## Known vulnerabilities of all packages, and a static security linter
	@$(RUN) python -m demo.audit

## Keep it

.PHONY: lock
lock: install ## Resolve both Python locks anew from pyproject.toml (names no host)
	@$(PYTHON) $(BACKEND)/demo/install.py --lock

.PHONY: clean
clean: ## Delete what `make install` brought and built; the demo's data stays
	@rm -rf .tools backend/.venv backend/.cache frontend/node_modules frontend/codegen/node_modules \
	  extensions/web-pixel/node_modules frontend/dist extensions/web-pixel/dist
