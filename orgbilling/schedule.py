"""What the worker does again and again: one table. It is loaded by the worker alone.

Nothing here is needed in time: boundaries of periods are enforced by the database's clock when credits are
charged. A run that was missed is made up for by the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from procrastinate.contrib.django import app

from billing import jobs as billing_jobs
from credits import jobs as credits_jobs
from organizations import jobs as organizations_jobs
from orgbilling.backups import jobs as backup_jobs
from orgbilling.lib.jobs import purge, retry_stalled
from orgbilling.web import jobs as web_jobs


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task, and when it is asked for: a cron expression in UTC."""

    cron: str
    task: Any


TABLE = (
    Periodic("* * * * *", retry_stalled),
    Periodic("* * * * *", billing_jobs.advance_due),
    Periodic("* * * * *", credits_jobs.expire_holds_due),
    Periodic("* * * * *", credits_jobs.reset_due),
    Periodic("* * * * *", credits_jobs.refresh_due),
    Periodic("* * * * *", credits_jobs.close_overage_due),
    Periodic("* * * * *", credits_jobs.watch_balances),
    Periodic("* * * * *", organizations_jobs.send_notices_due),
    Periodic("* * * * *", organizations_jobs.deliver_webhooks_due),
    Periodic("*/5 * * * *", credits_jobs.roll_up_usage),
    Periodic("*/5 * * * *", billing_jobs.tell_of_troubles),
    Periodic("7 * * * *", billing_jobs.collect_due),
    Periodic("*/10 * * * *", billing_jobs.issue_invoices_due),
    Periodic("17 * * * *", purge),
    Periodic("27 * * * *", web_jobs.purge),
    Periodic("37 3 * * *", billing_jobs.purge),
    Periodic("23 3 * * *", credits_jobs.purge),
    Periodic("53 3 * * *", organizations_jobs.purge),
    Periodic("41 4 * * *", billing_jobs.verify_ledger),
)

#: What a setting switches on; empty is off.
BY_SETTING = (
    Periodic(settings.BACKUP_SCHEDULE, backup_jobs.back_up_by_schedule),
    Periodic(settings.RESTORE_DRILL_SCHEDULE, backup_jobs.drill_by_schedule),
)

for row in (*TABLE, *(row for row in BY_SETTING if row.cron)):
    app.periodic(cron=row.cron)(row.task)
