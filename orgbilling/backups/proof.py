"""Proves a restored database from inside: `python -m orgbilling.backups.proof`, with its DATABASE_URL.

It is a process of its own because Django's settings are, and prints one JSON document. What it changes is
rolled back, unless it is told of the restore: then it settles what the dump left open.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

import django

#: So many members are tried for one that can be charged.
CANDIDATES = 50


class Report(TypedDict):
    """What was found. Empty lists are right, and so is an empty `failed`: what went wrong in the smoke test."""

    missing_in_schema: list[str]
    migrations_missing: list[str]
    equations: int
    broken: list[str]
    smoke: str
    failed: str
    seconds: dict[str, float]


def prove(as_of: datetime) -> Report:
    """Look at the schema, the migrations, every equation, and charge somebody for a moment."""
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        found = work()
        seconds[name] = round(time.monotonic() - began, 3)
        return found

    missing = timed("check_schema", _schema)
    equations, broken = timed("verify_ledger", _equations)
    smoke, failed = timed("smoke", lambda: _smoke(as_of))
    return Report(
        missing_in_schema=missing,
        migrations_missing=_migrations(),
        equations=equations,
        broken=broken,
        smoke=smoke,
        failed=failed,
        seconds=seconds,
    )


def _schema() -> list[str]:
    from orgbilling.schema_check import findings  # noqa: PLC0415 - needs the settings

    return [f"{one.kind} {one.name} ({one.wrong})" for one in findings() if one.wrong]


def _migrations() -> list[str]:
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _equations() -> tuple[int, list[str]]:
    from django.db import DatabaseError  # noqa: PLC0415

    from billing.verification import EVERY  # noqa: PLC0415
    from credits.verification import snapshot, verify  # noqa: PLC0415

    try:
        with snapshot():
            results = list(verify(EVERY))
    except DatabaseError as exc:
        return 0, [f"an equation can't be computed: {exc}"]
    return len(results), [str(one) for result in results for one in result.violations]


def _smoke(as_of: datetime) -> tuple[str, str]:
    """Charge one credit at the instant of the backup, and undo it: what was done, and what went wrong."""
    from django.db import DatabaseError  # noqa: PLC0415

    try:
        return _charge_somebody(as_of), ""
    except (DatabaseError, RuntimeError) as exc:
        return "", f"a charge failed: {exc}"


def _charge_somebody(as_of: datetime) -> str:
    from django.db import transaction  # noqa: PLC0415

    from credits.models import Allocation  # noqa: PLC0415
    from orgbilling.lib.clock import simulated  # noqa: PLC0415

    rich = Allocation.objects.filter(is_active=True, remaining_credits__gt=0)
    candidates = list(rich.order_by("org_id", "id")[:CANDIDATES])
    if not candidates:
        return "nobody has credits that could be charged"
    refused = ""
    with simulated(as_of), transaction.atomic():
        try:
            for allocation in candidates:
                refused = _charge(allocation)
                if not refused:
                    return "one credit was charged and given back"
        finally:
            transaction.set_rollback(True)
    return f"none of {len(candidates)} members could be charged, the last because: {refused}"


def _charge(allocation: Any) -> str:
    """Why this one can't be charged; nothing when it was."""
    from django.db import transaction  # noqa: PLC0415

    from credits.functions import Charge, Origin  # noqa: PLC0415
    from credits.models import Usage  # noqa: PLC0415
    from orgbilling.lib.errors import OrgBillingError  # noqa: PLC0415
    from orgbilling.lib.ids import uuid7  # noqa: PLC0415

    charge = Charge(
        org_id=allocation.org_id,
        user_id=allocation.user_id,
        service_name="restore_drill",
        credits=1,
        quantity=None,
        service_type=None,
        metadata={},
        origin=Origin("system", "restore_drill"),
    )
    before = allocation.remaining_credits
    try:
        # The path that also applies what time has brought; a savepoint, for the next member is asked after a refusal.
        with transaction.atomic():
            done = Usage.objects.charge_with_pool(charge, usage_id=uuid7())
    except OrgBillingError as exc:
        return exc.detail
    if done.outcome != "charged":
        return "insufficient credits"
    allocation.refresh_from_db()
    # A reset that was due fills up first; then it isn't one less.
    if done.credits_used != 1 or done.remaining_credits != allocation.remaining_credits:
        raise RuntimeError(f"A charge of 1 took {before} to {allocation.remaining_credits}.")
    return ""


def settle(facts: dict[str, Any]) -> None:
    """Write down the backup and the restore in what was restored, and let everybody sign in anew."""
    from django.contrib.sessions.models import Session  # noqa: PLC0415

    from billing.choices import BackupKind  # noqa: PLC0415
    from billing.models import BackupRun  # noqa: PLC0415

    BackupRun.objects.copy(BackupKind.BACKUP, **facts["backup"])
    for kind in BackupKind:
        BackupRun.objects.give_up(kind)
    restored = {key: facts["backup"][key] for key in ("file_name", "bytes", "sha256")}
    begun = datetime.fromisoformat(facts["restore_started_at"])
    run = BackupRun(kind=BackupKind.RESTORE, started_at=begun, **restored)
    run.save(force_insert=True)
    BackupRun.objects.succeed(run)
    # Who had signed out, or was thrown out, since the backup would be in again.
    Session.objects.all().delete()


def main() -> None:
    """Read what is known of the backup from standard input, and print the report."""
    django.setup()
    facts = json.load(sys.stdin)
    report = prove(datetime.fromisoformat(facts["as_of"]))
    if facts["settle"] is not None:
        settle(facts["settle"])
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
