"""How long a million charges take, and how much memory: `make import-bench`, with ARGS="100000" for fewer."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from orgbilling.embedded.server import NAME, Server

ROOT = Path(__file__).resolve().parent.parent.parent
TABLES = Path(__file__).with_name("migration_files.sql")
ORGANIZATIONS, PEOPLE = 50, 20
FILL = """
INSERT INTO organizations (name, display_name) SELECT 'org-' || n, 'Org ' || n FROM generate_series(1, %(orgs)s) AS n;
INSERT INTO organization_members (org_id, user_id, role)
SELECT o.id, 'user-' || o.name || '-' || n || '@example.com', CASE n WHEN 1 THEN 'owner' ELSE 'member' END
FROM organizations AS o, generate_series(1, %(people)s) AS n;
INSERT INTO user_credit_allocations (org_id, user_id, allocated_credits)
SELECT org_id, user_id, 100000000 FROM organization_members;
INSERT INTO credit_usage_attribution
    (org_id, user_id, allocation_id, credits_used, service_type, service_name, request_id, request_metadata, created_at)
SELECT a.org_id, a.user_id, a.id, 1 + n %% 50, 'llm_inference', 'gpt-4',
    -- One in two hundred was charged twice.
    'req-' || CASE WHEN n %% 100 = 0 AND n %% 2000 >= 1000 THEN n - 1000 ELSE n END,
    jsonb_build_object('provider', 'openai', 'tokens_used', n), now() - n * interval '1 second'
FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS number FROM user_credit_allocations) AS a
JOIN generate_series(1, %(charges)s) AS n ON n %% (%(orgs)s * %(people)s) = a.number;
UPDATE user_credit_allocations AS a SET used_credits = u.credits
FROM (SELECT allocation_id, sum(credits_used) AS credits FROM credit_usage_attribution GROUP BY 1) AS u
WHERE u.allocation_id = a.id;
INSERT INTO organization_credit_pools (org_id, total_credits, allocated_credits, used_credits)
SELECT org_id, sum(allocated_credits) + 5, sum(allocated_credits), sum(used_credits)
FROM user_credit_allocations GROUP BY org_id;
"""


def main(charges: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="orgbilling-import-bench-"))
    server = Server(home)
    try:
        server.acquire()
        env = {**os.environ, "DATABASE_URL": server.url}
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE predecessor")
        source = server.url.replace(f"/{NAME}?", "/predecessor?")
        with psycopg.connect(source) as connection:
            connection.execute(TABLES.read_text(encoding="utf-8"))
            values = {"orgs": ORGANIZATIONS, "people": PEOPLE, "charges": charges}
            for statement in FILL.split(";\n"):
                if statement.strip():
                    connection.execute(statement, values)
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=env, check=True)
        for more in ([], ["--apply", "--yes"]):
            began = time.monotonic()
            command = [*manage, "import_opscenter", "--from", source, *more]
            subprocess.run(command, cwd=ROOT, env=env, check=True)
            took = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            sys.stdout.write(
                f"{charges} charges, {more or 'dry run'}: {took:.0f} s, {peak:.0f} MiB at most\n"
            )
        subprocess.run([*manage, "verify_ledger", "-v0"], cwd=ROOT, env=env, check=True)
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
