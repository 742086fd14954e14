# Everything is installed into .venv and one cache folder: LOGSCAN_CACHE, by default logscan in the user's cache directory.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE := $(or $(LOGSCAN_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/logscan)
UV := UV_CACHE_DIR=$(CACHE)/uv $(BIN)/uv
PACKAGES := crds scanner-job/engine operator scanner-job terraform/forwarder tools local/embedded cli
SOURCES := $(addsuffix /src,$(PACKAGES))
# Folders with tests; terraform is not a package.
SUITES := $(PACKAGES) terraform
TESTS := $(addsuffix /tests,$(SUITES))
# The scan engine. Cargo's build files stay in the crate's folder and are shared by tests, wheels and this environment.
CRATE := scanner-job/engine/rust
NATIVE := $(addprefix $(CRATE)/,Cargo.toml Cargo.lock .cargo/config.toml) $(shell find $(CRATE)/src -type f)
RUST_VERSION := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' $(CRATE)/Cargo.toml)
CARGO_HELP := The scan engine needs Rust $(RUST_VERSION) or newer: see https://rustup.rs
CHECKOV := .venv-checkov/.ready
RELEASE := .venv-release/.ready
SITE := .venv-docs/.ready
READY := $(VENV)/.ready
# Pages with tables that follow from the code.
TABLES := $(addprefix docs/,$(addsuffix .md,exit-codes notifications operations reasons records rules))
# Pages with parts that follow from the commands of kubectl logscan.
COMMANDS := docs/cli.md docs/exit-codes.md
STACK ?= default
LOG ?=
# How pods run: `process`, or `docker` for containers of the images built by `make images`.
RUNTIME ?=
RUN_BY = $(if $(RUNTIME),--runtime $(RUNTIME)) $(if $(TAG),--tag $(TAG))

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# Parts of `make up` and `make demo`.
.PHONY: prerequisites installed environments programs

prerequisites:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON, such as make PYTHON=python3.12")'
	@command -v cargo >/dev/null || { echo "$(CARGO_HELP)" >&2; exit 1; }

$(READY): bootstrap.lock requirements.lock pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES)) $(NATIVE)
	@$(MAKE) --no-print-directory prerequisites
	@echo "installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix --editable ,$(PACKAGES))
	@touch $@

# checkov needs other versions of our dependencies, so it has its own environment.
$(CHECKOV): terraform/tests/checkov.lock $(READY)
	@echo "installing checkov into $(dir $@) ..."
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(dir $@)
	@$(UV) pip sync --quiet --python $(dir $@)bin/python --require-hashes terraform/tests/checkov.lock
	@touch $@

# zig links the engine for several architectures; the library of CycloneDX judges bills of materials, and would slow down
# each start of a process in .venv, since jsonschema imports its parts.
$(RELEASE): tools/images/release.lock $(READY)
	@echo "installing release tools into $(dir $@) ..."
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(dir $@)
	@$(UV) pip sync --quiet --python $(dir $@)bin/python --require-hashes tools/images/release.lock
	@touch $@

# The generator of the site brings a Markdown library of its own, which nothing else needs.
$(SITE): tools/site.lock $(READY)
	@echo "installing the site's generator into $(dir $@) ..."
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(dir $@)
	@$(UV) pip sync --quiet --python $(dir $@)bin/python --require-hashes tools/site.lock
	@touch $@

setup: $(READY) $(CHECKOV) ## Install everything needed for development

# At the first start, programs are built beside the installation of packages and the compilation of the engine.
FIRST := $(if $(wildcard $(CACHE)/environments),,environments)
installed: prerequisites
	@$(MAKE) --no-print-directory --jobs=2 programs $(READY) $(if $(filter docker,$(RUNTIME)),,$(FIRST))

environments: $(READY)
	@$(BIN)/logscan-local environments

programs: ## Find, download or build the programs of the control plane
	@PYTHONPATH=tools/src $(PYTHON) -m logscan_tools.binaries control-plane >/dev/null

