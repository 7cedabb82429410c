"""A capture with a key: one call of the database, answered again from its rows or from the stored answer."""

import pytest
from django.db import connection

from credits.functions.holds import CAPTURE_ONCE, OWNER
from credits.models import CreditPool, StoredAnswer, Usage
from tests.api_client import ok, problem
from tests.credits.hold_calls import PATH, capture, left
from tests.credits.test_deduct import body
from tests.ledger import fund, give, let_spend
from tests.logs.kept import kept

REUSED = (422, "idempotency_key_reused")


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def place(api, funded, alice):
    """Makes a hold of so many of Alice's 1,000 credits."""

    def make(credits=200, **more):
        return ok(api.post(PATH, {**body(funded, alice, credits), **more}), 201)

    return make


@pytest.fixture
def short(funded, bob):
    """Alpha's pool has nothing left, and may draw 500 credits of overage."""
    give(funded, bob, CreditPool.objects.get(org=funded).available_credits)
    CreditPool.objects.change_settings(org_id=funded.pk, allow_overage=True, overage_limit=500)
    return funded


def same_again(again, first):
    """Another answer with the very bytes of the first."""
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"]


@pytest.mark.django_db(transaction=True)
class TestRoundTrips:
    @staticmethod
    def calls(work):
        """What it answered, and the statements about the ledger."""
        seen = []

        def watch(execute, sql, params, many, context):
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(watch):
            answer = work()
        return answer, [sql for sql in seen if "api_keys" not in sql]

    def test_first_and_again(self, api, funded, place):
        wanted, key = {"credits": 50, "org_id": str(funded.pk)}, {"Idempotency_Key": "k"}
        hold = place()
        first, calls = self.calls(lambda: capture(api, hold, wanted, **key))
        assert (first.status_code, calls) == (200, [CAPTURE_ONCE])
        again, calls = self.calls(lambda: capture(api, hold, wanted, **key))
        same_again(again, first)
        assert calls == [CAPTURE_ONCE]
        assert not StoredAnswer.objects.exists()

    def test_whose_the_hold_is_takes_another(self, api, place):
        hold = place()
        answer, calls = self.calls(lambda: capture(api, hold, Idempotency_Key="k"))
        assert (answer.status_code, calls) == (200, [OWNER, CAPTURE_ONCE])


@pytest.mark.django_db
class TestAnsweredAgain:
    @pytest.mark.parametrize("wanted", [{}, {"credits": 150}, {"credits": 200}])
    def test_what_is_priced_and_described(self, api, place, alice, wanted):
        hold = place(metadata={"π": [1, 2.5, None, {"deep": "\u2028"}]}, service_type="api")
        wanted = {**wanted, "metadata": {"b": 1, "a": "1e400", "π": "over"}}
        first = capture(api, hold, wanted, Idempotency_Key="k")
        assert "Idempotent-Replayed" not in first
        same_again(capture(api, hold, wanted, Idempotency_Key="k"), first)
        assert Usage.objects.get().idempotency_key == "k"

    def test_by_quantity(self, api, funded, alice):
        wanted = body(funded, alice, 1, quantity=3, service_name="contact_lookup")
        del wanted["credits"]
        hold = ok(api.post(PATH, wanted), 201)
        first = capture(api, hold, Idempotency_Key="k")
        assert ok(first)["usage"]["quantity"] == 3
        same_again(capture(api, hold, Idempotency_Key="k"), first)

    def test_after_a_refund_and_without_a_subscription(self, api, funded, place):
        hold = place()
        first = capture(api, hold, {"credits": 50}, Idempotency_Key="k")
        usage = ok(first)["usage"]
        ok(api.post(f"credits/usage/{usage['id']}/refund", {"reason": "a test"}), 201)
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        same_again(capture(api, hold, {"credits": 50}, Idempotency_Key="k"), first)

    def test_after_parts(self, api, funded, alice, place):
        hold = place()
        part = {"credits": 50, "final": False}
        parts = [capture(api, hold, part, Idempotency_Key=key) for key in ("1", "2")]
        last = capture(api, hold, {"credits": 40}, Idempotency_Key="3")
        assert ok(last)["hold"]["captured_credits"] == 140
        same_again(capture(api, hold, {"credits": 40}, Idempotency_Key="3"), last)
        for key, first in zip(("1", "2"), parts, strict=True):
            same_again(capture(api, hold, part, Idempotency_Key=key), first)
        assert left(funded, alice) == (860, 0, 140)

    def test_overage_needs_the_pool(self, api, short, alice, place):
        hold = place(1_300)
        first = capture(api, hold, {"credits": 1_100}, Idempotency_Key="k")
        assert ok(first)["usage"]["overage_credits"] == 100
        assert StoredAnswer.objects.get().body == first.content.decode()
        # With and without what was stored: the rows say the same.
        same_again(capture(api, hold, {"credits": 1_100}, Idempotency_Key="k"), first)
        StoredAnswer.objects.all().delete()
        same_again(capture(api, hold, {"credits": 1_100}, Idempotency_Key="k"), first)
        assert CreditPool.objects.get(org=short).overage_used == 100

    def test_all_of_a_hold_with_overage_needs_no_pool(self, api, short, place):
        hold = place(1_300)
        first = capture(api, hold, Idempotency_Key="k")
        assert ok(first)["usage"]["overage_credits"] == 300
        assert not StoredAnswer.objects.exists()
        same_again(capture(api, hold, Idempotency_Key="k"), first)

    def test_it_is_logged_and_counted_once(self, api, place, django_capture_on_commit_callbacks):
        hold = place()
        with kept() as log, django_capture_on_commit_callbacks(execute=True):
            for _ in range(3):
                ok(capture(api, hold, Idempotency_Key="k"))
        (told,) = log.named("hold.captured")
        assert (told["credits_deducted"], told["replayed"]) == (200, False)
        lines = log.named("request.finished")
        assert [line.get("replayed") for line in lines] == [None, True, True]


