"""A refund with a key: one call of the database, answered again from its row."""

import pytest
from django.db import connection

from credits.functions.movements import REFUND_ONCE
from credits.models import StoredAnswer, Usage
from tests.api_client import ok, problem
from tests.credits.hold_calls import left
from tests.credits.test_deduct import body
from tests.ledger import fund, give, let_spend
from tests.logs.kept import kept

REUSED = (422, "idempotency_key_reused")
DEDUCT = "credits/deduct"


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def usage(api, funded, alice):
    """50 of Alice's 1,000."""
    return ok(api.post(DEDUCT, body(funded, alice, 50)), 201)


def refund(api, usage, wanted=None, **headers):
    wanted = {"reason": "It failed: π.", **(wanted or {})}
    return api.post(f"credits/usage/{usage['id']}/refund", wanted, **headers)


def same_again(again, first):
    """Another answer with the very bytes of the first."""
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_it_is_one_round_trip(api, funded, usage):
    seen = []

    def watch(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    named = {"org_id": str(funded.pk)}
    with connection.execute_wrapper(watch):
        first = refund(api, usage, named, Idempotency_Key="k")
        same_again(refund(api, usage, named, Idempotency_Key="k"), first)
    assert [sql for sql in seen if "api_keys" not in sql] == [REFUND_ONCE] * 2
    assert not StoredAnswer.objects.exists()


@pytest.mark.django_db
class TestAnsweredAgain:
    @pytest.mark.parametrize("wanted", [{}, {"credits": 20}, {"credits": 50}])
    def test_as_the_row_is_listed(self, api, funded, usage, wanted):
        first = refund(api, usage, wanted, Idempotency_Key="k")
        assert "Idempotent-Replayed" not in first
        listed = ok(api.get(f"credits/{funded.pk}/usage"))["results"]
        assert ok(first, 201) in listed
        same_again(refund(api, usage, wanted, Idempotency_Key="k"), first)

    def test_of_what_is_priced(self, api, funded, alice):
        wanted = body(funded, alice, 1, quantity=3, service_name="contact_lookup")
        del wanted["credits"]
        charged = ok(api.post(DEDUCT, wanted), 201)
        first = refund(api, charged, Idempotency_Key="k")
        assert ok(first, 201)["unit_price"] == charged["unit_price"]
        same_again(refund(api, charged, Idempotency_Key="k"), first)

    def test_into_the_pool_when_the_member_has_left(self, api, funded, bob, alice, client_for):
        charged = ok(api.post(DEDUCT, body(funded, bob, 100)), 201)
        ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
        first = refund(api, charged, Idempotency_Key="k")
        assert ok(first, 201)["remaining_credits"] == 0
        same_again(refund(api, charged, Idempotency_Key="k"), first)
        assert Usage.objects.filter(refund_of__isnull=False).count() == 1

    def test_it_is_logged_once(self, api, usage, django_capture_on_commit_callbacks):
        with kept() as log, django_capture_on_commit_callbacks(execute=True):
            for _ in range(3):
                ok(refund(api, usage, Idempotency_Key="k"), 201)
        (told,) = log.named("credits.refunded")
        assert told["credits_refunded"] == 50


@pytest.mark.django_db
class TestAKeyIsForOneRequest:
    def test_of_the_same_usage_and_of_another(self, api, funded, alice, usage):
        ok(refund(api, usage, {"credits": 20}, Idempotency_Key="k"), 201)
        other = ok(api.post(DEDUCT, body(funded, alice, 50)), 201)
        for one, wanted in ((usage, {"credits": 21}), (usage, {}), (other, {"credits": 20})):
            problem(refund(api, one, wanted, Idempotency_Key="k"), *REUSED)
        assert left(funded, alice) == (920, 0, 80)

    def test_of_an_organization_alone(self, api, globex, charlie, globex_key, client_for, usage):
        fund(globex, 1_000)
        let_spend(globex)
        give(globex, charlie, 100)
        theirs = client_for(globex_key)
        other = ok(theirs.post(DEDUCT, body(globex, charlie, 50)), 201)
        ok(refund(api, usage, Idempotency_Key="k"), 201)
        assert ok(refund(theirs, other, Idempotency_Key="k"), 201)["refund_of"] == other["id"]

    def test_what_was_refused_leaves_the_key_free(self, api, funded, alice, usage):
        refused = refund(api, usage, {"credits": 51}, Idempotency_Key="k")
        problem(refused, 409, "refund_exceeds_usage")
        ok(refund(api, usage, {"credits": 50}, Idempotency_Key="k"), 201)
        assert left(funded, alice) == (1_000, 0, 0)
