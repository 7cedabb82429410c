"""Endpoints are made, changed, rotated, disabled and deleted; deliveries are replayed; old ones are forgotten."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from standardwebhooks import Webhook

from organizations import jobs
from organizations.choices import DeliveryStatus, EndpointStatus
from organizations.errors import EndpointDisabled, EndpointLimitExceeded
from organizations.managers.webhook_endpoints import DELIVER_TASK, ENDPOINTS_MAX
from organizations.models import (
    AuditLogEntry,
    Notice,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from organizations.webhooks.secrets import decrypted
from orgbilling.lib.clock import database_now, simulated
from orgbilling.lib.errors import InvalidRequest, NotFound
from tests.factories import as_principal
from tests.organizations.webhooks.conftest import deliver_at
from tests.webhook_receiver import status

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in"
SOON = timedelta(seconds=1)


def make(org, by=None, **wanted):
    return WebhookEndpoint.objects.open(org, **{"url": URL, "events": ["*"], "by": by, **wanted})


def audited() -> list[str]:
    ours = AuditLogEntry.objects.filter(action__startswith="webhook").order_by("id")
    return list(ours.values_list("action", flat=True))


def test_a_secret_is_shown_once_and_kept_encrypted(alpha, alice):
    endpoint, secret = make(alpha, as_principal(alice))
    endpoint.refresh_from_db()
    assert secret.startswith("whsec_")
    assert secret[6:] not in endpoint.secret
    assert endpoint.created_by == alice
    assert audited() == ["webhook_endpoint_created"]
    entry = AuditLogEntry.objects.get(action="webhook_endpoint_created")
    assert secret[6:] not in str(entry.after)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["credits.minted"]}, "events"),
        ({"events": ["webhook.test"]}, "events"),
        ({"description": "x" * 201}, "description"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_changes_nothing(alpha, wanted, field):
    with pytest.raises(InvalidRequest) as refused:
        make(alpha, **wanted)
    assert refused.value.extra["errors"][0]["field"] == field
    endpoint, _ = make(alpha)
    with pytest.raises(InvalidRequest):
        WebhookEndpoint.objects.edit(alpha.pk, endpoint.pk, by=None, **wanted)
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.description) == (URL, ["*"], "")


def test_there_are_at_most_twenty(alpha, globex):
    for _ in range(ENDPOINTS_MAX):
        endpoint, _ = make(alpha)
    with pytest.raises(EndpointLimitExceeded):
        make(alpha)
    make(globex)
    WebhookEndpoint.objects.remove(alpha.pk, endpoint.pk, by=None)
    make(alpha)


def test_an_edit_keeps_what_it_does_not_name(alpha):
    endpoint, _ = make(alpha, description="one")
    changed = WebhookEndpoint.objects.edit(
        alpha.pk, endpoint.pk, events=["credits.low", "hold.placed"], by=None
    )
    assert (changed.url, changed.description) == (URL, "one")
    entry = AuditLogEntry.objects.get(action="webhook_endpoint_edited")
    assert (entry.before, entry.after) == (
        {"events": ["*"]}, {"events": ["credits.low", "hold.placed"]},
    )  # fmt: skip
    WebhookEndpoint.objects.edit(alpha.pk, endpoint.pk, description="one", by=None)
    assert len(audited()) == 2


def test_another_organization_has_none_of_it(alpha, globex):
    endpoint, _ = make(alpha)
    for work in (
        lambda: WebhookEndpoint.objects.find(globex.pk, endpoint.pk),
        lambda: WebhookEndpoint.objects.edit(globex.pk, endpoint.pk, by=None),
        lambda: WebhookEndpoint.objects.rotate_secret(globex.pk, endpoint.pk, by=None),
        lambda: WebhookEndpoint.objects.disable(globex.pk, endpoint.pk, by=None),
        lambda: WebhookEndpoint.objects.enable(globex.pk, endpoint.pk, by=None),
        lambda: WebhookEndpoint.objects.remove(globex.pk, endpoint.pk, by=None),
    ):
        with pytest.raises(NotFound):
            work()


def test_a_deleted_one_is_gone_and_its_secrets_too(alpha, tell):
    endpoint, _ = make(alpha)
    tell()
    WebhookEndpoint.objects.rotate_secret(alpha.pk, endpoint.pk, by=None)
    WebhookEndpoint.objects.remove(alpha.pk, endpoint.pk, by=None)
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.secret, endpoint.previous_secret) == ("deleted", "", "")
    assert WebhookDelivery.objects.get().status == DeliveryStatus.DISCARDED
    with pytest.raises(NotFound):
        WebhookEndpoint.objects.remove(alpha.pk, endpoint.pk, by=None)
    with pytest.raises(NotFound):
        WebhookEndpoint.objects.find(alpha.pk, endpoint.pk)


class TestRotation:
    def test_both_secrets_sign_until_the_overlap_is_over(self, alpha, receiver, endpoint, tell):
        rotated = WebhookEndpoint.objects.rotate_secret
        _, old = rotated(alpha.pk, endpoint.pk, overlap=timedelta(0), by=None)
        _, new = rotated(alpha.pk, endpoint.pk, by=None)
        tell()
        deliver_at(database_now() + SOON)
        tell()
        deliver_at(database_now() + timedelta(hours=25))
        during, after = receiver.received
        assert len(during.headers["webhook-signature"].split(" ")) == 2
        for secret in (old, new):
            assert Webhook(secret).verify(during.body, during.headers)
        assert len(after.headers["webhook-signature"].split(" ")) == 1

    @pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
    def test_an_overlap_has_bounds(self, alpha, overlap):
        endpoint, _ = make(alpha)
        with pytest.raises(InvalidRequest, match="field"):
            WebhookEndpoint.objects.rotate_secret(alpha.pk, endpoint.pk, overlap=overlap, by=None)

    def test_a_secret_that_cannot_be_read_is_said_and_mended_by_a_new_one(
        self, alpha, receiver, endpoint, tell, settings, alice
    ):
        event_id = tell()
        settings.SECRET_KEY = "another" * 9
        deliver_at(database_now() + SOON)
        assert receiver.received == []
        assert "rotate the secret" in WebhookDelivery.objects.get().last_error
        assert "can't be read" in Notice.objects.get(user=alice).title
        WebhookEndpoint.objects.rotate_secret(alpha.pk, endpoint.pk, by=None)
        deliver_at(database_now() + timedelta(minutes=1))
        (request,) = receiver.received
        assert request.id == event_id
        assert len(request.headers["webhook-signature"].split(" ")) == 1


def test_after_a_change_of_the_key_no_fallback_is_needed_for_long(alpha, settings):
    endpoint, secret = make(alpha)
    WebhookEndpoint.objects.rotate_secret(alpha.pk, endpoint.pk, by=None)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 9
    settings.SECRET_KEY_FALLBACKS = [former]
    assert WebhookEndpoint.objects.renew_secrets() == 1
    assert WebhookEndpoint.objects.renew_secrets() == 0
    settings.SECRET_KEY_FALLBACKS = []
    endpoint.refresh_from_db()
    assert decrypted(endpoint.previous_secret) == secret
    settings.SECRET_KEY = "a third" * 9
    assert WebhookEndpoint.objects.renew_secrets() == 0


class TestReplay:
    def test_a_delivered_one_goes_out_again_with_the_same_id(self, alpha, receiver, endpoint, tell):
        event_id = tell()
        deliver_at(database_now() + SOON)
        delivery = WebhookDelivery.objects.get()
        WebhookDelivery.objects.replay(alpha.pk, delivery.pk, by=None)
        deliver_at(database_now() + SOON)
        assert receiver.ids() == [event_id] * 2
        assert receiver.received[0].body == receiver.received[1].body
        assert list(WebhookAttempt.objects.values_list("number", flat=True)) == [1, 2]

    def test_what_was_missed_is_sent_once_the_endpoint_is_enabled(
        self, alpha, receiver, endpoint, tell
    ):
        before = database_now()
        missed = [tell() for _ in range(3)]
        WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
        with pytest.raises(EndpointDisabled):
            WebhookDelivery.objects.replay_since(alpha.pk, endpoint.pk, before, by=None)
        WebhookEndpoint.objects.enable(alpha.pk, endpoint.pk, by=None)
        assert deliver_at(database_now() + SOON) == 0
        sent = WebhookDelivery.objects.replay_since(alpha.pk, endpoint.pk, before, by=None)
        assert sent == 3
        deliver_at(database_now() + SOON)
        assert sorted(receiver.ids()) == sorted(missed)
        again = WebhookDelivery.objects.replay_since(alpha.pk, endpoint.pk, before, by=None)
        assert again == 0

    def test_of_another_organization_there_is_nothing(self, alpha, globex, endpoint, tell):
        tell()
        delivery = WebhookDelivery.objects.get()
        with pytest.raises(NotFound):
            WebhookDelivery.objects.replay(globex.pk, delivery.pk, by=None)


def test_a_test_reaches_the_one_that_is_tried_whatever_it_asks_for(alpha, receiver, alice):
    tried, _ = make(alpha, url=receiver.url("/tried"), events=["hold.placed"])
    make(alpha, url=receiver.url("/other"))
    WebhookEvent.objects.send_test(tried, by=as_principal(alice))
    deliver_at(database_now() + SOON)
    assert [request.path for request in receiver.received] == ["/tried"]
    WebhookEndpoint.objects.disable(alpha.pk, tried.pk, by=None)
    with pytest.raises(EndpointDisabled):
        WebhookEvent.objects.send_test(
            WebhookEndpoint.objects.get(pk=tried.pk), by=as_principal(alice)
        )


def test_what_was_told_while_an_endpoint_was_disabled_is_discarded(alpha, endpoint, tell):
    tell()
    # As a transaction leaves it that saw the endpoint enabled and committed afterwards.
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        status=EndpointStatus.DISABLED, disabled_reason="by_hand", disabled_at=database_now()
    )
    assert WebhookDelivery.objects.discard_stranded() == 1
    assert WebhookDelivery.objects.get().status == DeliveryStatus.DISCARDED
    assert WebhookDelivery.objects.discard_stranded() == 0


def test_delivered_ones_are_forgotten_and_the_others_are_not(alpha, receiver, endpoint, tell):
    tell()
    deliver_at(database_now() + SOON)
    receiver.answers = [status(500)]
    kept = tell()
    deliver_at(database_now() + SOON)
    jobs.purge(0)
    assert WebhookDelivery.objects.count() == 2
    with simulated(database_now() + timedelta(days=31)):
        jobs.purge(0)
    assert str(WebhookDelivery.objects.get().event_id) == kept
    assert WebhookEvent.objects.count() == 1
    assert WebhookAttempt.objects.count() == 1


def test_an_event_stays_while_a_delivery_of_it_does(alpha, receiver, endpoint, tell):
    make(alpha, url=receiver.url("/status/500"))
    tell()
    deliver_at(database_now() + SOON)
    with simulated(database_now() + timedelta(days=31)):
        jobs.purge(0)
    assert WebhookDelivery.objects.count() == WebhookEvent.objects.count() == 1


def test_a_worker_is_woken_by_the_first_endpoint_anywhere(alpha, globex):
    def woken():
        return ProcrastinateJob.objects.filter(task_name=DELIVER_TASK).count()

    first, _ = make(alpha)
    assert woken() == 1
    make(globex)
    assert woken() == 1
    job = ProcrastinateJob.objects.get(task_name=DELIVER_TASK)
    assert job.queue_name == "webhooks"
    WebhookEndpoint.objects.disable(alpha.pk, first.pk, by=None)
    WebhookEndpoint.objects.enable(alpha.pk, first.pk, by=None)
    assert woken() == 1


BROKEN = {
    "webhook_endpoints_url_check": ("webhook_endpoints", "url = 'ftp://x'"),
    "webhook_endpoints_events_check": ("webhook_endpoints", "events = '{}'"),
    "webhook_endpoints_events_check ": ("webhook_endpoints", "events = '{credits.minted}'"),
    "webhook_endpoints_status_check": ("webhook_endpoints", "status = 'disabled'"),
    "webhook_endpoints_status_check ": ("webhook_endpoints", "status = 'deleted'"),
    "webhook_endpoints_secret_check": ("webhook_endpoints", "secret = ''"),
    "webhook_endpoints_previous_check": ("webhook_endpoints", "previous_secret = 'x'"),
    "webhook_endpoints_failures_check": ("webhook_endpoints", "consecutive_failures = 1"),
    "webhook_events_type_check": ("webhook_events", "type = 'Credits'"),
    "webhook_events_data_check": ("webhook_events", "data = '[]'"),
    "webhook_events_data_check ": (
        "webhook_events", "data = jsonb_build_object('x', repeat('x', 16384))",
    ),
    "webhook_deliveries_status_check": ("webhook_deliveries", "status = 'delivered'"),
    "webhook_deliveries_status_check ": ("webhook_deliveries", "next_attempt_at = NULL"),
    "webhook_deliveries_status_check  ": ("webhook_deliveries", "status = 'lost'"),
    "webhook_deliveries_attempts_check": ("webhook_deliveries", "step = 1"),
    "webhook_deliveries_event_fk": ("webhook_deliveries", "event_id = gen_random_uuid()"),
    "webhook_deliveries_endpoint_fk": ("webhook_deliveries", "endpoint_id = gen_random_uuid()"),
    "webhook_attempts_number_check": ("webhook_attempts", "number = 0"),
    "webhook_attempts_ended_check": ("webhook_attempts", "ended_at = started_at - interval '1 s'"),
    "webhook_attempts_outcome_check": ("webhook_attempts", "error = '', status_code = NULL"),
    "webhook_attempts_delivery_fk": ("webhook_attempts", "delivery_id = gen_random_uuid()"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_must_never_be_is_refused_by_the_database(alpha, tell, name):
    make(alpha)
    tell()
    delivery = WebhookDelivery.objects.get()
    moment = database_now()
    WebhookAttempt.objects.create(
        org=alpha, delivery=delivery, number=1, started_at=moment, ended_at=moment, error="x"
    )
    table, change = BROKEN[name]
    with (
        pytest.raises(IntegrityError, match=name.strip()),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE {table} SET {change}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_ids_made_one_after_the_other_are_in_that_order(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "DO $$ DECLARE last uuid; made uuid; BEGIN FOR i IN 1..500 LOOP PERFORM pg_sleep(0.000002);"
            " made := public.time_ordered_id(); ASSERT last IS NULL OR last < made; last := made;"
            " ASSERT substr(made::text, 15, 1) = '7'; END LOOP; END $$"
        )
        cursor.execute("SELECT public.time_ordered_id()")
        (made,) = cursor.fetchone()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
