"""Checks over HTTP: what it would cost, whether it would pass, and nothing written."""

from datetime import timedelta

import pytest

from credits.models import CreditPool, Hold, Refusal, Usage
from credits.suspension import suspend
from organizations.choices import Scope
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.test_deduct import body as deduct_body
from tests.factories import make_key, make_member
from tests.ledger import let_spend

pytestmark = pytest.mark.django_db
PATH = "credits/check"


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


def body(org, user, **asked):
    return {"org_id": str(org.pk), "user_id": str(user.pk), **asked}


def test_credits_as_sent(api, funded, bob):
    answer = ok(api.post(PATH, body(funded, bob, credits=500)))
    assert set(answer) == {"sufficient", "credits", "remaining_credits", "why"}
    assert (answer["sufficient"], answer["credits"]) == (True, 500)
    assert answer["remaining_credits"] == 500
    answer = ok(api.post(PATH, body(funded, bob, credits=501)))
    assert (answer["sufficient"], answer["credits"], answer["remaining_credits"]) == (
        False,
        501,
        500,
    )
    why = answer["why"]
    assert why["refused_by"] == "allocation"
    assert [limit["limit"] for limit in why["evaluated"]]
    with_name = body(funded, bob, credits=5, service_name="anything at all")
    assert ok(api.post(PATH, with_name))["sufficient"] is True


def test_a_quantity_is_priced(api, funded, bob):
    asked = body(funded, bob, quantity=3, service_name="company_enrichment")
    answer = ok(api.post(PATH, asked))
    assert (answer["sufficient"], answer["credits"]) == (True, 150)
    let_spend(funded, "byok")
    assert ok(api.post(PATH, asked))["credits"] == 0


def test_it_writes_nothing(api, funded, bob):
    before = CreditPool.objects.values().get(org=funded)
    ok(api.post(PATH, body(funded, bob, credits=5)))
    ok(api.post(PATH, body(funded, bob, credits=5_000)))
    assert CreditPool.objects.values().get(org=funded) == before
    assert not Usage.objects.exists()
    assert not Hold.objects.exists()
    assert not Refusal.objects.exists()


def test_it_says_what_a_deduct_would(api, funded, bob):
    for credits in (501, 1, 500, 499, 10**15):
        passes = ok(api.post(PATH, body(funded, bob, credits=credits)))["sufficient"]
        status = api.post("credits/deduct", deduct_body(funded, bob, credits)).status_code
        assert passes == (status == 201)


def test_what_is_held_is_not_there_until_it_has_expired(api, funded, bob):
    ok(api.post("credits/holds", deduct_body(funded, bob, 400)), 201)
    assert ok(api.post(PATH, body(funded, bob, credits=101)))["sufficient"] is False
    with simulated(now() + timedelta(minutes=16)):
        answer = ok(api.post(PATH, body(funded, bob, credits=500)))
    assert (answer["sufficient"], answer["remaining_credits"]) == (True, 500)


def test_what_forbids_a_charge_is_said(api, funded, bob):
    CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
    answer = ok(api.post(PATH, body(funded, bob, credits=5)))
    assert (answer["sufficient"], answer["why"]["refused_by"]) == (False, "subscription")
    suspend(funded.pk, by=None)
    answer = ok(api.post(PATH, body(funded, bob, credits=5)))
    assert (answer["sufficient"], answer["why"]["refused_by"]) == (False, "organization")


def test_whom_and_what_there_is_not(api, funded, bob, charlie):
    problem(api.post(PATH, body(funded, charlie, credits=5)), 422, "not_a_member")
    bare = make_member(funded).user
    problem(api.post(PATH, body(funded, bare, credits=5)), 404, "no_allocation")
    fax = body(funded, bob, quantity=1, service_name="fax")
    problem(api.post(PATH, fax), 422, "unknown_service")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "credits"),
        ({"credits": 1, "quantity": 1, "service_name": "fax"}, "credits"),
        ({"quantity": 1}, "service_name"),
        ({"credits": 0}, "credits"),
        ({"credits": True}, "credits"),
        ({"credits": 1.0}, "credits"),
        ({"credits": 10**15 + 1}, "credits"),
        ({"quantity": -1, "service_name": "fax"}, "quantity"),
        ({"quantity": 1, "service_name": ""}, "service_name"),
        ({"quantity": 1, "service_name": None}, "service_name"),
        ({"credits": 1, "user_id": "bob"}, "user_id"),
        ({"credits": 1, "org_id": "alpha"}, "org_id"),
    ],
)
def test_bad_fields(api, funded, bob, asked, field):
    refused = problem(api.post(PATH, {**body(funded, bob), **asked}), 400, "validation_error")
    assert [error["field"] for error in refused["errors"]] == [field]


@pytest.mark.parametrize("field", ["request_id", "metadata", "service_type", "sufficient"])
def test_fields_of_a_charge_are_not_taken(api, funded, bob, field):
    problem(api.post(PATH, body(funded, bob, credits=1, **{field: 1})), 400, "unknown_field")


def test_who_may(funded, alice, bob, charlie, system_key, client_for):
    ok(client_for(bob).post(PATH, body(funded, bob, credits=1)))
    problem(client_for(bob).post(PATH, body(funded, alice, credits=1)), 403, "permission_denied")
    problem(client_for(charlie).post(PATH, body(funded, bob, nope=1)), 403, "permission_denied")
    ok(client_for(alice).post(PATH, body(funded, bob, credits=1)))
    reader = client_for(make_key(funded, Scope.CREDITS_READ)[1])
    problem(reader.post(PATH, body(funded, bob, credits=1)), 403, "permission_denied")
    problem(client_for().post(PATH, {}), 401, "not_authenticated")
    unknown = {**body(funded, bob, credits=0), "org_id": str(uuid7())}
    problem(client_for(system_key).post(PATH, unknown), 404, "not_found")
    problem(client_for(bob).get(PATH), 405, "method_not_allowed")


@pytest.mark.django_db(databases=["default", "counters"])
def test_the_service_budget_counts(api, funded, bob, settings):
    settings.RATE_LIMIT_SERVICE = "1000/m"
    answer = api.post(PATH, body(funded, bob, credits=1))
    assert answer["RateLimit-Policy"].startswith('"service"')
