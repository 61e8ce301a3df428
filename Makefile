# One front door. `make demo` and `make test` start from nothing: Python 3.11+, make, git and Node.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

.PHONY: setup demo test adult fast check docs bench lock system clean

setup: $(STAMP) src/arengo/portal/static/vendor/.stamp  ## everything a developer needs, in .venv

$(STAMP): requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

src/arengo/portal/static/vendor/.stamp: web/package-lock.json web/collect.mjs
	cd web && npm ci --silent && node collect.mjs
	touch $@

demo: setup  ## a made-up city, from nothing, served
	$(BIN)/arengo demo --dir demo-city

system:  ## packages of the operating system that the slow tests use
	sh scripts/system.sh
	PYTHON=$(PYTHON) sh scripts/spark.sh

adult:  ## the Adult census data, with which the search is compared with ARX's published optima
	PYTHON=$(PYTHON) sh scripts/adult.sh

test: setup system  ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadscope

fast: setup  ## tests of under a minute
	$(BIN)/python -m pytest -n 2 -m "not slow"

check: setup  ## style, types, imports, words
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## the documentation site in site/
	$(BIN)/python scripts/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: setup  ## the workloads of bench/README.md, printed as ratios
	$(BIN)/python -m bench

lock:  ## pin every dependency with its hashes, no registry named
	sh scripts/lock.sh

clean:
	rm -rf $(VENV) .venv-spark site dist build demo-city web/node_modules src/arengo/portal/static/vendor