@pytest.mark.django_db
class TestAKeyIsForOneRequest:
    @pytest.mark.parametrize(
        "other",
        [
            {"credits": 51},
            {},
            {"credits": 50, "final": True},
            {"credits": 50, "final": False},
            {"credits": 50, "metadata": {"a": 1}},
        ],
    )
    def test_of_the_same_hold(self, api, funded, alice, place, other):
        hold = place()
        ok(capture(api, hold, {"credits": 50}, Idempotency_Key="k"))
        problem(capture(api, hold, other, Idempotency_Key="k"), *REUSED)
        assert left(funded, alice) == (950, 0, 50)

    @pytest.mark.parametrize("final", [True, False])
    def test_a_part_and_the_last(self, api, place, final):
        """Whichever of the two had the key, of this hold or of another."""
        hold, other = place(), place()
        ok(capture(api, hold, {"credits": 50, "final": final}, Idempotency_Key="k"))
        wanted = {"credits": 50, "final": not final}
        problem(capture(api, hold, wanted, Idempotency_Key="k"), *REUSED)
        problem(capture(api, other, wanted, Idempotency_Key="k"), *REUSED)
        assert Usage.objects.count() == 1

    def test_of_a_hold_that_another_key_settled(self, api, funded, alice, place):
        """The second key has no row: its answer is stored, and looked for before anything is captured."""
        hold, other = place(), place()
        first = capture(api, hold, {"credits": 50}, Idempotency_Key="1")
        same_again(capture(api, hold, {"credits": 50}, Idempotency_Key="2"), first)
        same_again(capture(api, hold, {"credits": 50}, Idempotency_Key="2"), first)
        problem(capture(api, other, {"credits": 50}, Idempotency_Key="2"), *REUSED)
        problem(capture(api, hold, {"credits": 51}, Idempotency_Key="2"), *REUSED)
        assert Usage.objects.count() == 1

    def test_of_a_hold_that_was_settled_without_a_key(self, api, place):
        hold = place()
        first = capture(api, hold)
        same_again(capture(api, hold, Idempotency_Key="k"), first)
        problem(capture(api, hold, {"credits": 1}, Idempotency_Key="k"), *REUSED)

    def test_of_an_organization_alone(self, api, globex, charlie, globex_key, client_for, place):
        fund(globex, 1_000)
        let_spend(globex)
        give(globex, charlie, 100)
        theirs = client_for(globex_key)
        other = ok(theirs.post(PATH, body(globex, charlie, 50)), 201)
        ok(capture(api, place(), Idempotency_Key="k"))
        assert ok(capture(theirs, other, Idempotency_Key="k"))["hold"]["id"] == other["id"]
        assert Usage.objects.filter(idempotency_key="k").count() == 2

    def test_what_was_refused_leaves_the_key_free(self, api, funded, alice, place):
        hold, settled = place(), place(100)
        ok(capture(api, settled))
        for one, wanted, *refusal in (
            (hold, {"credits": 201}, 409, "hold_amount_exceeded"),
            (settled, {"credits": 1}, 409, "hold_not_pending"),
            ({"id": funded.pk}, {"credits": 1}, 404, "not_found"),
        ):
            problem(capture(api, one, wanted, Idempotency_Key="k"), *refusal)
        assert not StoredAnswer.objects.exists()
        assert ok(capture(api, hold, {"credits": 20}, Idempotency_Key="k"))
        assert left(funded, alice) == (880, 0, 120)
