# `make demo` and `make test` do all set-up themselves, into the folder .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint types docs wheel bench fix clean

help:
	@echo "make demo    run the main job on the embedded demo packs"
	@echo "make test    run the tests"
	@echo "make lint    ruff, formatting, layer contracts"
	@echo "make types   mypy, strict"
	@echo "make docs    are the pages that follow from the code up to date?"
	@echo "make wheel   build the wheel and try it from another folder in a fresh environment"
	@echo "make bench   speed and memory, as ratios to a peer in the same run"
	@echo "make fix     let ruff repair what it can, write the pages that follow from the code"

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[sources,sensors,postgres]' --group dev
	touch $@

demo: $(VENV)/installed
	$(BIN)/twinbox run transport --city tallinn --city rae --seed 1
	@echo
	@echo "        The commands above are in $(BIN): source $(BIN)/activate"

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/installed
	$(BIN)/mypy

docs: $(VENV)/installed
	$(BIN)/python docs/generate.py --check

wheel: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	.ci/try-wheel dist/*.whl

bench: $(VENV)/installed
	for module in tests/bench/*.py; do echo "== $$module"; PYTHONPATH=tests $(BIN)/python $$module || exit 1; done

fix: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
