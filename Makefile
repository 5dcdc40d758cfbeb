# make run | test | slow | ray | lint | bench | pages | docs | clean. Each sets up .venv first, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PAGES := sim/web/dist/page.js
WEB := $(wildcard sim/web/*.json sim/web/*.mjs sim/web/src/*)

.PHONY: run test slow ray lint bench pages docs clean setup
.DELETE_ON_ERROR:

run: setup
	$(BIN)/kyosei project members=60 split=4 member_scale=0.003 scale=0.1

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

slow: setup
	$(BIN)/python -m pytest -m "not network"

ray: setup
	$(BIN)/python -m pytest -m network

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

pages: setup
	$(BIN)/python -m sim.pages.build

docs: setup
	$(BIN)/python -m sphinx -W -q -j auto docs build/docs
	@echo "build/docs/index.html"

clean:
	rm -rf $(VENV) build dist sim/web/dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMP) $(PAGES)

# Without them everything but `kyosei report` works, so a machine that cannot build them goes on.
$(PAGES): $(WEB) | $(STAMP)
	-@$(BIN)/python -m sim.pages.build

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "Kyosei needs Python 3.11, 3.12 or 3.13, but PYTHON=$(PYTHON) is" \
	       "$$($(PYTHON) --version 2>&1 || true). Name another: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Could not make $(VENV). On Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV): one or two minutes and 1 GB, once"
	$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
