"""A release is rolled back and forth over live rows: what stays is untouched, and losing something takes a word."""

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from billing.choices import BackupKind
from billing.models import BackupRun
from organizations.choices import NoticeKind
from organizations.delivering.trouble import tell_of_secret
from organizations.models import Notice, NoticePreference, WebhookEndpoint
from orgbilling.losses import losses
from orgbilling.schema_check import findings
from tests.verification.story import tell

pytestmark = pytest.mark.django_db(transaction=True)

#: Where the last release was.
RELEASE = {"billing": "0010", "credits": "0014", "organizations": "0002"}
APPS = tuple(RELEASE)
TABLES = """
    SELECT c.relname, array_agg(a.attname ORDER BY a.attname)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    GROUP BY c.relname
"""


def tables() -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return dict(cursor.fetchall())


def fingerprint(shape: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    """Of every table: its rows, and a hash over these columns of all of them."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in sorted(shape.items()):
            listed = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(
                "SELECT count(*), coalesce(md5(string_agg(text, '\n' ORDER BY text)), '')"
                f' FROM (SELECT ROW({listed})::text AS text FROM "{table}") AS rows'
            )
            found[table] = cursor.fetchone()
    return found


def common(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        table: [column for column in columns if column in after[table]]
        for table, columns in before.items()
        if table in after
    }


@pytest.fixture
def up_again() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


@pytest.fixture
def live(alpha, alice, bob, up_again):
    return tell(alpha, alice, bob)


def wrong():
    return [f"{one.kind} {one.name}: {one.wrong}" for one in findings() if one.wrong]


def test_back_to_the_last_release_and_up_again_over_live_rows(live):
    head = tables()
    whole = fingerprint(head)
    assert sum(rows for rows, _hash in whole.values()) > 50
    for app in APPS:
        call_command("migrate", app, RELEASE[app], verbosity=0, lose_data=True)
    shared = common(head, tables())
    down = fingerprint(shared)
    call_command("migrate", verbosity=0)
    assert down == fingerprint(shared)
    assert tables() == head
    assert wrong() == []
    call_command("verify_ledger", verbosity=0)
    # What the last release had is there to the last row; only what is newer was lost.
    at_release = {table: whole[table] for table in shared if shared[table] == head[table]}
    assert at_release == {table: fingerprint(head)[table] for table in at_release}
    assert {"credit_journal", "credit_usage_attribution", "payments", "users"} <= at_release.keys()


def test_back_as_far_as_nothing_is_lost(live):
    """One migration at a time, newest first, until the next one would drop something."""
    head, whole = tables(), fingerprint(tables())
    went = []
    for app in ("billing", "credits"):
        for name in reversed(names(app)):
            before = name_before(app, name)
            if before is None:
                break
            executor = MigrationExecutor(connection)
            if losses(executor, executor.migration_plan([(app, before)])):
                with pytest.raises(CommandError, match="would lose what is in"):
                    call_command("migrate", app, before, verbosity=0)
                break
            call_command("migrate", app, before, verbosity=0)
            went.append(f"{app}.{name}")
    assert "billing.0011_backup_runs" in went
    shared = common(head, tables())
    same = {table: columns for table, columns in shared.items() if columns == head[table]}
    assert fingerprint(same) == {table: whole[table] for table in same}
    call_command("migrate", verbosity=0)
    # What is low is noticed anew on the way up.
    del whole["low_credit_episodes"], head["low_credit_episodes"]
    assert fingerprint(head) == whole
    assert wrong() == []


def test_back_over_notices_of_a_later_kind(alpha, alice, up_again):
    endpoint, _ = WebhookEndpoint.objects.open(
        alpha, url="https://203.0.112.9/", events=["*"], by=None
    )
    tell_of_secret(endpoint)
    NoticePreference.objects.create(user=alice, kind=NoticeKind.WEBHOOK_TROUBLE, by_email=False)
    with pytest.raises(CommandError, match=r"notices \(organizations.0008_\w+\).*--lose-data"):
        call_command("migrate", "organizations", "0004", verbosity=0)
    assert Notice.objects.count() == 1
    call_command("migrate", "organizations", "0004", verbosity=0, lose_data=True)
    assert Notice.objects.count() == 0


def names(app: str) -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(name for (label, name) in applied if label == app)


def name_before(app: str, name: str) -> str | None:
    older = [one for one in names(app) if one < name]
    return older[-1] if older else None


def test_losing_rows_takes_a_word(live):
    BackupRun.objects.begin(BackupKind.BACKUP)
    before = tables()
    with pytest.raises(
        CommandError, match=r"backup_runs \(billing.0011_backup_runs\).*--lose-data"
    ):
        call_command("migrate", "billing", "0010", verbosity=0)
    assert tables() == before
    assert BackupRun.objects.count() == 1
    call_command("migrate", "billing", "0010", verbosity=0, lose_data=True)
    assert "backup_runs" not in tables()


def test_a_column_with_values_is_a_loss_and_one_with_defaults_is_none(live):
    executor = MigrationExecutor(connection)
    lost = losses(executor, executor.migration_plan([("credits", "0001_initial")]))
    assert any(one.startswith("credit_holds ") for one in lost)
    columns = [one for one in lost if "." in one.split(" ")[0]]
    assert columns, lost


def test_every_migration_of_ours_can_be_undone():
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in APPS:
            assert all(operation.reversible for operation in migration.operations), f"{app}.{name}"
