# Every target sets up what it needs: a fresh Debian machine with Python >= 3.11 and make is enough.
# Which Python to build with; tools/setup.sh looks for one when it is not said.
PYTHON ?=
BIN := .venv/bin

.PHONY: setup demo test bench check format lock clean

setup: .venv/.done
	@sh tools/build_pages.sh

.venv/.done: requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh "$(PYTHON)"

demo: setup
	@$(BIN)/ridealong demo

test: setup
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile
	@if [ -d ui/node_modules ]; then cd ui && npm run --silent test; fi

bench: setup
	@$(BIN)/ridealong bench

check: setup
	@$(BIN)/ruff format --check src tests tools
	@$(BIN)/ruff check src tests tools
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@if [ -d ui/node_modules ]; then cd ui && npm run --silent check; else echo "ui/ is not checked: no Node here" >&2; fi

format: setup
	@$(BIN)/ruff format src tests tools
	@$(BIN)/ruff check --fix src tests tools
	@if [ -d ui/node_modules ]; then cd ui && npm run --silent format; fi

clean:
	rm -rf .venv ui/node_modules src/ridealong/web/pages
