"""Reports from summed-up usage say what the rows say, at any hour, however far it is summed up."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from credits import reports, rolling
from credits.models import Allocation, LateUsage, Rollup, ServiceCell
from credits.reports import Selection
from credits.verification import LEDGER, snapshot, verify
from tests.credits.rolled import SERVICES, as_reported, by_hand, day_of, drawn, settle, write
from tests.factories import make_member
from tests.ledger import give

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")
#: Summing up in small steps reaches every way to part a history.
STEPS = (1, 3, 1_000)


@pytest.fixture
def allocations(transactional_db, funded, globex, charlie):
    """Of two organizations, several members each."""
    from tests.ledger import fund  # noqa: PLC0415 - beside the fixture that needs it

    fund(globex, 1_000)
    give(globex, charlie, 10)
    give(funded, make_member(funded).user, 10)
    return list(Allocation.objects.all())


def windows(chance):
    """Windows that begin and end anywhere: at whole hours and days, and within them."""
    now = datetime.now(UTC)
    yield now - timedelta(days=30), None
    for _ in range(4):
        since = now - timedelta(seconds=chance.random() * 3_500_000)
        if chance.random() < 0.3:
            since = since.replace(minute=0, second=0, microsecond=0)
        until = since + timedelta(
            seconds=chance.choice((900, 7_000, 90_000, 4_000_000)) * chance.random()
        )
        yield since, until


def compare(chance, organizations):
    for since, until in windows(chance):
        of = chance.choice((None, (organizations[0],), tuple(organizations)))
        usage = Selection(since, until, of)
        assert as_reported(usage.by_day(), "date") == by_hand(usage, day_of())
        assert as_reported(usage.by_service(), "service_name") == by_hand(
            usage, lambda one: one.service_name
        )
        assert as_reported(usage.by_user(), "user_id") == by_hand(usage, lambda one: one.user_id)
        assert as_reported(usage.by_organization(), "org_id") == by_hand(
            usage, lambda one: one.org_id
        )
        one = Selection(since, until, of, service_name=SERVICES[0])
        assert as_reported(one.by_day(), "date") == by_hand(one, day_of())
        somebody = Allocation.objects.order_by("?").first().user_id
        for filters in (
            {"user_id": somebody},
            {"user_id": somebody, "service_name": SERVICES[1]},
            {"service_type": "api"},
        ):
            some = Selection(since, until, of, **filters)
            assert as_reported(some.by_day(), "date") == by_hand(some, day_of())
            assert as_reported(some.by_service(), "service_name") == by_hand(
                some, lambda one: one.service_name
            )
            assert as_reported(some.by_user(), "user_id") == by_hand(some, lambda one: one.user_id)
    zone = chance.choice(ZONES)
    of = chance.choice((None, organizations[0]))
    daily = reports.daily_by_service(of, 40, zone)
    whole = Selection(datetime(2000, 1, 1, tzinfo=UTC), None, None if of is None else (of,))
    expected = by_hand(whole, day_of(zone))
    assert daily.totals == tuple(expected.get(day, (0, 0))[0] for day in daily.days)


def broken():
    with snapshot():
        checks = [check for check in LEDGER if check.name.startswith("rollup_")]
        assert checks
        return [one for result in verify(checks) for one in result.violations]


@pytest.mark.parametrize("seed", range(6))
def test_reports_say_what_the_rows_say(allocations, seed):
    chance = random.Random(seed)
    organizations = list({one.org_id for one in allocations})
    for _ in range(4):
        write(*drawn(chance, allocations, 25))
        for org_id in organizations:
            if chance.random() < 0.8:
                Rollup.objects.roll_up(org_id, chance.choice(STEPS))
                Rollup.objects.roll_up(org_id, chance.choice(STEPS))
        compare(chance, organizations)
    assert broken() == []
    settle(*organizations)
    assert ServiceCell.objects.exists()
    compare(chance, organizations)
    for org_id in organizations:
        Rollup.objects.forget(org_id)
        compare(chance, organizations)
        rolling.rebuild(org_id)
    compare(chance, organizations)
    assert broken() == []
    for state in Rollup.objects.all():
        assert state.rolled_until == state.safe_until
        late = LateUsage.objects.filter(org_id=state.org_id, created_at__lt=state.rolled_until)
        assert not late.exists()
