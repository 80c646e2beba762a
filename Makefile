# What a contributor runs; `make help` lists it. CI runs .ci/run, which ends in `make test`.

VENV := .venv
PYTHON = $(shell tools/find-python)
STORE := mirror
WORKERS := 2
BIN := $(VENV)/bin
NODE := tests/node/node_modules
# Tests of pure code; all others work with servers, processes, a disk or a whole mirror.
PURE := $(addprefix tests/,mirror parsing publishing settings text)
COMPILE := uv pip compile --quiet --no-strip-extras --generate-hashes --custom-compile-command "make lock"
LOCK := $(COMPILE) --universal --python-version 3.11 pyproject.toml
# For one Python on one system, so without conditions; its hashes are those of every system.
LOCK_LAMBDA := $(COMPILE) --only-binary :all: --python-version 3.13 \
	--python-platform aarch64-manylinux_2_28 pyproject.toml

# What runs side by side speaks one after the other, where make knows how.
MAKEFLAGS += --no-print-directory $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# Bytecode is kept, whatever this shell does: the SAM CLI alone takes eight seconds to compile, and
# the tests start it a dozen times.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help run serve build test unit unit-first unit-second pure fast others lint format lock bench clean slow covered rest fuzzed fuzz torture

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/cli.stamp ## mirror the example feed into ./mirror
	$(BIN)/feedmirror run examples/example-feed.xml --slug example --store $(STORE)
	@echo "The example is now $(STORE)/public/example/rss.xml; \`make serve\` shows it."

serve: $(VENV)/cli.stamp ## serve ./mirror on this machine, to look at in a browser or a feed reader
	$(BIN)/feedmirror serve --store $(STORE)

build: ## what `sam build` builds, without SAM, in dist/function
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found" >&2; exit 1; }
	"$(PYTHON)" functions/build/function.py --out dist/function

test: ## everything that CI runs: lint, all tests, the fast ones with coverage, some on another Python
	$(MAKE) --jobs 3 lint others .venv-sam/sam.stamp .venv-ministack/ministack.stamp .venv-fuzz/fuzz.stamp $(NODE)/node.stamp
	$(MAKE) --jobs 2 slow rest

# By one worker more, since some wait for a browser, an emulator or a deadline.
slow: # the slow tests
	$(BIN)/pytest --numprocesses $$(($(WORKERS) + 1)) -m slow

# One after the other, beside the slow tests.
rest:
	$(MAKE) fuzzed
	$(MAKE) covered

# Coverage is that of the fast tests: it shows little of a slow one, which runs a thousand times what
# they run once.
covered: # the fast tests
	COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
		$(BIN)/pytest -m "not slow" --cov --cov-report term

others: $(VENV)/dev.stamp # tests on the Pythons that are not this one
	+tools/test-others "$(BIN)/python"

fuzzed: .venv-fuzz/fuzz.stamp # sixteen seconds of fuzzing, with the same seed each time
	@if [ -x .venv-fuzz/bin/python ]; then .venv-fuzz/bin/python -m fuzz --seconds 16; fi

fuzz: .venv-fuzz/fuzz.stamp ## an hour of fuzzing, from what earlier ones have learned
	.venv-fuzz/bin/python -m fuzz --seconds 3600 --seed 0 --corpus .fuzz/corpus

torture: $(VENV)/dev.stamp ## all tests, every sweep whole, a thousand kills, thousands of lives of a mirror: hours
	FEEDMIRROR_EXHAUSTIVE=1 $(BIN)/pytest --numprocesses $(WORKERS) -o faulthandler_timeout=0

unit: $(VENV)/dev.stamp ## tests of pure code, in seconds: a sixth of the random examples, an eighth of the costly cases
	$(MAKE) --jobs 2 unit-first unit-second

# Two runs instead of two workers of one run: each collects only its own half.
unit-first: TESTS := $(filter-out tests/mirror tests/publishing tests/settings,$(PURE))
unit-second: TESTS := tests/mirror tests/publishing tests/settings
unit-first unit-second:
	FEEDMIRROR_QUICK=1 $(BIN)/pytest -m "not slow" $(TESTS)

pure: $(VENV)/dev.stamp # tests of pure code as in `make unit`, and MORE
	FEEDMIRROR_QUICK=1 $(BIN)/pytest --numprocesses $(WORKERS) -m "not slow" -o faulthandler_timeout=0 $(PURE) $(MORE)

