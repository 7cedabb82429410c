"""Captures with a key at once, and with their connection lost: a hold is charged once, and each key tells so."""

import pytest
from django.db import OperationalError, connection, transaction

from credits.models import Allocation, StoredAnswer, Usage
from tests.api_client import ok, problem
from tests.concurrency.threads import Elsewhere, await_lock, together
from tests.credits.hold_calls import PATH, capture, left
from tests.model.state import broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]
REUSED = (422, "idempotency_key_reused")


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def place(api, funded, alice):
    """Makes a hold of 100 credits."""

    def make(user=alice, credits=100):
        wanted = {"org_id": str(funded.pk), "user_id": str(user.pk), "service_name": "x"}
        return ok(api.post(PATH, {**wanted, "credits": credits}), 201)

    return make


def second(api, first, *, while_uncommitted):
    """The answer to another request that waits for the first one's commit."""
    with transaction.atomic():
        answer = first()
        assert answer.status_code == 200
        other = Elsewhere(while_uncommitted)
        assert other.is_stuck()
    return answer, other.result()


def test_the_same_request_is_answered_with_the_first(api, funded, alice, place):
    hold = place()

    def request():
        return capture(api, hold, {"credits": 60}, Idempotency_Key="k")

    first, again = second(api, request, while_uncommitted=request)
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert left(funded, alice) == (940, 0, 60)
    assert broken(funded.pk) == []


@pytest.mark.parametrize("other", [{"credits": 61}, {"credits": 60, "final": True}])
def test_another_request_under_the_key(api, funded, alice, place, other):
    """Of the same hold, whether it asks for the same in other words or for something else."""
    hold = place()
    _first, answer = second(
        api,
        lambda: capture(api, hold, {"credits": 60}, Idempotency_Key="k"),
        while_uncommitted=lambda: capture(api, hold, other, Idempotency_Key="k"),
    )
    problem(answer, *REUSED)
    assert left(funded, alice) == (940, 0, 60)


def test_a_key_for_two_holds(api, funded, alice, bob, place):
    mine, other = place(), place(bob)
    wanted = {"credits": 60}
    _first, refused = second(
        api,
        lambda: capture(api, mine, wanted, Idempotency_Key="k"),
        while_uncommitted=lambda: capture(api, other, {"credits": 60}, Idempotency_Key="k"),
    )
    problem(refused, *REUSED)
    assert Usage.objects.count() == 1
    assert left(funded, bob) == (400, 100, 0)
    assert broken(funded.pk) == []


def test_a_part_under_a_key_that_a_last_capture_is_taking(api, funded, bob, place):
    mine, other = place(), place(bob)
    part = {"credits": 60, "final": False}
    _first, refused = second(
        api,
        lambda: capture(api, mine, {"credits": 60}, Idempotency_Key="k"),
        while_uncommitted=lambda: capture(api, other, part, Idempotency_Key="k"),
    )
    problem(refused, *REUSED)
    assert not StoredAnswer.objects.exists()
    assert left(funded, bob) == (400, 100, 0)


def test_a_part_whose_key_a_last_capture_takes_while_it_waits(api, funded, alice, bob, place):
    mine, other = place(), place(bob)
    with transaction.atomic():
        Allocation.objects.select_for_update().get(org=funded, user=alice)
        part = Elsewhere(
            lambda: capture(api, mine, {"credits": 60, "final": False}, Idempotency_Key="k")
        )
        assert part.is_stuck()
        last = Elsewhere(lambda: capture(api, other, {"credits": 60}, Idempotency_Key="k"))
        assert not last.is_stuck()
        assert ok(last.result())["usage"]["credits_used"] == 60
    problem(part.result(), *REUSED)
    assert left(funded, alice) == (900, 100, 0)
    assert not StoredAnswer.objects.exists()


def test_the_same_request_under_two_keys(api, funded, alice, place):
    hold = place()
    first, again = second(
        api,
        lambda: capture(api, hold, {"credits": 60}, Idempotency_Key="1"),
        while_uncommitted=lambda: capture(api, hold, {"credits": 60}, Idempotency_Key="2"),
    )
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert left(funded, alice) == (940, 0, 60)
    problem(capture(api, hold, {"credits": 1}, Idempotency_Key="2"), *REUSED)


def test_a_crowd_under_a_few_keys(api, funded, alice, place):
    """Four of each key, two keys a hold, on ten holds: each hold is charged once."""
    for number in range(10):
        hold = place(credits=10)
        keys = [f"{number}{letter}" for letter in "aaaabbbb"]
        answers = together(
            lambda key=key: capture(api, hold, {"credits": 7}, Idempotency_Key=key)  # noqa: B023
            for key in keys
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert ["Idempotent-Replayed" in answer for answer in answers].count(False) == 1
    assert left(funded, alice) == (930, 0, 70)
    assert broken(funded.pk) == []


def test_a_backend_that_is_killed_has_captured_nothing(api, funded, alice, place):
    hold = place()

    def request():
        return capture(api, hold, {"credits": 60, "org_id": str(funded.pk)}, Idempotency_Key="k")

    with transaction.atomic():
        Allocation.objects.select_for_update().get(org=funded, user=alice)
        other = Elsewhere(request)
        pid = await_lock()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        problem(other.result(), 503, "outcome_unknown")
    assert left(funded, alice) == (900, 100, 0)
    first = request()
    assert "Idempotent-Replayed" not in first
    assert ok(first)["usage"]["credits_used"] == 60
    assert left(funded, alice) == (940, 0, 60)


def test_an_answer_that_is_lost_after_the_commit(api, funded, alice, place):
    hold = place()
    wanted = {"credits": 60, "org_id": str(funded.pk)}

    def lost(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if "capture_hold" in sql:
            raise OperationalError("the connection is lost")
        return done

    with connection.execute_wrapper(lost):
        unknown = capture(api, hold, wanted, Idempotency_Key="k")
    problem(unknown, 503, "outcome_unknown")
    again = capture(api, hold, wanted, Idempotency_Key="k")
    assert ok(again)["usage"]["credits_used"] == 60
    assert again["Idempotent-Replayed"] == "true"
    assert left(funded, alice) == (940, 0, 60)
    assert broken(funded.pk) == []
