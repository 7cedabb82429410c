"""What a service does that charges for its work, against the running service."""

import pytest
from orgbilling_client import Charge, InsufficientCredits


def test_a_charge_is_made_once_for_its_key(client, cast):
    first = client.deduct(cast.user_id, "company_enrichment", credits=50, idempotency_key="job-1")
    again = client.deduct(cast.user_id, "company_enrichment", credits=50, idempotency_key="job-1")

    assert (first.credits_used, first.remaining_credits, first.replayed) == (50, 9_950, False)
    assert (again.id, again.replayed) == (first.id, True)
    assert [row.id for row in client.usage()] == [first.id]


def test_a_check_is_a_verdict_that_can_be_asked(client, cast):
    assert client.check(cast.user_id, service="contact_lookup", quantity=2)
    refused = client.check(cast.user_id, credits=10_001)
    assert not refused
    assert refused.why


def test_too_few_credits_say_why(client, cast):
    with pytest.raises(InsufficientCredits) as caught:
        client.deduct(cast.user_id, "bulk_export", credits=10_001)

    assert (caught.value.requested, caught.value.remaining) == (10_001, 10_000)
    assert caught.value.why["refused_by"]
    assert caught.value.request_id
    assert not caught.value.may_have_acted


def test_a_hold_is_captured_or_released(client, cast):
    with client.hold(cast.user_id, "bulk_export", credits=400) as hold:
        hold.capture(150)
    assert client.pool().held_credits == 0
    assert client.user_credits(cast.user_id).allocations[0].remaining_credits == 9_850

    with (
        pytest.raises(ZeroDivisionError),
        client.hold(cast.user_id, "bulk_export", credits=400) as hold,
    ):
        raise ZeroDivisionError
    assert client.get_hold(hold.id).status == "released"


def test_a_batch_tells_of_each_charge(client, cast):
    charges = [
        Charge(user_id=cast.user_id, service="contact_lookup", credits=credits)
        for credits in (10, 20_000, 30)
    ]
    result = client.deduct_batch(charges, idempotency_key="night")
    again = client.deduct_batch(charges, idempotency_key="night")

    assert [item.status for item in result.results] == [201, 402, 201]
    assert isinstance(result.results[1].error, InsufficientCredits)
    assert (result.deducted, result.failed) == (2, 1)
    assert [item.usage and item.usage.id for item in again.results] == [
        item.usage and item.usage.id for item in result.results
    ]
    assert sum(row.credits_used for row in client.usage()) == 40


def test_a_refund_gives_back(client, cast):
    usage = client.deduct(cast.user_id, "company_enrichment", credits=50)
    back = client.refund(usage.id, "The company wasn't found", credits=20)

    assert (back.credits_used, back.refund_of, back.remaining_credits) == (-20, usage.id, 9_970)
