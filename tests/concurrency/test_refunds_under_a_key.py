"""Refunds with a key at once, and with their connection lost: given back once, and the key tells so."""

import pytest
from django.db import OperationalError, connection, transaction

from credits.models import Allocation, Usage
from tests.api_client import ok, problem
from tests.concurrency.threads import Elsewhere, await_lock, together
from tests.credits.hold_calls import left
from tests.credits.test_deduct import body
from tests.credits.test_refunds_under_a_key import DEDUCT, REUSED, refund
from tests.model.state import broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def usage(api, funded, alice):
    """50 of Alice's 1,000."""
    return ok(api.post(DEDUCT, body(funded, alice, 50)), 201)


@pytest.mark.parametrize("wanted", [{}, {"credits": 20}])
def test_the_same_request_is_answered_with_the_first(api, funded, alice, usage, wanted):
    """Though nothing, or less than it asks for, is left to give back by the time that it may look."""
    with transaction.atomic():
        first = refund(api, usage, wanted, Idempotency_Key="k")
        other = Elsewhere(lambda: refund(api, usage, wanted, Idempotency_Key="k"))
        assert other.is_stuck()
    again = other.result()
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert Usage.objects.count() == 2
    assert broken(funded.pk) == []


@pytest.mark.parametrize("wanted", [{"credits": 50}, {"credits": 1}])
def test_another_request_under_the_key(api, funded, alice, usage, wanted):
    with transaction.atomic():
        ok(refund(api, usage, {"credits": 20}, Idempotency_Key="k"), 201)
        other = Elsewhere(lambda: refund(api, usage, wanted, Idempotency_Key="k"))
        assert other.is_stuck()
    problem(other.result(), *REUSED)
    assert left(funded, alice) == (970, 0, 30)


def test_a_key_for_two_members(api, funded, alice, bob, usage):
    theirs = ok(api.post(DEDUCT, body(funded, bob, 50)), 201)
    with transaction.atomic():
        ok(refund(api, usage, Idempotency_Key="k"), 201)
        other = Elsewhere(lambda: refund(api, theirs, Idempotency_Key="k"))
        assert other.is_stuck()
    problem(other.result(), *REUSED)
    assert left(funded, bob) == (450, 0, 50)
    assert broken(funded.pk) == []


def test_a_crowd(api, funded, alice, usage):
    """Five keys, four times each, of ten credits each: fifty are given back."""
    answers = together(
        lambda key=key: refund(api, usage, {"credits": 10}, Idempotency_Key=key)
        for key in "abcde" * 4
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 5
    assert ["Idempotent-Replayed" in answer for answer in answers].count(False) == 5
    assert left(funded, alice) == (1_000, 0, 0)
    assert broken(funded.pk) == []


def test_a_backend_that_is_killed_has_given_nothing_back(api, funded, alice, usage):
    named = {"org_id": str(funded.pk)}
    with transaction.atomic():
        Allocation.objects.select_for_update().get(org=funded, user=alice)
        other = Elsewhere(lambda: refund(api, usage, named, Idempotency_Key="k"))
        pid = await_lock()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        problem(other.result(), 503, "outcome_unknown")
    assert left(funded, alice) == (950, 0, 50)
    first = refund(api, usage, named, Idempotency_Key="k")
    assert "Idempotent-Replayed" not in first
    assert left(funded, alice) == (1_000, 0, 0)


def test_an_answer_that_is_lost_after_the_commit(api, funded, alice, usage):
    named = {"org_id": str(funded.pk)}

    def lost(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if "refund_usage" in sql:
            raise OperationalError("the connection is lost")
        return done

    with connection.execute_wrapper(lost):
        unknown = refund(api, usage, named, Idempotency_Key="k")
    problem(unknown, 503, "outcome_unknown")
    again = refund(api, usage, named, Idempotency_Key="k")
    assert ok(again, 201)["credits_used"] == -50
    assert again["Idempotent-Replayed"] == "true"
    assert left(funded, alice) == (1_000, 0, 0)
