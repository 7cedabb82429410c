"""The console's pages about collecting and proving: who sees them, and letting a failed event be processed again."""

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.choices import InboxStatus
from billing.models import LedgerCheck, WebhookEvent
from orgbilling.lib.clock import now

pytestmark = pytest.mark.django_db
INBOX = "/admin/billing/webhookevent/"


@pytest.fixture
def console(system_admin):
    client = Client()
    client.force_login(system_admin)
    return client


@pytest.fixture
def event():
    """Makes an event of the inbox that has come to this."""

    def make(status):
        is_open = status == InboxStatus.RECEIVED
        return WebhookEvent.objects.create(
            provider="stripe",
            event_id=f"evt_{status}",
            event_type="payment_intent.succeeded",
            body='{"id": "ä"}'.encode(),
            status=status,
            attempts=30,
            error="AnswerMismatch: amount is 1, not 2." if status == InboxStatus.FAILED else "",
            received_at=now(),
            processed_at=None if is_open else now(),
        )

    return make


def test_a_failed_event_is_processed_again_and_no_other(console, event):
    failed, done = event(InboxStatus.FAILED), event(InboxStatus.PROCESSED)
    chosen = {"action": "process_again", "_selected_action": [str(failed.pk), str(done.pk)]}
    page = console.post(INBOX, chosen, follow=True)
    assert b"To be processed again: 1." in page.content
    failed.refresh_from_db()
    done.refresh_from_db()
    assert (failed.status, failed.processed_at, failed.attempts) == ("received", None, 0)
    assert (done.status, done.attempts) == ("processed", 30)
    asked = ProcrastinateJob.objects.filter(task_name="billing.process_webhook")
    assert [job.args["event"] for job in asked] == [str(failed.pk)]


def test_an_event_shows_what_was_sent(console, event):
    page = console.get(f"{INBOX}{event(InboxStatus.FAILED).pk}/change/")
    assert "{&quot;id&quot;: &quot;ä&quot;}" in page.content.decode()
    assert b"amount is 1, not 2" in page.content


def test_the_inbox_and_the_proofs_are_for_system_admins(alpha, alice, event):
    failed = event(InboxStatus.FAILED)
    LedgerCheck.objects.begin(asked_by="system")
    client = Client()
    client.force_login(alice)
    chosen = {"action": "process_again", "_selected_action": [str(failed.pk)]}
    assert client.post(INBOX, chosen).status_code == 403
    assert client.get("/admin/billing/ledgercheck/").status_code == 403
    assert client.get("/admin/billing/paymentattempt/").status_code == 200
    failed.refresh_from_db()
    assert failed.status == "failed"
