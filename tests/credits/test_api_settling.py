"""Settling holds over HTTP: capture and release; keys, refusals, the order of answers, who may."""

from datetime import timedelta

import pytest

from credits.models import CreditPool, Usage
from organizations.choices import Scope
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.hold_calls import PATH, capture, left, release
from tests.credits.test_deduct import body
from tests.factories import make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def hold(api, funded, alice):
    """200 of Alice's 1,000."""
    return ok(api.post(PATH, body(funded, alice, 200, metadata={"job": 7})), 201)


class TestCapturing:
    def test_all_of_it(self, api, funded, alice, hold):
        answer = ok(capture(api, hold))
        assert set(answer) == {"hold", "usage"}
        assert answer["hold"] == {**hold, "captured_credits": 200, "status": "captured"}
        usage = answer["usage"]
        assert (usage["credits_used"], usage["hold_id"]) == (200, hold["id"])
        assert (usage["remaining_credits"], usage["refunded_credits"]) == (800, 0)
        assert usage["metadata"] == {"job": 7}
        assert ok(api.get(f"credits/{funded.pk}/usage"))["results"] == [usage]
        assert left(funded, alice) == (800, 0, 200)

    def test_a_part_gives_the_rest_back(self, api, funded, alice, hold):
        answer = ok(capture(api, hold, {"credits": 150, "metadata": {"took": "2 s"}}))
        assert (answer["hold"]["captured_credits"], answer["hold"]["status"]) == (150, "captured")
        assert answer["usage"]["remaining_credits"] == 850
        assert answer["usage"]["metadata"] == {"job": 7, "took": "2 s"}
        assert left(funded, alice) == (850, 0, 150)

    def test_in_several_parts(self, api, funded, alice, hold):
        part = {"credits": 50, "final": False}
        first = capture(api, hold, part, Idempotency_Key="1")
        answer = ok(first)
        assert (answer["hold"]["captured_credits"], answer["hold"]["status"]) == (50, "pending")
        assert left(funded, alice) == (800, 150, 50)
        ok(capture(api, hold, part, Idempotency_Key="2"))
        again = capture(api, hold, part, Idempotency_Key="1")
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotent-Replayed"] == "true"
        last = ok(capture(api, hold, {"credits": 40}))
        assert (last["hold"]["captured_credits"], last["hold"]["status"]) == (140, "captured")
        assert left(funded, alice) == (860, 0, 140)
        # The first part's key still answers, though the hold is settled.
        assert capture(api, hold, part, Idempotency_Key="1").content == first.content
        problem(capture(api, hold, part, Idempotency_Key="3"), 409, "hold_not_pending")

    def test_a_part_needs_a_key(self, api, funded, alice, hold):
        refused = problem(capture(api, hold, {"final": False}), 400, "validation_error")
        assert refused["errors"][0]["field"] == "Idempotency-Key"
        assert left(funded, alice) == (800, 200, 0)

    def test_the_same_final_capture_answers_the_first_again(self, api, funded, alice, hold):
        first = capture(api, hold, {"credits": 150})
        for same in (
            {"credits": 150},
            {"credits": 150, "final": True},
            {"credits": 150, "org_id": str(funded.pk)},
            {"credits": 150, "metadata": {}},
        ):
            again = capture(api, hold, same)
            assert (again.status_code, again.content) == (200, first.content)
            assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        for other in ({"credits": 149}, {}, {"credits": 150, "metadata": {"a": 1}}):
            refused = problem(capture(api, hold, other), 409, "hold_not_pending")
            assert refused["hold_status"] == "captured"
        problem(release(api, hold), 409, "hold_not_pending")
        assert Usage.objects.count() == 1

    def test_the_first_again_shows_no_later_refund(self, api, hold):
        first = capture(api, hold)
        usage = ok(first)["usage"]
        ok(api.post(f"credits/usage/{usage['id']}/refund", {"reason": "a test"}), 201)
        assert capture(api, hold).content == first.content

    def test_with_a_key(self, api, hold):
        first = capture(api, hold, {"credits": 150}, Idempotency_Key="k")
        again = capture(api, hold, {"credits": 150}, Idempotency_Key="k")
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotent-Replayed"] == "true"
        other_key = capture(api, hold, {"credits": 150}, Idempotency_Key="k2")
        assert (other_key.status_code, other_key.content) == (200, first.content)
        assert other_key["Idempotent-Replayed"] == "true"
        other = capture(api, hold, {"credits": 151}, Idempotency_Key="k")
        problem(other, 422, "idempotency_key_reused")

    def test_the_key_covers_the_path(self, api, funded, alice, hold):
        second = ok(api.post(PATH, body(funded, alice, 200)), 201)
        ok(capture(api, hold, {"credits": 150}, Idempotency_Key="k"))
        other = capture(api, second, {"credits": 150}, Idempotency_Key="k")
        problem(other, 422, "idempotency_key_reused")

    def test_no_more_than_the_hold(self, api, funded, alice, hold):
        refused = problem(capture(api, hold, {"credits": 201}), 409, "hold_amount_exceeded")
        assert (refused["requested"], refused["left"]) == (201, 200)
        ok(capture(api, hold, {"credits": 150, "final": False}, Idempotency_Key="k"))
        problem(capture(api, hold, {"credits": 51}), 409, "hold_amount_exceeded")
        assert left(funded, alice) == (800, 50, 150)

    def test_an_expired_hold_is_not_captured(self, api, funded, alice):
        with simulated(now() - timedelta(minutes=20)):
            made = ok(api.post(PATH, body(funded, alice, 200)), 201)
        for answer in (capture(api, made), release(api, made)):
            assert problem(answer, 409, "hold_not_pending")["hold_status"] == "expired"
        assert Usage.objects.count() == 0

    def test_a_canceled_subscription_captures_what_it_held(self, api, funded, alice, hold):
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        problem(api.post(PATH, body(funded, alice)), 422, "subscription_inactive")
        ok(capture(api, hold))

    @pytest.mark.parametrize(
        "wanted",
        [
            {"credits": 0},
            {"credits": -1},
            {"credits": True},
            {"credits": 1.0},
            {"credits": None},
            {"credits": 10**15 + 1},
            {"final": 1},
            {"final": None},
            {"final": "false"},
            {"metadata": []},
            {"metadata": {"big": "x" * 9_000}},
            {"org_id": None},
            {"org_id": "nonsense"},
            {"org_id": 7},
        ],
    )
    def test_bad_fields(self, api, funded, alice, hold, wanted):
        refused = problem(capture(api, hold, wanted), 400, "validation_error")
        assert refused["errors"][0]["field"] in wanted
        assert left(funded, alice) == (800, 200, 0)

    @pytest.mark.parametrize("field", ["status", "user_id", "credits_used", "captured_credits"])
    def test_fields_that_are_not_the_callers(self, api, hold, field):
        problem(capture(api, hold, {field: 1}), 400, "unknown_field")


