"""What much, many or late could do: one statement, bounded batches, and secrets that are forgotten."""

from datetime import timedelta

from django.db import connection

from organizations import jobs
from organizations.choices import DeliveryStatus
from organizations.managers import webhook_deliveries
from organizations.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.clock import database_now, simulated

#: As a transaction does that commits while the event is being recorded.
DISABLES = """
    CREATE FUNCTION disable_all() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'by_hand', disabled_at = now();
        RETURN NEW;
    END $$;
    CREATE TRIGGER disable_all BEFORE INSERT ON webhook_events FOR EACH ROW EXECUTE FUNCTION disable_all();
"""


def waiting() -> int:
    return WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING).count()


def test_an_endpoint_disabled_while_it_is_told_leaves_no_event_alone(endpoint, tell):
    with connection.cursor() as cursor:
        cursor.execute(DISABLES)

    assert tell() == str(WebhookDelivery.objects.get().event_id)

    # Discarded and purged as any other: an event that no delivery tells of would stay for ever.
    assert WebhookEvent.objects.filter(deliveries=None).count() == 0


def test_much_that_waits_is_discarded_in_parts(alpha, endpoint, tell, monkeypatch):
    monkeypatch.setattr(webhook_deliveries, "DISCARDED_AT_ONCE", 2)
    for _ in range(7):
        tell()

    WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
    assert waiting() == 5

    assert WebhookDelivery.objects.discard_stranded(batches=2) == 4
    assert WebhookDelivery.objects.discard_stranded() == 1
    assert waiting() == 0


def test_a_former_secret_is_forgotten_when_its_time_is_over(alpha, endpoint):
    WebhookEndpoint.objects.rotate_secret(
        alpha.pk, endpoint.pk, overlap=timedelta(hours=1), by=None
    )
    WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
    for minutes, is_kept in ((59, True), (61, False)):
        with simulated(database_now() + timedelta(minutes=minutes)):
            jobs.deliver_webhooks_due(0)
        endpoint.refresh_from_db()
        assert bool(endpoint.previous_secret) is is_kept
        assert (endpoint.previous_secret_until is not None) is is_kept
