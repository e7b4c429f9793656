# Every target sets up what it needs, on a machine that has only Python (>= 3.10) and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install demo test lint accuracy trust speed robustness scale fuzz

install: .venv/.installed

demo: .venv/.installed-predict
	$(BIN)/usseg demo -o demo

test: .venv/.installed
	$(BIN)/python -m pytest --cov=usseg_monai --cov-fail-under=90 --durations=10

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.dependencies

accuracy: .venv/.installed
	$(BIN)/python -m benchmarks.accuracy --update-readme

trust: .venv/.installed
	$(BIN)/python -m benchmarks.trust --update-docs

speed: .venv/.installed
	$(BIN)/python -m benchmarks.speed --update-readme

robustness: .venv/.installed
	$(BIN)/python -m benchmarks.robustness --update-docs

scale: .venv/.installed
	$(BIN)/python -m benchmarks.scale --update-docs

fuzz: .venv/.installed
	$(BIN)/python -m benchmarks.fuzz --update-docs

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The demo only predicts: without torch it is there in seconds, not minutes.
.venv/.installed-predict: requirements-predict.txt constraints.txt | .venv/bin/python
	$(PIP) install -c constraints.txt -r requirements-predict.txt
	$(PIP) install --no-deps -e .
	touch $@

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch .venv/.installed-predict $@
