# Every target works on a bare machine with Python >= 3.11 and make: the first one makes .venv.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
RELEVO := $(BIN)/python -m relevo
ARGS ?=

## demo: the story from sign-up to hand-back, on real Kafka and Postgres (ARGS="--json --keep")
demo: $(STAMP)
	@$(RELEVO) demo $(ARGS)

## up: start everything and stay; Ctrl-C stops it, data stays in .relevo/
up: $(STAMP)
	@$(RELEVO) up $(ARGS)

## status: the health of a running `make up`
status: $(STAMP)
	@$(RELEVO) status $(ARGS)

## doctor: look at everything that it stands on, and say what to do
doctor: $(STAMP)
	@$(RELEVO) doctor $(ARGS)

## logs: what the services of `make up` wrote (ARGS="routing -f", kafka, postgres)
logs: $(STAMP)
	@$(RELEVO) logs $(ARGS)

## reset: remove the data, logs, mails and secrets of `make up` (asks; ARGS=--yes does not)
reset: $(STAMP)
	@$(RELEVO) reset $(ARGS)

## mails: those that a running `make up` wrote as files
mails: $(STAMP)
	@$(RELEVO) mails $(ARGS)

## test: the whole suite on the embedded engines
test: $(STAMP)
	@$(BIN)/python -m pytest -n 2 --dist loadscope -m "not deep and not containers" $(ARGS)

## test-fast: the inner loop, no engines
test-fast: $(STAMP)
	@$(BIN)/python -m pytest -n 2 -m "not deep and not containers and not engines" \
	  --ignore=tests/integration --ignore=tests/acceptance $(ARGS)

## test-deep: long random runs
test-deep: $(STAMP)
	@$(BIN)/python -m pytest -m deep $(ARGS)

## test-containers: the integration tests on the production images (needs Docker)
test-containers: $(STAMP)
	@$(BIN)/python -m tests.containers $(ARGS)

## newcomer: what somebody tries who has just found this, as a fresh user (ARGS="--suite")
newcomer: $(STAMP)
	@$(BIN)/python -m tests.newcomer $(ARGS)

## secrets: make .env with the secrets of `docker compose up`, once; an older one gets what it lacks
secrets: $(STAMP)
	@$(RELEVO) secrets --out .env

## demo-compose: the story against a running `docker compose up --build --wait`
demo-compose: $(STAMP)
	@docker compose -f docker-compose.yml -f docker-compose.demo.yml up --no-deps --wait --quiet-pull connections webhooks fulfilment
	@$(RELEVO) demo --compose $(ARGS)

## check: linters, types, import contracts, documentation drift, known vulnerabilities
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy shared services relevo tools tests examples
	$(BIN)/lint-imports
	$(BIN)/python -m tools house
	$(BIN)/python -m tools docs --check
	$(BIN)/python -m tools audit

## bench: what the path of an order costs, end to end
bench: $(STAMP)
	@$(RELEVO) bench path $(ARGS)

## screenshots: docs/console/, made by the story that the tests play in a browser
screenshots: $(STAMP)
	@RELEVO_SCREENSHOTS=docs/console $(BIN)/python -m pytest -q -n 0 tests/acceptance/console/test_story.py $(ARGS)
	@for name in add-brand accept connection; do for language in en es; do \
	  cp docs/console/$$name-$$language-light.png services/console/static/screen-$$name-$$language.png; done; done

## docs: write docs/openapi and docs/asyncapi, docs/problems.md
docs: $(STAMP)
	@$(BIN)/python -m tools docs

## lock: resolve the dependencies, hashed, naming no index
lock: $(STAMP)
	$(VENV)/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt
	$(VENV)/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -c requirements-dev.txt requirements.in -o requirements.txt

## clean: remove the environment and the local run folder
clean:
	rm -rf $(VENV) .relevo

# uv lives in a folder of its own, so that syncing the environment does not remove it. Compiled
# once here, the services load in 1 s instead of 2.6.
$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Relevo needs Python 3.11 or newer; this one is " + sys.version.split()[0] + ". Another: make PYTHON=python3.12 …")'
	@echo "Installing $$(grep -c '^[a-z].*==' $<) packages into $(VENV), once …" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(VENV)/uv/bin/uv || { $(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install -q --disable-pip-version-check uv==$(UV_VERSION); }
	@$(VENV)/uv/bin/uv pip sync -q --compile-bytecode --require-hashes --python $(BIN)/python requirements-dev.txt
	@$(VENV)/uv/bin/uv pip install -q --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

help:
	@grep -E '^## ' $(MAKEFILE_LIST) | sed 's/^## //' | awk -F': ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: demo up status doctor logs reset mails test test-fast test-deep test-containers newcomer secrets demo-compose check bench screenshots docs lock clean help