class TestReleasing:
    def test_everything_is_back(self, api, funded, alice, hold):
        first = release(api, hold)
        assert ok(first) == {**hold, "status": "released"}
        assert left(funded, alice) == (1_000, 0, 0)
        assert Usage.objects.count() == 0
        again = release(api, hold, {"org_id": str(funded.pk)})
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        refused = problem(capture(api, hold), 409, "hold_not_pending")
        assert refused["hold_status"] == "released"

    def test_the_rest_of_a_captured_part(self, api, funded, alice, hold):
        ok(capture(api, hold, {"credits": 50, "final": False}, Idempotency_Key="k"))
        answer = ok(release(api, hold))
        assert (answer["status"], answer["captured_credits"]) == ("released", 50)
        assert left(funded, alice) == (950, 0, 50)

    def test_with_a_key(self, api, funded, hold):
        first = release(api, hold, Idempotency_Key="k")
        again = release(api, hold, Idempotency_Key="k")
        assert (again.status_code, again.content) == (200, first.content)
        other = release(api, hold, {"org_id": str(funded.pk)}, Idempotency_Key="k")
        problem(other, 422, "idempotency_key_reused")

    def test_a_key_costs_two_statements_and_a_savepoint(self, api, hold, django_assert_num_queries):
        """Beside the caller's key, the release in its savepoint, and a savepoint for the transaction."""
        named = {"org_id": hold["org_id"]}
        with django_assert_num_queries(1 + 3 + 2 + 4):
            first = release(api, hold, named, Idempotency_Key="once")
        with django_assert_num_queries(1 + 2 + 2):
            again = release(api, hold, named, Idempotency_Key="once")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.content == first.content

    def test_it_takes_no_other_field(self, api, hold):
        problem(release(api, hold, {"credits": 5}), 400, "unknown_field")
        problem(release(api, hold, {"org_id": "nonsense"}), 400, "validation_error")