up: installed ## Start the embedded stack (RUNTIME=docker runs pods in containers)
	@$(BIN)/logscan-local --stack $(STACK) up $(RUN_BY)

down: $(READY) ## Stop the embedded stack and delete its files
	@$(BIN)/logscan-local --stack $(STACK) down

status: $(READY) ## Show the processes of the embedded stack
	@$(BIN)/logscan-local --stack $(STACK) status

demo: installed ## Upload logs and watch their scans (LOG=/path adds one of yours; RUNTIME=docker)
	@$(BIN)/logscan-local --stack $(STACK) demo $(RUN_BY) $(if $(LOG),--log "$(LOG)")

generate: $(READY) ## Write the generated files
	$(BIN)/python -m logscan_api.crds crds
	$(BIN)/python -m logscan_api.tables $(TABLES)
	$(BIN)/python -m logscan_operator.settings_table docs/settings.md manifests/chart/values.schema.json
	$(BIN)/python -m logscan_operator.metrics_table docs/metrics.md
	$(BIN)/python -m kubectl_logscan.reference $(COMMANDS)
	$(BIN)/python -m logscan_tools.chartreadme
	$(BIN)/python -m logscan_tools.dashboard
	$(BIN)/python -m logscan_tools.manifests
	$(BIN)/python -m logscan_tools.site.plots
	$(BIN)/python -m logscan_tools.terraform.archive
	$(BIN)/python -m logscan_tools.terraform.provider
	$(BIN)/python -m logscan_tools.terraform.readme

secrets: $(READY) ## Write the expressions of secrets from the rules of gitleaks, which Go fetches
	$(BIN)/python -m logscan_tools.secrets

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd $(CRATE) && cargo fmt

lint: $(READY) ## Check format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/shellcheck -x local/kind/*.sh local/embedded/demo tools/base-image tools/engine-up tools/release .ci/run
	$(BIN)/mypy $(SOURCES) scanner-job/engine/oracle benchmarks local/kind
	MYPYPATH=tools/images/checks $(BIN)/mypy tools/images/trim.py tools/images/checks
	@for tests in $(TESTS); do echo "mypy $$tests"; MYPYPATH=$$tests $(BIN)/mypy $$tests; done
	$(BIN)/lint-imports
	cd $(CRATE) && cargo fmt --check
	cd $(CRATE) && cargo clippy --quiet --locked --all-targets --features python -- -D warnings

drift: $(READY) ## Check that generated files are up to date
	$(BIN)/python -m logscan_api.crds --check crds
	$(BIN)/python -m logscan_api.tables --check $(TABLES)
	$(BIN)/python -m logscan_operator.settings_table --check docs/settings.md manifests/chart/values.schema.json
	$(BIN)/python -m logscan_operator.metrics_table --check docs/metrics.md
	$(BIN)/python -m kubectl_logscan.reference --check $(COMMANDS)
	$(BIN)/python -m logscan_tools.chartreadme --check
	$(BIN)/python -m logscan_tools.dashboard --check
	$(BIN)/python -m logscan_tools.manifests --check
	$(BIN)/python -m logscan_tools.site.plots --check
	$(BIN)/python -m logscan_tools.terraform.archive --check
	$(BIN)/python -m logscan_tools.terraform.provider --check
	$(BIN)/python -m logscan_tools.terraform.readme --check

# One pytest process per package, since the folder `operator` must never become a module (see CONTRIBUTING.md).
PYTEST = --rootdir=$$package -c tools/pytest.ini -q $$package/tests
# $(call suites,TITLE,COMMAND): run a command for the tests of each package, two at a time, the longest first. The output
# of each is shown when it has finished.
suites = @printf '%s\n' operator $(filter-out operator,$(SUITES)) | xargs -P 2 -I {} bash -c 'package={}; \
	  output=$$($(2) $(PYTEST) 2>&1); status=$$?; printf "== %s: $(1)\n%s\n" "$$package" "$$output"; exit $$status'

