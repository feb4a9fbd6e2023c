# make run     open the app (without a terminal: train for a minute, then generate text)
# make viewer  install everything but TensorFlow: all but training works (120 MB)
# make test    every test
# make stress  the long tests: faults at every operation, kills, damaged files, a monkey
# make check   formatting, lint, types, import rules, structure
# make bench   install what the benchmarks measure against, and list them
# make keys    write docs/keys.md from the table of keys
# make models  train the bundled models again (an hour and more; TEXT=shakespeare=FILE spares the download)
# make clean   remove what these made

.DEFAULT_GOAL := help
.PHONY: help run viewer test stress check bench format snapshots picture keys models clean

VENV := .venv
BIN := $(VENV)/bin
SUITABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "charrnn-tui needs Python 3.11, 3.12 or 3.13 with venv; none was found. Name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing charrnn-tui into $(VENV): about 2 GB, most of it TensorFlow; a few minutes, once."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing charrnn-tui and its development tools into $(VENV): about 2 GB, most of it TensorFlow; a few minutes, once."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing charrnn-tui and PyTorch into $(VENV): several GB; a few minutes, once."
	@$(PIP) --editable '.[bench]'
	@touch $@ $(VENV)/.installed

run: $(VENV)/.installed
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/charrnn-tui; else exec sh scripts/main_job.sh $(BIN)/charrnn-tui; fi

viewer: $(BIN)/python
	@$(PIP) --requirement viewer.txt
	@$(PIP) --no-deps --editable .
	@echo "Installed without TensorFlow. Open the app: $(BIN)/charrnn-tui"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --durations 25

stress: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --stress tests/faults tests/stress tests/cluster_runs
	$(BIN)/python -m pytest --stress -m "stress or hypothesis" --ignore tests/faults --ignore tests/stress --ignore tests/cluster_runs
	$(BIN)/python -m tests.fuzz --seconds 300
	$(BIN)/python -m tests.stress.monkey --seconds 600

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_structure.py

bench: $(VENV)/.installed-bench
	@echo "Nothing was measured. On a quiet machine (benchmarks/README.md):"
	@sed -n 's|^python -m|  $(BIN)/python -m|p' benchmarks/README.md

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

snapshots: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/tui --snapshot-update

picture: $(VENV)/.installed-dev
	$(BIN)/python -m scripts.picture

keys: $(VENV)/.installed
	$(BIN)/python -m scripts.keys_page
	$(BIN)/python -m scripts.learn_page

models: $(VENV)/.installed
	$(BIN)/python scripts/make_models.py $(if $(TEXT),--text $(TEXT))

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
