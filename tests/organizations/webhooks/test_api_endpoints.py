"""Endpoints over HTTP: the secret shown once, what is refused and why, and what the audit log keeps."""

import json
from ipaddress import ip_address

import pytest

from credits.models import StoredAnswer
from organizations.models import AuditLogEntry, WebhookEndpoint
from organizations.webhooks import resolving
from organizations.webhooks.secrets import decrypted
from tests.api_client import ok, problem
from tests.factories import RECEIVER, make_endpoint

pytestmark = pytest.mark.django_db

ENDPOINT = {
    "id", "org_id", "url", "description", "events", "status", "disabled_reason", "disabled_at",
    "failing_since", "last_success_at", "previous_secret_until", "created_by", "created_at",
    "updated_at",
}  # fmt: skip


def hooks(org, *more):
    return "/".join(["organizations", str(org.pk), "webhook-endpoints", *map(str, more)])


@pytest.fixture
def client(alice, client_for):
    """Alpha's owner."""
    return client_for(alice)


def audited(org):
    rows = AuditLogEntry.objects.filter(org=org, action__startswith="webhook")
    return list(rows.order_by("created_at", "id").values_list("action", flat=True))


def test_an_endpoint_comes_with_its_secret_which_is_shown_once(alpha, alice, client):
    made = ok(client.post(hooks(alpha), {"url": RECEIVER, "description": "CRM"}), 201)
    assert made.keys() == ENDPOINT | {"secret"}
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["url"], made["events"], made["status"]) == (RECEIVER, ["*"], "enabled")
    assert (made["created_by"], made["disabled_reason"]) == (str(alice.pk), None)
    assert ok(client.get(hooks(alpha, made["id"]))) == made
    assert ok(client.get(hooks(alpha)))["results"] == [made]
    endpoint = WebhookEndpoint.objects.get(pk=made["id"])
    assert decrypted(endpoint.secret) == secret
    entry = AuditLogEntry.objects.get(org=alpha, action="webhook_endpoint_created")
    assert (entry.actor, entry.subject) == (f"user:{alice.pk}", RECEIVER)
    assert secret not in json.dumps([entry.before, entry.after])


def test_the_same_key_makes_one_endpoint_and_answers_the_same_secret(alpha, client):
    body = {"url": RECEIVER, "events": ["credits.low"]}
    first = client.post(hooks(alpha), body, Idempotency_Key="k1")
    again = client.post(hooks(alpha), body, Idempotency_Key="k1")
    assert ok(again, 201) == ok(first, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    problem(
        client.post(hooks(alpha), {"url": RECEIVER}, Idempotency_Key="k1"),
        422,
        "idempotency_key_reused",
    )


def test_the_kept_answer_has_no_secret_that_can_be_read(alpha, client):
    made = ok(client.post(hooks(alpha), {"url": RECEIVER}, Idempotency_Key="k1"), 201)
    rotated = ok(client.post(hooks(alpha, made["id"], "rotate-secret"), {}, Idempotency_Key="k2"))
    kept = " ".join(StoredAnswer.objects.values_list("body", flat=True))
    assert "whsec_" not in kept
    assert made["secret"][6:] not in kept
    assert rotated["secret"][6:] not in kept


def test_a_replay_whose_secret_is_lost_says_what_to_do(alpha, client):
    """As after a change of SECRET_KEY without a fallback."""
    made = ok(client.post(hooks(alpha), {"url": RECEIVER}, Idempotency_Key="k"), 201)
    WebhookEndpoint.objects.update(secret="unreadable")
    StoredAnswer.objects.update(body=json.dumps({**made, "secret": "unreadable"}))
    again = client.post(hooks(alpha), {"url": RECEIVER}, Idempotency_Key="k")
    refused = problem(again, 400, "validation_error")
    assert "rotate it" in refused["errors"][0]["detail"]
    rotated = ok(client.post(hooks(alpha, made["id"], "rotate-secret"), {}))
    assert (rotated["secret"][:6], rotated["previous_secret_until"]) == ("whsec_", None)


def test_a_retried_rotation_is_one_rotation(alpha, client):
    made = ok(client.post(hooks(alpha), {"url": RECEIVER}), 201)
    rotate = hooks(alpha, made["id"], "rotate-secret")
    first = ok(client.post(rotate, {"overlap_hours": 1}, Idempotency_Key="k"))
    assert ok(client.post(rotate, {"overlap_hours": 1}, Idempotency_Key="k")) == first
    endpoint = WebhookEndpoint.objects.get()
    assert decrypted(endpoint.secret) == first["secret"] != made["secret"]
    assert decrypted(endpoint.previous_secret) == made["secret"]
    assert first["previous_secret_until"] is not None
    at_once = ok(client.post(rotate, {"overlap_hours": 0}))
    assert at_once["previous_secret_until"] is None
    for hours in (-1, 169, "1", True, None):
        problem(client.post(rotate, {"overlap_hours": hours}), 400, "validation_error")
    assert decrypted(WebhookEndpoint.objects.get().secret) == at_once["secret"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://192.0.32.7/", "https://"),
        ("ftp://192.0.32.7/", "https://"),
        ("https://127.0.0.1/", "isn't a public address"),
        ("https://169.254.169.254/latest/", "isn't a public address"),
        ("https://[::ffff:10.0.0.1]/", "isn't a public address"),
        ("https://2130706433/", "four decimal numbers"),
        ("https://me:pw@192.0.32.7/", "user name"),  # pragma: allowlist secret
        ("https://192.0.32.7:8443/", "Port 8443"),
        ("https://localhost/", "no public name"),
        ("https://192.0.32.7/#x", "fragment"),
        ("nonsense", "https://"),
    ],
)
def test_an_address_that_may_not_be_reached_is_refused_with_the_reason(alpha, client, url, said):
    refused = problem(client.post(hooks(alpha), {"url": url}), 400, "validation_error")
    (error,) = refused["errors"]
    assert error["field"] == "url"
    assert said in error["detail"]
    assert not WebhookEndpoint.objects.exists()
    made = ok(client.post(hooks(alpha), {"url": RECEIVER}), 201)
    problem(client.patch(hooks(alpha, made["id"]), {"url": url}), 400, "validation_error")
    assert WebhookEndpoint.objects.get().url == RECEIVER


