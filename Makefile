# Works with GNU make, git and a Python >= 3.12; nothing else is needed for `make up` and `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 8000
CONFIG ?= training/model.yaml
STAGE ?= dev
MINISTACK := build/ministack
CLIENTS := build/clients
V2_CLIENTS := build/v2-clients
PEERS := build/peers
MLFLOW_PORT ?= 5000
UV_VERSION := 0.13.8

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PYTHON := $(shell for candidate in python3.13 python3.12 python3.14 python3 python; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo "$$candidate"; break; }; done)

# Compiled packages start faster; the caller's Python settings must not interfere.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH VIRTUAL_ENV

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: $(VENV)/.main ## Train, publish, promote and serve on this machine (PORT=8000, CONFIG=training/model.yaml, RETRAIN=1)
	@exec $(BIN)/skylift up --port "$(PORT)" --config "$(CONFIG)" $(if $(RETRAIN),--retrain)

.PHONY: test
test: $(VENV)/.dev ## Run all tests that need no Docker (COVERAGE=1 also measures coverage)
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(if $(COVERAGE),--cov --cov-report=term)

.PHONY: e2e
e2e: engine $(VENV)/.dev $(MINISTACK)/.done $(CLIENTS)/.done $(V2_CLIENTS)/.done ## Build the image, run it as strictly as Lambda, deploy the stack to a local AWS, and run the pipeline by DVC (Docker; ten minutes)
	@$(BIN)/python -m pytest tests/e2e --exitfirst --verbose -p no:randomly -p no:cacheprovider

.PHONY: engine
engine:
	@docker info >/dev/null 2>&1 || { echo "error: make e2e needs Docker: install it and start its engine (on Debian, .ci/docker-engine.sh does both)" >&2; exit 1; }

# sam asks for a region if none is set, and verifies credentials with AWS if there are any: the linter needs neither.
sam_offline := env -u AWS_PROFILE AWS_DEFAULT_REGION=eu-central-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none \
	AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0
.PHONY: lint
lint: $(VENV)/.dev ## Check style, types, words, templates and workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tools.words
	@for template in template.yaml bootstrap.yaml; do \
		found=$$($(sam_offline) $(BIN)/sam validate --lint -t $$template 2>&1) || { echo "$$template: $$found" >&2; exit 1; }; done
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(BIN)/zizmor --offline --quiet .github

.PHONY: format
format: $(VENV)/.dev ## Fix style automatically
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.dev ## Compare with a plain service: build/bench.json, build/benchmarks/ (ten minutes; PUBLISH=1 updates the docs)
	@$(BIN)/python -m benchmarks$(if $(PUBLISH), && $(BIN)/python -m benchmarks.publish)
	@$(BIN)/python -m benchmarks.refusals$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.profiles$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.reasons$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.batch$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.workers$(if $(PUBLISH), --publish)

.PHONY: bench-models
bench-models: $(VENV)/.dev $(PEERS)/.made ## Train on twelve tables by default, beside peers: build/bench-models.json (half an hour; PUBLISH=1 updates the docs, TABLE=name)
	@$(BIN)/python -m benchmarks.model_choice$(if $(TABLE), --table $(TABLE))$(if $(PUBLISH), --publish)

$(PEERS)/.made: benchmarks/peers/requirements.txt requirements.txt | $(VENV)/.dev
	@$(UV) venv --quiet --clear --python $(BIN)/python $(PEERS)
	@$(UV) pip install --quiet --python $(PEERS)/bin/python -c requirements.txt -r $<
	@touch $@

.PHONY: simulate
simulate: $(VENV)/.dev ## Simulate fleets that read the pointer, a year of a model, and rollouts: build/benchmarks/ (minutes; PUBLISH=1 updates the docs)
	@$(BIN)/python -m benchmarks.fleet_report$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.accuracy_year$(if $(PUBLISH), --publish)
	@$(BIN)/python -m benchmarks.rollouts$(if $(PUBLISH), --publish)

.PHONY: calibrate
calibrate: $(VENV)/.dev ## Draw windows without drift and with it: build/benchmarks/drift.md (minutes; PUBLISH=1 updates the docs)
	@$(BIN)/python -m benchmarks.drift_report$(if $(PUBLISH), --publish)

