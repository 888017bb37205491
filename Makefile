# Two commands: `make train` shows what keras_ms does, `make test` checks that it does.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SECONDS_EACH ?= 180

.PHONY: train test docs test-lowest clean

train: $(VENV)/.installed
	$(BIN)/python -m apps.train --seconds=$(SECONDS_EACH) --compare=single_scale --baseline

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadscope
	@echo "All checks passed. Next: make train, or read docs/ for how the parts fit together."

# The site, in build/site; a warning is an error. `make test` builds it too.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m mkdocs build --strict
	@echo "Look at build/site/index.html, or run: $(BIN)/python -m mkdocs serve"

# On the lowest versions that pyproject.toml allows, in an environment of its own.
test-lowest: .venv-lowest/.installed
	.venv-lowest/bin/python -m pytest -m smoke
	@echo "The lowest versions work."

.venv-lowest/.installed: pyproject.toml tests/lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint tests/lowest.txt --editable . dill hypothesis pytest pytest-timeout
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "keras_ms needs Python 3.11 or newer. Received: $$($(PYTHON) --version). Use make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing keras_ms into $(VENV) (TensorFlow is large: a minute or two) ..."
	$(BIN)/python -m pip install --quiet --editable ".[rivals]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) .venv-lowest build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
