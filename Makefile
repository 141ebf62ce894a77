# Everything a person does with a checkout; `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.hepafed-installed
ROOMS := common server client deploy
TYPED := build/typing/hepafed
CONTRACTS := tests/contracts tests/server/coordinator
OLDEST_FLOWER := build/flower-oldest

# A folder with one subfolder of DICOM and labels.csv per site, instead of the phantom.
DEMO_DATA ?=
# A folder with labels.csv and exported key images of five sites.
DEMO_IMAGES ?= ../shared/data/images
PYTEST_ARGS ?=
# How many processes run the tests; one of them runs all whole federations (tests/conftest.py).
PROCESSES ?= 2
BENCH_ARGS ?= --quick
ROOM ?=
SAMPLE ?=
SEED ?= 1
DRAWS ?= 2000
CASES ?= 200

# Some wheels are several hundred megabytes.
export UV_HTTP_TIMEOUT ?= 300
# Other checkouts' settings must not reach into this one's environment.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: help setup demo demo-real test lint typing pytest contracts mutants cohorts chaos bench docs lock \
        clean
.DELETE_ON_ERROR:

help:
	@echo 'make setup      install everything into $(VENV)/ (Python 3.11 or newer is all it needs)'
	@echo 'make demo       a federation of five sites on this machine; reports under build/demo/'
	@echo '                (DEMO_DATA=DIR: your own DICOM and labels, a folder per site)'
	@echo 'make demo-real  the same on exported key images (DEMO_IMAGES=DIR)'
	@echo 'make test       lint, types, layers, tests, docs check, wheel'
	@echo 'make lint       ruff, mypy --strict, import-linter, deptry'
	@echo 'make contracts  what we rely on below Flower, on the oldest and the installed release'
	@echo 'make mutants    put faults into ROOM= (all rooms without), count those that tests notice'
	@echo '                (SAMPLE=, SEED=: how many and which; goes on where it was interrupted)'
	@echo 'make cohorts    random exports of five manufacturers (DRAWS=, SEED=): no channel a wrong stack'
	@echo 'make chaos      random faults in a running federation (CASES=, SEED=): the same weights, or a'
	@echo '                named stop; goes on where it was interrupted'
	@echo 'make bench      every script of benchmarks/ (BENCH_ARGS= for full size)'
	@echo 'make docs       write docs/cli.md and the generated tables of the guides anew'
	@echo 'make lock       resolve the dependencies of pyproject.toml anew'
	@echo 'make clean      remove build/ and caches (not $(VENV)/)'

setup: $(STAMP)

# pip installs only uv, the lock's own version held to the lock's own hashes; uv does the rest.
# An interrupted set-up goes on where it was; only without a working uv it begins anew.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'error: $(PYTHON) is missing or older than Python 3.11' >&2; \
	    echo 'hint: name a newer one: make setup PYTHON=python3.12' >&2; exit 2; }
	@$(BIN)/uv --version >/dev/null 2>&1 || { \
	    $(PYTHON) -m venv --clear $(VENV) && \
	    awk '/^uv==/ { on = 1 } on { print } on && /--hash/ && !/\\$$/ { exit }' \
	        requirements.lock > $(VENV)/uv.lock && \
	    $(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock; }
	$(BIN)/uv pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -m hepafed.deploy.demo.run $(if $(DEMO_DATA),--data '$(DEMO_DATA)')

demo-real: $(STAMP)
	@$(BIN)/python -m hepafed.deploy.demo.run --build build/demo-real --images '$(DEMO_IMAGES)'

test: lint pytest

# One thread a process for sums of numbers: more of them, in several processes, wait for each other.
pytest: export OMP_NUM_THREADS := 1
pytest: export OPENBLAS_NUM_THREADS := 1
pytest: $(STAMP)
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(STAMP) typing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=build/typing $(BIN)/mypy --explicit-package-bases $(TYPED)
	MYPYPATH=build/typing $(BIN)/mypy --explicit-package-bases docs/generate.py
	$(BIN)/lint-imports
	$(BIN)/deptry $(ROOMS)

# The rooms under the name they are imported by, for mypy.
typing:
	@mkdir -p $(TYPED)
	@for room in $(ROOMS); do ln -sfn ../../../$$room $(TYPED)/$$room; done

# The oldest Flower that pyproject.toml allows is laid beside the installed one, which comes second.
contracts: $(STAMP)
	rm -rf $(OLDEST_FLOWER)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --resolution lowest \
	    --target $(OLDEST_FLOWER) "$$(sed -n 's/^ *"\(flwr[^"]*\)".*/\1/p' pyproject.toml)"
	PYTHONPATH=$(OLDEST_FLOWER) $(BIN)/python -m pytest $(CONTRACTS)
	$(BIN)/python -m pytest $(CONTRACTS)

mutants: $(STAMP)
	$(BIN)/python -m tests.mutants.run $(ROOM) --seed $(SEED) $(if $(SAMPLE),--sample $(SAMPLE))

cohorts: $(STAMP)
	@$(BIN)/python -m tests.client.ingest.cohorts.run --draws $(DRAWS) --seed $(SEED)

chaos: $(STAMP)
	@$(BIN)/python -m tests.chaos.campaign --cases $(CASES) --seed $(SEED)

bench: $(STAMP)
	@set -e; for script in benchmarks/*.py; do \
	    echo "$$script"; $(BIN)/python "$$script" $(BENCH_ARGS); done

docs: $(STAMP)
	$(BIN)/python docs/generate.py

lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
	    --all-extras --python-version 3.11 --no-header --upgrade --quiet -o requirements.lock

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(ROOMS) tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
