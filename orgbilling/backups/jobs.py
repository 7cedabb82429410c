"""Backups and drills by the clock, when a setting says so. Errors are kept in the run, and fail the job."""

from __future__ import annotations

from typing import Final

from procrastinate.contrib.django import app

from orgbilling.backups.drilling import drill
from orgbilling.backups.dumping import back_up

BACKUP: Final = "backups.back_up"
DRILL: Final = "backups.drill"


@app.task(name=BACKUP, queueing_lock=BACKUP, lock=BACKUP)
def back_up_by_schedule(timestamp: int) -> None:
    """Make a backup; one at a time, and no second one waits."""
    del timestamp
    back_up()


@app.task(name=DRILL, queueing_lock=DRILL, lock=DRILL)
def drill_by_schedule(timestamp: int) -> None:
    """Prove the newest backup, likewise."""
    del timestamp
    drill()
