"""What happens is counted once, when it is committed, and not when it is undone."""

import time
import uuid
from datetime import timedelta

import pytest
from django.db import transaction

from credits import holding
from credits.deducting import deduct
from credits.functions import Charge, Origin
from credits.models import Hold
from credits.sweeping import expire_holds_due
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.clock import database_now, now
from orgbilling.lib.metrics import REGISTRY


def value(name, **labels):
    return REGISTRY.get_sample_value(f"orgbilling_{name}", labels) or 0


@pytest.fixture
def counted():
    """How much a figure has grown since the test began to look at it."""
    before = {}

    def grown(name, **labels):
        key = (name, *sorted(labels.items()))
        now = value(name, **labels)
        return now - before.setdefault(key, now)

    return grown


def order(organization, user, **more):
    return {
        "org_id": str(organization.pk),
        "user_id": str(user.pk),
        "service_name": "contact_lookup",
        **more,
    }


@pytest.mark.django_db(transaction=True)
def test_deductions_by_outcome(client_for, funded, bob, alpha_key, counted):
    api = client_for(alpha_key)
    outcomes = ("accepted", "replayed", "refused", "failed", "unknown")
    for outcome in outcomes:
        counted("deducts_total", outcome=outcome)
    counted("credits_deducted_total")
    body = order(funded, bob, credits=7)
    key = {"Idempotency_Key": "metrics-1"}
    assert api.post("/credits/deduct", body, **key).status_code == 201
    assert api.post("/credits/deduct", body, **key).status_code == 200
    assert api.post("/credits/deduct", order(funded, bob, credits=10**6)).status_code == 402
    stranger = {**body, "user_id": str(uuid.uuid4())}
    assert api.post("/credits/deduct", stranger).status_code == 422
    assert [counted("deducts_total", outcome=one) for one in outcomes] == [1, 1, 2, 0, 0]
    assert counted("credits_deducted_total") == 7


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "metrics-2"}])
def test_items_of_a_batch_count_one_by_one(client_for, funded, bob, alpha_key, counted, key):
    api = client_for(alpha_key)
    counted("deducts_total", outcome="accepted")
    counted("deducts_total", outcome="refused")
    counted("credits_deducted_total")
    items = [order(funded, bob, credits=n) for n in (3, 10**6, 4)]
    for _ in range(2 if key else 1):
        assert api.post("/credits/deduct/batch", {"items": items}, **key).status_code == 200
    assert counted("deducts_total", outcome="accepted") == 2
    assert counted("deducts_total", outcome="refused") == 1
    assert counted("credits_deducted_total") == 7
    atomic = {"items": items, "atomic": True}
    assert api.post("/credits/deduct/batch", atomic).status_code == 402
    assert counted("deducts_total", outcome="accepted") == 2
    assert counted("deducts_total", outcome="refused") == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_is_not_counted(funded, bob, counted):
    counted("deducts_total", outcome="accepted")
    with transaction.atomic():
        deduct(spending(funded, bob, 5))
        assert counted("deducts_total", outcome="accepted") == 0
        transaction.set_rollback(True)
    assert counted("deducts_total", outcome="accepted") == 0
    with transaction.atomic():
        deduct(spending(funded, bob, 5))
        assert counted("deducts_total", outcome="accepted") == 0
    assert counted("deducts_total", outcome="accepted") == 1


def spending(organization, user, credits):
    return Charge(
        org_id=organization.pk,
        user_id=user.pk,
        service_name="contact_lookup",
        credits=credits,
        quantity=None,
        service_type=None,
        metadata={},
        origin=Origin("system", "metrics"),
    )


@pytest.mark.django_db(transaction=True)
def test_holds(funded, bob, counted):
    for event in ("created", "captured", "released"):
        counted("holds_total", event=event)
    counted("credits_deducted_total")
    placed = [holding.place(holding.HoldOrder(spending(funded, bob, 10))) for _ in range(2)]
    settle = {"org_id": funded.pk, "body_hash": b"h" * 32, "origin": Origin("system", "metrics")}
    for _ in range(2):
        holding.capture(hold_id=placed[0].hold.pk, credits=4, **settle)
        holding.release(hold_id=placed[1].hold.pk, **settle)
    events = ("created", "captured", "released")
    assert [counted("holds_total", event=event) for event in events] == [2, 1, 1]
    assert counted("credits_deducted_total") == 4


@pytest.mark.django_db(transaction=True)
def test_holds_that_the_sweep_gives_back(funded, bob, counted):
    counted("holds_total", event="expired")
    for seconds in (1, 900):
        holding.place(holding.HoldOrder(spending(funded, bob, 10), ttl_seconds=seconds))
    overdue = Hold.objects.filter(expires_at__lt=now() + timedelta(seconds=60))
    deadline = time.monotonic() + 30
    while not overdue.filter(expires_at__lte=database_now()).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    expire_holds_due()
    expire_holds_due()
    assert counted("holds_total", event="expired") == 1


@pytest.mark.django_db
def test_requests_and_refusals_by_route(client, client_for, funded, alpha_key, counted):
    route = "api/v1/org-billing/credits/deduct"
    labels = {"method": "POST", "route": route, "status": "401"}
    counted("requests_total", **labels)
    counted("request_duration_seconds_count", method="POST", route=route)
    counted("logins_refused_total", door="api")
    counted("refusals_total", code="authentication_failed", route=route)
    client_for("obk_live_nonsense").post("/credits/deduct", {})
    assert counted("requests_total", **labels) == 1
    assert counted("request_duration_seconds_count", method="POST", route=route) == 1
    assert counted("logins_refused_total", door="api") == 1
    assert counted("refusals_total", code="authentication_failed", route=route) == 1


@pytest.mark.django_db
def test_no_text_of_a_caller_is_a_label(client, counted):
    other = {"method": "other", "route": "other", "status": "404"}
    counted("requests_total", **other)
    client.generic("BREW", "/no/such/place-4711")
    assert counted("requests_total", **other) == 1
    assert not [
        sample
        for family in REGISTRY.collect()
        for sample in family.samples
        if {"BREW", "4711"} & set("/".join(sample.labels.values()).replace("-", "/").split("/"))
    ]


@pytest.mark.django_db
def test_a_wrong_password_is_counted(client, alice, counted):
    counted("logins_refused_total", door="password")
    client.post("/admin/login/", {"username": alice.email, "password": "wrong"})
    assert counted("logins_refused_total", door="password") == 1


@pytest.mark.django_db(transaction=True)
def test_counting_waits_for_the_commit():
    seen = []
    after_commit(lambda: seen.append("at once"))
    with transaction.atomic():
        after_commit(lambda: seen.append("later"))
        assert seen == ["at once"]
    assert seen == ["at once", "later"]


def test_telling_outside_of_a_transaction_takes_no_connection_and_fails_nothing(caplog):
    """No mark for the database: whoever asked it here would be refused."""
    seen = []
    after_commit(seen.append, "told")
    after_commit(lambda: 1 / 0)
    assert seen == ["told"]
    assert [one.getMessage() for one in caplog.records] == ["commit.not_told"]
