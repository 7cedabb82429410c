"""Ten simulated years of resets and refreshes, swept by two workers at once, with an outage of 90 days.

The boundaries that are expected are computed by Python's calendar (tests/model/calendar.py), by no SQL.
"""

import itertools
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections

from credits.deducting import Receipt, deduct
from credits.models import Allocation, CreditPool, JournalEntry
from credits.sweeping import refresh_due, reset_due
from orgbilling.lib.clock import SETTING, simulated
from tests.concurrency.threads import PATIENCE_SECONDS
from tests.factories import make_member, make_organization
from tests.ledger import charge, fund, give, let_spend
from tests.model.calendar import boundaries
from tests.model.state import broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    # Half an hour of daylight saving.
    "Australia/Lord_Howe",
    # Its clocks skip midnight itself.
    "Africa/Cairo",
)
PERIODS = ("daily", "weekly", "monthly")
FUNDS, BUDGET, REFRESH = 1_000_000, 100, 1_000
#: The allocations are made on these days, at an hour at which half of the zones have another date.
ANCHORS = [datetime(2027, 12, day, 23, 30, tzinfo=UTC) for day in (29, 30, 31)]
LEAP = datetime(2028, 2, 29, 12, tzinfo=UTC)
BEGIN = datetime(2028, 3, 1, tzinfo=UTC)
END = datetime(2038, 3, 1, tzinfo=UTC)
OUTAGE = (datetime(2032, 1, 20, tzinfo=UTC), datetime(2032, 4, 19, tzinfo=UTC))


def moments(step):
    """When the jobs run."""
    found, moment = [], BEGIN
    while moment <= END:
        if not OUTAGE[0] < moment < OUTAGE[1]:
            found.append(moment)
        moment += step
    return found


def at(moment):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, moment.isoformat()])


def workers(number, runs, work):
    """Some workers, each at the same simulated moment as the others, moment after moment."""
    gate = threading.Barrier(number)

    def live(worker):
        try:
            for moment in runs:
                at(moment)
                gate.wait(PATIENCE_SECONDS)
                work(worker, moment)
                gate.wait(PATIENCE_SECONDS)
        except BaseException:
            gate.abort()
            raise
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(live, range(number)))


def expected(anchor, period, zone, runs):
    """The period that each run opens: the latest that has begun since the run before."""
    found, before = [], anchor
    for run in runs:
        begun = boundaries(anchor, period, zone, before, run)
        if begun:
            found.append(begun[-1])
            before = begun[-1]
    return found


def populate(period):
    """Each zone's organization with a member for each anchor: by (organization, user) what is known of them."""
    people = {}
    for zone in ZONES:
        org = make_organization(timezone=zone)
        # A day begins at midnight, whenever the allocation was made.
        for anchor in ANCHORS[:1] if period == "daily" else [*ANCHORS, LEAP]:
            with simulated(anchor):
                if anchor == ANCHORS[0]:
                    fund(org, FUNDS)
                    let_spend(org)
                user = make_member(org).user
                give(org, user, BUDGET, reset_period=period)
                people[org.pk, user.pk] = (org, user, zone, anchor)
    return people


def opened():
    """The periods that were opened, by (organization, user)."""
    found = defaultdict(list)
    rows = JournalEntry.objects.filter(kind="reset").order_by("period_start")
    for org_id, user_id, begun in rows.values_list("org_id", "allocation__user_id", "period_start"):
        found[org_id, user_id].append(begun)
    return found


@pytest.mark.parametrize(("period", "step"), list(zip(PERIODS, (1, 3, 5), strict=True)))
def test_every_period_opens_once(period, step):
    people = populate(period)
    runs = moments(timedelta(days=step))
    spenders = dict(zip(runs, itertools.cycle(people.values()), strict=False))

    def sweep(worker, moment):
        reset_due()
        if worker == 0:
            org, user, *_ = spenders[moment]
            assert isinstance(deduct(charge(org, user, BUDGET - 1)), Receipt)

    workers(2, runs, sweep)

    stopped = max(run for run in runs if run <= OUTAGE[0])
    resumed = min(run for run in runs if run >= OUTAGE[1])
    found = opened()
    for key, (_org, _user, zone, anchor) in people.items():
        assert found[key] == expected(anchor, period, zone, runs)
        every = boundaries(anchor, period, zone, anchor, runs[-1])
        missed = set(every) - set(found[key])
        # Of those that the outage swallowed, the one that is current when it ends is opened.
        assert all(stopped < begun <= resumed or begun < BEGIN for begun in missed)
        assert any(stopped < begun <= resumed for begun in found[key])
    for org_id in {org_id for org_id, _user_id in people}:
        assert CreditPool.objects.get(org_id=org_id).total_credits == FUNDS
        assert broken(org_id) == []
    for budget, left in Allocation.objects.values_list("budget_credits", "remaining_credits"):
        assert budget == BUDGET >= left


def test_every_month_is_granted_once():
    orgs = {}
    for zone in ZONES:
        for anchor in [*ANCHORS, LEAP]:
            with simulated(anchor):
                org = make_organization(timezone=zone)
                let_spend(org)
                CreditPool.objects.change_settings(org_id=org.pk, monthly_refresh_amount=REFRESH)
                orgs[org.pk] = (zone, anchor)
    runs = moments(timedelta(days=6))
    workers(2, runs, lambda _worker, _moment: refresh_due())

    granted = {}
    for org_id, begun, credits in JournalEntry.objects.filter(kind="refresh").values_list(
        "org_id", "period_start", "credits"
    ):
        assert credits == REFRESH
        granted.setdefault(org_id, []).append(begun)
    for org_id, (zone, anchor) in orgs.items():
        every = boundaries(anchor, "monthly", zone, anchor, runs[-1])
        assert sorted(granted[org_id]) == every
        assert CreditPool.objects.get(org_id=org_id).total_credits == REFRESH * len(every)
        assert broken(org_id) == []