crate: $(READY) ## Run the tests of the engine's crate
	@echo "== $(CRATE): all tests"
	@cd $(CRATE) && cargo test --quiet --locked

unit: crate ## Run the unit tests, which need no network and no server
	$(call suites,unit tests,$(BIN)/python -m pytest -m "not controlplane and not emulator and not stack and not stress and not tools and not engine")

PACKAGE ?= $(error set PACKAGE to one of: $(SUITES))

tests: $(READY) ## Run the tests of one package (PACKAGE=operator ARGS="-k name -x")
	$(BIN)/python -m pytest --rootdir=$(PACKAGE) -c tools/pytest.ini $(PACKAGE)/tests $(ARGS)

check: lint drift unit ## Run lint, drift and unit: everything that needs no server

# All tests, measuring coverage; `coverage` combines the files of the processes. One package after the other: two stacks
# on two cores lose leases of three seconds. A failure does not keep the others from running. It prints the
# slowest tests of each, to see where the time goes.
tiers: $(READY) $(CHECKOV) $(RELEASE) $(SITE)
	@rm -f .coverage .coverage.*
	@failed=; for package in $(SUITES); do \
	  echo "== $$package: all tests"; \
	  COVERAGE_FILE=$(CURDIR)/.coverage.$${package//\//-} $(BIN)/coverage run --rcfile=pyproject.toml \
	    -m pytest --durations=8 --durations-min=10 $(PYTEST) || failed+=" $$package"; \
	done; \
	if [ "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

coverage: $(READY)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --fail-under=90

# `tiers` runs the unit tests too: not `check`, which would run them twice.
test: lint drift crate tiers coverage ## Run everything that one machine can test

ORACLE = PYTHONPATH=scanner-job/engine $(BIN)/python -m oracle
SEED ?= 1

test-logs: $(READY) ## Compare the engine's counts with grep -P on your logs (LOGS=DIR RULES=300 SEED=1)
	$(ORACLE) logs "$(or $(LOGS),$(error set LOGS=DIR, a folder of log files))" --seed $(SEED) $(if $(RULES),--rules $(RULES))

fuzz: $(READY) ## Compare counts on random rules and lines until one differs (SEED=1 RULES=n)
	$(ORACLE) fuzz --seed $(SEED) $(if $(RULES),--rules $(RULES))

ARM64 := CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU
arm64-test: ## Test the engine on arm64 by qemu-user (Debian: qemu-user, gcc-aarch64-linux-gnu; rustup target add)
	cd $(CRATE) && CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc $(ARM64)_LINKER=aarch64-linux-gnu-gcc \
	  $(ARM64)_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" cargo test --locked --target aarch64-unknown-linux-gnu --lib

engine: ## Start a Docker engine on a Debian machine that has none (as root)
	@tools/engine-up

images: $(READY) ## Build both images with docker, podman or buildah (TAG= BASE= RUST= PLATFORM=; BASE=local builds the base too)
	@$(BIN)/python -m logscan_tools.imagebuild $(if $(TAG),--tag $(TAG)) $(if $(BASE),--base $(BASE)) \
	  $(if $(RUST),--rust $(RUST)) $(if $(PLATFORM),--platform $(PLATFORM))

.PHONY: demo-image demo-check
demo-image: $(READY) ## Build the image of the demo, which needs nothing but Docker (TAG= BASE= RUST= PLATFORM=)
	@$(BIN)/python -m logscan_tools.imagebuild --demo $(if $(TAG),--tag $(TAG)) $(if $(BASE),--base $(BASE)) \
	  $(if $(RUST),--rust $(RUST)) $(if $(PLATFORM),--platform $(PLATFORM))

demo-check: demo-image ## Build the image of the demo, and run it without network and capabilities
	docker run --rm --network=none --cap-drop=ALL --security-opt=no-new-privileges \
	  logscan-demo:$(or $(TAG),$(shell $(BIN)/python -c 'from logscan_tools import version; print(version.current())'))

images-check: $(READY) ## Build the images, start the operator in a container and measure it (as root, with Docker)
	@$(BIN)/python -m logscan_local.testkit.imagecheck $(if $(TAG),--tag $(TAG)) $(if $(BASE),--base $(BASE))

containers-test: $(READY) ## Test the node and the pipeline with pods in containers (TAG=...)
	LOGSCAN_TEST_RUNTIME=docker $(if $(TAG),LOGSCAN_TEST_TAG=$(TAG)) $(BIN)/python -m pytest --rootdir=local/embedded \
	  -c tools/pytest.ini -q $(addprefix local/embedded/tests/test_,node.py node_lifecycle.py node_engine.py end_to_end.py)

docs: $(SITE) ## Build the documentation's site into dist/docs/site (SOURCE=address of the repository)
	@$(BIN)/python -m logscan_tools.site $(if $(SOURCE),--source $(SOURCE))

diagrams: $(READY) ## Draw the diagrams of the documentation that have changed (needs Node.js and Chromium)
	@$(BIN)/python -m logscan_tools.site.diagrams

pictures: $(READY) ## Draw the pictures of a terminal and of the dashboard's panels (needs the AWS CLI and Prometheus; 5 minutes)
	@$(BIN)/python -m logscan_local.pictures

release-tools: $(RELEASE) ## Install what a release needs besides

release-rehearsal: $(RELEASE) ## Make a release against a registry on this machine, and install it from there (as root, with Docker)
	@$(BIN)/python -m logscan_local.testkit.rehearsal $(if $(BASE),--base $(BASE))

# Versions of Kubernetes other than the pinned one are downloaded: LOGSCAN_KUBERNETES_VERSION=v1.34.4.
nightly: $(READY) ## Test CRDs, chart, operator and pipeline on one version of Kubernetes (LOGSCAN_KUBERNETES_VERSION=)
	$(BIN)/python -m pytest --rootdir=local/embedded -c tools/pytest.ini -q -m "controlplane or stack" \
	  $(addprefix local/embedded/tests/test_,crds.py chart.py release.py end_to_end.py rights.py)
	$(BIN)/python -m pytest --rootdir=operator -c tools/pytest.ini -q -m controlplane operator/tests

AUDIT := .venv-audit/bin/pip-audit
AUDITED := $(filter-out %/audit.lock,$(shell git ls-files '*.lock' ':!*Cargo.lock' ':!*/tests/*'))

audit: ## Look for known vulnerabilities in all locked Python packages, in the database of PyPI
	@test -x $(AUDIT) || { $(PYTHON) -m venv .venv-audit && \
	  .venv-audit/bin/python -m pip install --quiet --require-hashes --requirement tools/images/audit.lock; }
	@for lock in $(AUDITED); do echo "== $$lock"; $(AUDIT) --progress-spinner=off --disable-pip --require-hashes --requirement "$$lock"; done

kind-up: $(READY) ## Create a kind cluster with LocalStack and logscan (with Docker)
	@local/kind/up.sh

kind-demo: $(READY) ## Upload a log to the kind cluster and show the result (LOG=/path)
	@local/kind/demo.sh

kind-test: $(READY) ## Run the end-to-end tests on the kind cluster
	@local/kind/test.sh

kind-rehearsal: $(READY) ## Run the end-to-end tests on the embedded stack, with the upload path of kind
	LOGSCAN_TEST_BRIDGED=true $(BIN)/python -m pytest --rootdir=local/embedded -c tools/pytest.ini \
	  -q local/embedded/tests/test_end_to_end.py

kind-down: ## Delete the kind cluster
	@local/kind/down.sh

bench-operator: $(READY) ## Measure the operator and a plain kopf operator (about 25 minutes)
	$(BIN)/python benchmarks/bench_operator.py
	LOGSCAN_TEST_MESSAGES=1000 $(BIN)/python -m pytest --rootdir=operator -c tools/pytest.ini operator/tests \
		-k duplicates_and_kills

chaos: $(READY) ## Kill, cut off and overload the operator, and print what docs/reliability.md shows (about 20 minutes)
	LOGSCAN_TEST_CHAOS=full $(BIN)/python -m pytest --rootdir=operator -c tools/pytest.ini -q operator/tests/test_chaos.py
	LOGSCAN_TEST_CHAOS=full $(BIN)/python -m pytest --rootdir=local/embedded -c tools/pytest.ini -q \
	  local/embedded/tests/test_end_to_end_backfill_chaos.py
	$(BIN)/python benchmarks/bench_operator.py --only hostile

soak: $(READY) ## Run a steady load and watch memory and calls (MINUTES=30)
	$(BIN)/python benchmarks/bench_operator.py --only soak --minutes $(or $(MINUTES),30)

LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	--no-annotate

# What the tools need, and not the stack.
NOT_IN_DEMO := $(addprefix --no-emit-package ,grafana-foundation-sdk hypothesis sortedcontainers pytest pluggy iniconfig python-hcl2 lark regex)

bump: $(READY) ## Set the version in every file (VERSION=1.2.3)
	$(BIN)/python -m logscan_tools.version "$(or $(VERSION),$(error set VERSION, such as VERSION=1.2.3))"
	@$(MAKE) --no-print-directory setup generate

lock: $(READY) ## Pin the dependencies
	$(LOCK) $(addprefix --no-emit-package logscan-,api engine operator scanner tools) \
	  $(addsuffix /pyproject.toml,$(PACKAGES)) --group pyproject.toml:dev --output-file requirements.lock
	@for image in operator scanner-job; do $(LOCK) $(addprefix --no-emit-package logscan-,api engine) \
	  --constraint requirements.lock crds/pyproject.toml scanner-job/engine/pyproject.toml $$image/pyproject.toml --output-file $$image/image.lock; done
	$(LOCK) $(addprefix --no-emit-package logscan-,api engine scanner) --constraint requirements.lock \
	  $(addsuffix /pyproject.toml,crds scanner-job/engine scanner-job cli) --output-file cli/plugin.lock
	$(LOCK) $(addprefix --no-emit-package logscan-,api tools) $(NOT_IN_DEMO) --constraint requirements.lock \
	  $(addsuffix /pyproject.toml,crds tools local/embedded) --output-file local/embedded/image.lock
	printf 'cyclonedx-python-lib[json-validation]\nziglang\n' | $(LOCK) - --output-file tools/images/release.lock
	echo pip-audit | $(LOCK) - --output-file tools/images/audit.lock
	echo zensical | $(LOCK) - --output-file tools/site.lock
	printf 'editables\nhatchling\nmaturin\n' | $(LOCK) --constraint requirements.lock - --output-file tools/images/build.lock
	echo checkov | $(LOCK) - --output-file terraform/tests/checkov.lock

bench-scanner: $(READY) ## Measure the scanner and rg (about 20 minutes; ARGS="--log FILE --before PYTHON --megabytes 60")
	$(BIN)/python benchmarks/bench_scanner.py $(ARGS)

bench-backfill: $(READY) ## Measure 10,000 small objects under a prefix on an embedded stack, and a download with zgrep (about 10 minutes)
	$(BIN)/python benchmarks/bench_backfill.py $(ARGS)

bench-batches: $(READY) ## Measure a batch of 10,000 small objects, and a download with zgrep (about 10 minutes)
	$(BIN)/python benchmarks/bench_batches.py $(ARGS)

clean: ## Delete everything that was installed into this clone
	rm -rf $(VENV) $(dir $(CHECKOV)) $(dir $(RELEASE)) $(dir $(SITE)) .venv-audit dist $(CRATE)/target .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: audit docs diagrams pictures nightly release-tools release-rehearsal arm64-test bump crate secrets help setup up down status demo generate format lint drift unit check tests tiers coverage test test-logs fuzz engine images images-check containers-test kind-up kind-demo kind-test kind-rehearsal kind-down bench-operator bench-scanner bench-backfill bench-batches chaos soak lock clean
