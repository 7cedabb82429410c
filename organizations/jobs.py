"""The jobs of the organizations app: e-mail, and what the web floor found suspicious."""

from datetime import timedelta
from typing import Final

from procrastinate.contrib.django import app

from organizations import mailing, suspecting
from organizations.models import Notice
from organizations.noticing import SEND_TASK
from orgbilling.lib import jobs
from orgbilling.lib.clock import database_now
from orgbilling.web.suspicion import TASK as SUSPICION_TASK

KEPT: Final = timedelta(days=180)


# One at a time: a server that answers slowly takes one of a worker's places, not all of them.
@app.task(name=SEND_TASK, lock=SEND_TASK, retry=jobs.RETRY)
def send_notices() -> None:
    """Send the e-mails that are due: a notice has been queued."""
    mailing.send_due()


@app.task(
    name="organizations.send_notices_due",
    queueing_lock="organizations.send_notices_due",
    lock=SEND_TASK,
)
def send_notices_due(timestamp: int) -> None:
    """Send the e-mails whose time has come again, or whose job was lost."""
    del timestamp
    mailing.send_due()


@app.task(name=SUSPICION_TASK, retry=jobs.RETRY)
def tell_of_suspicion(*, kind: str, subject: str, count: str, window: str) -> None:
    """Tell system admins what the web floor counted."""
    jobs.run(lambda: suspecting.tell_of(kind=kind, subject=subject, count=count, window=window))


@app.task(name="organizations.purge", queueing_lock="organizations.purge")
def purge(timestamp: int) -> None:
    """Forget notices of more than 180 days ago."""
    del timestamp
    Notice.objects.filter(created_at__lt=database_now() - KEPT).delete()
