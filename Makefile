# Every target works on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNTIME ?= /opt/portal/.venv
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header

.DEFAULT_GOAL := help
.PHONY: help install runtime demo test check format bench lock licences sbom audit clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements/development.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP) ## Make .venv with the locked dependencies and the portal command

runtime: ## Make RUNTIME=PATH, an environment of what a server needs and nothing else
	rm -rf build/wheel
	$(PYTHON) -m venv --clear build/tools
	build/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	build/tools/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/wheel .
	$(PYTHON) -m venv --clear $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/server.txt
	$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps build/wheel/*.whl

demo: install ## Start a throw-away portal with a local identity provider
	$(BIN)/portal demo

test: install ## Run the whole test suite
	$(BIN)/python -m pytest -n auto

check: install ## Formatter, linter, type checker, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: install ## Run the benchmarks: ratios against baselines of the same run
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.seeds

lock: ## Renew the hash-locked requirements
	$(UV_COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(UV_COMPILE) --extra development --extra tracing pyproject.toml --output-file requirements/development.txt
	$(UV_COMPILE) --extra tracing --constraint requirements/development.txt pyproject.toml --output-file requirements/server.txt
	$(UV_COMPILE) --group build --constraint requirements/development.txt --output-file requirements/build.txt

licences: install ## List the licences of what the portal runs on; fails where one is unfit
	$(BIN)/python -m supply_chain licences

sbom: install ## Write the bill of materials (CycloneDX) to dist/sbom.json
	$(BIN)/python -m supply_chain sbom

audit: install ## Ask whether what is locked has known vulnerabilities
	$(BIN)/python -m supply_chain audit

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
