# Each target does all it needs; the first run builds .venv, later runs find it.

.PHONY: help demo test test-directories test-voice test-kannel measure-outage check format bench fuzz docs clean
.DEFAULT_GOAL := help
.SILENT:

BIN := .venv/bin
CODE := src tests $(wildcard bench)
FUZZ_CASES ?= 1000000
DATABASE ?= sqlite
FUZZERS = $(filter-out __init__,$(basename $(notdir $(wildcard tests/fuzz/*.py))))
# Most tests wait for sockets and processes: one worker more than cores keeps the cores busy.
PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(nproc) + 1)
export PYTHON FUZZ_CASES PYTEST_XDIST_AUTO_NUM_WORKERS

help: ## this list
	sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

demo: ## a running server with a demo user, in a minute; DATABASE=postgresql: two
	dev/bootstrap $(if $(filter postgresql,$(DATABASE)),demo-postgresql,demo)
	exec $(BIN)/vestibule demo --database $(DATABASE)

test: ## everything that must hold: what check says, and all tests
	dev/bootstrap packages
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

test-directories: ## journeys against real directories: OpenLDAP, Samba, FreeRADIUS, radsecproxy
	dev/bootstrap packages
	dev/bootstrap dev
	$(BIN)/pytest -m directories -n auto $(PYTEST_ARGS)

test-kannel: ## texts through a real Kannel, over SMPP to a message centre of our own
	dev/bootstrap packages
	dev/bootstrap dev
	$(BIN)/pytest -m kannel $(PYTEST_ARGS)

test-voice: ## calls through a real Asterisk, which it unpacks (root, 700 MB), to a telephone of the tests
	dev/bootstrap packages
	dev/asterisk
	dev/bootstrap dev
	VESTIBULE_VOICE=1 $(BIN)/pytest -m voice tests/voice $(PYTEST_ARGS)

check: ## the fast part: format, lint, types, imports
	dev/bootstrap dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

format: ## put the code into its format and mend what ruff can mend
	dev/bootstrap dev
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

measure-outage: ## what others wait while a directory hangs or is gone, for a minute each
	dev/bootstrap packages
	dev/bootstrap dev
	VESTIBULE_OUTAGE_SECONDS=60 $(BIN)/pytest -n 0 -s -k waits_longer tests/journeys/test_directory_outage.py

bench: ## logins per second and what they cost, with baselines
	dev/bootstrap dev
	exec $(BIN)/python -m bench $(BENCH_ARGS)

fuzz: ## each parser against FUZZ_CASES (a million) broken inputs
	dev/bootstrap dev
	set -e; for name in $(FUZZERS); do $(BIN)/python -m tests.fuzz.$$name; done

docs: ## the documentation site, into site/
	dev/bootstrap docs
	$(BIN)/zensical build --clean --strict

clean: ## forget what was built; a demo's data stays
	rm -rf .venv .tools site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
