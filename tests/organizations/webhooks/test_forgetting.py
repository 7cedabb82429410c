"""What is purged is looked for by organization: there is an index for that, and no other."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.clock import database_now
from tests.organizations.webhooks.conftest import deliver_at
from tests.webhook_receiver import status


def test_each_statement_of_the_purge_names_the_organization(alpha, receiver, endpoint, tell):
    tell()
    deliver_at(database_now() + timedelta(seconds=1))
    # Of this event one delivery is done, and the other one isn't.
    WebhookEndpoint.objects.open(alpha, url=receiver.url("/status/500"), events=["*"], by=None)
    kept = tell()
    receiver.answers = [status(204)]
    deliver_at(database_now() + timedelta(seconds=2))

    with CaptureQueriesContext(connection) as found:
        WebhookDelivery.objects.purge(database_now() + timedelta(days=1), batch=10)

    # The first one finds what is old, of everybody.
    _, *others = [q["sql"] for q in found.captured_queries if "webhook_" in q["sql"]]
    assert others
    assert all("org_id = " in sql.replace('"', "") for sql in others), others
    assert [str(event.pk) for event in WebhookEvent.objects.all()] == [kept]
    assert WebhookDelivery.objects.get().status == "pending"
    assert WebhookAttempt.objects.get().status_code == 500
