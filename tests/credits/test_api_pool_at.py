"""A pool as it was at a past instant, over HTTP."""

from datetime import timedelta

import pytest

from orgbilling.lib.clock import now, simulated
from tests.api_client import ok, problem
from tests.credits.test_deduct import body
from tests.ledger import fund, give, let_spend

pytestmark = pytest.mark.django_db
BALANCES = (
    "total_credits", "allocated_credits", "used_credits", "held_credits", "available_credits",
)  # fmt: skip


def at(days):
    return now() - timedelta(days=days)


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def past(alpha, alice, alpha_key, client_for):
    """10,000 ten days ago; 1,000 to Alice eight days ago; 50 spent six, 200 held and released four days ago."""
    api = client_for(alpha_key)
    let_spend(alpha)
    with simulated(at(10)):
        fund(alpha, 10_000)
    with simulated(at(8)):
        give(alpha, alice, 1_000, reset_period="never")
    with simulated(at(6)):
        ok(api.post("credits/deduct", body(alpha, alice, 50)), 201)
    with simulated(at(4)):
        hold = ok(api.post("credits/holds", body(alpha, alice, 200, ttl_seconds=86_400)), 201)
    with simulated(at(4) + timedelta(hours=1)):
        ok(api.post(f"credits/holds/{hold['id']}/release", {}))
    return alpha


@pytest.mark.parametrize(
    ("days", "balances"),
    [
        (11, (0, 0, 0, 0, 0)),
        (9, (10_000, 0, 0, 0, 10_000)),
        (7, (10_000, 1_000, 0, 0, 9_000)),
        (5, (10_000, 1_000, 50, 0, 9_000)),
        (4 - 1 / 48, (10_000, 1_000, 50, 200, 9_000)),
        (3, (10_000, 1_000, 50, 0, 9_000)),
    ],
)
def test_what_there_was(past, alpha_key, client_for, days, balances):
    pool = ok(client_for(alpha_key).get(f"credits/{past.pk}?at={text(at(days))}"))
    assert tuple(pool[name] for name in BALANCES) == balances


def test_a_minute_ago_is_as_now(past, alpha_key, client_for):
    api = client_for(alpha_key)
    a_minute = 1 / 1440
    assert ok(api.get(f"credits/{past.pk}?at={text(at(a_minute))}")) == ok(
        api.get(f"credits/{past.pk}")
    )


@pytest.mark.parametrize(
    "query",
    ["at=", "at=yesterday", "at=2026-01-01", "at=1", "at=%00", "since=2026-01-01T00:00:00Z"],
)
def test_what_is_no_past_instant(past, alpha_key, client_for, query):
    problem(client_for(alpha_key).get(f"credits/{past.pk}?{query}"), 400, "validation_error")


def test_the_future(past, alpha_key, client_for):
    api = client_for(alpha_key)
    refused = problem(api.get(f"credits/{past.pk}?at={text(at(-1))}"), 400, "validation_error")
    assert refused["errors"][0]["field"] == "at"
    problem(api.get(f"credits/{past.pk}?at=9999-12-31T23:59:59-14:00"), 400, "validation_error")


def test_the_beginning_of_time(past, alpha_key, client_for):
    pool = ok(client_for(alpha_key).get(f"credits/{past.pk}?at=0001-01-01T00:00:00Z"))
    assert pool["total_credits"] == 0


def test_403_then_404_then_400(past, charlie, system_key, client_for):
    problem(client_for(charlie).get(f"credits/{past.pk}?at=x"), 403, "permission_denied")
    unknown = "credits/00000000-0000-4000-8000-000000000000?at=x"
    problem(client_for(system_key).get(unknown), 404, "not_found")
