"""A drill restores, proves and throws away; what is not sound fails it, and that is kept."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.choices import BackupKind, BackupOutcome
from billing.models import BackupRun
from credits.models import Usage
from orgbilling.backups import dumping, folder, proof, scratch, target
from orgbilling.lib.clock import now, simulated
from tests.backups.conftest import databases
from tests.ledger import fund, give, let_spend
from tests.verification.guards import take_away_all_guards

pytestmark = pytest.mark.django_db(transaction=True)


def last_drill():
    return BackupRun.objects.last_finished(BackupKind.RESTORE_DRILL)


def test_a_drill_proves_the_newest_backup(database, capsys):
    dumping.back_up()
    charges = Usage.objects.count()
    # What a killed drill left.
    with target.connect(target.MAINTENANCE) as maintenance:
        left = scratch.derived("drill", "0" * 8)
        maintenance.execute(f"CREATE DATABASE {left}")
    call_command("restore_drill")
    run = last_drill()
    (backup,) = folder.backups(database)
    assert (run.outcome, run.file_name, run.sha256) == (
        BackupOutcome.SUCCEEDED,
        backup.path.name,
        backup.manifest.sha256,
    )
    assert "equations hold" in run.detail
    assert "one credit was charged and given back" in run.detail
    assert "can be restored" in capsys.readouterr().out
    assert databases(database) == [database]
    assert Usage.objects.count() == charges


def test_a_drill_apart_needs_nothing_of_the_server(database):
    dumping.back_up()
    call_command("restore_drill", folder.backups(database)[0].path.name, apart=True)
    assert last_drill().outcome == BackupOutcome.SUCCEEDED
    assert databases(database) == [database]


def test_a_ledger_that_is_not_sound_fails_it(database):
    with transaction.atomic(), connection.cursor() as cursor:
        take_away_all_guards()
        cursor.execute(
            "UPDATE user_credit_allocations SET remaining_credits = remaining_credits + 7"
        )
    dumping.back_up()
    with pytest.raises(
        CommandError, match=r"(?s)is not sound: not in place: .*broken: .*a charge failed: "
    ):
        call_command("restore_drill")
    assert last_drill().outcome == BackupOutcome.FAILED
    assert "broken: " in last_drill().detail
    assert BackupRun.objects.last_succeeded(BackupKind.RESTORE_DRILL) is None
    assert databases(database) == [database]


def test_no_backup_and_a_damaged_one_fail_it(database):
    with pytest.raises(
        CommandError, match=r"There is no backup in .*: make one with manage.py backup"
    ):
        call_command("restore_drill")
    dumping.back_up()
    (backup,) = folder.backups(database)
    content = bytearray(backup.path.read_bytes())
    content[len(content) // 2] ^= 1
    backup.path.write_bytes(content)
    with pytest.raises(CommandError, match="is damaged: its SHA-256 is"):
        call_command("restore_drill")
    assert "is damaged" in last_drill().detail


def test_its_charge_passes_for_a_member_whose_budget_is_due_to_be_reset(alpha, alice):
    """As anybody's may be at night, when drills run: the ordinary path leaves that to the locked one."""
    with simulated(now() - timedelta(days=2)):
        fund(alpha, 1_000)
        let_spend(alpha)
        give(alpha, alice, 100, reset_period="daily")
    assert proof._smoke(now()) == ("one credit was charged and given back", "")
    assert not Usage.objects.exists()
