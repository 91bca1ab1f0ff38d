# Kangqiao: everything from Python 3.11 and make. `make help` lists the targets.
PORT ?= 8000
DATA ?= ./var
DEMO ?= zhuhai
HOST ?= 127.0.0.1
# What pytest gets in addition: make test ARGS="-k roster -x"
ARGS ?=

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up down test faults matrix test-all trust ux check fix bench assets lock sbom audit-deps base base-test clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Defaults: PORT=$(PORT) DATA=$(DATA) DEMO=$(DEMO) (zhuhai, all or none) HOST=$(HOST)"

base:
	@test -n "$(PYTHON)" || { echo "✗ Kangqiao needs Python 3.11 or newer, and none is here. Install it and try again." >&2; exit 1; }
	@$(PYTHON) requirements/install.py base

base-test: base
	@$(PYTHON) requirements/install.py base test check

up: base ## the whole product, then one line with its address; Ctrl-C stops it
	@$(BIN)/kangqiao up --port "$(PORT)" --host "$(HOST)" --data "$(DATA)" --demo "$(DEMO)"

down: base ## stop what runs on DATA
	@$(BIN)/kangqiao down --data "$(DATA)"

assets: base ## browser files and compiled translations
	@$(BIN)/kangqiao assets

test: base-test ## every test but faults and the slow ones; brings a browser if none is here
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

faults: base-test ## whole sites that are started, killed, refused, backed up and brought back
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m pytest tests/faults $(ARGS)

matrix: base-test ## every address and form by every role, with hostile and odd words, and how each page looks; `make test` takes a share of them
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --slow tests/access_matrix tests/web/test_scripts.py \
		tests/web/test_odd_words.py tests/pages/test_every_page.py::test_each_page_is_fit_to_be_read $(ARGS)

test-all: base-test ## every test
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --slow $(ARGS)

trust: base-test ## what is promised about trust, measured, in one table; ARGS=--slow for the slow ones too
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --trust $(ARGS)

ux: base-test ## what tasks cost the person at the desk: keys, clicks, page loads, seconds, in one table
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest --ux tests/journeys $(ARGS)

check: base-test ## format, lint, types, imports, packs, clauses, migrations, the repository's own rules; changes nothing
	@$(BIN)/python -m tests.check

fix: base-test ## format, and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet . ; $(BIN)/ruff check .

bench: base-test ## measurements, as ratios to a floor or a peer
	@$(BIN)/kangqiao assets
	@$(BIN)/python -m bench $(ARGS)

lock: base ## write requirements/*.lock anew from pyproject.toml
	@$(PYTHON) requirements/install.py lock

sbom: base-test ## the bill of materials: build/sbom.cdx.json
	@$(BIN)/python -m security.sbom

audit-deps: base-test ## the locks against the public advisories, with pip-audit; fails when one package could not be asked
	@$(BIN)/python -m security.audit

clean: ## remove the environment and what is built; the data folder stays
	@rm -rf .venv build dist src/kangqiao/base/static/vendor tests/vendor .mypy_cache .ruff_cache .pytest_cache
