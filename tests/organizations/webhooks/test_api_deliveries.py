"""Deliveries and events over HTTP: what is listed, sent again, and what a delivery carries."""

import datetime
import json

import pytest
from django.db.models import F
from standardwebhooks import Webhook

from organizations.choices import DeliveryStatus
from organizations.events import emit
from organizations.managers import webhook_deliveries
from organizations.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.clock import database_now, simulated
from tests.api_client import ok, problem
from tests.factories import make_endpoint
from tests.organizations.webhooks.conftest import DATA, deliver_at

pytestmark = pytest.mark.django_db

DELIVERY = {
    "id", "org_id", "endpoint_id", "event_id", "event_type", "status", "attempts",
    "next_attempt_at", "last_attempt_at", "delivered_at", "last_status", "last_error", "created_at",
}  # fmt: skip


def hooks(org, *more):
    return "/".join(["organizations", str(org.pk), "webhook-endpoints", *map(str, more)])


@pytest.fixture
def client(alice, client_for):
    """Alpha's owner."""
    return client_for(alice)


@pytest.fixture
def told(alpha):
    """Alpha's endpoint, which is told of nothing that is ever sent, and two events for it."""
    endpoint = make_endpoint(alpha)
    # In one transaction both would have happened at once, in either order.
    earlier = database_now() - datetime.timedelta(seconds=1)
    emit(alpha.pk, "member.added", DATA, earlier)
    emit(alpha.pk, "member.removed", DATA)
    return endpoint


def give_up(*types, status=DeliveryStatus.FAILED):
    rows = WebhookDelivery.objects.filter(event__type__in=types)
    return rows.update(status=status, next_attempt_at=None, attempts=10, step=10)


@pytest.mark.django_db(transaction=True)
def test_a_test_arrives_signed_by_the_secret_that_was_shown(alpha, client, receiver):
    made = ok(
        client.post(hooks(alpha), {"url": receiver.url("/ok"), "events": ["hold.expired"]}), 201
    )
    path = hooks(alpha, made["id"])
    sent = ok(client.post(f"{path}/test", {}), 202)
    assert sent.keys() == DELIVERY
    assert (sent["event_type"], sent["status"], sent["attempts"]) == ("webhook.test", "pending", 0)
    assert deliver_at(database_now()) == 1
    shown = ok(client.get(f"{path}/deliveries/{sent['id']}"))
    assert shown.keys() == DELIVERY | {"body", "attempt_log"}
    assert (shown["status"], shown["last_status"]) == ("delivered", 200)
    (attempt,) = shown["attempt_log"]
    assert (attempt["number"], attempt["status_code"], attempt["response"]) == (1, 200, "thanks")
    (request,) = receiver.received
    assert request.id == sent["event_id"]
    body = Webhook(made["secret"]).verify(request.body, request.headers)
    assert body == shown["body"] == json.loads(request.body)
    assert ok(client.get(path))["last_success_at"] is not None


def test_a_test_of_a_disabled_endpoint_is_refused(alpha, client, told):
    ok(client.patch(hooks(alpha, told.pk), {"status": "disabled"}))
    refused = problem(client.post(hooks(alpha, told.pk, "test"), {}), 409, "endpoint_disabled")
    assert "enable" in refused["detail"]
    assert WebhookEvent.objects.count() == 2


def test_a_test_with_the_same_key_is_one_test(alpha, client, told):
    path = hooks(alpha, told.pk, "test")
    first = ok(client.post(path, {}, Idempotency_Key="k"), 202)
    assert ok(client.post(path, {}, Idempotency_Key="k"), 202) == first
    assert WebhookEvent.objects.filter(type="webhook.test").count() == 1
    # A call without a body asks for nothing either.
    ok(client.post(path), 202)
    problem(client.post(path, {"to": "me"}), 400, "unknown_field")


def test_deliveries_are_filtered_and_paged(alpha, client, told):
    path = hooks(alpha, told.pk, "deliveries")
    give_up("member.added")

    def types(query=""):
        return [row["event_type"] for row in ok(client.get(f"{path}{query}"))["results"]]

    assert types() == ["member.removed", "member.added"]
    assert types("?status=failed") == ["member.added"]
    assert types("?status=pending&event_type=member.added") == []
    assert types("?event_type=member.removed") == ["member.removed"]
    assert types("?start=2999-01-01T00:00:00Z") == []
    assert types("?end=2999-01-01T00:00:00Z&start=2020-01-01T00:00:00Z") == types()
    first = ok(client.get(f"{path}?page_size=1"))
    second = ok(client.get(first["next"].partition("/api/v1/org-billing/")[2]))
    assert [row["event_type"] for row in second["results"]] == ["member.added"]
    for wrong in ("status=lost", "event_type=x", "start=yesterday", "type=member.added", "page=2"):
        problem(client.get(f"{path}?{wrong}"), 400, "validation_error")


