"""What a network and what stands in it can do to one call, on real sockets, in both worlds."""

import gc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from orgbilling_client import (
    AnswerTooLarge,
    ApiError,
    BadAnswer,
    Conflict,
    InsufficientCredits,
    InternalError,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    Redirected,
    RequestInProgress,
    RetryPolicy,
    ServerError,
    TimedOut,
    Unreachable,
    ValidationFailed,
)

from tests.client.asking import Ask, by_asyncio, by_threads, deduct
from tests.client.hostile import (
    USAGE,
    charged,
    cut,
    flood,
    hostile,
    raw,
    refuses,
    says,
    stall,
    trickle,
)

ATTEMPTS = 6


@pytest.fixture(params=[by_threads, by_asyncio], ids=["threads", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


AGAIN = {
    "cut before an answer": cut,
    "cut within the head": raw(b"HTTP/1.1 201 Crea"),
    "cut within the body": raw(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"),
    "garbage for a head": raw(b"\x00\xff\x00garbage\r\n\r\n"),
    "broken JSON": says(201, b'{"id": "0199'),
    "another document": says(201, {"hello": "world"}),
    "a number too large to be one": says(201, b'{"credits_used": ' + b"9" * 5_000 + b"}"),
    "nested without end": says(201, b"[" * 100_000),
    "a page that wants a sign-in": says(200, b"<html>Sign in</html>", "text/html"),
    "no content type at all": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "compressed, unasked": says(200, b"\x1f\x8b", Content_Encoding="gzip"),
    "a gateway's page": says(502, b"<html>Bad gateway</html>", "text/html"),
    "a gateway's time limit": says(504, b"", "text/html"),
    "a gateway without the service": says(503, b"upstream unavailable", "text/plain"),
    "in progress": refuses(409, "request_in_progress", Retry_After="0"),
    "too many": refuses(429, "rate_limited", Retry_After="0"),
    "the outcome unknown": refuses(503, "outcome_unknown", Retry_After="0"),
    "no database": refuses(503, "database_unavailable", Retry_After="0"),
}


@pytest.mark.parametrize("act", AGAIN.values(), ids=AGAIN)
def test_it_is_sent_again_with_the_same_key_and_body(ask, act):
    with hostile(act, act, charged) as server:
        usage = ask(server.url, deduct)

    assert usage.credits_used == 50
    assert len(server.requests) == 3
    assert len({(request.key, request.body) for request in server.requests}) == 1
    assert len({request.headers["x-request-id"] for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("act", "error", "may_have_acted"),
    [
        (cut, Unreachable, True),
        (says(201, b"{"), BadAnswer, True),
        (says(502, b"<html>"), ServerError, True),
        (refuses(503, "outcome_unknown"), OutcomeUnknown, True),
        (refuses(409, "request_in_progress"), RequestInProgress, True),
        (refuses(429, "rate_limited", Retry_After="0"), RateLimited, False),
    ],
)
def test_the_last_attempt_hands_over_the_key(ask, act, error, may_have_acted):
    with hostile(act) as server, pytest.raises(error) as caught:
        ask(server.url, deduct)

    assert len(server.requests) == caught.value.attempts == ATTEMPTS
    assert caught.value.idempotency_key == server.requests[0].key
    assert caught.value.may_have_acted is may_have_acted
    assert (f"{server.requests[0].key!r}" in str(caught.value)) is may_have_acted
    assert caught.value.request_id in {"the-server's", server.requests[0].headers["x-request-id"]}


ONCE = {
    "not enough": (refuses(402, "insufficient_credits"), InsufficientCredits),
    "a wrong field": (refuses(400, "validation_error"), ValidationFailed),
    "not allowed": (refuses(403, "permission_denied"), PermissionDenied),
    "a bug": (refuses(500, "internal_error"), InternalError),
    "a conflict of tomorrow": (refuses(409, "of_tomorrow"), Conflict),
    "a status of tomorrow": (refuses(418, "of_tomorrow"), ApiError),
    "a firewall's page": (says(403, b"<html>Blocked</html>", "text/html"), PermissionDenied),
    "elsewhere": (says(307, b"", Location="http://127.0.0.1:1/"), Redirected),
    "elsewhere for good": (says(301, b"", Location="https://elsewhere.example/"), Redirected),
    "without end": (flood, AnswerTooLarge),
}


@pytest.mark.parametrize(("act", "error"), ONCE.values(), ids=ONCE)
def test_it_is_not_sent_again(ask, act, error, monkeypatch):
    monkeypatch.setattr("orgbilling_client._transport.ANSWER_MAX_BYTES", 1024 * 1024)
    with hostile(act) as server, pytest.raises(error) as caught:
        ask(server.url, deduct)

    assert type(caught.value) is error
    assert len(server.requests) == caught.value.attempts == 1
    assert caught.value.idempotency_key == server.requests[0].key


def test_a_redirect_takes_the_key_nowhere(ask):
    with (
        hostile(charged) as elsewhere,
        hostile(says(307, b"", Location=f"{elsewhere.url}/")) as server,
        pytest.raises(Redirected, match="base_url"),
    ):
        ask(server.url, deduct)

    assert elsewhere.requests == []


@pytest.mark.parametrize("act", [stall, trickle])
def test_silence_ends_in_time(ask, act):
    policy = RetryPolicy(attempts=2, first_wait_seconds=0)
    with hostile(act) as server, pytest.raises(TimedOut) as caught:
        ask(server.url, deduct, timeout=0.2, retry=policy)
    gc.collect()

    assert len(server.requests) == 2
    assert caught.value.may_have_acted


def test_nobody_there_is_unreachable(ask):
    with hostile(charged) as server:
        pass
    with pytest.raises(Unreachable) as caught:
        ask(server.url, deduct)

    assert caught.value.attempts == ATTEMPTS
    assert not caught.value.may_have_acted


def test_what_is_known_of_earlier_attempts_is_not_forgotten(ask):
    """An answer that says nothing of the key leaves open what the lost answer was."""
    with (
        hostile(cut, refuses(401, "authentication_failed")) as server,
        pytest.raises(ApiError) as revoked,
    ):
        ask(server.url, deduct)
    with (
        hostile(cut, refuses(402, "insufficient_credits")) as server,
        pytest.raises(ApiError) as refused,
    ):
        ask(server.url, deduct)

    assert revoked.value.may_have_acted
    assert not refused.value.may_have_acted


class Stopped(Exception):
    pass


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(ask, form):
    moment = datetime(2026, 11, 22, 16, tzinfo=UTC)
    later = format_datetime(moment + timedelta(seconds=7), usegmt=True)
    asked = {"seconds": "7", "date": later}[form]
    date = format_datetime(moment, usegmt=True)
    told = []

    def stop(retry):
        told.append(retry)
        raise Stopped

    busy = refuses(429, "rate_limited", Retry_After=asked, Date=date)
    with hostile(busy) as server, pytest.raises(Stopped):
        ask(server.url, deduct, on_retry=stop)

    (retry,) = told
    assert (retry.wait_seconds, retry.attempt, retry.method) == (7, 1, "POST")
    assert retry.idempotency_key == server.requests[0].key
    assert isinstance(retry.error, RateLimited)


def test_it_gives_up_at_once_when_the_wait_would_be_longer_than_the_total(ask):
    policy = RetryPolicy(total_seconds=5)
    with (
        hostile(refuses(429, "rate_limited", Retry_After="60")) as server,
        pytest.raises(RateLimited) as caught,
    ):
        ask(server.url, deduct, retry=policy)

    assert len(server.requests) == 1
    assert caught.value.retry_after == 60


def test_reads_are_sent_again_and_never_say_that_they_may_have_acted(ask):
    with hostile(cut) as server, pytest.raises(Unreachable) as caught:
        ask(server.url, lambda client: client.pool())

    assert len(server.requests) == ATTEMPTS
    assert server.requests[0].key is None
    assert not caught.value.may_have_acted


def test_a_change_without_a_key_is_sent_again_only_when_it_certainly_did_nothing(ask):
    def join(client):
        return client.add_member(email="new@example.com")

    with hostile(cut) as server, pytest.raises(Unreachable, match="look before") as caught:
        ask(server.url, join)
    assert len(server.requests) == 1
    assert caught.value.may_have_acted

    with (
        hostile(refuses(429, "rate_limited", Retry_After="0")) as server,
        pytest.raises(RateLimited) as caught,
    ):
        ask(server.url, join)
    assert len(server.requests) == ATTEMPTS
    assert not caught.value.may_have_acted


def test_a_newer_service_says_more(ask):
    with hostile(says(201, USAGE | {"of_tomorrow": [1, {"x": None}]})) as server:
        assert ask(server.url, deduct).credits_used == 50
