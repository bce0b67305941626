# Every target sets up what it needs, once. Needs: Python 3.11+ with pip, make, a package registry.
PYTHON ?= python3
UV     := .tools/uv/bin/uv
BIN    := .venv/bin
export PATH := $(CURDIR)/.tools/uv/bin:$(CURDIR)/$(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help setup ready demo test quick check format bench clean pins

help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: ready     ## uv, Python 3.13, the rft command, the stand-in AWS
	@echo 'ready: export PATH="$(CURDIR)/.venv/bin:$(CURDIR)/.tools/uv/bin:$$PATH" gives you rft, sam and uv'

ready: .venv/.ready .tools/emulator/.ready .tools/lambda-runtime/.ready

$(UV): requirements/uv.txt
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Compiled here and now: where PYTHONDONTWRITEBYTECODE is set, each of a test run's hundreds of processes would do it anew.
INSTALL := $(UV) pip install --quiet --compile-bytecode --require-hashes

.venv/.ready: requirements/dev.txt pyproject.toml .python-version | $(UV)
	$(UV) venv --quiet --allow-existing .venv
	$(INSTALL) --python .venv -r requirements/dev.txt
	$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@

.tools/%/.ready: requirements/%.txt .python-version | $(UV)
	$(UV) venv --quiet --allow-existing .tools/$*
	$(INSTALL) --python .tools/$* -r requirements/$*.txt
	@touch $@

demo: ready      ## the whole way on this machine: dataset, training, deployment, message
	$(BIN)/rft demo

# HYPOTHESIS_PROFILE=thorough make test: the longest searches for a counterexample try all that they can, not a quarter.
test: ready      ## every test, the end-to-end ones on the local cloud included
	$(BIN)/pytest --numprocesses 3 --dist worksteal tests/unit tests/contract tests/template
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/local

quick: ready     ## the fast tests, for while you work
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m 'not thorough' tests/unit tests/template

check: ready     ## format, lint, types, architecture, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/sam validate --lint --template template.yaml
	$(BIN)/sam validate --lint --template stacks/code_tests.yaml
	$(BIN)/sam validate --lint --template stacks/symbolic_math.yaml
	$(BIN)/sam validate --lint --template stacks/observability.yaml

format: ready    ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: ready     ## what is measured, and against what
	$(BIN)/python -m benchmarks

clean:           ## stop the stand-in AWS, remove all that was made
	-[ ! -x $(BIN)/rft ] || $(BIN)/rft down
	rm -rf .local demo-reports .aws-sam .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make pins"
pins: $(UV)      ## compile every requirements file anew, with hashes
	$(COMPILE) --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --python-version 3.13 requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --python-version 3.13 -c requirements/dev.txt layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	$(COMPILE) --python-version 3.13 -c requirements/dev.txt layers/symbolic_math/requirements.in -o layers/symbolic_math/requirements.txt
	$(COMPILE) --python-version 3.13 requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) --python-version 3.13 requirements/lambda-runtime.in -o requirements/lambda-runtime.txt
