# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -q -c constraints.txt
# Developers' tools are not installed.
TOOL := PYTHONPATH=scripts $(BIN)/python -m

# Python 3.11 or newer that can make an environment and build a C extension.
PYTHON ?= $(firstword $(foreach p,python3.11 /usr/bin/python3.11 python3 python3.12 python3.13,\
	$(shell $(p) -c "$(PROBE)" 2>/dev/null)))
PROBE := import os, sys, sysconfig, venv, ensurepip; \
	ok = sys.version_info >= (3, 11) and os.path.exists(sysconfig.get_path('include') + '/Python.h'); \
	print(sys.executable if ok else '')

# What the package and its extras train and dev need; the package itself is built after it.
NEEDED := import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
	extras = p['optional-dependencies']; print(*p['dependencies'], *extras['train'], *extras['dev'])

DEPENDENCIES := $(VENV)/.cats-dependencies
PACKAGE := $(VENV)/.cats-package
SPHINX := $(VENV)/.cats-sphinx
ZEPHYR := $(VENV)/.cats-zephyr
NATIVE := $(wildcard include/cats/*.h subsys/cats/engine/*.[ch] subsys/cats/gather/*.[ch] \
	subsys/cats/features/*.c subsys/cats/text/*.c \
	python/cats/native/*.[ch] python/cats/native/build_native.py)

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-host bench-m4 sweep-faults accuracy-report nodes-report \
	repair-report parallel-report streams-report sensors-report narrower-report lint doc format fuzz coverage \
	radio-report sleep-report scaling builds clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

# torch is what pip finds first. The build for CPUs is a tenth of the default one: configure pip for
# an index that has it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS).
$(DEPENDENCIES): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 with venv and headers found:" \
		"apt-get install python3-venv python3-dev, or make PYTHON=/path/to/python3" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) setuptools wheel cffi $$($(BIN)/python -c "$(NEEDED)")
	@touch $@

$(PACKAGE): $(DEPENDENCIES) setup.py $(NATIVE)
	$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

$(SPHINX): $(PACKAGE)
	$(INSTALL) 'zephyr-cats[doc]'
	@touch $@

# Where there is a Zephyr workspace, what its scripts import.
$(ZEPHYR): $(DEPENDENCIES) | $(PACKAGE)
	@if zephyr=$$($(BIN)/python -m cats.zephyr.workspace); then \
		echo "Zephyr in $$zephyr: installing what its scripts import"; \
		$(INSTALL) 'zephyr-cats[zephyr]' && touch $@ || { \
		echo "make: not installed: what Zephyr's scripts import, pyproject.toml's extra zephyr" >&2; \
		exit 1; }; \
	fi

setup: $(PACKAGE) $(ZEPHYR) ## make the Python environment and build the C code for this machine

demo: $(PACKAGE) ## train, export and run 8 simulated nodes beside their rivals: build/demo/
	$(BIN)/cats demo --force $(ARGS)

test: $(SPHINX) $(ZEPHYR) ## all checks: lint, doc, tests, coverage, fuzzing, Twister; SKIP="twister fuzz"
	$(BIN)/python scripts/check.py --skip "$(SKIP)" --pytest="$(ARGS)"

lint: $(PACKAGE) ## ruff, the order of the package's rooms, clang-format, Zephyr's style
	$(BIN)/python scripts/check.py lint

doc: $(SPHINX) ## the document site: build/doc/html/index.html
	$(BIN)/python scripts/check.py doc

format: $(PACKAGE) ## let clang-format lay out the C code
	git ls-files '*.c' '*.h' | xargs $(BIN)/clang-format -i

fuzz: $(PACKAGE) ## libFuzzer targets from their kept corpus; FUZZ_SECONDS=60 a target
	$(BIN)/python scripts/check.py fuzz --fuzz-seconds $(or $(FUZZ_SECONDS),60)

coverage: $(PACKAGE) ## what the tests cover of Python and C
	$(BIN)/python scripts/check.py pytest coverage

bench: $(PACKAGE) ## a training step against plain PyTorch
	$(TOOL) bench.training $(ARGS)

bench-host: $(PACKAGE) ## export and simulation of 16 nodes with 3 million parameters, timed
	$(TOOL) bench.host $(ARGS)

sweep-faults: $(PACKAGE) ## random faults of the simulated air at random deployments; ARGS="--cases 20000"
	$(TOOL) bench.faults $(ARGS)

bench-m4: $(PACKAGE) ## instructions of the engine on a Cortex-M4, counted in QEMU
	$(TOOL) bench.m4 $(ARGS)

accuracy-report: $(PACKAGE) ## doc/accuracy.rst: sweeps of scripts/accuracy/; PRESET=quick or full
	$(TOOL) report.accuracy --preset $(or $(PRESET),quick) $(ARGS)

nodes-report: $(PACKAGE) ## doc/nodes.rst: quality against nodes; ARGS="cifar10 --data FILE --device cuda"
	$(TOOL) report.nodes $(ARGS)

sensors-report: $(PACKAGE) ## doc/sensors.rst: nodes with a sensor each and their rivals; ARGS="--data FOLDER"
	$(TOOL) report.sensors $(ARGS)

narrower-report: $(PACKAGE) ## doc/narrower.rst: few columns of wide models; ARGS="images=FILE text=FILE forecast=FILE"
	$(TOOL) report.narrower $(ARGS)

repair-report: $(PACKAGE) ## doc/repair.rst: message dropout against repair rounds, on simulated air
	$(TOOL) report.repair $(ARGS)

parallel-report: $(PACKAGE) ## doc/streams.rst: what parallel blocks cost a text model; ARGS=tinyshakespeare.txt
	$(TOOL) report.parallel_blocks $(ARGS)

streams-report: $(PACKAGE) ## doc/streams.rst: what a token takes, and where it goes; ARGS="--stories RUN"
	$(TOOL) report.streams $(ARGS)

radio-report: $(PACKAGE) ## BabbleSim: every size and fault, table and plots in build/radio-report/
	$(TOOL) report.radio $(ARGS)

sleep-report: $(PACKAGE) ## doc/sleep.rst: days of a battery against the period; ARGS=--doc
	$(TOOL) report.sleep $(ARGS)

scaling: $(PACKAGE) ## the largest models that 1 and 16 boards hold, by linking them: build/scaling/
	$(TOOL) report.scaling $(ARGS)

builds: $(PACKAGE) ## doc/boards.rst: every sample for every board; ARGS="--board nrf52dk/nrf52832"
	$(TOOL) report.builds $(ARGS)

clean: ## remove what was built, but not the Python environment
	rm -rf build twister-out* .pytest_cache .ruff_cache .hypothesis .coverage*

distclean: clean ## remove the Python environment too
	rm -rf $(VENV)
