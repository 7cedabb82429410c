"""A hold as a block: captured, released, or left to expire, and never silently."""

import asyncio
import logging
import time

import pytest
from orgbilling_client import (
    AsyncClient,
    Client,
    HoldAmountExceeded,
    HoldNotPending,
    InsufficientCredits,
    RetryPolicy,
    TransportError,
)

from tests.client.cuts import Scripted, Withholding, through

SERVICE = "bulk_export"
ONE_ATTEMPT = RetryPolicy(attempts=1)


def left(client, cast):
    """Credits that the member can spend."""
    return client.user_credits(cast.user_id).allocations[0].remaining_credits


def test_what_is_captured_is_charged_and_the_rest_goes_back(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400) as hold:
        assert left(client, cast) == 9_600
        captured = hold.capture(150, metadata={"rows": 3})

    assert (hold.credits, hold.captured_credits, hold.is_pending) == (400, 150, False)
    assert (captured.usage.credits_used, captured.usage.hold_id) == (150, hold.id)
    assert captured.usage.metadata == {"rows": 3}
    assert left(client, cast) == 9_850


def test_parts_are_captured_each_for_itself_and_the_rest_is_released(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400) as hold:
        hold.capture(100, final=False)
        hold.capture(100, final=False)
        assert hold.is_pending

    assert client.get_hold(hold.id).captured_credits == 200
    assert left(client, cast) == 9_800


def test_a_part_with_its_own_key_is_captured_once(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400) as hold:
        for _ in range(3):
            hold.capture(100, final=False, idempotency_key="part-1")

    assert left(client, cast) == 9_900


def test_nothing_captured_is_released(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400) as hold:
        pass

    assert hold.hold.status == "released"
    assert left(client, cast) == 10_000


def test_a_failure_releases_and_goes_on(client, cast):
    with (
        pytest.raises(ZeroDivisionError),
        client.hold(cast.user_id, SERVICE, credits=400) as hold,
    ):
        hold.capture(100, final=False)
        raise ZeroDivisionError

    assert client.get_hold(hold.id).status in {"captured", "released"}
    assert left(client, cast) == 9_900


def test_a_hold_can_be_released_before_the_end(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400) as hold:
        assert hold.release().status == "released"
        with pytest.raises(HoldNotPending) as caught:
            hold.capture(1)

    assert caught.value.hold_status == "released"


def test_a_hold_that_is_refused_enters_nothing(client, cast):
    entered = False
    with (
        pytest.raises(InsufficientCredits),
        client.hold(cast.user_id, SERVICE, credits=10_001),
    ):
        entered = True

    assert not entered


def test_more_than_is_held_is_refused_and_released(client, cast):
    with (
        pytest.raises(HoldAmountExceeded) as caught,
        client.hold(cast.user_id, SERVICE, credits=400) as hold,
    ):
        hold.capture(401)

    assert caught.value.left == 400
    assert client.get_hold(hold.id).status == "released"


def test_outside_of_the_block_there_is_no_hold(client, cast):
    with pytest.raises(RuntimeError, match="with client"):
        client.hold(cast.user_id, SERVICE, credits=400).capture(1)


def test_the_same_key_is_the_same_hold(client, cast):
    with client.hold(cast.user_id, SERVICE, credits=400, idempotency_key="job-1") as first:
        again = client.place_hold(cast.user_id, SERVICE, credits=400, idempotency_key="job-1")
        assert (again.id, again.replayed) == (first.id, True)


def test_a_hold_can_be_captured_and_released_by_its_id(client, cast):
    placed = client.place_hold(cast.user_id, SERVICE, quantity=1, ttl_seconds=60)
    assert client.capture_hold(placed.id).usage.credits_used == placed.credits
    other = client.place_hold(cast.user_id, SERVICE, credits=5)
    assert client.release_hold(other.id).status == "released"


def test_a_release_that_fails_is_logged_and_the_block_ends(service, cast, client, caplog):
    with (
        through(Scripted(service.port, None, *["before"] * 50)) as url,
        Client(
            url, cast.key, cast.org_id, retry=RetryPolicy(attempts=2, first_wait_seconds=0)
        ) as cut,
        caplog.at_level(logging.WARNING, "orgbilling_client"),
        cut.hold(cast.user_id, SERVICE, credits=400, ttl_seconds=60) as hold,
    ):
        pass

    (record,) = caplog.records
    assert f"Hold {hold.id} wasn't released and expires at " in record.getMessage()
    assert client.get_hold(hold.id).status == "pending"


