# dpa-kg: `make serve` runs the service, `make test` proves it. `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup serve build validate test lint format check lock reference conformance bench soak clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## the virtual environment with everything in it

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

serve: setup  ## builds the graph if anything has changed, and serves it (DPA_KG_PORT to change the port)
	@$(BIN)/dpa-kg serve

build: setup  ## builds and publishes a version of the graph
	@$(BIN)/dpa-kg build

validate: setup  ## checks ontology, data and queries against the shapes; publishes nothing
	@$(BIN)/dpa-kg validate

test: setup  ## every test, in parallel
	@$(BIN)/python -m pytest -n auto --dist loadgroup

conformance: setup  ## the official SPARQL cases about HTTP, from ../shared/w3c, against a service made for them
	@$(BIN)/python scripts/conformance.py

lint: setup  ## style, types and layers
	@$(BIN)/ruff check src tests scripts benchmarks
	@$(BIN)/ruff format --check src tests scripts benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup  ## puts the code in order
	@$(BIN)/ruff check --fix src tests scripts benchmarks
	@$(BIN)/ruff format src tests scripts benchmarks

check: lint test  ## lint and test

bench: setup  ## compares the service with other engines on this machine; takes long, and wants the machine for itself
	@test -d .venv-peers || { $(PYTHON) -m venv .venv-peers && .venv-peers/bin/python -m pip install -q --disable-pip-version-check -r benchmarks/peers.txt; }
	@$(BIN)/python -m benchmarks.bench $(BENCH)

soak: setup  ## reads, writes, kills and reloads a real service for ten minutes, every answer held against a model
	@$(BIN)/python -m tests.soak $(SOAK)

lock:  ## pins every dependency anew (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --upgrade --quiet -o requirements.lock

reference: setup  ## writes data/reference/places.ttl again from the packages that know places
	@$(BIN)/python scripts/reference_places.py

clean:  ## removes the environment and every built version
	@rm -rf $(VENV) .dpa-kg