.PHONY: audit
audit: $(VENV)/.dev ## Check all requirement files for known vulnerabilities (needs the network)
	@for file in $$(git ls-files '*requirements*.txt'); do \
		echo "$$file"; $(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off --timeout 30 -r "$$file" || exit 1; done

# The pinned sam comes first on the path.
deploying = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m deploy

.PHONY: package
package: $(VENV)/.dev ## Build a release, which goes to every stage, into build/release (needs Docker; PARAMS='Name=value', VERBOSE=1)
	@$(deploying) package --stage "$(STAGE)" $(foreach parameter,$(PARAMS),--set "$(parameter)")

.PHONY: deploy
deploy: $(VENV)/.dev ## Deploy to your AWS account (STAGE=dev, YES=1, PARAMS='Name=value', MODEL=keep, RELEASE=build/release, AFTER_ROLLBACK=1, VERBOSE=1)
	@$(deploying) up --stage "$(STAGE)" $(if $(YES),--yes) $(if $(RELEASE),--release "$(RELEASE)") \
		$(if $(MODEL),--model "$(MODEL)") $(if $(AFTER_ROLLBACK),--after-rollback) \
		$(foreach parameter,$(PARAMS),--set "$(parameter)")

.PHONY: tag
tag: ## Tag this commit as the release that its version and its changelog name
	@version=$$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' layers/skylift/version.py); \
	[ -z "$$(git status --porcelain)" ] || { echo "error: commit the changes first" >&2; exit 1; }; \
	grep -q "^## \[$$version\] - [0-9]" CHANGELOG.md || { echo "error: CHANGELOG.md has no date for $$version" >&2; exit 1; }; \
	git tag --annotate "v$$version" --message "Skylift $$version" && echo "Tagged; publish it: git push origin v$$version"

.PHONY: versions
versions: $(VENV)/.dev ## List the versions of the code with release and image (STAGE=dev)
	@$(deploying) versions --stage "$(STAGE)"

.PHONY: rollback-code
rollback-code: $(VENV)/.dev ## Give all requests to the version of the code before (STAGE=dev, YES=1, TO=7)
	@$(deploying) rollback-code --stage "$(STAGE)" $(if $(YES),--yes) $(if $(TO),--to "$(TO)")

.PHONY: smoke
smoke: $(VENV)/.dev ## Call the deployed API over HTTPS (STAGE=dev)
	@$(deploying) smoke --stage "$(STAGE)"

.PHONY: destroy
destroy: $(VENV)/.dev ## Delete the stack and list what is kept (STAGE=dev, YES=1)
	@$(deploying) down --stage "$(STAGE)" $(if $(YES),--yes)

.PHONY: mlflow
mlflow: $(VENV)/.dev ## Open tracked trainings in MLflow's UI (MLFLOW_PORT=5000)
	@case "$$MLFLOW_TRACKING_URI" in \
	http*) echo "Your MLflow server: $$MLFLOW_TRACKING_URI" && $(BIN)/python -m webbrowser "$$MLFLOW_TRACKING_URI" ;; \
	*) echo "MLflow: http://127.0.0.1:$(MLFLOW_PORT) (Ctrl-C stops it)" && MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true \
		exec $(BIN)/mlflow server --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" \
		--host 127.0.0.1 --port "$(MLFLOW_PORT)" --workers 1 ;; \
	esac

.PHONY: lock
lock: $(UV) ## Regenerate the lock files from pyproject.toml (UPGRADE=1 takes the newest releases)
	@lock() { $(UV) pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-annotate \
		--override requirements-overrides.txt --no-emit-index-url --quiet --custom-compile-command 'make lock' "$$@"; }; \
	lock $(if $(UPGRADE),--upgrade) --all-extras -o requirements-dev.txt; \
	lock -c requirements-dev.txt --extra inference --extra server --extra durable --extra training --extra local -o requirements.txt; \
	lock -c requirements-dev.txt --extra inference --extra server --extra durable -o functions/inference/requirements.txt; \
	lock -c requirements-dev.txt --extra training --extra durable --extra parquet -o training/requirements.txt; \
	lock -c requirements-dev.txt -o layers/requirements.txt; \
	echo "uv==$(UV_VERSION)" | $(UV) pip compile - --universal --python-version 3.12 --generate-hashes --no-annotate \
		--no-emit-index-url --quiet --custom-compile-command 'make lock' -o requirements-uv.txt; \
	for folder in offline clients v2_clients; do \
		$(UV) pip compile "tests/e2e/$$folder/requirements.in" --universal --python-version 3.12 --generate-hashes --no-annotate \
			--no-emit-index-url --quiet --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) \
			-o "tests/e2e/$$folder/requirements.txt"; done
	@$(MAKE) --no-print-directory $(VENV)/.dev && $(BIN)/python -m tools.botocore_data

.PHONY: clean
clean: ## Remove everything that the other targets made
	@rm -rf $(VENV) build .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(UV):
	@[ -n "$(PYTHON)" ] || { echo "error: no Python >= 3.12 found: install one, or name it: make up PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(VENV) could not be made: is there room on the disk, and is Python's venv module installed (Debian: apt install python3-venv)?" >&2; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-uv.txt || { rm -rf $(VENV); echo "error: uv could not be installed: is there room on the disk, and is the package registry reachable?" >&2; exit 1; }

# A lock file is complete, and requirements-overrides.txt replaces what a package asks for: nothing is resolved again.
install = $(UV) pip install --quiet --python $(VENV) --compile-bytecode
$(VENV)/.main: requirements.txt pyproject.toml layers/skylift/version.py $(UV)
$(VENV)/.dev: requirements-dev.txt pyproject.toml layers/skylift/version.py $(UV)
$(VENV)/.main $(VENV)/.dev:
	@echo "Installing $<"
	@$(install) --no-deps --require-hashes -r $< && $(install) --no-deps --no-build-isolation -e . \
		|| { echo "error: $< could not be installed: is there room on the disk, and is the package registry reachable?" >&2; exit 1; }
	@touch $@

# The local AWS and aws-sam-cli pin different versions, and so do clients and tools that ask the API: they have their own
# environments.
$(MINISTACK)/.done: tests/e2e/offline/requirements.txt $(UV)
$(CLIENTS)/.done: tests/e2e/clients/requirements.txt $(UV)
$(V2_CLIENTS)/.done: tests/e2e/v2_clients/requirements.txt $(UV)
$(MINISTACK)/.done $(CLIENTS)/.done $(V2_CLIENTS)/.done:
	@echo "Installing $<"
	@$(UV) venv --quiet --clear --python $(BIN)/python $(@D) \
		&& $(UV) pip install --quiet --python $(@D) --compile-bytecode --require-hashes -r $< \
		|| { echo "error: $< could not be installed: is there room on the disk, and is the package registry reachable?" >&2; exit 1; }
	@touch $@
