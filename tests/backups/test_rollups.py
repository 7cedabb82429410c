"""Usage that is summed up survives what kills, copies and replaces databases: reports say what the rows say."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from billing.verification import EVERY
from credits import reports
from credits.deducting import Receipt, deduct
from credits.models import Rollup, ServiceCell, Usage
from credits.reports import Selection
from credits.verification import snapshot, verify
from orgbilling.backups import dumping, folder, target
from orgbilling.lib.clock import simulated
from tests.backups.conftest import killed_at, run
from tests.credits.rolled import as_reported, by_hand, day_of, settle
from tests.ledger import charge

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 12
#: Transactions of a few rows, so that there are many steps between which a run can be killed.
SMALL = "import django; django.setup()\nimport credits.rolling; credits.rolling.ROWS_AT_ONCE = 2\n"
#: Killed when the first step is done and not committed.
UNCOMMITTED = """
from credits import functions
_real = functions.roll_up_usage
def _killer(**arguments):
    _real(**arguments)
    os.kill(os.getpid(), signal.SIGKILL)
functions.roll_up_usage = _killer
"""


def compare(org_id):
    """The reports of an organization and the rows; and all equations of the ledger."""
    of = Selection(datetime.now(UTC) - timedelta(days=90), None, (org_id,))
    assert as_reported(of.by_service(), "service_name") == by_hand(of, lambda one: one.service_name)
    assert as_reported(of.by_user(), "user_id") == by_hand(of, lambda one: one.user_id)
    assert as_reported(of.by_day(), "date") == by_hand(of, day_of())
    assert sum(one["credits_used"] for one in reports.grouped_by(of, "day")) == sum(
        Usage.objects.filter(org_id=org_id).values_list("credits_used", flat=True)
    )
    with snapshot():
        assert [one for result in verify(EVERY) for one in result.violations] == []


@pytest.fixture
def history(database, story):
    """Charges of hours of the past, of which none is summed up."""
    del database
    began = datetime.now(UTC)
    for number in range(1, ROWS + 1):
        with simulated(began - timedelta(hours=3 * number)):
            assert isinstance(deduct(charge(story.org, story.alice, 1)), Receipt)
    return story


def test_killed_at_any_step_it_is_neither_short_nor_twice(history, database, backup_dir):
    org_id = history.org.pk
    settle(org_id)
    began = datetime.now(UTC)
    for minutes in range(8):
        with simulated(began - timedelta(hours=2, minutes=minutes)):
            deduct(charge(history.org, history.alice, 7))
    for arguments, python in (
        (["rollup"], killed_at("credits.functions", "roll_up_usage", 1)),
        (["rollup", "--rebuild"], killed_at("credits.functions", "roll_up_usage", 2)),
        (["rollup"], UNCOMMITTED),
    ):
        ended = run(*arguments, backup_dir=backup_dir, database=database, python=SMALL + python)
        assert ended.returncode == -9, ended.stderr
        compare(org_id)
    call_command("rollup", verbosity=0)
    settle(org_id)
    compare(org_id)
    assert ServiceCell.objects.filter(org_id=org_id).exists()


def test_restored_it_goes_on_where_the_backup_was(history, database):
    org_id = history.org.pk
    settle(org_id)
    rolled = Rollup.objects.get(org_id=org_id).rolled_until
    assert rolled is not None
    dumping.back_up()
    call_command("restore", folder.backups(database)[0].path.name)
    target.release()
    compare(org_id)
    assert Rollup.objects.get(org_id=org_id).rolled_until == rolled
    with simulated(datetime.now(UTC) - timedelta(hours=1)):
        assert isinstance(deduct(charge(history.org, history.alice, 5)), Receipt)
    compare(org_id)
    settle(org_id)
    compare(org_id)
    assert Rollup.objects.get(org_id=org_id).rolled_until >= rolled
