"""Every 402 and 422 says which limit refused and who can change it."""

import pytest

from credits.models import CreditPool
from credits.suspension import suspend
from tests.api_client import ok, problem
from tests.credits.test_deduct import body
from tests.factories import make_member

pytestmark = pytest.mark.django_db
SPENDING = ("credits/deduct", "credits/holds")


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


def explained(answer, status, code, refused_by):
    why = problem(answer, status, code)["why"]
    assert why["refused_by"] == refused_by
    refusing = next(one for one in why["evaluated"] if one["limit"] == refused_by)
    assert refusing["passed"] is False
    assert why["raised_by"]
    assert why["fix"]
    assert "resets_at" in why


@pytest.mark.parametrize("path", SPENDING)
class TestSpending:
    def test_too_few_credits(self, api, funded, bob, path):
        answer = api.post(path, body(funded, bob, 501))
        explained(answer, 402, "insufficient_credits", "allocation")

    def test_no_member(self, api, funded, charlie, path):
        explained(api.post(path, body(funded, charlie)), 422, "not_a_member", "membership")

    def test_no_subscription(self, api, funded, bob, path):
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        answer = api.post(path, body(funded, bob))
        explained(answer, 422, "subscription_inactive", "subscription")

    def test_a_suspended_organization(self, api, funded, bob, path):
        suspend(funded.pk, by=None)
        answer = api.post(path, body(funded, bob))
        explained(answer, 422, "organization_suspended", "organization")

    def test_an_unpriced_service(self, api, funded, bob, path):
        unpriced = {**body(funded, bob, None, quantity=1), "service_name": "fax"}
        explained(api.post(path, unpriced), 422, "unknown_service", "price")

    def test_a_key_used_for_another_request(self, api, funded, bob, path):
        ok(api.post(path, body(funded, bob, 5, request_id="r")), 201)
        answer = api.post(path, body(funded, bob, 6, request_id="r"))
        explained(answer, 422, "idempotency_key_reused", "idempotency_key")


def test_too_few_in_the_pool(api, funded, bob):
    wanted = {"user_id": str(bob.pk), "credits": 8_501}
    answer = api.post(f"credits/{funded.pk}/allocate", wanted)
    explained(answer, 402, "insufficient_pool_credits", "pool")


def test_too_few_to_reclaim(api, funded, bob):
    wanted = {"user_id": str(bob.pk), "credits": 501}
    answer = api.post(f"credits/{funded.pk}/reclaim", wanted)
    explained(answer, 402, "insufficient_credits", "allocation")


def test_a_closed_allocation(api, funded, alice, bob, client_for):
    ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
    make_member(funded, user=bob)
    answer = api.post("credits/deduct", body(funded, bob))
    explained(answer, 422, "allocation_inactive", "allocation_active")
