# What one does with a checkout. Needs a Python of 3.11 or newer; everything else is put into .venv, or said in one line.
# `make` alone lists the targets.

SHELL := /bin/sh
PYTHON := .venv/bin/python
LOCK := requirements-dev.lock
# named by what it was made from, so that a changed lock makes the environment again and nothing else does
ENVIRONMENT := .venv/.sluice-$(shell cat $(LOCK) pyproject.toml 2>/dev/null | cksum | tr ' ' '-')
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check
LOCAL_KAFKA := 127.0.0.1:19092

# onnxruntime sends events to its makers unless it is told not to before it is loaded
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help env demo test check bench model run topics kafka-up kafka-down lock schemas image-lint image-size accept clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

env: $(ENVIRONMENT) ## make the environment (.venv) from the lock, as the other targets do when it is missing

$(ENVIRONMENT):
	@if ! $(PYTHON) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  for python in python3.13 python3.12 python3.11 python3; do \
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      rm -rf .venv && exec $$python -m venv .venv; \
	    fi; \
	  done; \
	  echo "sluice: needs Python 3.11 or newer with venv: install it (Debian, Ubuntu: apt-get install python3 python3-venv)" >&2; \
	  exit 2; \
	fi
	@echo "sluice: making the environment in .venv (once a lock; a minute or two)"
	@$(PIP) install --require-hashes --only-binary :all: -r $(LOCK)
	@# the checkout itself, in place: its folder on the path and the command, without a build
	@$(PYTHON) -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "sluice.pth").write_text("$(CURDIR)\n")'
	@printf '#!/bin/sh\nexec "$(CURDIR)/$(PYTHON)" -m service "$$@"\n' >.venv/bin/sluice && chmod +x .venv/bin/sluice
	@rm -f .venv/.sluice-* && touch $@

demo: $(ENVIRONMENT) ## show it: ads in, decisions out, on an embedded broker; Python alone, under a minute (DEMO_HOLD=1 stays)
	@$(PYTHON) -m service demo

test: $(ENVIRONMENT) ## run every test, with a real Apache Kafka (needs Java 17 and Maven)
	@$(PYTHON) -m deploy.kafka.broker fetch
	@# each file in one process, as many as there are cores; then, one after the other, what has workers and brokers
	@$(PYTHON) -m pytest -n auto --dist loadfile --ignore=tests/acceptance --ignore=tests/integration
	@$(PYTHON) -m pytest tests/integration

check: $(ENVIRONMENT) image-lint ## lint, types, layers, generated files, locks
	@$(PYTHON) -m deploy.lock check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PYTHON) -m service schemas --check

bench: $(ENVIRONMENT) ## measure speed and memory against the peers (needs Java 17 and Maven; minutes)
	@$(PYTHON) -m deploy.kafka.broker fetch
	@$(PYTHON) -m loadtests.bench

model: $(ENVIRONMENT) ## train the classifier again (SLUICE_DATA names the folder with train.jsonl.gz)
	@$(PYTHON) -m models.train_stage_a

run: $(ENVIRONMENT) ## run the worker against SLUICE_BROKERS (default: the Kafka of `make kafka-up`)
	@SLUICE_BROKERS="$${SLUICE_BROKERS:-$(LOCAL_KAFKA)}" exec .venv/bin/sluice worker

topics: $(ENVIRONMENT) ## make the topics in the Kafka of `make kafka-up`
	@SLUICE_BROKERS=$(LOCAL_KAFKA) .venv/bin/sluice topics apply --replication 1

kafka-up: $(ENVIRONMENT) ## start Apache Kafka at 127.0.0.1:19092 (needs Java 17 and Maven)
	@$(PYTHON) -m deploy.kafka.broker start

kafka-down: $(ENVIRONMENT) ## stop it; its data stays in .run/kafka until `make clean`
	@$(PYTHON) -m deploy.kafka.broker stop

lock: $(ENVIRONMENT) ## resolve the dependencies of pyproject.toml again into the requirements locks
	@[ -x .venv/bin/uv ] || $(PIP) install uv
	@$(PYTHON) -m deploy.lock write

schemas: $(ENVIRONMENT) ## generate the schemas and the other generated files again
	@$(PYTHON) -m service schemas

image-lint: $(ENVIRONMENT) ## lint the Dockerfile
	@.venv/bin/hadolint Dockerfile

image-size: $(ENVIRONMENT) ## sum what the layers of the image hold, without a container engine
	@$(PYTHON) -m deploy.image_size

accept: $(ENVIRONMENT) ## acceptance with other people's tools: kcat, promtool, Chromium, Kafka's console producer
	@command -v kcat >/dev/null || { echo "sluice: kcat is missing: apt-get install kcat" >&2; exit 2; }
	@command -v chromium >/dev/null || { echo "sluice: chromium is missing: apt-get install chromium" >&2; exit 2; }
	@command -v promtool >/dev/null || { echo "sluice: promtool is missing: apt-get install prometheus" >&2; exit 2; }
	@$(PYTHON) -m deploy.kafka.broker fetch
	@$(PYTHON) -m pytest tests/acceptance

clean: ## stop what `make kafka-up` started; remove .venv, .run and the caches
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m deploy.kafka.broker stop
	rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