fast: $(VENV)/dev.stamp ## all tests that are not slow, in a minute
	$(BIN)/pytest --numprocesses $(WORKERS) -m "not slow"

lint: $(VENV)/dev.stamp ## linters, formatting, types and the contract on imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/check-language

format: $(VENV)/dev.stamp ## format the code, and repair what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## resolve all lock files anew (needs uv and npm); UPGRADE=--upgrade for the newest versions
	$(LOCK) $(UPGRADE) --group build --extra cli --group dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --group build --extra cli --output-file requirements/cli.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/run.txt
	$(LOCK_LAMBDA) --constraint requirements/dev.txt --output-file functions/requirements.txt
	$(LOCK) --constraint requirements/dev.txt --group fuzz --output-file requirements/fuzz.txt
	$(COMPILE) $(UPGRADE) --universal --python-version 3.11 --group sam --output-file requirements/sam.txt
	$(COMPILE) $(UPGRADE) --universal --python-version 3.13 --group ministack --output-file requirements/ministack.txt
	echo uv | $(COMPILE) --universal --python-version 3.11 --constraint requirements/sam.txt --output-file requirements/uv.txt -
	cd tests/node && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

bench: $(VENV)/dev.stamp ## measure what a refresh costs
	$(BIN)/python bench/refresh.py

clean: ## remove what was built, but nothing that was mirrored
	rm -rf .venv .venv-* .fuzz $(NODE) .aws-sam build dist .coverage* .hypothesis .*_cache

# A stamp says: this environment holds what that lock file names, and the package itself. dev.txt
# contains cli.txt, so one environment serves both; a changed lock file makes it anew.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml functions/feedmirror/__init__.py .venv-uv/uv.stamp
	"$(PYTHON)" -m venv --clear $(VENV)
	tools/install $(VENV) --require-hashes --requirement $<
	tools/install $(VENV) --no-deps --no-build-isolation --editable .
	@touch $(sort $@ $(VENV)/cli.stamp)

# What installs the others: pip, and uv where there is one for this machine.
.venv-uv/uv.stamp: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with its venv module was found (Debian: python3-venv)" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear .venv-uv
	-.venv-uv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement $<
	@touch $@

# AWS's own tools, for the tests of what is deployed: the SAM CLI, and Lambda's Python runtime. They
# want other versions than the project, so they have an environment of their own; 3.13 if there is
# one, since that runtime is built for one version.
.venv-sam/sam.stamp: requirements/sam.txt .venv-uv/uv.stamp
	@python=$$(tools/find-python 3.13 || tools/find-python) && "$$python" -m venv --clear .venv-sam
	tools/install .venv-sam --require-hashes --requirement $<
	@touch $@

# atheris has wheels for Linux alone; without it nothing is fuzzed, and that is said.
.venv-fuzz/fuzz.stamp: requirements/fuzz.txt .venv-uv/uv.stamp
	@python=$$(tools/find-python 3.13 || tools/find-python) && "$$python" -m venv --without-pip --clear .venv-fuzz
	@if tools/install .venv-fuzz --only-binary :all: --require-hashes --requirement $<; then touch $@; \
	else rm -rf .venv-fuzz && mkdir .venv-fuzz && touch $@ \
		&& echo "SKIPPED: the fuzzing, since atheris has no wheel for this machine"; fi

# AWS on loopback, for the test that deploys. It runs functions on its own Python, so that has to be
# Lambda's; where there is none, that test is skipped.
.venv-ministack/ministack.stamp: requirements/ministack.txt .venv-uv/uv.stamp
	@if python=$$(tools/find-python 3.13); then "$$python" -m venv --without-pip --clear .venv-ministack \
		&& tools/install .venv-ministack --require-hashes --requirement $< \
		&& touch $@; \
	else echo "SKIPPED: the test that deploys, since Python 3.13 is not on this machine"; fi

# Parsers of feed readers, a judge of pages and a browser's driver, for the tests in which those
# judge what we publish. No browser comes along, and no script of a package is run.
$(NODE)/node.stamp: tests/node/package-lock.json
	@if command -v npm >/dev/null; then cd tests/node \
		&& PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
		&& touch node_modules/node.stamp; \
	else echo "SKIPPED: the tests that drive packages of npm, which is not on this machine"; fi
