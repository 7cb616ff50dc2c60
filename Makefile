# What people call. `make help` lists it. Everything a bare Debian machine with Python 3.11, pip and apt lacks is
# brought by `setup` (for the service) and `setup-test` (for the tests); both are quick when nothing is missing.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTHON_FOUND := $(shell command -v $(PYTHON) 2>/dev/null || command -v python3)
WORKERS ?= 2
SEED ?= 1
UI := certsvc/web/ui
UI_SOURCES := $(shell find $(UI)/src certsvc/web/pages/static/js -type f) $(wildcard $(UI)/*.json $(UI)/*.ts $(UI)/npm.sh)
SCANS := tests/architecture/test_repository.py tests/architecture/test_licences.py tests/unit/test_sbom.py
BUILT := certsvc/web/built/manifest.json

.PHONY: help setup setup-test ui demo serve test test-full chaos test-fast check format audit bench openapi pictures gallery clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.stamp: requirements-dev.lock pyproject.toml
	$(PYTHON_FOUND) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# $(1): commands to look for, $(2): Debian packages that bring them
define need
	@for tool in $(1); do command -v $$tool >/dev/null || missing=1; done; \
	if [ -n "$$missing" ]; then \
	  echo "安装系统工具：$(2)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
	fi
endef

$(BUILT): $(UI_SOURCES) | $(VENV)/.stamp
	@echo "构建界面"
	@$(UI)/npm.sh $(BIN)/python run build -- --logLevel warn
	@touch $@

ui: $(BUILT) ## the pages built from TypeScript; brings Node where it is missing

setup: $(VENV)/.stamp $(BUILT) ## the virtual environment, pages, fonts and system tools
	$(call need,openssl qpdf pdfsig pdftoppm,openssl qpdf poppler-utils)
	@$(BIN)/python -m certsvc.rendering.font_setup .fonts

setup-test: setup ## what the tests need besides: Chromium and its Chinese font, a software HSM
	$(call need,chromium,chromium)
	$(call need,softhsm2-util,softhsm2)
	@fc-list 2>/dev/null | grep -q 'Noto Sans CJK' || { echo "安装中文字体"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends fontconfig fonts-noto-cjk >/dev/null; }

demo: setup ## the whole main job, end to end; files and report.json in var/demo
	@$(BIN)/certsvc demo --out var/demo

serve: setup ## the sandbox, for clicking
	@CERTSVC_PROFILE=sandbox $(BIN)/certsvc serve

test: setup-test ## the whole suite in one order; SEED=last, SEED=7 … shuffles it otherwise
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --randomly-seed=$(SEED)

test-full: setup-test ## the whole suite and what takes minutes: long random walks, every byte of a page changed
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -o addopts= -q --strict-markers --strict-config

chaos: setup-test ## faults at full counts (hours): databases restarted, processes killed, under load
	$(BIN)/pytest tests/chaos --chaos -o addopts= -q --strict-markers --strict-config

test-fast: setup-test ## units and architecture only
	$(BIN)/pytest -n $(WORKERS) tests/unit tests/architecture

check: $(VENV)/.stamp ## format, lint, types, arrows; secrets, personal data, licences, bill of materials
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest -q -p no:randomly -o addopts= $(SCANS)
	$(UI)/npm.sh $(BIN)/python run check

format: $(VENV)/.stamp ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(UI)/npm.sh $(BIN)/python run format

audit: $(VENV)/.stamp ## known holes of what the locks name; fails where it could not be audited
	$(BIN)/certsvc sbom --out var/sbom.cdx.json
	$(BIN)/python -m tests.audit

bench: setup ## the figures of docs/performance.md, one JSON line each
	@$(BIN)/certsvc bench

openapi: setup ## write openapi/ anew
	@$(BIN)/certsvc openapi

pictures: setup-test ## the README's pictures, from a running sandbox
	@$(BIN)/python -m tests.pictures docs/pictures

gallery: setup ## every type's sample page on one picture
	@$(BIN)/certsvc gallery

clean: ## what the service made at run time
	rm -rf var certsvc/web/built .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
