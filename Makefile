# Every target sets up what it needs, once. Needs: Python 3.11+ with pip, make, a package registry.
PYTHON ?= python3
UV     := .tools/uv/bin/uv
BIN    := .venv/bin
export PATH := $(CURDIR)/.tools/uv/bin:$(CURDIR)/$(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0
# Empty is as good as not set: else each of a test run's many processes would compile all modules and tests anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup ready demo test quick check format bench clean pins sbom audit

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

# What only `make check` and some tests need, so that the demo does without.
SCANNERS := .tools/checkov/.ready .tools/security/.ready

demo: ready      ## the whole way on this machine: dataset, training, deployment, message
	$(BIN)/rft demo

# HYPOTHESIS_PROFILE=thorough make test: the longest searches for a counterexample try all that they can, not a quarter.
# What every function called in the end-to-end tests is left in .calls, which the roles are held against at last. Of those tests
# the files that take longest come first, so that all three clouds are busy to the end. Named beside its files, the folder would
# put them in order of the alphabet. Planted defects are tried by `make check`.
LONGEST := $(patsubst %,tests/local/test_%.py,demo models doors failures graders canary leaving seldom logs)
ON_CLOUDS := $(LONGEST) $(filter-out $(LONGEST),$(sort $(wildcard tests/local/test_*.py)))
test: ready $(SCANNERS) ## every test, the end-to-end ones on the local cloud included
	rm -rf .calls
	$(BIN)/pytest --numprocesses 3 --dist worksteal --ignore tests/template/planting tests/template tests/unit tests/contract
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ON_CLOUDS)
	$(BIN)/pytest tests/privilege

quick: ready     ## the fast tests, for while you work
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m 'not thorough' tests/unit tests/template

check: ready $(SCANNERS) ## format, lint, types, architecture, templates, security
	@$(MAKE) --no-print-directory --keep-going --jobs 2 $(CHECKS)

TEMPLATES := template.yaml $(wildcard stacks/*.yaml)
CHECKS    := planted checkov types templates $(TEMPLATES:%=valid/%) style weaknesses architecture workflows
.PHONY: $(CHECKS)

style:
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types:
	$(BIN)/mypy
	$(BIN)/mypy requirements/sbom.py tests/supply_chain.py tests/iam tests/privilege tests/template

architecture:
	$(BIN)/lint-imports --no-logo

# The templates as they are written, each under cfn-lint's rules for SAM.
$(TEMPLATES:%=valid/%): valid/%:
	$(BIN)/sam validate --lint --template $*

# The templates as CloudFormation gets them: SAM writes roles, permissions and policies that nobody wrote, and both tools
# see more of plain CloudFormation. I3510 is a resource that doesn't fit its action, a right that looks like one.
TRANSLATED := .cache/translated
templates: translated
	$(BIN)/cfn-lint --include-checks I3510 -- $(TRANSLATED)/*.json

checkov: translated # --skip-download: it would ask its makers' servers, and print a traceback where it can't
	LOG_LEVEL=ERROR .tools/checkov/bin/checkov --config-file .checkov.yaml --directory $(TRANSLATED) --quiet --compact

.PHONY: translated
translated:
	@$(BIN)/python -m tests.template.translation $(TRANSLATED)

weaknesses:
	.tools/security/bin/bandit --quiet --configfile pyproject.toml --recursive functions layers/rft cli local

# Defects put into the templates, the state machine, the code and the workflows: each is found by one of these gates.
planted:
	$(BIN)/pytest tests/template/planting

workflows:
	.tools/security/bin/zizmor --offline --quiet --no-progress --persona auditor .github/workflows

format: ready    ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sbom: ready .tools/security/.ready ## what the functions ship and what builds them, part by part (CycloneDX, in sbom/)
	$(BIN)/python requirements/sbom.py sbom

audit: .tools/security/.ready ## known weaknesses of the pinned packages; asks the package index
	@for file in requirements/*.txt layers/*/requirements.txt; do echo "$$file" && \
	  .tools/security/bin/pip-audit --strict --progress-spinner off --require-hashes --disable-pip --requirement "$$file" || exit 1; done

bench: ready     ## what is measured, and against what
	$(BIN)/python -m benchmarks

clean:           ## stop the stand-in AWS, remove all that was made
	-[ ! -x $(BIN)/rft ] || $(BIN)/rft down
	rm -rf .local .cache .calls sbom demo-reports .aws-sam .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make pins"
pins: $(UV)      ## compile every requirements file anew, with hashes
	$(COMPILE) --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --python-version 3.13 requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --python-version 3.13 -c requirements/dev.txt layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	$(COMPILE) --python-version 3.13 -c requirements/dev.txt layers/symbolic_math/requirements.in -o layers/symbolic_math/requirements.txt
	$(COMPILE) --python-version 3.13 requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) --python-version 3.13 requirements/lambda-runtime.in -o requirements/lambda-runtime.txt
	$(COMPILE) --python-version 3.13 requirements/checkov.in -o requirements/checkov.txt
	$(COMPILE) --python-version 3.13 requirements/security.in -o requirements/security.txt