@pytest.mark.parametrize("act", [capture, release])
class TestWhoSettles:
    def test_a_member_settles_their_own(self, funded, alice, bob, hold, client_for, act):
        own = ok(client_for(bob).post(PATH, body(funded, bob)), 201)
        problem(act(client_for(bob), hold), 403, "permission_denied")
        named = {"org_id": str(funded.pk)}
        problem(act(client_for(bob), hold, named), 403, "permission_denied")
        # 403 comes before 400.
        problem(act(client_for(bob), hold, {"nope": 1}), 403, "permission_denied")
        ok(act(client_for(bob), own))
        ok(act(client_for(bob), own, named))

    def test_strangers(self, funded, alice, charlie, globex, globex_key, hold, client_for, act):
        for caller in (charlie, globex_key):
            api = client_for(caller)
            problem(act(api, hold), 403, "permission_denied")
            problem(act(api, hold, {"org_id": str(funded.pk)}), 403, "permission_denied")
            problem(act(api, hold, {"org_id": str(globex.pk)}), 403, "permission_denied")
            problem(act(api, {"id": uuid7()}, {"org_id": str(globex.pk)}), 404, "not_found")
            problem(act(api, {"id": uuid7()}), 404, "not_found")

    def test_an_organization_that_has_no_such_hold(self, globex, hold, system_key, client_for, act):
        api = client_for(system_key)
        problem(act(api, hold, {"org_id": str(globex.pk)}), 404, "not_found")
        problem(act(api, hold, {"org_id": str(uuid7())}), 404, "not_found")
        ok(act(api, hold))

    def test_404_before_400(self, funded, alpha_key, client_for, act):
        api = client_for(alpha_key)
        unknown = {"id": uuid7()}
        for wanted in ({"nope": 1}, {"org_id": str(funded.pk), "nope": 1}):
            problem(act(api, unknown, wanted), 404, "not_found")
        named = {"org_id": str(funded.pk)}
        problem(act(api, unknown, named, Idempotency_Key="a b"), 404, "not_found")
        path = f"{PATH}/{unknown['id']}/{act.__name__}"
        problem(api.post(path, raw=b"{"), 404, "not_found")

    def test_403_before_the_body_is_understood(self, hold, charlie, client_for, act):
        api, path = client_for(charlie), f"{PATH}/{hold['id']}/{act.__name__}"
        for raw in (b"{", b"[]", b'{"a": "' + b"x" * 300_000 + b'"}', b"\xff"):
            problem(api.post(path, raw=raw), 403, "permission_denied")
        problem(api.put(path, {}), 403, "permission_denied")

    def test_a_key_needs_the_scope(self, funded, hold, client_for, act):
        every = set(Scope) - {Scope.CREDITS_DEDUCT}
        key = make_key(funded, *every)[1]
        problem(act(client_for(key), hold), 403, "permission_denied")
        problem(act(client_for(key), {"id": uuid7()}), 403, "permission_denied")

    def test_a_former_members_hold_settles_into_the_pool(self, funded, bob, alice, client_for, act):
        owner = client_for(alice)
        made = ok(owner.post(PATH, body(funded, bob, 100)), 201)
        ok(owner.delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
        problem(act(client_for(bob), made), 403, "permission_denied")
        ok(act(owner, made))
        pool = ok(owner.get(f"credits/{funded.pk}"))
        assert pool["held_credits"] == 0
        assert pool["available_credits"] == 9_000 - (100 if act is capture else 0)
