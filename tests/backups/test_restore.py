"""A restore brings back what was, refuses what would lose more, and never leaves half a database."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing.choices import BackupKind, BackupOutcome
from billing.models import BackupRun
from credits.deducting import deduct
from credits.models import Usage
from organizations.models import ApiKey
from orgbilling.backups import dumping, folder, target
from tests.backups.conftest import databases, killed_at, run
from tests.factories import make_key
from tests.ledger import charge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backup(database, story):
    make_key(story.org, name="leaked")
    dumping.back_up()
    return folder.backups(database)[0]


def spend(story, credits=1):
    receipt = deduct(charge(story.org, story.alice, credits))
    return receipt.charged.usage_id


def restored_files():
    return list(BackupRun.objects.filter(kind=BackupKind.RESTORE).values_list("outcome", flat=True))


def test_a_restore_brings_back_what_was(database, backup, story, capsys):
    call_command("restore", backup.path.name)
    kinds = set(BackupRun.objects.values_list("kind", "outcome", "sha256"))
    assert kinds == {
        (BackupKind.BACKUP, BackupOutcome.SUCCEEDED, backup.manifest.sha256),
        (BackupKind.RESTORE, BackupOutcome.SUCCEEDED, backup.manifest.sha256),
    }
    call_command("verify_ledger", verbosity=0)
    call_command("check_schema", json=True)
    now, former = databases(database)
    assert now == database
    assert former.startswith(f"{database}_before_restore_")
    assert former in capsys.readouterr().out


def test_a_newer_ledger_is_not_overwritten_unless_that_is_meant(database, backup, story, capsys):
    charged = spend(story)
    key = ApiKey.objects.get()
    assert ApiKey.objects.revoke(story.org.pk, key.pk, by=None)
    with pytest.raises(CommandError, match=r"is newer than .*credit_usage_attribution has"):
        call_command("restore", backup.path.name)
    assert Usage.objects.filter(pk=charged).exists()
    assert databases(database) == [database]
    assert restored_files() == [BackupOutcome.FAILED]
    call_command("restore", backup.path.name, force=True)
    assert not Usage.objects.filter(pk=charged).exists()
    said = capsys.readouterr().out
    assert "credit_usage_attribution: 1 rows of the former database are not in this one." in said
    # It is valid again, and someone has to know.
    assert ApiKey.objects.get().revoked_at is None
    assert f"Revoke again: API key {key.pk} (leaked" in said


def test_another_ledger_is_not_overwritten(database, backup, story):
    # As long as the backup's and no newer, and yet another one.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE credit_journal DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE credit_journal SET id = '00000000-0000-7000-8000-000000000000'"
            " WHERE id = (SELECT id FROM credit_journal ORDER BY id DESC LIMIT 1)"
        )
        cursor.execute(
            "DELETE FROM credit_journal WHERE id <> '00000000-0000-7000-8000-000000000000'"
        )
    with pytest.raises(
        CommandError, match=r"credit_journal are not in the backup: it is of another"
    ):
        call_command("restore", backup.path.name)
    assert databases(database) == [database]


def test_others_are_named_and_only_ended_when_told(database, backup, monkeypatch):
    monkeypatch.setattr("orgbilling.backups.restoring.LEAVING_SECONDS", 0.2)
    with target.connect() as other:
        other.execute("SET application_name = 'granian'")
        with pytest.raises(
            CommandError, match=r"Others are connected to .*: granian. Stop the web"
        ):
            call_command("restore", backup.path.name)
        call_command("restore", backup.path.name, disconnect=True)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    assert len(databases(database)) == 2


@pytest.mark.parametrize("calls", [0, 1], ids=["before the renames", "between them"])
def test_a_killed_restore_leaves_the_database_as_it_was(database, backup, backup_dir, calls):
    python = killed_at("orgbilling.backups.restoring", "_rename", calls)
    ended = run(
        "restore", backup.path.name, backup_dir=backup_dir, database=database, python=python
    )
    assert ended.returncode == -9, ended.stderr
    assert Usage.objects.exists()
    now, scratch = databases(database)
    assert now == database
    assert scratch.startswith(f"{database}_restore_")
    target.release()
    call_command("restore", backup.path.name)
    # What was left is gone; the former one is kept.
    assert [name.removeprefix(database)[:15] for name in databases(database)] == [
        "",
        "_before_restore",
    ]


def test_where_there_is_none_it_is_made(database, backup, backup_dir):
    target.release()
    with target.connect(target.MAINTENANCE) as maintenance:
        maintenance.execute(f"ALTER DATABASE {database} RENAME TO {database}_lost")
    call_command("restore", str(backup.path))
    assert databases(database) == [database, f"{database}_lost"]
    call_command("verify_ledger", verbosity=0)


def test_a_newer_release_is_refused(database, backup, monkeypatch):
    monkeypatch.setattr(
        "orgbilling.backups.releases._known",
        lambda: set(backup.manifest.migrations) - {"billing.0011_backup_runs"},
    )
    with pytest.raises(CommandError, match=r"newer release: billing.0011_backup_runs is not known"):
        call_command("restore", backup.path.name)
