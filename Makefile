# A bare machine with Python 3.11 or later and make is enough: `make run`, `make test`. Everything is installed into .venv.
#
#   make run ARGS="--samples 64 --out results/core"      options of `accelsim run`
#   make test ARGS="-k router"                           options of pytest
#   make run PYTHON=python3.12                           another interpreter (after `make clean`)

PYTHON ?= python3
ARGS ?=
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help run test check lint validate bench clean

help:
	@echo "make run       simulate the bundled workload on the chip hwconfigs/core.yaml"
	@echo "make test      all tests but the heavy validation"
	@echo "make check     ruff, mypy, import-linter, then the tests"
	@echo "make validate  heavy validation against outside simulators and recordings"
	@echo "make bench     benchmarks/*.py"
	@echo "make clean     remove .venv, caches and build products"

run: $(VENV)/.installed
	@$(BIN)/accelsim run --hw hwconfigs/core.yaml $(ARGS)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: lint test

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

validate: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m validate -rs $(ARGS)

bench: $(VENV)/.installed-test
	@test -n "$(BENCHMARKS)" || echo "benchmarks: no file"
	@set -e; for file in $(BENCHMARKS); do echo "$$file"; $(BIN)/python $$file; done

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find accelsim hwconfigs workloads tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: newer than what decides their content, so that nothing is installed twice.
$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install --editable '.[test]'
	@touch $@

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/.made
	$(PIP) install --editable .
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "accelsim needs Python 3.11 or later, $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch $@
