"""Many charges: divided into calls in the same way each time, and each made once wherever the whole ended."""

import asyncio
import json

import httpx
import pytest
from orgbilling_client import (
    AsyncClient,
    Charge,
    Client,
    InsufficientCredits,
    NotAMember,
    OrgBillingError,
    RetryPolicy,
)
from orgbilling_client.batches import BYTES_MAX, ITEMS_MAX, Batch
from orgbilling_client.keys import LONGEST, derived

from tests.client.asking import KEY, ORG, USER
from tests.client.cuts import Scripted, through
from tests.client.hostile import USAGE

SERVICE = "contact_lookup"
MANY = 2 * ITEMS_MAX + 1


def charges(count, user=USER, **fields):
    return [Charge(user_id=user, service=SERVICE, credits=1, **fields) for _ in range(count)]


def bodies(batch):
    return [(call.key, json.loads(call.body or b"")) for call in batch.calls()]


def test_the_same_charges_are_divided_in_the_same_way():
    first, again = (Batch(charges(MANY), org_id=ORG, atomic=False, key="night") for _ in range(2))

    assert bodies(first) == bodies(again)
    assert [len(body["items"]) for _, body in bodies(first)] == [ITEMS_MAX, ITEMS_MAX, 1]
    assert {key for key, _ in bodies(first)} == {"night"}
    sent = [item["request_id"] for _, body in bodies(first) for item in body["items"]]
    assert sent == [f"night.{index}" for index in range(MANY)]


def test_charges_keep_their_own_keys():
    batch = Batch([*charges(1, key="mine"), *charges(1)], org_id=ORG, atomic=False, key="night")

    ((key, body),) = bodies(batch)
    assert key == "night"
    assert [item["request_id"] for item in body["items"]] == ["mine", "night.1"]


def test_no_call_is_larger_than_the_service_takes():
    large = charges(600, metadata={"text": "x" * 8_000})
    batch = Batch(large, org_id=ORG, atomic=False, key=None)
    calls = list(batch.calls())

    assert len(calls) > 1
    assert all(len(call.body or b"") <= BYTES_MAX for call in calls)
    assert sum(len(json.loads(call.body or b"")["items"]) for call in calls) == 600


@pytest.mark.parametrize(
    "many", [charges(ITEMS_MAX + 1), charges(200, metadata={"x": "y" * 8_000})]
)
def test_an_atomic_batch_is_one_call(many):
    with pytest.raises(ValueError, match="one call"):
        Batch(many, org_id=ORG, atomic=True, key=None)


@pytest.mark.parametrize(
    "fields",
    [{}, {"credits": 1, "quantity": 1}, {"credits": 1, "metadata": {"x": float("nan")}}],
)
def test_a_charge_that_cannot_be_made_is_named_before_anything_is_sent(fields):
    wrong = Charge(user_id=USER, service=SERVICE, **fields)
    with pytest.raises(ValueError, match="Charge 1 of the batch"):
        Batch([*charges(1), wrong], org_id=ORG, atomic=False, key=None)


def test_nothing_to_charge_needs_no_call():
    with Client("https://billing.example", KEY, ORG) as client:
        assert client.deduct_batch([]).results == ()


def test_a_part_of_the_longest_key_is_a_key_too():
    longest = "k" * LONGEST

    assert derived(longest, "0") == derived(longest, "0") != derived(longest, "1")
    assert derived(longest, "0") != derived("j" * LONGEST, "0")
    assert len(derived(longest, "12345")) <= LONGEST
    assert derived("night", "7") == "night.7"


def test_a_batch_that_fails_in_the_middle_says_how_far_it_came():
    answered = []

    def answer(request):
        if answered:
            return httpx.Response(502)
        answered.append(request)
        results = [{"status": 201, "usage": USAGE}] * ITEMS_MAX
        return httpx.Response(200, json={"results": results, "deducted": ITEMS_MAX, "failed": 0})

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http,
        Client(
            "https://billing.example", KEY, ORG, retry=RetryPolicy(attempts=1), http=http
        ) as client,
        pytest.raises(OrgBillingError) as caught,
    ):
        client.deduct_batch(charges(MANY), idempotency_key="night")

    assert caught.value.idempotency_key == "night"
    assert caught.value.may_have_acted
    assert caught.value.__notes__ == [f"{ITEMS_MAX} of {MANY} charges were answered before."]


def test_a_large_batch_under_cuts_charges_each_once(service, cast, client):
    proxy = Scripted(service.port, None, "answered", "middle", "sent", None, "before")
    policy = RetryPolicy(attempts=10, first_wait_seconds=0.01)
    many = charges(MANY, cast.user_id)
    with through(proxy) as url, Client(url, cast.key, cast.org_id, retry=policy) as cut:
        first = cut.deduct_batch(many, idempotency_key="night")
    again = client.deduct_batch(many, idempotency_key="night")

    assert first.deducted == again.deducted == MANY
    ids = [item.usage and item.usage.id for item in first.results]
    assert [item.usage and item.usage.id for item in again.results] == ids
    assert len(set(ids)) == MANY
    assert all(item.usage and item.usage.replayed for item in again.results)
    assert client.pool().used_credits == MANY


def test_what_a_batch_charged_is_found_alone(cast, client):
    result = client.deduct_batch(charges(2, cast.user_id, metadata={"a": 1}), idempotency_key="k")
    alone = client.deduct(cast.user_id, SERVICE, 1, metadata={"a": 1}, request_id="k.1")

    assert alone.replayed
    assert alone.id == (result.results[1].usage and result.results[1].usage.id)


def test_refusals_are_told_in_order_and_all_or_none_raises(cast, client):
    stranger = "0199b1e2-0000-7000-8000-00000000ffff"
    mixed = [
        *charges(1, cast.user_id),
        *charges(1, stranger),
        Charge(user_id=cast.user_id, service=SERVICE, credits=99_999),
    ]
    result = client.deduct_batch(mixed)
    with pytest.raises(NotAMember) as caught:
        client.deduct_batch(mixed, atomic=True)

    assert [type(item.error) for item in result.results] == [
        type(None),
        NotAMember,
        InsufficientCredits,
    ]
    assert (result.deducted, result.failed) == (1, 2)
    assert caught.value.errors[0].field == "items.1"
    assert not caught.value.may_have_acted
    assert client.pool().used_credits == 1


@pytest.mark.parametrize("way", ["sent", "answered", "middle"])
def test_all_or_none_is_made_once_when_it_is_cut(service, cast, client, way):
    policy = RetryPolicy(first_wait_seconds=0.01)
    with (
        through(Scripted(service.port, way)) as url,
        Client(url, cast.key, cast.org_id, retry=policy) as cut,
    ):
        result = cut.deduct_batch(charges(3, cast.user_id), atomic=True)

    assert result.deducted == 3
    assert client.pool().used_credits == 3


def test_asyncio_batches_too(cast, client):
    async def charge():
        async with AsyncClient(cast.url, cast.key, cast.org_id) as one:
            return await one.deduct_batch(charges(3, cast.user_id))

    assert asyncio.run(charge()).deducted == 3
    assert client.pool().used_credits == 3
