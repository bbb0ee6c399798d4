# make demo    install what it needs into .venv and compare Milmer with its baselines on simulated DEAP
# make test    install what the tests need and run those that are quick
# make test-slow, make test-all
#              those that take seconds each (pages executed, commands killed, simulations); all of them
# make check   formatting, lint, types, architecture
# make docs    the documentation, as docs/_build/html
# make bench   install the peers into .bench-venv and time them; the results are written to benchmarks/RESULTS.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .bench-venv
PROJECTS := pyproject.toml datasets/pyproject.toml plugins/milmer/pyproject.toml plugins/neuro/pyproject.toml \
	plugins/balance/pyproject.toml constraints.txt

# Many tests start Python: without bytecode each of them would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow test-all check docs bench format clean

demo: $(VENV)/.installed
	$(BIN)/python -m mmbench_milmer.demo

# Tests of a file stay in one process: what they share is made once.
test: $(VENV)/.developed
	$(BIN)/pytest -n auto --dist loadfile -m "not slow"

test-slow: $(VENV)/.developed
	$(BIN)/pytest -n auto --dist loadfile -m slow

test-all: $(VENV)/.developed
	$(BIN)/pytest -n auto --dist loadfile

check: $(VENV)/.developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py

docs: $(VENV)/.developed
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/bench.py

format: $(VENV)/.developed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What the demo needs in one go, so that torch, torchvision and timm are chosen to fit each other.
$(VENV)/.installed: $(PROJECTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e . -e datasets -e plugins/milmer
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]" -e "plugins/neuro[braindecode]" \
		-e plugins/balance
	touch $@

# The peers want older libraries than mmbench itself is tested with.
$(BENCH)/.installed: $(PROJECTS) benchmarks/requirements.txt benchmarks/peers-alone.txt | $(BENCH)/bin/python
	$(BENCH)/bin/python -m pip install --disable-pip-version-check -q -r benchmarks/requirements.txt \
		-e . -e datasets -e plugins/milmer
	$(BENCH)/bin/python -m pip install --disable-pip-version-check -q --no-deps -r benchmarks/peers-alone.txt
	touch $@

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mmbench needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $*

clean:
	rm -rf $(VENV) $(BENCH) docs/_build docs/reference/generated .mypy_cache .ruff_cache .pytest_cache
