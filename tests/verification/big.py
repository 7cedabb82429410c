"""A ledger of a million usage rows, and how long its proof takes: `python -m tests.verification.big [ROWS]`.

On a PostgreSQL of its own, which is removed afterwards. The rows are made by a few INSERTs over whole tables, with the
constraints and triggers in force; balances are then written through the door that the ledger's functions use, as the
sums of those rows. So nothing is switched off, and the equations hold only if the sums are right.
`--plans` prints EXPLAIN (ANALYZE, BUFFERS) of every check.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import django

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import Server

ORGANIZATIONS = 50
# No factor in common with the fifty, so that every member has rows of every kind.
MEMBERS = 1_003
FILL = Path(__file__).with_name("big.sql")


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Fill, prove, print; 1 when an equation is broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("rows", nargs="?", type=int, default=1_000_000)
    options.add_argument("--plans", action="store_true")
    chosen = options.parse_args()
    server = Server(Path(tempfile.mkdtemp(prefix="orgbilling-big-")), THROW_AWAY_SETTINGS)
    server.acquire()
    try:
        os.environ["DATABASE_URL"] = server.url
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")
        django.setup()
        fill(chosen.rows)
        return prove(plans=chosen.plans)
    finally:
        from django.db import connections  # noqa: PLC0415 - needs the settings

        for connection in connections.all():
            connection.close()
            connection.close_pool()
        server.release()
        shutil.rmtree(server.home, ignore_errors=True)


def fill(rows: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection, transaction  # noqa: PLC0415

    call_command("migrate", interactive=False, verbosity=0)
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        with transaction.atomic():
            text = FILL.read_text(encoding="utf-8").format(
                usage=rows, organizations=ORGANIZATIONS, members=MEMBERS
            )
            for statement in text.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(
            "SELECT (SELECT count(*) FROM credit_usage_attribution), (SELECT count(*) FROM credit_holds),"
            " (SELECT count(*) FROM credit_journal),"
            " pg_size_pretty(pg_total_relation_size('credit_usage_attribution'))"
        )
        usage, holds, journal, size = cursor.fetchone()
    seconds = time.monotonic() - began
    say(f"{usage} usage rows ({size}), {holds} holds, {journal} journal rows in {seconds:.0f} s")


def prove(*, plans: bool) -> int:
    from billing.verification import BILLING  # noqa: PLC0415
    from credits.history import allocations_at, pool_at  # noqa: PLC0415
    from credits.models import CreditPool  # noqa: PLC0415
    from credits.verification import (  # noqa: PLC0415
        LEDGER,
        counted_in_one_query,
        snapshot,
        verify,
    )
    from orgbilling.lib.clock import now  # noqa: PLC0415

    checks = (*LEDGER, *BILLING)
    with snapshot():
        results = list(verify(checks))
        for result in sorted(results, key=lambda result: -result.seconds):
            say(f"{result.seconds:7.3f} s  {result.check.name}")
        if plans:
            for check in checks:
                explain(check)
    broken = [violation for result in results for violation in result.violations]
    for violation in broken:
        say(violation)
    say(f"{sum(result.seconds for result in results):7.3f} s  all {len(results)} equations")
    org_id = CreditPool.objects.values_list("org_id", flat=True).order_by("org_id")[0]
    for what, work in (
        ("one organization, check by check", lambda: list(verify(checks, org_ids=[org_id]))),
        (
            "one organization, one round trip",
            lambda: counted_in_one_query(checks, org_id=org_id),
        ),
        ("its pool now, from its rows", lambda: pool_at(org_id, now())),
        ("its allocations now", lambda: allocations_at(org_id, now())),
    ):
        began = time.monotonic()
        work()
        say(f"{time.monotonic() - began:7.3f} s  {what}")
    return 1 if broken else 0


def explain(check: object) -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ({check.query(scoped=False)}) AS row"
            " WHERE expected IS DISTINCT FROM found"
        )
        say(f"\n-- {check.name}")
        for (line,) in cursor.fetchall():
            say(line)


if __name__ == "__main__":
    sys.exit(main())
