# Every target makes its own environment in .venv/ first; a second call costs nothing.
PYTHON ?= python3
PY := .venv/bin/python
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help run test test-pgbouncer test-citus faults soak mixed mutants screenshots drill bench bench-quick bench-citus capacity check audit fmt openapi lock clean demo-env dev-env browser schema-docs event-docs corpus journal-kills agent-kills webhooks import-bench

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: demo-env ## Serve a demo on 127.0.0.1:8084 (PORT=... changes it)
	@exec $(PY) -m orgbilling.supervisor

test: dev-env browser ## Run all tests; ARGS="tests/credits -k deduct" runs some
	@exec $(PY) -m pytest -n 2 --dist worksteal $(ARGS)

test-pgbouncer: dev-env ## Run the tests of races through PgBouncer; ARGS="tests/concurrency/test_pools.py" runs some
	@$(PY) -m tests.pooled $(ARGS)
	@$(if $(ARGS),,$(PY) -m tests.faults --only pooler)

test-citus: dev-env ## Run the suite on a Citus cluster: CITUS_DATABASE_URL is its coordinator's; ARGS as for test
	@exec $(PY) -m tests.citus $(ARGS)

faults: dev-env ## Kill and stop servers, cut connections, fill the disk under load; ARGS="--quick" is the short form
	@exec $(PY) -m tests.faults $(ARGS)

soak: dev-env ## Compare the ledger with its model for a million steps (ARGS="--steps 10000 --seed 2")
	@exec $(PY) -m tests.model.soak $(ARGS)

corpus: dev-env ## Put every nasty value into every field of the API and the console (a few minutes)
	@CORPUS=long exec $(PY) -m pytest tests/corpus -q --timeout 0 -n 2 --dist worksteal $(ARGS)

agent-kills: dev-env ## Kill the example agent at 200 points: charges must equal work done; ARGS="--kills 1000"
	@exec env PYTHONPATH=clients/python/src $(PY) -m tests.examples.kills $(ARGS)
webhooks: dev-env ## Kill the worker that delivers 20 times among 1,000 events to a hostile receiver
	@WEBHOOKS=long exec $(PY) -m pytest tests/organizations/webhooks/test_killed.py -q -s --timeout 0

mixed: dev-env ## Every mutator at once for two minutes, and the deadlocks counted
	@MIXED_SECONDS=120 exec $(PY) -m pytest tests/concurrency/test_every_mutator.py -q --timeout 0

journal-kills: dev-env ## Kill a process that charges through the client's journal a thousand times
	@JOURNAL_KILLS=500 exec $(PY) -m pytest tests/client/test_journal_kills.py -q --timeout 0 $(ARGS)
import-bench: dev-env ## Import a million charges, with time and memory; ARGS="100000" imports fewer
	@exec $(PY) -m tests.importing.big $(ARGS)

drill: demo-env ## Back up the demo's database, restore it beside, and prove what was restored
	@$(PY) manage.py backup
	@$(PY) manage.py restore_drill

bench: demo-env ## Measure everything beside its peers and write docs/performance.md; ARGS="--rows 10000000"
	@exec $(PY) -m bench $(ARGS)

bench-quick: demo-env ## The same in two minutes, of the cases that matter most
	@exec $(PY) -m bench --quick $(ARGS)

capacity: demo-env ## Write docs/scaling.md of what was measured; ARGS="--measure" measures first, --help has more
	@exec $(PY) -m bench.capacity $(ARGS)

bench-citus: dev-env ## A Citus cluster beside one PostgreSQL, and a shard that moves under load; CITUS_DATABASE_URL
	@exec $(PY) -m bench.citus

check: dev-env ## Lint, types, import contracts, migrations, SQL functions, OpenAPI drift
	@exec $(PY) -m tests.house.check

audit: dev-env ## Known faults of the pinned versions, secrets, and a bill of materials in build/
	@exec $(PY) -m tests.house.audit

mutants: dev-env ## Take the ledger's guards away one by one: the tests must fail; ARGS="--sample 12"
	@exec $(PY) -m tests.mutants $(ARGS)

screenshots: dev-env browser ## Take the README's pictures of the console anew
	@exec $(PY) -m tests.browser.screenshots

fmt: dev-env ## Format the code and apply safe lint fixes
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

openapi: dev-env ## Write docs/openapi.yaml anew
	@mkdir -p docs
	@$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

schema-docs: dev-env ## Write docs/schema.md anew
	@$(PY) -m tests.house.check_database --write

event-docs: dev-env ## Write docs/webhook-events.md anew
	@$(PY) -m tests.docs.webhook_events

lock: dev-env ## Compile requirements*.in to hashed lock files
	@lock() { .venv/bin/uv pip compile --quiet --universal --generate-hashes \
	    --python-version 3.11 --no-emit-index-url --custom-compile-command 'make lock' "$$@"; } && \
	lock requirements-bootstrap.in -o requirements-bootstrap.txt && \
	lock requirements.in -o requirements.txt && \
	lock requirements-demo.in -c requirements.txt -o requirements-demo.txt && \
	lock requirements-dev.in -c requirements-demo.txt -o requirements-dev.txt && \
	lock requirements-bench.in -c requirements-dev.txt -o requirements-bench.txt

clean: ## Remove the environment and the caches; .data/ stays
	@rm -rf .venv build/bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

demo-env:
	@$(PYTHON) orgbilling/bootstrap.py demo

dev-env:
	@$(PYTHON) orgbilling/bootstrap.py dev

browser:
	@$(PYTHON) orgbilling/bootstrap.py browser
