"""What the worker does by the clock, when a setting says so, and how it is said wrong."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing.choices import BackupKind
from billing.models import BackupRun
from orgbilling.backups.jobs import back_up_by_schedule, drill_by_schedule
from orgbilling.env import cron_schedule
from tests.backups.conftest import databases
from tests.service import ROOT

SCRIPT = """
import django; django.setup()
import orgbilling.schedule
from procrastinate.contrib.django import app
print(*(f"{row.cron}={row.task.name}" for row in app.periodic_registry.periodic_tasks.values()), sep="\\n")
"""


def scheduled(**settings: str) -> list[str]:
    env = {**os.environ, **settings, "DJANGO_SETTINGS_MODULE": "orgbilling.settings"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "=backups." in line]


def test_nothing_is_scheduled_unless_a_setting_says_so():
    assert scheduled() == []
    assert scheduled(BACKUP_SCHEDULE="17 2 * * *", RESTORE_DRILL_SCHEDULE="47 2 * * 0") == [
        "17 2 * * *=backups.back_up",
        "47 2 * * 0=backups.drill",
    ]


@pytest.mark.parametrize("wrong", ["daily", "* * * *", "61 2 * * *", "17 2 * * * *", "17 2 * * x"])
def test_a_schedule_that_is_none_stops_the_start(wrong):
    with pytest.raises(ImproperlyConfigured, match="BACKUP_SCHEDULE must be five cron fields"):
        cron_schedule("BACKUP_SCHEDULE", wrong)
    assert cron_schedule("BACKUP_SCHEDULE", " 17 2 * * 1-5 ") == "17 2 * * 1-5"
    assert cron_schedule("BACKUP_SCHEDULE", "") == ""


@pytest.mark.django_db(transaction=True)
def test_the_jobs_do_it(database):
    back_up_by_schedule(timestamp=0)
    drill_by_schedule(timestamp=0)
    assert BackupRun.objects.last_succeeded(BackupKind.BACKUP) is not None
    assert BackupRun.objects.last_succeeded(BackupKind.RESTORE_DRILL) is not None
    assert databases(database) == [database]
