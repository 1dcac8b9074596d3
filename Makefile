# Every target sets up what it needs by itself: the virtual environment, the packages, the models. None needs root
# but `make system`. A name with spaces, quotes or dollar signs is safe: variables reach the recipes through the shell's
# environment, never through make's own expansion.

override VIDEO := $(value VIDEO)
override TO := $(if $(value TO),$(value TO),pt-BR)
override OUT := $(if $(value OUT),$(value OUT),out)
export VIDEO TO OUT
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes, and each is up sooner where its bytecode is kept.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3.11
# Apertium's pairs between languages that the synthesizer speaks, the browser in which tests look at pages, and the servers
# of a fleet's tests.
SYSTEM_PACKAGES := apertium apertium-eng-spa apertium-es-pt apertium-fr-es apertium-spa-ita chromium fonts-dejavu-core \
	postgresql redis-server

# The studio engines have an environment of their own: the CUDA build of torch alone is several GB.
STUDIO ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)

.PHONY: help dub ui test test-operators test-studio test-fleet fleet-demo test-system soak check models studio system clean

help:
	@echo 'make dub VIDEO=talk.mp4 TO=pt-BR OUT=out    dubs VIDEO into TO ("pt-BR es": both); no VIDEO: a sample'
	@echo 'make ui        shows the graph and its runs in a browser'
	@echo 'make test      checks the code, then runs the tests'
	@echo 'make test-operators    the tests of what operators change, correct, approve and switch'
	@echo 'make studio    sets up the studio engines in .venv-studio: for the GPU that is there, else for the CPU'
	@echo 'make test-studio    the tests of the studio engines, on the CPU, with tiny weights'
	@echo 'make test-fleet    the tests of what hands runs to other machines'
	@echo 'make fleet-demo    shows a dub that goes through two workers of a queue (needs make system)'
	@echo 'make soak      by hand: the full counts, in parts; goes on where it was stopped'
	@echo 'make check     lint, format and types'
	@echo 'make system    as root: system packages: rough language pairs, the browser and the servers of the tests'
	@echo 'make clean     removes the virtual environment and the caches'

dub: models
	@if [ -n "$$VIDEO" ]; then video=$$VIDEO; else \
		video=$$OUT/sample.mp4; mkdir -p "$$OUT"; [ -f "$$video" ] || .venv/bin/octavia sample "$$video"; fi \
	&& set -f && set -- && for language in $$TO; do set -- "$$@" --to "$$language"; done \
	&& .venv/bin/octavia dub "$$video" "$$@" --out "$$OUT"

ui: models
	@PATH="$(CURDIR)/.venv/bin:$$PATH" octavia ui

# Two files of tests at a time: most of a test's time is a process that starts, which takes one core. In their own order,
# since the files with the fewest tests are the longest, and would come last.
BY_FILE := --dist loadfile --no-loadscope-reorder

test: check models
	@.venv/bin/python -m pytest -n 2 $(BY_FILE)

# What operators do with a dub that is made: change, correct, approve, switch, look at its report in a browser. Three files
# at a time: its daemons and browsers wait more than they work.
test-operators: .venv/.dev models
	@.venv/bin/python -m pytest -m 'operators and not soak' -n 3 $(BY_FILE)

# The studio engines on real classes with tiny weights. OpenMP's threads spin while they wait, which makes a small LSTM
# forty times slower beside another library's threads: they must sleep. What a fleet's tests import is not installed there.
test-studio: .venv-studio/.made models
	@OMP_WAIT_POLICY=PASSIVE .venv-studio/bin/python -m pyright -p deploy/studio/pyright.json
	@OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 .venv-studio/bin/python -m pytest -m studio tests --ignore tests/fleet -n 2 $(BY_FILE)

# What hands runs to other machines, against a provider on this one.
test-fleet: .venv/.dev models
	@.venv/bin/python -m pytest -m 'fleet and not soak' -n 2 $(BY_FILE)

# A dub that goes through two Celery workers, step by step.
fleet-demo: .venv/.dev models
	@command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 \
		|| { echo 'make fleet-demo needs Redis and Postgres: sudo make system' >&2; exit 1; }
	@.venv/bin/python bench/fleet_demo.py

# What `make test` leaves out: the tests of what `make system` installs.
test-system: .venv/.dev models
	@.venv/bin/python -m pytest -m system

# The full counts, by hand; it takes hours, and goes on where it was stopped.
soak: .venv/.dev models
	@.venv/bin/python bench/soak.py

check: .venv/.dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/pyright

models: .venv/.base
	@.venv/bin/octavia models pull --quiet

system:
	@[ "$$(id -u)" = 0 ] || { echo 'make system installs system packages, so it needs root: sudo make system' >&2; exit 1; }
	@command -v apt-get >/dev/null || { echo 'make system knows only apt-get; install by hand: $(SYSTEM_PACKAGES)' >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES)

studio: .venv-studio/.made

.venv-studio/.made: deploy/studio/$(STUDIO).txt pyproject.toml
	@echo 'Installing the studio engines ($(STUDIO); some minutes, once)'
	@$(PYTHON) -m venv .venv-studio
	@if [ $(STUDIO) = cpu ]; then \
		.venv-studio/bin/python -m pip install -q --no-deps -r deploy/studio/cpu.txt \
		&& rm -f .venv-studio/lib/python3.11/site-packages/torchaudio/lib/*.so; \
	else \
		.venv-studio/bin/python -m pip install -q -c deploy/studio/cuda.txt -e '.[studio]'; \
	fi
	@.venv-studio/bin/python -m pip install -q --no-deps -e .
	@touch $@

clean:
	rm -rf .venv .venv-studio build dist *.egg-info .soak .pytest_cache .ruff_cache .hypothesis
	find octavia_dag tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.base: .venv/.made pyproject.toml constraints.txt
	@echo 'Installing the packages (some minutes, once)'
	@.venv/bin/python -m pip install -q -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.base
	@.venv/bin/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

.venv/.made:
	@for python in "$(PYTHON)" python3.11 python3 python; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
			"$$python" -m venv .venv && touch $@; exit; fi; done; \
	echo 'octavia needs Python 3.11, and none is on the PATH; install it, or name it: make PYTHON=/path/to/python3.11' >&2; exit 1