def test_events_are_listed_with_what_they_say(alpha, client, told):
    path = f"organizations/{alpha.pk}/events"
    newest, oldest = ok(client.get(path))["results"]
    assert newest.keys() == {"id", "org_id", "type", "timestamp", "data"}
    assert (newest["type"], oldest["type"]) == ("member.removed", "member.added")
    assert oldest["data"] == {"org_id": str(alpha.pk), **DATA}
    (found,) = ok(client.get(f"{path}?type=member.added"))["results"]
    assert found == oldest
    problem(client.get(f"{path}?type=nothing.known"), 400, "validation_error")


def test_a_replay_of_one_begins_anew_with_the_same_event(alpha, client, told):
    give_up("member.added")
    delivery = WebhookDelivery.objects.get(event__type="member.added")
    path = hooks(alpha, told.pk, "deliveries", delivery.pk, "replay")
    sent = ok(client.post(path, {}), 202)
    assert (sent["id"], sent["event_id"]) == (str(delivery.pk), str(delivery.event_id))
    assert (sent["status"], sent["attempts"]) == ("pending", 10)
    assert sent["next_attempt_at"] is not None
    assert WebhookEvent.objects.count() == 2
    ok(client.patch(hooks(alpha, told.pk), {"status": "disabled"}))
    problem(client.post(path, {}), 409, "endpoint_disabled")


def test_a_replay_of_what_failed_takes_the_oldest_and_says_whether_there_is_more(
    alpha, client, told, monkeypatch
):
    for module in ("organizations.managers.webhook_deliveries", "credits.api.webhooks"):
        monkeypatch.setattr(f"{module}.REPLAY_MAX", 1)
    assert webhook_deliveries.REPLAY_MAX == 1
    give_up("member.added")
    give_up("member.removed", status=DeliveryStatus.DISCARDED)
    # What one transaction tells is of one moment, and then in no order.
    older = WebhookDelivery.objects.filter(event__type="member.added")
    older.update(created_at=F("created_at") - datetime.timedelta(seconds=1))
    path = hooks(alpha, told.pk, "replay")
    since = {"since": "2026-01-01T00:00:00Z"}
    assert ok(client.post(path, since), 202) == {"replayed": 1, "more": True}
    pending = WebhookDelivery.objects.get(status=DeliveryStatus.PENDING)
    assert pending.event.type == "member.added"
    first = ok(client.post(path, since, Idempotency_Key="k"), 202)
    assert first["replayed"] == 1
    assert ok(client.post(path, since, Idempotency_Key="k"), 202) == first
    assert ok(client.post(path, since), 202) == {"replayed": 0, "more": False}
    assert ok(client.post(path, {"since": "2999-01-01T00:00:00Z"}), 202)["replayed"] == 0
    for wrong in ({}, {"since": None}, {"since": "yesterday"}, {"since": 0}):
        problem(client.post(path, wrong), 400, "validation_error")


def test_what_was_told_before_the_moment_is_left(alpha, client):
    endpoint = make_endpoint(alpha)
    long_ago = database_now() - datetime.timedelta(days=9)
    with simulated(long_ago):
        emit(alpha.pk, "member.added", DATA)
    emit(alpha.pk, "member.removed", DATA)
    give_up("member.added", "member.removed")
    since = (long_ago + datetime.timedelta(days=1)).isoformat()
    answer = client.post(hooks(alpha, endpoint.pk, "replay"), {"since": since})
    assert ok(answer, 202) == {"replayed": 1, "more": False}


def test_a_delivery_of_another_endpoint_is_not_there(alpha, client, told):
    other = make_endpoint(alpha)
    delivery = WebhookDelivery.objects.first()
    problem(client.get(hooks(alpha, other.pk, "deliveries", delivery.pk)), 404, "not_found")
    assert WebhookEndpoint.objects.count() == 2
