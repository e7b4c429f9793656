# Every target sets up what it needs, on a machine that has only Python (>= 3.10) and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install demo app label test lint docs accuracy trust speed robustness scale fuzz mutation bundles release-check image image-check

install: .venv/.installed

demo: .venv/.installed-predict
	$(BIN)/usseg demo -o demo

# MONAI Label server on a folder of images: make label DIR=IMAGES [PORT=8000] [MODELS=TASK,TASK]
label: .venv-label/.installed
	@test -d "$(DIR)" || { echo "no folder '$(DIR)': make label DIR=IMAGES [PORT=8000] [MODELS=TASK,TASK]"; exit 2; }
	.venv-label/bin/python -m usseg_monai.label_app "$(DIR)" --port $(or $(PORT),8000) $(if $(MODELS),--models $(MODELS))

app: .venv/.installed-app
	$(BIN)/usseg app

# A process per core, each with one thread for networks: more threads than cores make small trainings slower.
test: .venv/.installed .venv-label/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=loadfile --cov=usseg_monai --cov-fail-under=95 --durations=10

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.format_configs --check
	$(BIN)/typos
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/pre-commit validate-config
	$(BIN)/python -m benchmarks.dependencies

docs: .venv/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

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

mutation: .venv/.installed
	$(BIN)/python -m benchmarks.mutation $(ARGS)

bundles: .venv/.installed
	$(BIN)/python -m benchmarks.zips

release-check: .venv/.installed
	$(BIN)/python -m benchmarks.release

# Container image: make image [TARGET=page|command|label] [TASKS=TASK,TASK] [BASE=IMAGE] [NAME=NAME]
image: .venv/.installed-predict
	$(BIN)/python -m benchmarks.image build $(if $(TARGET),--target $(TARGET)) $(if $(TASKS),--tasks $(TASKS)) $(if $(BASE),--base $(BASE)) $(if $(NAME),--name $(NAME))

# As root, with buildah and mmdebstrap; takes minutes.
image-check: .venv/.installed-predict
	$(BIN)/python -m benchmarks.image check

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The demo only predicts: without torch it is there in seconds, not minutes.
.venv/.installed-predict: requirements-predict.txt constraints.txt | .venv/bin/python
	$(PIP) install -c constraints.txt -r requirements-predict.txt
	$(PIP) install --no-deps -e .
	touch $@

.venv/.installed-app: pyproject.toml constraints.txt | .venv/.installed-predict
	$(PIP) install -c constraints.txt reportlab starlette uvicorn
	touch $@

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch .venv/.installed-predict .venv/.installed-app $@

# What MONAI Label asks for by itself does not fit together, and is three times as much as its server uses: it comes without.
.venv-label/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-label
	.venv-label/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt -e '.[label]'
	.venv-label/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt --no-deps monailabel
	touch $@