def test_a_name_that_leads_inside_is_refused(alpha, client, monkeypatch):
    found = [ip_address("192.0.32.7"), ip_address("10.1.2.3")]
    monkeypatch.setattr(resolving, "resolve", lambda *_, **__: found)
    url = "https://hooks.example.com/"
    refused = problem(client.post(hooks(alpha), {"url": url}), 400, "validation_error")
    (error,) = refused["errors"]
    assert "hooks.example.com leads to an address that isn't public" in error["detail"]
    assert "10.1.2.3" not in str(refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []},
        {"events": ["credits.gone"]},
        {"events": ["webhook.test"]},
        {"events": "credits.low"},
        {"events": None},
        {"description": "x" * 201},
        {"description": 7},
        {"url": ""},
        {"url": None},
        {"url": "https://192.0.32.7/" + "x" * 1000},
    ],
    ids=str,
)
def test_what_is_wrong_changes_nothing(alpha, client, wrong):
    problem(client.post(hooks(alpha), {"url": RECEIVER, **wrong}), 400, "validation_error")
    endpoint = make_endpoint(alpha)
    problem(client.patch(hooks(alpha, endpoint.pk), wrong), 400, "validation_error")
    assert WebhookEndpoint.objects.get().updated_at == endpoint.updated_at


def test_an_event_that_there_is_not_is_refused_with_what_there_is(alpha, client):
    wanted = {"url": RECEIVER, "events": ["credits.gone"]}
    refused = problem(client.post(hooks(alpha), wanted), 400, "validation_error")
    assert "the OpenAPI document lists them" in refused["errors"][0]["detail"]


def test_events_are_kept_once_each_in_one_order(alpha, client):
    wanted = ["invoice.paid", "credits.low", "invoice.paid"]
    made = ok(client.post(hooks(alpha), {"url": RECEIVER, "events": wanted}), 201)
    assert made["events"] == ["credits.low", "invoice.paid"]
    every = ok(client.patch(hooks(alpha, made["id"]), {"events": ["credits.refused", "*"]}))
    assert every["events"] == ["*", "credits.refused"]


def test_a_change_of_everything_is_one_change(alpha, client):
    endpoint = make_endpoint(alpha)
    path = hooks(alpha, endpoint.pk)
    other = f"{RECEIVER}/other"
    changed = ok(
        client.patch(
            path,
            {"url": other, "description": "New", "events": ["credits.low"], "status": "disabled"},
        )
    )
    assert (changed["url"], changed["description"]) == (other, "New")
    assert (changed["status"], changed["disabled_reason"]) == ("disabled", "by_hand")
    assert changed["disabled_at"] is not None
    assert ok(client.patch(path, {})) == changed
    enabled = ok(client.patch(path, {"status": "enabled"}))
    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
    assert audited(alpha) == [
        "webhook_endpoint_created",
        "webhook_endpoint_edited",
        "webhook_endpoint_disabled",
        "webhook_endpoint_enabled",
    ]
    for status in ("deleted", "gone", None, 1):
        problem(client.patch(path, {"status": status}), 400, "validation_error")


def test_an_organization_has_at_most_twenty(alpha, globex, client):
    for number in range(19):
        make_endpoint(alpha, f"{RECEIVER}/{number}")
    make_endpoint(globex)
    last = ok(client.post(hooks(alpha), {"url": RECEIVER}), 201)
    problem(client.post(hooks(alpha), {"url": RECEIVER}), 409, "endpoint_limit_exceeded")
    ok(client.delete(hooks(alpha, last["id"])), 204)
    ok(client.post(hooks(alpha), {"url": RECEIVER}), 201)


def test_a_deleted_endpoint_is_read_and_nothing_else(alpha, client):
    endpoint = make_endpoint(alpha)
    path = hooks(alpha, endpoint.pk)
    ok(client.post(f"{path}/test", {}), 202)
    assert ok(client.delete(path), 204) is None
    assert ok(client.get(hooks(alpha)))["results"] == []
    assert ok(client.get(path))["status"] == "deleted"
    (delivery,) = ok(client.get(f"{path}/deliveries"))["results"]
    assert delivery["status"] == "discarded"
    assert ok(client.get(f"{path}/deliveries/{delivery['id']}"))["body"]["type"] == "webhook.test"
    endpoint.refresh_from_db()
    assert (endpoint.secret, endpoint.previous_secret) == ("", "")
    for answer in (
        client.delete(path),
        client.patch(path, {"description": "x"}),
        client.post(f"{path}/rotate-secret", {}),
        client.post(f"{path}/test", {}),
        client.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}),
        client.post(f"{path}/deliveries/{delivery['id']}/replay", {}),
    ):
        problem(answer, 404, "not_found")


def test_a_key_that_manages_the_organization_adds_endpoints(alpha, client_for, alpha_key):
    made = ok(client_for(alpha_key).post(hooks(alpha), {"url": RECEIVER}), 201)
    assert made["created_by"] is None
    entry = AuditLogEntry.objects.get(org=alpha, action="webhook_endpoint_created")
    assert entry.actor.startswith("key:")
