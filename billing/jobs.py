"""The jobs of billing: what a worker is asked to do. Safe to run twice, late and side by side."""

from uuid import UUID

from procrastinate.contrib.django import app

from billing import alarm, collecting, inbox, invoicing, proving, renewal, sweeping, troubles
from billing.managers.inbox import PROCESS_TASK
from billing.managers.payments import COLLECT_TASK, ISSUE_TASK
from orgbilling.lib import jobs


@app.task(name=alarm.TASK, retry=jobs.RETRY)
def advance_subscription(*, org_id: str, subscription_id: str) -> None:
    """Bring one subscription up to now: its alarm has rung."""
    jobs.run(lambda: renewal.advance(org_id=UUID(org_id), subscription_id=UUID(subscription_id)))


@app.task(name="billing.advance_due", queueing_lock="billing.advance_due")
def advance_due(timestamp: int) -> None:
    """Bring every subscription up to now whose alarm was lost."""
    del timestamp
    sweeping.advance_due()


@app.task(name=proving.TASK, queueing_lock=proving.TASK, lock=proving.TASK)
def verify_ledger(*, asked_by: str = "system", timestamp: int = 0) -> None:
    """Prove the ledger as a whole; never two at a time."""
    del timestamp
    proving.prove(asked_by=asked_by)


@app.task(name=ISSUE_TASK, retry=jobs.RETRY)
def issue_invoices(*, org_id: str) -> None:
    """Issue the organization's invoices that are missing: it has been billed."""
    invoicing.issue_missing(UUID(org_id))


@app.task(name="billing.issue_invoices_due", queueing_lock="billing.issue_invoices_due")
def issue_invoices_due(timestamp: int) -> None:
    """Issue every invoice whose job was lost, or that was billed before there were invoices."""
    del timestamp
    invoicing.issue_due()


@app.task(name=COLLECT_TASK, retry=jobs.RETRY)
def collect_payment(*, org_id: str, payment_id: str, now: str = "") -> None:
    """Collect one payment by the organization's card, if it has one."""
    collecting.collect(org_id=UUID(org_id), payment_id=UUID(payment_id), now=bool(now))


@app.task(name="billing.collect_due", queueing_lock="billing.collect_due")
def collect_due(timestamp: int) -> None:
    """Try declined payments again that are due, and find what was lost on the way."""
    del timestamp
    inbox.process_waiting()
    collecting.collect_due()


@app.task(name=PROCESS_TASK, retry=jobs.RETRY)
def process_webhook(*, event: str) -> None:
    """Process one event that the payment provider told of."""
    inbox.process(UUID(event))


@app.task(name="billing.purge", queueing_lock="billing.purge")
def purge(timestamp: int) -> None:
    """Forget webhooks that were processed long ago."""
    del timestamp
    inbox.purge()


@app.task(
    name="billing.tell_of_troubles",
    queueing_lock="billing.tell_of_troubles",
    lock="billing.tell_of_troubles",
)
def tell_of_troubles(timestamp: int) -> None:
    """Tell people of declined cards, overdue charges, failed jobs and a ledger that breaks a rule."""
    del timestamp
    troubles.tell_of_all()
