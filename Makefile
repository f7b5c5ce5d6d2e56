# make demo: install into a virtual environment and run the main job. make test: the same for tests, lint and types.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
DEMO := runs/demo

# Real NAS-Bench tables, where they lie beside the checkout; tests that need them are skipped elsewhere.
SHARED := $(wildcard ../shared/data)
ifneq ($(SHARED),)
export SURROGATE_NAS_DATA ?= $(abspath $(SHARED))
endif

.PHONY: demo test lint types unit bench-quick clean

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/surrogate-nas search folder=$(DEMO)
	@echo "The report lies in $(abspath $(DEMO)/report.html): open it in a browser."

test: lint types unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist loadgroup

bench-quick: $(VENV)/.installed
	$(BIN)/python -m benchmarks.quick.run

clean:
	rm -rf $(VENV) runs build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) ".[dev]"
	touch $@ $(VENV)/.installed
