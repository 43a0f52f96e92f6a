# make demo: set up and run the main job.   make test: set up and test.   make check: ruff, mypy, import-linter.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Where pip finds torch; on Linux, PyPI's own build brings CUDA with it (see README).
TORCH_INDEX ?=
BIN := .venv/bin
STAMP := .venv/.installed
export HEPSIEVE_CACHE ?= .cache/hepsieve

.PHONY: demo test check bench clean

demo: $(STAMP)
	$(BIN)/hepsieve run higgs --jobs $$(nproc 2>/dev/null || echo 2)

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	$(BIN)/python -m bench

# One environment for everything, with pinned versions; made again when a pin or the project file changes.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt $(TORCH_INDEX:%=--index-url %) torch
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $@

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
