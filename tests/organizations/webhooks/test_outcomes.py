"""What is written of an attempt when something else happens beside it."""

from datetime import timedelta

from organizations.delivering import outcomes
from organizations.managers.webhook_deliveries import Due
from organizations.models import Notice, WebhookDelivery, WebhookEndpoint, WebhookEvent
from organizations.webhooks.posting import Answer
from orgbilling.lib.clock import database_now
from tests.factories import as_principal
from tests.organizations.webhooks.conftest import deliver_at
from tests.webhook_receiver import status

SOON = timedelta(seconds=1)


def test_each_time_that_an_endpoint_is_disabled_is_told(receiver, endpoint, tell, alice):
    receiver.answers = [status(410), status(410)]
    for day in (0, 1):
        tell()
        deliver_at(database_now() + timedelta(days=day) + SOON)
        endpoint.refresh_from_db()
        assert not endpoint.is_enabled
        WebhookEndpoint.objects.enable(endpoint.org_id, endpoint.pk, by=None)

    assert Notice.objects.filter(user=alice).count() == 2


def test_a_yes_counts_whatever_stands_in_retry_after(receiver, endpoint, tell):
    tell()
    absurd = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    receiver.answers = [status(200, f"Retry-After: {absurd}")]

    deliver_at(database_now() + SOON)

    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.last_status) == ("delivered", 200)


def test_an_attempt_under_way_doesnt_end_what_is_replayed_meanwhile(endpoint, tell):
    tell()
    delivery = WebhookDelivery.objects.get()
    # The next attempt is the last of its schedule.
    WebhookDelivery.objects.filter(pk=delivery.pk).update(step=9, attempts=9)
    parcel = outcomes.take(Due(delivery.org_id, delivery.pk, endpoint.pk, is_failing=False))
    assert parcel is not None

    WebhookDelivery.objects.replay(delivery.org_id, delivery.pk, by=None)
    outcomes.settle(parcel, Answer(status=500, error="It answered 500.", seconds=0.1))

    delivery.refresh_from_db()
    assert (delivery.status, delivery.step) == ("pending", 0)
    assert list(delivery.attempt_rows.values_list("number", flat=True)) == [10]


def test_what_a_person_asks_for_waits_for_no_rest(receiver, endpoint, tell):
    tell()
    receiver.answers = [status(429, "Retry-After: 3600")]
    now = database_now()
    deliver_at(now + SOON)
    delivery = WebhookDelivery.objects.get()
    assert delivery.endpoint.resting_until == now + SOON + timedelta(hours=1)

    WebhookDelivery.objects.replay(delivery.org_id, delivery.pk, by=None)
    assert deliver_at(now + 2 * SOON) == 1
    delivery.refresh_from_db()
    assert delivery.status == "delivered"


def test_a_test_waits_for_no_rest(receiver, endpoint, tell, alice):
    tell()
    receiver.answers = [status(429, "Retry-After: 3600")]
    now = database_now()
    deliver_at(now + SOON)

    sent = WebhookEvent.objects.send_test(endpoint, by=as_principal(alice))
    deliver_at(now + 2 * SOON)

    sent.refresh_from_db()
    assert sent.status == "delivered"


def test_failures_of_a_former_address_are_not_the_new_ones(receiver, endpoint, tell):
    days = timedelta(days=4, hours=23)
    now = database_now()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        consecutive_failures=20, failing_since=now - days, resting_until=now + timedelta(minutes=5)
    )
    WebhookEndpoint.objects.edit(
        endpoint.org_id, endpoint.pk, url=receiver.url("/status/500"), by=None
    )
    tell()

    assert deliver_at(now + timedelta(hours=2)) == 1

    endpoint.refresh_from_db()
    assert endpoint.is_enabled
    assert endpoint.consecutive_failures == 1
