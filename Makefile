# `make` alone says what there is to do.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test quick soak run bench check format lock install uninstall clean

BIN := $(CURDIR)/.venv/bin
PYTEST := $(BIN)/python -m pytest
ARGS ?=

help: ## this list
	@echo 'netbootd: network boot beside the DHCP server you already have'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'Each does the set-up it needs by itself.'

demo: ## watch a virtual machine boot through netbootd (a minute)
	@.ci/setup python lab
	@$(BIN)/python -m tests.lab.demo $(ARGS)

test: ## every test, the firmware lab included (up to 20 minutes)
	@.ci/setup python lab
	$(PYTEST) -n 2 --dist worksteal -m 'not soak' $(ARGS)

quick: ## the tests that need no lab (under a minute)
	@.ci/setup python
	$(PYTEST) -q -n 2 --dist worksteal -m 'not lab and not system and not slow and not soak' $(ARGS)

soak: ## the long tests: fuzzing, storms, days compressed
	@.ci/setup python lab
	$(PYTEST) -o faulthandler_timeout=0 -m soak $(ARGS)

run: ## serve this machine's network; options: ARGS='-i eth0'
	@.ci/setup python run
	@if ((EUID == 0)); then exec $(BIN)/netbootd run $(ARGS); else exec sudo $(BIN)/netbootd run $(ARGS); fi

setup: ## only the set-up: .venv/, and Debian packages where it may
	@.ci/setup python run lab
	@echo 'setup: done; netbootd is $(BIN)/netbootd'

bench: ## the performance tables, side by side
	@.ci/setup python
	@for each in tests/bench/bench_*.py; do echo "== $$each"; $(BIN)/python $$each $(ARGS) || exit; echo; done

check: ## formatting, lint, types
	@.ci/setup python
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: ## put the source into its form
	@.ci/setup python
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## choose the newest libraries pyproject.toml allows
	@.ci/setup python
	@test -x .venv/lock/bin/uv || { $(BIN)/python -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv; }
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) --group dev pyproject.toml --constraint requirements.lock --output-file requirements-dev.lock

LOCK = .venv/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

# On a server: a copy of its own, run by systemd.
PREFIX ?= /opt/netbootd

install: ## as root: into /opt/netbootd, with systemd units; starts none
	@.ci/setup python run
	@.ci/install '$(PREFIX)'

uninstall: ## as root: take that away again; settings and state stay
	@.ci/install --remove '$(PREFIX)'

clean: ## take away .venv/ and what tests left
	rm -rf .venv .lab .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
