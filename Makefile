# Everything here needs Python 3.11 or newer and make, and nothing else. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Any Python that is new enough makes the virtual environment.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$name; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
INPUTS := deploy/setup.py pyproject.toml requirements/run.lock requirements/uv.lock requirements/node.lock \
	package.json package-lock.json deploy/local/jars.lock.toml node_modules
DATA_DIR_OPTION := $(if $(DATA_DIR),--data-dir $(DATA_DIR))

# A browser, Prometheus's checker of rules, and a clock that can be set: fetched where there is none.
TOOLS_OF_TESTS = PLUT_CHROMIUM="$$($(BIN)/python -m deploy.local.chromium)" && export PLUT_CHROMIUM \
	&& PLUT_PROMTOOL="$$($(BIN)/python -m deploy.local.promtool)" && export PLUT_PROMTOOL \
	&& $(BIN)/python -m deploy.chaos.clock

.PHONY: help demo test test-containers test-compose check check-deploy lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  DATA_DIR=DIR runs the demo on another installation, ONCE=1 ends it after the proof."
	@echo "  The command line is $(BIN)/plut; \`$(BIN)/plut --help\` lists what it does."

demo: $(VENV)/.set-up-to-run ## start everything, let eight offices work, and prove that nothing is lost
	@$(BIN)/plut demo $(DATA_DIR_OPTION) $(if $(ONCE),--once)

test: $(VENV)/.set-up-to-test ## run every test; gets a browser if there is none
	@$(TOOLS_OF_TESTS) && $(BIN)/python -m tests.run $(ARGS)

test-containers: $(VENV)/.set-up-to-test ## run the same tests with Postgres and Kafka in containers
	@$(TOOLS_OF_TESTS) && PLUT_TEST_INFRASTRUCTURE=containers $(BIN)/python -m tests.run $(ARGS)

test-compose: $(VENV)/.set-up-to-test ## build the images, run them by Docker Compose, and the end-to-end tests against them
	@docker compose build
	@$(TOOLS_OF_TESTS) && PLUT_TEST_INSTALLATION=compose $(BIN)/python -m pytest tests/e2e/test_demo.py tests/e2e/test_overview_page.py tests/e2e/test_containers.py $(ARGS)

check: $(VENV)/.set-up-to-test ## lint, format, types, import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check-deploy: $(VENV)/.set-up-to-test ## check the Helm chart against Kubernetes' schemas; needs Go, which builds the tools once
	@$(BIN)/python -m deploy.helm.check

lock: $(VENV)/.set-up-to-test ## resolve all dependencies anew: Python, Kafka, browser
	@$(BIN)/python -m deploy.lock

clean: ## remove what set-up and tests made; data of installations stays
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find deploy services shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Nothing makes it but a set-up, which is due where it was taken away.
node_modules: ;

$(VENV)/.set-up-to-run: $(INPUTS)
	@$(PYTHON_OR_FAIL)
	@$(PYTHON) deploy/setup.py run
	@touch $@

$(VENV)/.set-up-to-test: $(INPUTS) requirements/dev.lock
	@$(PYTHON_OR_FAIL)
	@$(PYTHON) deploy/setup.py test
	@touch $@ $(VENV)/.set-up-to-run

PYTHON_OR_FAIL = test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found. Install it, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
