"""The policy, without a server: how long, how often, and never the wrong thing."""

import pytest
from orgbilling_client import RetryPolicy, errors
from orgbilling_client._transport import retry_after
from orgbilling_client.calls import Repeat
from orgbilling_client.retrying import Attempts


def longest(attempt, **options):
    return RetryPolicy(drawn=lambda: 1.0, **options).wait_seconds(attempt, None)


def test_waits_double_to_a_bound():
    assert [longest(attempt) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert longest(10_000) == 30


def test_waits_are_drawn_from_nothing_to_the_bound():
    drawn = iter([0.0, 0.25, 1.0])
    policy = RetryPolicy(drawn=lambda: next(drawn))

    assert [policy.wait_seconds(3, None) for _ in range(3)] == [0, 0.5, 2]


def test_no_wait_is_shorter_than_asked_for_and_callers_do_not_come_back_together():
    drawn = iter([0.0, 1.0])
    policy = RetryPolicy(drawn=lambda: next(drawn))

    assert [policy.wait_seconds(1, 5) for _ in range(2)] == [5, 5.5]


@pytest.mark.parametrize(
    "options", [{"attempts": 0}, {"total_seconds": -1}, {"first_wait_seconds": -1}]
)
def test_a_policy_that_makes_no_sense_is_refused(options):
    with pytest.raises(ValueError, match=r"at least|negative"):
        RetryPolicy(**options)


def attempts(repeat=Repeat.KEYED, **options):
    policy = RetryPolicy(drawn=lambda: 0.0, **options)
    return Attempts(policy, repeat, key="k", request_id="r", started=100.0)


def test_no_attempt_begins_after_the_total():
    one = attempts(total_seconds=10)

    assert one.wait_after(errors.TimedOut(""), 109.9) == 0
    assert one.wait_after(errors.TimedOut(""), 110.0) is None


def test_no_attempt_waits_longer_than_what_is_left_but_the_first():
    one = attempts(total_seconds=10)
    assert one.timeout(30, 100) == 30
    one.wait_after(errors.TimedOut(""), 101)
    assert one.timeout(30, 104) == 6


@pytest.mark.parametrize(
    ("error", "keyed", "once"),
    [
        (errors.TimedOut("", sent=True), True, False),
        (errors.TimedOut("", sent=False), True, True),
        (errors.Unreachable("", sent=True), True, False),
        (errors.Unreachable("", sent=False), True, True),
        (errors.Untrusted("", sent=False), False, False),
        (errors.BadAnswer(""), True, False),
        (errors.Redirected(""), False, False),
        (errors.RequestInProgress(409, "request_in_progress", "", ""), True, False),
        (errors.RateLimited(429, "rate_limited", "", ""), True, True),
        (errors.DatabaseUnavailable(503, "database_unavailable", "", ""), True, True),
        (errors.OutcomeUnknown(503, "outcome_unknown", "", ""), True, False),
        (
            errors.PaymentProviderUnavailable(503, "payment_provider_unavailable", "", ""),
            True,
            False,
        ),
        (errors.ServerError(502, "", "", ""), True, False),
        (errors.ServerError(504, "", "", ""), True, False),
        (errors.InternalError(500, "internal_error", "", ""), False, False),
        (errors.ServerError(501, "", "", ""), False, False),
        (errors.Conflict(409, "of_tomorrow", "", ""), False, False),
        (errors.InsufficientCredits(402, "insufficient_credits", "", ""), False, False),
        (errors.IdempotencyKeyReused(422, "idempotency_key_reused", "", ""), False, False),
    ],
)
def test_what_is_sent_again(error, keyed, once):
    for repeat, expected in ((Repeat.SAFE, keyed), (Repeat.KEYED, keyed), (Repeat.ONCE, once)):
        assert (attempts(repeat).wait_after(error, 100) is not None) is expected


def test_a_read_has_never_acted():
    error = errors.TimedOut("")
    attempts(Repeat.SAFE).wait_after(error, 100)

    assert not error.may_have_acted


def test_an_error_learns_what_the_caller_needs():
    error = errors.TimedOut("Too slow.")
    attempts(attempts=1).wait_after(error, 100)

    assert (error.idempotency_key, error.request_id, error.attempts) == ("k", "r", 1)
    assert error.may_have_acted
    assert (
        str(error)
        == "Too slow. It may have been done all the same: repeat it with idempotency_key='k'."
    )


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999",
    ],
)
def test_a_date_beyond_all_dates_is_none(text):
    assert retry_after({"Retry-After": text}) is None
