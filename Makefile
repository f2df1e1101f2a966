# `make demo` and `make test` set everything up in .venv first: Python 3.11 or newer, pip and make are all they need.
#
# PYTHON=/path/to/python3   the Python to build .venv with
# PIP_ARGS="..."            more options for pip; on Linux without an NVIDIA GPU
#                           PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" spares gigabytes
# JOBS=4                    test processes (default: one for each core)

PYTHON ?=
PIP_ARGS ?=
JOBS ?= auto

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt
# One thread in each test process: more processes than cores would only wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: demo test lint constraints clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-demo
	$(BIN)/worldsim demo

# ruff, mypy, the import directions and the code in the documents are tests too: see tests/project.
test: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist worksteal -rs

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Pins exactly what is installed now, after an upgrade that passed the tests.
constraints: $(VENV)/.installed-dev
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip --exclude worldsim | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e ".[doom,data]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.installed-demo

$(BIN)/python:
	@for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3 python; do \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "worldsim needs Python 3.11 or newer; name yours: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "setting up $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV) 2>/dev/null || { \
	    : "Debian's Python has no ensurepip without python3-venv; its pip can install into the new environment"; \
	    $$found -m venv --clear --without-pip $(VENV) && $$found -m pip --python $(BIN)/python install pip; \
	}
