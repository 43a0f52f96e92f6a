# make demo: set up and run the main job.   make test: set up and test.   make check: ruff, mypy, import-linter.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Where pip finds torch; on Linux, PyPI's own build brings CUDA with it (see README).
TORCH_INDEX ?=
BIN := .venv/bin
STAMP := .venv/.installed
export HEPSIEVE_CACHE ?= .cache/hepsieve
# The pins hold for the build of hepsieve itself too.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test test-cluster test-slurm test-tensorflow check bench clean

demo: $(STAMP)
	$(BIN)/hepsieve run higgs --jobs $$(nproc 2>/dev/null || echo 2)

# One thread per test process: the processes share the cores among them.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

# Workers, clusters and torchrun, started and killed: one test at a time.
test-cluster: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 -m cluster tests

# Jobs of a real Slurm on this machine, which the script starts (Debian, as root); elsewhere one line says why it can't.
test-slurm: $(STAMP)
	@tests/slurm/start_slurm.sh; status=$$?; if [ $$status -ne 0 ]; then [ $$status -eq 77 ]; exit; fi; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 -m slurm tests/slurm; status=$$?; \
	tests/slurm/stop_slurm.sh; exit $$status

# Keras on TensorFlow instead of PyTorch: one more gigabyte of packages, for one test.
test-tensorflow: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[tensorflow]'
	$(BIN)/python -m pytest -m tensorflow tests/train/test_tensorflow.py tests/models/test_spatial_on_tensorflow.py

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[bench]'
	$(BIN)/python -m bench

# One environment for everything, with pinned versions; made again when a pin or the project file changes.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check $(TORCH_INDEX:%=--index-url %) torch
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[all,dev]'
	touch $@

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