def test_a_hold_that_expired_meanwhile_needs_no_release(client, cast, caplog):
    with (
        caplog.at_level(logging.WARNING, "orgbilling_client"),
        client.hold(cast.user_id, SERVICE, credits=400, ttl_seconds=1) as hold,
    ):
        deadline = time.monotonic() + 30
        while client.get_hold(hold.id).status == "pending":
            assert time.monotonic() < deadline
            time.sleep(0.1)

    assert hold.hold.status == "expired"
    assert caplog.records == []


def test_a_capture_whose_outcome_is_unknown_keeps_the_hold(service, cast, client, caplog):
    """Releasing it could undo what was earned: the caller repeats the capture instead."""
    proxy = Scripted(service.port, None, "before", "answered")
    with (
        through(proxy) as url,
        Client(url, cast.key, cast.org_id, retry=ONE_ATTEMPT) as cut,
        caplog.at_level(logging.WARNING, "orgbilling_client"),
        pytest.raises(TransportError) as caught,
        cut.hold(cast.user_id, SERVICE, credits=400) as hold,
    ):
        hold.capture(150)

    assert caught.value.may_have_acted
    assert f"Hold {hold.id} is kept until " in caplog.text
    assert client.get_hold(hold.id).status == "pending"
    again = client.capture_hold(hold.id, 150, idempotency_key=caught.value.idempotency_key)
    assert again.usage.credits_used == 150
    assert left(client, cast) == 9_850


@pytest.mark.parametrize("way", ["before", "sent", "answered", "middle"])
def test_a_capture_that_is_cut_is_made_once(service, cast, client, way):
    with (
        through(Scripted(service.port, None, way)) as url,
        Client(url, cast.key, cast.org_id, retry=RetryPolicy(first_wait_seconds=0.01)) as cut,
        cut.hold(cast.user_id, SERVICE, credits=400) as hold,
    ):
        hold.capture(150, final=False)

    assert left(client, cast) == 9_850


def test_asyncio_captures_and_releases_too(cast, client):
    async def work():
        async with AsyncClient(cast.url, cast.key, cast.org_id) as one:
            async with one.hold(cast.user_id, SERVICE, credits=400) as captured:
                await captured.capture(150)
            async with one.hold(cast.user_id, SERVICE, credits=400) as released:
                pass
            with pytest.raises(ZeroDivisionError):
                async with one.hold(cast.user_id, SERVICE, credits=400) as failed:
                    raise ZeroDivisionError
            return captured, released, failed

    holds = asyncio.run(work())
    assert [client.get_hold(hold.id).status for hold in holds] == [
        "captured",
        "released",
        "released",
    ]


def test_a_cancelled_task_releases_what_it_holds(cast, client):
    async def work():
        entered = asyncio.Event()
        held = []

        async def hold_for_ever(one):
            async with one.hold(cast.user_id, SERVICE, credits=400) as hold:
                held.append(hold)
                entered.set()
                await asyncio.Event().wait()

        async with AsyncClient(cast.url, cast.key, cast.org_id) as one:
            task = asyncio.create_task(hold_for_ever(one))
            await entered.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return held[0].id

    assert client.get_hold(asyncio.run(work())).status == "released"


def test_a_task_cancelled_within_its_capture_keeps_the_hold(service, cast, client, caplog):
    proxy = Withholding(service.port, number=1)
    held = []

    async def work(url):
        async with AsyncClient(url, cast.key, cast.org_id, timeout=60) as one:

            async def capture():
                async with one.hold(cast.user_id, SERVICE, credits=400) as hold:
                    held.append(hold.id)
                    await hold.capture(150, final=False, idempotency_key="capture-1")

            task = asyncio.create_task(capture())
            while not proxy.cuts:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with through(proxy) as url:
        asyncio.run(work(url))

    assert f"Hold {held[0]} is kept until " in caplog.text
    assert client.get_hold(held[0]).status == "pending"
    again = client.capture_hold(held[0], 150, final=False, idempotency_key="capture-1")
    assert again.replayed
    assert left(client, cast) == 9_600
