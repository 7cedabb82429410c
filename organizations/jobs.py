"""The jobs of the organizations app: e-mail, webhooks, and what the web floor found suspicious."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from procrastinate.contrib.django import app

from organizations import mailing, suspecting
from organizations.delivering import working
from organizations.managers.webhook_endpoints import DELIVER_TASK
from organizations.models import Notice, WebhookDelivery, WebhookEndpoint
from organizations.noticing import SEND_TASK
from orgbilling.lib import jobs, stopping
from orgbilling.lib.clock import database_now
from orgbilling.web.suspicion import TASK as SUSPICION_TASK

KEPT: Final = timedelta(days=180)
#: The queue of deliveries, so that an operator can run them by a worker of their own, in a network of its own.
WEBHOOKS: Final = "webhooks"
#: A run stays until the next one is there, which comes every minute.
RUN_SECONDS: Final = 60.0
#: Deliveries forgotten in one transaction.
BATCH: Final = 1_000


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


# One at a time: it stays for a minute, and an endpoint that is switched on again and again must not take every place.
@app.task(name=DELIVER_TASK, queue=WEBHOOKS, lock=DELIVER_TASK)
def deliver_webhooks() -> None:
    """Deliver what is due for a minute: the first endpoint was made, and no run is there yet."""
    working.deliver(seconds=RUN_SECONDS, stop=stopping.is_stopping, stay=_may_stay())


@app.task(
    name="organizations.deliver_webhooks_due",
    queue=WEBHOOKS,
    queueing_lock="organizations.deliver_webhooks_due",
)
def deliver_webhooks_due(timestamp: int) -> None:
    """Deliver what is due, and what becomes due within the minute; it stays, so that nothing waits for a minute."""
    del timestamp
    WebhookEndpoint.objects.forget_former_secrets()
    WebhookDelivery.objects.discard_stranded()
    working.deliver(seconds=RUN_SECONDS, stop=stopping.is_stopping, stay=_may_stay())


def _may_stay() -> bool:
    """Whether a worker has places for others beside one that is always taken."""
    return settings.WORKER_CONCURRENCY > 1


@app.task(name="organizations.purge", queueing_lock="organizations.purge")
def purge(timestamp: int) -> None:
    """Forget old notices and delivered webhooks, and encrypt anew what a former SECRET_KEY has."""
    del timestamp
    WebhookEndpoint.objects.renew_secrets()
    before = database_now() - timedelta(days=settings.WEBHOOKS_RETENTION_DAYS)
    while WebhookDelivery.objects.purge(before, batch=BATCH) >= BATCH:
        pass
    Notice.objects.filter(created_at__lt=database_now() - KEPT).delete()
