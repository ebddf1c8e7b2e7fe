# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Both make the environment first (.venv in this checkout) if it is not there.

PYTHON ?= python3
RUN = .venv/bin/python
DATASET ?=
ARGS ?=

.PHONY: demo test lint fix docs bench clean

demo: .venv/ready
	$(RUN) examples/demo.py $(if $(DATASET),--dataset "$(DATASET)") $(ARGS)

test: .venv/ready
	$(RUN) scripts/browser.py
	$(RUN) -m pytest $(ARGS)

lint: .venv/ready
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) scripts/types.py

fix: .venv/ready
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: .venv/ready
	$(RUN) scripts/reference.py

bench: .venv/ready
	$(RUN) -m bench $(ARGS)

.venv/ready: pyproject.toml constraints.txt scripts/setup.py
	$(PYTHON) scripts/setup.py

clean:
	rm -rf .venv build *.egg-info
