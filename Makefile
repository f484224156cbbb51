# The two commands of a fresh checkout are `make run` and `make test`.

PORT ?= 8000
PYTHON ?=
BIN = .venv/bin
export PYTHON
.PHONY: run test stress check fmt lock vendor picture

run:  ## the portal, a sandbox of both services, a worker and a demo workspace
	@scripts/prepare requirements.txt
	@exec env PORTAL_DEMO=1 $(BIN)/python manage.py demo --port $(PORT)

test: check  ## everything that proves the portal: checks, the suite on both databases, browser
	@scripts/test

stress:  ## the long form of the tests that look for what nobody thought of
	@scripts/prepare requirements-dev.txt
	@PORTAL_DEMO=1 VAR_DIR=var/test CROSSDESK_STRESS=1 $(BIN)/python -m pytest -q tests/stress \
		tests/services/test_budget_holds.py \
		tests/batches/test_round_trip.py tests/web/test_import_round_trip.py tests/web/test_naughty_texts.py

check:  ## lint, types, import contracts, templates
	@scripts/prepare requirements-dev.txt
	@scripts/check

fmt:  ## format the code
	@scripts/prepare requirements-dev.txt
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .
	@git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 6.0

lock:  ## pin all dependencies of pyproject.toml, with hashes and without addresses
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate -o requirements.txt -q
	uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --all-extras --group dev \
		-c requirements.txt -o requirements-dev.txt -q

vendor:  ## fetch the vendored browser files again
	@python3 scripts/vendor.py

picture:  ## the README's picture of the leads, made by a browser test
	@scripts/prepare requirements-dev.txt
	@PORTAL_DEMO=1 CROSSDESK_SCREENSHOTS=docs $(BIN)/python -m pytest -q tests/journeys/test_picture.py
