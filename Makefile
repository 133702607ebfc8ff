# `make` prints what there is. Everything runs from .venv, which `make setup` builds from requirements.lock.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))) python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KERNELSPEC := lectures/coursekit/kernelspec
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
# They fill memory, processes and disks on purpose, and would slow what runs beside them: they run by themselves.
ALONE := grader/tests/sandbox
NOTEBOOKS = $(wildcard lectures/*/*.ipynb solutions/*/*.ipynb)

# The venv's programs come first, so that notebooks, tests and tools all use them.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A folder that was active when make was called must not decide what is installed or tested.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
# Certificates as the system has them: uv's own list lacks those of a university's proxy.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/*),1,0)
# Where Python is told to write no bytecode, every start would compile all of TensorFlow again: set-up does it, once.
export UV_COMPILE_BYTECODE := $(if $(PYTHONDONTWRITEBYTECODE),1,0)

.PHONY: help setup lab demo test test-full sync lectures assignments lint claims claims-real claims-seeds lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## build .venv from the lock, with the course's kernel and nbgrader's configuration

lab: setup ## open JupyterLab with the lectures, the assignments and nbgrader's extensions
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root)

demo: setup ## release, submit, grade, give feedback and report a sample class of 12
	coursegrader demo

test: setup lint ## run every test: packages, notebooks, assignments, grading, set-up (40 to 80 minutes on 2 cores)
	pytest $(PARALLEL) --nbval-lax -m "not full" --ignore=$(ALONE) data lectures grader solutions
	pytest -m "not full" $(ALONE)

test-full: setup test ## the long tests too: mutation of the solutions, all alternatives in both graders, fuzzing at length, both sandboxes
	pytest $(PARALLEL) -m full data lectures grader
	pytest $(PARALLEL) -m "not full" --level landlock grader/tests/forgeries

sync: setup ## pair every authored notebook with its text twin
	jupytext --quiet --sync $(NOTEBOOKS)
	@# What jupytext notes in a notebook would travel into releases.
	@{ grep -l '"jupytext": {' $(NOTEBOOKS) || true; } | xargs -r jupytext --quiet --update-metadata '{"jupytext": null}'

lectures: setup ## execute the lectures, store their outputs, time and memory
	python -m coursekit lectures

assignments: setup ## build assignments/ from solutions/
	coursegrader build

lint: setup ## ruff: rules and format, packages and notebooks
	ruff check .
	ruff format --check .

claims: setup ## gather the claims of the executed lectures into lectures/README.md
	python -m coursekit claims

claims-real: setup ## run the lectures on real data and store their claims with the date (up to 30 minutes each)
	python -m coursekit claims-real

claims-seeds: setup ## run the lectures with five seeds and store median and worst
	python -m coursekit claims-seeds

lock: setup ## resolve pyproject.toml anew into requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## remove .venv and what tools left behind; course/ (submissions and marks) stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv comes from the lock too, by pip, with its hashes; where the venv module is missing, pip brings it to a folder.
define UV_FROM_LOCK
awk '/^[a-z]/ {keep = /^uv==/} keep' requirements.lock > $(VENV)/uv.lock
endef

$(READY): requirements.lock pyproject.toml $(wildcard $(KERNELSPEC)/*) Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "This course needs Python 3.11, and '$(PYTHON)' is not one. Install it, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@rm -f $@; mkdir -p $(VENV); $(UV_FROM_LOCK)
	@if [ -x $(BIN)/uv ]; then true; \
	elif $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.lock; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	  $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target build/uv -r $(VENV)/uv.lock && \
	  build/uv/bin/uv venv --quiet --allow-existing --python $(PYTHON) $(VENV); \
	else \
	  echo "'$(PYTHON)' has neither venv nor pip. Install one of them (Debian, Ubuntu: python3-venv) and run this again." >&2; exit 1; \
	fi
	@echo "Installing the packages of requirements.lock ..."
	@uv=$$(command -v $(BIN)/uv build/uv/bin/uv | head -n 1); \
	$$uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock && \
	$$uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@coursegrader register
	@touch $@
	@echo "Ready: $$($(BIN)/python --version), $$($(BIN)/python -c 'from importlib.metadata import version as v; print(*(f"{name} {v(name)}" for name in ("TensorFlow", "Keras", "nbgrader")), sep=", ")')."
