"""Charges that can't be made now are made later: each once, in order, whatever the service said meanwhile."""

import asyncio
import inspect
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from orgbilling_client import (
    AsyncClient,
    AuthenticationFailed,
    Client,
    InsufficientCredits,
    NotAMember,
    RetryPolicy,
    Unreachable,
)
from orgbilling_client.journal import (
    AsyncJournaledClient,
    Deferred,
    Journal,
    JournalConflict,
    JournaledClient,
    JournalError,
    Replayer,
    State,
    replay,
)

from tests.client.cast import Cast

# Nothing listens there: port 1 is nobody's.
NOBODY = "http://127.0.0.1:1"
AT_ONCE = RetryPolicy(attempts=1)
SERVICE = "company_enrichment"
STRANGER = "0199b1e2-0000-7000-8000-00000000dead"


@pytest.fixture(params=[False, True], ids=["kept when it fails", "kept before"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "charges.journal", write_ahead=request.param) as opened:
        yield opened


@pytest.fixture
def away(cast: Cast) -> Iterator[Client]:
    """A client of a service that can't be reached."""
    with Client(NOBODY, cast.key, cast.org_id, retry=AT_ONCE) as made:
        yield made


def charged(client: Client) -> list[tuple[str, int]]:
    """What was charged, oldest first: its request id and its credits."""
    return [(row.request_id, row.credits_used) for row in client.usage()][::-1]


def test_what_is_delivered_is_not_kept(cast: Cast, client: Client, journal: Journal) -> None:
    usage = JournaledClient(client, journal).deduct(cast.user_id, SERVICE, credits=50)
    assert not isinstance(usage, Deferred)
    assert usage.credits_used == 50
    assert journal.entries() == []


def test_what_cant_be_delivered_is_kept_and_made_later_in_order(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    charges = JournaledClient(away, journal)
    for number in range(5):
        deferred = charges.deduct(
            cast.user_id, SERVICE, credits=10 + number, request_id=f"order-{number}"
        )
        assert isinstance(deferred, Deferred)
        assert deferred.key == f"order-{number}"
        assert isinstance(deferred.error, Unreachable)
    assert charged(client) == []
    done = replay(journal, client)
    assert (done.delivered, done.refused, done.left, done.stopped_by) == (5, 0, 0, None)
    assert charged(client) == [(f"order-{number}", 10 + number) for number in range(5)]
    assert journal.entries() == []
    assert replay(journal, client).delivered == 0


def test_the_request_id_is_that_of_the_call(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    with away.request_context("checkout-7"):
        JournaledClient(away, journal).deduct(cast.user_id, SERVICE, credits=1)
    replay(journal, client)
    assert charged(client) == [("checkout-7", 1)]


def test_what_had_been_charged_all_the_same_is_not_charged_again(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    client.deduct(cast.user_id, SERVICE, credits=50, idempotency_key="lost-answer")
    kept = JournaledClient(away, journal).deduct(
        cast.user_id, SERVICE, credits=50, idempotency_key="lost-answer"
    )
    assert isinstance(kept, Deferred)
    assert replay(journal, client).delivered == 1
    assert [credits for _, credits in charged(client)] == [50]


def test_a_replay_stops_while_nobody_is_there_and_loses_nothing(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    charges = JournaledClient(away, journal)
    for number in range(3):
        charges.deduct(cast.user_id, SERVICE, credits=1, request_id=f"o-{number}")
    done = replay(journal, away)
    assert (done.delivered, done.left) == (0, 3)
    assert isinstance(done.stopped_by, Unreachable)
    # It stopped at the first: the others would only have waited too.
    assert [entry.attempts for entry in journal.entries()] == [2, 1, 1]
    assert replay(journal, client).delivered == 3


def test_a_key_that_is_not_known_any_more_stops_it_and_refuses_nothing(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    JournaledClient(away, journal).deduct(cast.user_id, SERVICE, credits=1)
    with Client(cast.url, "obk_live_revoked", cast.org_id) as stranger:
        done = replay(journal, stranger)
    assert isinstance(done.stopped_by, AuthenticationFailed)
    assert [entry.state for entry in journal.entries()] == [State.PENDING]
    assert replay(journal, client).delivered == 1


def test_a_refused_call_is_kept_with_its_reason_and_the_next_go_on(
    cast: Cast, client: Client, away: Client, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    charges = JournaledClient(away, journal)
    charges.deduct(STRANGER, SERVICE, credits=1, request_id="stranger")
    charges.deduct(cast.user_id, SERVICE, credits=1_000_000, request_id="too-much")
    charges.deduct(cast.user_id, SERVICE, credits=1, request_id="fine")
    with caplog.at_level(logging.ERROR, "orgbilling_client"):
        done = replay(journal, client)
    assert (done.delivered, done.refused, done.left) == (1, 2, 0)
    refused = journal.entries(State.REFUSED)
    assert [entry.problem["code"] for entry in refused if entry.problem] == [
        "not_a_member",
        "insufficient_credits",
    ]
    assert "stranger" in caplog.text
    assert charged(client) == [("fine", 1)]


def test_after_a_top_up_a_refused_call_is_made_once(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    JournaledClient(away, journal).deduct(cast.user_id, SERVICE, credits=10_050, request_id="big")
    replay(journal, client)
    client.allocate(cast.user_id, 100)
    (entry,) = journal.entries()
    journal.retry(entry.number)
    assert replay(journal, client).delivered == 1
    assert charged(client) == [("big", 10_050)]


def test_a_refusal_reaches_the_caller_at_once_and_isnt_kept(
    cast: Cast, client: Client, journal: Journal
) -> None:
    charges = JournaledClient(client, journal)
    with pytest.raises(NotAMember):
        charges.deduct(STRANGER, SERVICE, credits=1)
    with pytest.raises(InsufficientCredits):
        charges.deduct(cast.user_id, SERVICE, credits=1_000_000)
    with pytest.raises(ValueError, match="credits"):
        charges.deduct(cast.user_id, SERVICE)
    assert journal.entries() == []


def test_a_refusal_of_what_was_promised_before_stays_in_the_journal(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    once = {"credits": 1_000_000, "idempotency_key": "promised"}
    assert isinstance(
        JournaledClient(away, journal).deduct(cast.user_id, SERVICE, **once), Deferred
    )
    with pytest.raises(InsufficientCredits):
        JournaledClient(client, journal).deduct(cast.user_id, SERVICE, **once)
    replay(journal, client)
    assert [entry.state for entry in journal.entries()] == [State.REFUSED]


def test_one_key_for_two_charges_is_refused(cast: Cast, away: Client, journal: Journal) -> None:
    charges = JournaledClient(away, journal)
    charges.deduct(cast.user_id, SERVICE, credits=1, idempotency_key="same")
    with pytest.raises(JournalConflict):
        charges.deduct(cast.user_id, SERVICE, credits=2, idempotency_key="same")
    assert journal.pending() == 1


def test_refunds_and_captures_are_kept_too(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    usage = client.deduct(cast.user_id, SERVICE, credits=50)
    hold = client.place_hold(cast.user_id, SERVICE, credits=400)
    charges = JournaledClient(away, journal)
    assert isinstance(charges.refund(usage.id, "failed", credits=20), Deferred)
    assert isinstance(charges.capture(hold.id, 150), Deferred)
    assert [entry.call.operation for entry in journal.entries()] == ["refund", "capture"]
    assert journal.entries()[0].call.document["usage_id"] == usage.id
    assert replay(journal, client).delivered == 2
    (allocation,) = client.user_credits(cast.user_id).allocations
    assert (allocation.lifetime_used_credits, allocation.held_credits) == (180, 0)


def test_what_cant_be_kept_either_is_raised_with_its_key(
    cast: Cast, away: Client, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise JournalError("disk is full")

    monkeypatch.setattr(journal, "keep", full)
    expected = JournalError if journal.write_ahead else Unreachable
    with pytest.raises(expected) as raised:
        JournaledClient(away, journal).deduct(cast.user_id, SERVICE, credits=1, idempotency_key="k")
    if not journal.write_ahead:
        assert raised.value.idempotency_key == "k"
        assert "disk is full" in "".join(raised.value.__notes__)


def test_a_call_cut_short_is_settled_by_the_next_replay(
    cast: Cast, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "charges.journal", write_ahead=True)

    def interrupted(_call: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(client, "_send", interrupted)
        JournaledClient(client, journal).deduct(cast.user_id, SERVICE, credits=7)
    assert replay(journal, client).delivered == 1
    assert [credits for _, credits in charged(client)] == [7]
    journal.close()


def test_a_thread_delivers_what_is_kept(
    cast: Cast, client: Client, away: Client, journal: Journal
) -> None:
    emptied = threading.Event()
    charges = JournaledClient(away, journal)
    charges.deduct(cast.user_id, SERVICE, credits=1, request_id="before")
    settle = journal.settle

    def seen(entry: Any) -> None:
        settle(entry)
        if entry.call.document["request_id"] == "during":
            emptied.set()

    journal.settle = seen  # type: ignore[method-assign]
    with Replayer(journal, client, every_seconds=0.05):
        charges.deduct(cast.user_id, SERVICE, credits=1, request_id="during")
        assert emptied.wait(timeout=30)
    assert charged(client) == [("before", 1), ("during", 1)]


def test_asyncio_keeps_and_delivers_as_threads_do(
    cast: Cast, client: Client, journal: Journal
) -> None:
    async def charge() -> list[Any]:
        async with (
            AsyncClient(NOBODY, cast.key, cast.org_id, retry=AT_ONCE) as away,
            AsyncClient(cast.url, cast.key, cast.org_id) as near,
        ):
            return [
                await AsyncJournaledClient(one, journal).deduct(cast.user_id, SERVICE, credits=5)
                for one in (away, near)
            ]

    deferred, usage = asyncio.run(charge())
    assert isinstance(deferred, Deferred)
    assert usage.credits_used == 5
    assert replay(journal, client).delivered == 1
    assert [credits for _, credits in charged(client)] == [5, 5]


def test_a_cancelled_task_leaves_its_call_to_the_next_replay(
    cast: Cast, client: Client, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "charges.journal", write_ahead=True)

    async def cancel() -> None:
        async with AsyncClient(cast.url, cast.key, cast.org_id) as near:
            begun = asyncio.Event()

            async def forever(_call: Any) -> None:
                begun.set()
                await asyncio.Event().wait()

            near._send = forever  # type: ignore[method-assign]
            charge = AsyncJournaledClient(near, journal).deduct(cast.user_id, SERVICE, credits=3)
            task = asyncio.create_task(charge)
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    assert replay(journal, client).delivered == 1
    journal.close()


def test_both_have_the_same_methods() -> None:
    for name in ("deduct", "refund", "capture"):
        ours, theirs, plain = (
            list(inspect.signature(getattr(one, method)).parameters)
            for one, method in (
                (JournaledClient, name),
                (AsyncJournaledClient, name),
                (Client, {"capture": "capture_hold"}.get(name, name)),
            )
        )
        assert ours == theirs == plain


def answering(answer: httpx.Response) -> Client:
    """A client of a service that always answers so."""
    http = httpx.Client(transport=httpx.MockTransport(lambda _request: answer))
    return Client("http://127.0.0.1:1", "key", STRANGER, retry=AT_ONCE, http=http)


REFUSED = {"code": "insufficient_credits", "title": "No", "status": 402, "detail": "No credits."}


def test_what_was_refused_and_is_deferred_again_is_made(away: Client, journal: Journal) -> None:
    charges = JournaledClient(away, journal)
    charges.deduct(STRANGER, SERVICE, credits=5, request_id="order-1")
    assert replay(journal, answering(httpx.Response(402, json=REFUSED))).refused == 1
    assert isinstance(charges.deduct(STRANGER, SERVICE, credits=5, request_id="order-1"), Deferred)
    assert [entry.key for entry in journal.due()] == ["order-1"]


def test_what_was_dismissed_is_not_promised_again(away: Client, journal: Journal) -> None:
    charges = JournaledClient(away, journal)
    kept = charges.deduct(STRANGER, SERVICE, credits=5, request_id="order-1")
    replay(journal, answering(httpx.Response(402, json=REFUSED)))
    journal.dismiss(kept.number, "written off")
    with pytest.raises((Unreachable, JournalError)) as raised:
        charges.deduct(STRANGER, SERVICE, credits=5, request_id="order-1")
    assert "dismissed" in "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert [entry.state for entry in journal.entries()] == [State.DISMISSED]


@pytest.mark.parametrize("status", [403, 404, 413, 500])
def test_the_page_of_a_gateway_refuses_nothing(away: Client, journal: Journal, status: int) -> None:
    gateway = answering(httpx.Response(status, text="default backend"))
    for number in range(2):
        JournaledClient(away, journal).deduct(STRANGER, SERVICE, credits=5, request_id=f"{number}")
    assert isinstance(
        JournaledClient(gateway, journal).deduct(STRANGER, SERVICE, credits=5), Deferred
    )
    done = replay(journal, gateway)
    assert (done.refused, done.left) == (0, 3)
    # It may be about one call alone, which then holds up none of the others.
    assert [entry.attempts for entry in journal.entries()] == [2, 2, 2]


def test_a_call_that_is_cancelled_while_it_is_kept_is_left_to_the_next_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "charges.journal", write_ahead=True)
    keep, keeping, go_on = journal.keep, threading.Event(), threading.Event()

    def slowly(*said: Any, **more: Any) -> Any:
        keeping.set()
        go_on.wait()
        return keep(*said, **more)

    monkeypatch.setattr(journal, "keep", slowly)

    async def cut() -> None:
        async with AsyncClient(NOBODY, "key", STRANGER, retry=AT_ONCE) as client:
            charges = AsyncJournaledClient(client, journal)
            call = asyncio.create_task(charges.deduct(STRANGER, SERVICE, 5, request_id="order-1"))
            await asyncio.to_thread(keeping.wait)
            call.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(cut())
    assert [entry.key for entry in journal.due()] == ["order-1"]
