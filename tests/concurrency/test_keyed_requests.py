"""A request with an Idempotency-Key is one transaction: what stands in its way makes all of it start again."""

import pytest
from django.db import connection, transaction

from credits.models import Allocation, CreditPool, StoredAnswer, Usage
from tests.api_client import ok, problem
from tests.concurrency.deadlocks import deadlocks
from tests.concurrency.threads import Elsewhere
from tests.ledger import charge
from tests.model.state import broken

pytestmark = pytest.mark.django_db(transaction=True)


def item(org, user, credits=1, **more):
    named = {"org_id": str(org.pk), "user_id": str(user.pk), "service_name": "x"}
    return {**named, "credits": credits, **more}


def impatiently(work):
    """Do it on a connection that waits no longer than a tenth of a second for a key."""

    def impatient(execute, sql, params, many, context):
        if sql.startswith("INSERT INTO public.idempotency_answers"):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(impatient):
        return work()


def test_a_key_whose_first_request_takes_too_long(funded, bob, client_for, alpha_key):
    api = client_for(alpha_key)
    hold = ok(api.post("credits/holds", item(funded, bob, 10)), 201)

    def release():
        return api.post(f"credits/holds/{hold['id']}/release", {}, Idempotency_Key="r")

    with transaction.atomic():
        StoredAnswer.objects.claim(
            org_id=funded.pk, operation="release", key="r", body_hash=b"first"
        )
        second = Elsewhere(lambda: impatiently(release)).result()
        transaction.set_rollback(True)
    problem(second, 409, "request_in_progress")
    assert Allocation.objects.get(org=funded, user=bob).held_credits == 10
    assert ok(release())["status"] == "released"


def test_a_refused_item_whose_key_is_taken_for_too_long_keeps_no_other_back(
    funded, alice, bob, client_for, alpha_key
):
    api = client_for(alpha_key)
    too_much = 1 + Allocation.objects.get(org=funded, user=bob).remaining_credits
    items = [item(funded, bob, too_much, request_id="k"), item(funded, alice, 5)]
    with transaction.atomic():
        StoredAnswer.objects.claim(
            org_id=funded.pk, operation="deduct", key="k", body_hash=b"first"
        )
        other = Elsewhere(
            lambda: impatiently(lambda: api.post("credits/deduct/batch", {"items": items}))
        )
        answer = ok(other.result())
        transaction.set_rollback(True)
    assert [one["status"] for one in answer["results"]] == [409, 201]
    assert answer["results"][0]["error"]["code"] == "request_in_progress"
    assert Allocation.objects.get(org=funded, user=alice).used_credits == 5
    assert broken(funded.pk) == []


def test_a_batch_meets_a_key_that_another_members_charge_has_just_taken(
    funded, alice, bob, client_for, alpha_key
):
    api = client_for(alpha_key)
    body = {"items": [item(funded, bob, request_id="k")]}
    with transaction.atomic():
        Usage.objects.charge(charge(funded, alice, 10, "k"))
        other = Elsewhere(lambda: api.post("credits/deduct/batch", body, Idempotency_Key="b"))
        assert other.is_stuck()
    (result,) = ok(other.result())["results"]
    assert (result["status"], result["error"]["code"]) == (422, "idempotency_key_reused")


def test_a_batch_under_a_key_waits_for_no_pool(funded, alice, bob, client_for, alpha_key):
    api = client_for(alpha_key)
    body = {"items": [item(funded, user, 5) for user in (alice, bob)]}
    with transaction.atomic():
        CreditPool.objects.lock(funded.pk)
        other = Elsewhere(lambda: api.post("credits/deduct/batch", body, Idempotency_Key="b"))
        stuck = other.is_stuck()
    assert ok(other.result())["deducted"] == 2
    assert not stuck
    assert broken(funded.pk) == []


def test_a_batch_under_a_key_gives_its_allocations_up_before_it_waits_for_the_pool(
    funded, alice, bob, client_for, alpha_key
):
    """Who holds the pool may need them: that it kept them would be a deadlock."""
    api = client_for(alpha_key)
    too_much = 1 + Allocation.objects.get(org=funded, user=bob).remaining_credits
    body = {"items": [item(funded, alice, 5), item(funded, bob, too_much)]}
    before = deadlocks()
    with transaction.atomic():
        CreditPool.objects.lock(funded.pk)
        other = Elsewhere(lambda: api.post("credits/deduct/batch", body, Idempotency_Key="b"))
        assert other.is_stuck()
        Usage.objects.charge_with_pool(charge(funded, alice, 1))
    results = ok(other.result())["results"]
    assert [one["status"] for one in results] == [201, 402]
    assert Allocation.objects.get(org=funded, user=alice).used_credits == 6
    assert broken(funded.pk) == []
    assert deadlocks() == before


def test_a_capture_that_had_to_give_up_a_lock_is_tried_again(funded, bob, client_for, alpha_key):
    api = client_for(alpha_key)
    hold = ok(api.post("credits/holds", item(funded, bob, 10)), 201)
    tried = []

    def impatient(execute, sql, params, many, context):
        if "capture_hold" in sql:
            tried.append(sql)
            if len(tried) == 1:
                params = None
                sql = "DO $$ BEGIN RAISE EXCEPTION 'no lock' USING ERRCODE = '55P03'; END $$"
        return execute(sql, params, many, context)

    with connection.execute_wrapper(impatient):
        answer = api.post(f"credits/holds/{hold['id']}/capture", {}, Idempotency_Key="c")
    assert ok(answer)["usage"]["credits_used"] == 10
    assert len(tried) == 2
    assert Allocation.objects.get(org=funded, user=bob).used_credits == 10


def test_a_charge_that_waited_past_the_end_is_refused(funded, bob):
    """It began before the end of a subscription that doesn't go on, and would draw overage nobody bills."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() + interval '1 hour'")
        end = cursor.fetchone()[0]
    CreditPool.objects.filter(org=funded).update(
        spending_until=end, overage_period_start=end, allow_overage=True, overage_limit=500
    )
    with pytest.raises(Exception, match="no subscription"):
        Usage.objects.charge_with_pool(charge(funded, bob, 501))
