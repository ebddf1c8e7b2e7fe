# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Both first bring the environment (.venv in this checkout) to where they need it; either may come first.

PYTHON ?= python3
RUN = .venv/bin/python
DATASET ?=
ARGS ?=

.PHONY: demo test lint fix docs bench clean

demo: .venv/package
	$(RUN) examples/demo.py $(if $(DATASET),--dataset "$(DATASET)") $(ARGS)

test: .venv/package-dev
	$(RUN) scripts/browser.py
	$(RUN) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/package-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) scripts/types.py

fix: .venv/package-dev
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: .venv/package-dev
	$(RUN) scripts/reference.py
	$(RUN) scripts/report_keys.py

bench: .venv/package-dev
	$(RUN) -m bench $(ARGS)

.venv/package: pyproject.toml constraints.txt scripts/setup.py
	$(PYTHON) scripts/setup.py

.venv/package-dev: pyproject.toml constraints.txt scripts/setup.py
	$(PYTHON) scripts/setup.py dev

clean:
	rm -rf .venv build *.egg-info
