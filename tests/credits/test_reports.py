"""What dashboards read of one organization: days by service, members, refusals."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from credits import reports
from credits.choices import FOREVER
from credits.deducting import Receipt, deduct
from credits.holding import HoldOrder, place
from credits.models import CreditPool, Usage
from credits.models.refusal import OTHER_SERVICES, OTHERS
from credits.refunding import refund
from credits.reports.members import low_allocations
from orgbilling.lib.clock import now, simulated
from tests.billing.conftest import count_queries
from tests.credits.test_api_refusals import refusal
from tests.factories import make_member
from tests.ledger import ORIGIN, charge, fund, give, let_spend

pytestmark = pytest.mark.django_db


def spend(org, user, credits, service="company_enrichment", at=None):
    wanted = charge(org, user, credits)._replace(service_name=service)
    if at is None:
        receipt = deduct(wanted)
    else:
        with simulated(at):
            receipt = deduct(wanted)
    assert isinstance(receipt, Receipt)
    return Usage.objects.get(pk=receipt.charged.usage_id)


# --- Days by service ---------------------------------------------------------------------------------


def test_every_day_is_there_and_six_services_have_names(funded, alice):
    for number in range(8):
        spend(funded, alice, 80 - number, f"service_{number}")
    usage = reports.daily_by_service(funded.pk)
    assert len(usage.days) == 30
    assert usage.days[-1] == now().date()
    assert [(day - usage.days[0]).days for day in usage.days] == list(range(30))
    assert [(one.service_name, one.total, one.is_other) for one in usage.series] == [
        *((f"service_{number}", 80 - number, False) for number in range(6)),
        ("other", 74 + 73, True),
    ]
    assert all(one.credits[:-1] == (0,) * 29 for one in usage.series)
    assert usage.totals == (*(0,) * 29, usage.total)
    assert usage.total == sum(80 - number for number in range(8))


def test_days_are_the_organizations_own(alpha, alice):
    alpha.timezone = "Pacific/Auckland"
    alpha.save()
    fund(alpha, 1_000)
    let_spend(alpha)
    # Half past eleven at night of yesterday in Auckland, and half an hour past its midnight.
    midnight = datetime.combine(
        now().astimezone(ZoneInfo(alpha.timezone)).date(),
        datetime.min.time(),
        ZoneInfo(alpha.timezone),
    )
    with simulated(midnight - timedelta(days=40)):
        give(alpha, alice, 500, reset_period="never")
    spend(alpha, alice, 3, at=midnight - timedelta(minutes=30))
    spend(alpha, alice, 5, at=midnight)
    usage = reports.daily_by_service(alpha.pk, days=2)
    assert (usage.zone, usage.totals) == ("Pacific/Auckland", (3, 5))
    assert usage.days[1] == midnight.date()
    assert reports.daily_by_service(alpha.pk, days=1).totals == (5,)
    assert sum(reports.daily_by_service(alpha.pk, days=3, zone="UTC").totals) == 8


def test_refunds_count_down_on_their_own_day(funded, alice, bob):
    usage = spend(funded, alice, 50)
    spend(funded, bob, 7)
    refund(org_id=funded.pk, usage_id=usage.pk, credits=20, reason="Failed", origin=ORIGIN)
    assert reports.daily_by_service(funded.pk, days=1).totals == (37,)
    assert reports.daily_by_service(funded.pk, days=1, user_id=bob.pk).totals == (7,)
    assert reports.daily_by_service(None, days=1).totals == (37,)


def test_nothing_used_has_days_and_no_series(funded):
    usage = reports.daily_by_service(funded.pk, days=7)
    assert (len(usage.days), usage.series, usage.totals, usage.total) == (7, (), (0,) * 7, 0)


@pytest.mark.parametrize("days", [0, 367])
def test_other_numbers_of_days_are_refused(funded, days):
    with pytest.raises(ValueError, match="366"):
        reports.daily_by_service(funded.pk, days)


# --- Members -----------------------------------------------------------------------------------------


def test_members_have_bars_that_add_up(funded, alice, bob):
    spend(funded, bob, 123)
    order = HoldOrder(charge(funded, bob, 100))
    place(order)
    make_member(funded)
    page = reports.members(funded.pk)
    assert page.count == 3
    of_bob = page.members[0]
    assert (of_bob.email, of_bob.role, of_bob.budget) == ("bob@example.com", "member", 500)
    assert (of_bob.used, of_bob.held, of_bob.remaining, of_bob.allocated) == (123, 100, 277, 500)
    assert (of_bob.percent_used, of_bob.percent_held, of_bob.percent_remaining) == (24, 20, 56)
    assert of_bob.reset_period == "monthly"
    assert of_bob.next_reset > now()
    assert not of_bob.is_low
    without = next(one for one in page.members if one.allocation_id is None)
    assert (without.allocated, without.percent_used, without.percent_remaining) == (0, 0, 0)
    assert not without.is_low


def test_members_are_searched_ordered_and_paged(funded, alice, bob):
    spend(funded, bob, 490)
    assert [one.name for one in reports.members(funded.pk).members] == ["Bob", "Alice"]
    assert [one.name for one in reports.members(funded.pk, order="name").members] == [
        "Alice",
        "Bob",
    ]
    lowest = reports.members(funded.pk, order="remaining", limit=1)
    assert ([one.name for one in lowest.members], lowest.count) == (["Bob"], 2)
    assert lowest.members[0].is_low
    second = reports.members(funded.pk, order="remaining", limit=1, offset=1)
    assert [one.name for one in second.members] == ["Alice"]
    found = reports.members(funded.pk, search="BOB example")
    assert ([one.name for one in found.members], found.count) == (["Bob"], 1)
    with pytest.raises(ValueError, match="500"):
        reports.members(funded.pk, limit=501)


def test_members_in_need_come_first_and_who_has_nothing_last(funded, alice, bob):
    nobody = make_member(funded).user
    spend(funded, alice, 600)
    spend(funded, bob, 200)
    in_need = reports.members(funded.pk, order="need").members
    assert [one.user_id for one in in_need] == [alice.pk, bob.pk, nobody.pk]


def test_no_member_of_another_organization_is_shown(funded, globex, charlie):
    fund(globex, 100)
    give(globex, charlie, 100)
    assert {one.email for one in reports.members(funded.pk).members} == {
        "alice@example.com",
        "bob@example.com",
    }
    assert reports.top_members(globex.pk) == []


def test_top_members_are_those_who_used_most(funded, alice, bob):
    spend(funded, alice, 5)
    spend(funded, bob, 6)
    spend(funded, bob, 1)
    top = reports.top_members(funded.pk)
    assert [(row["user_name"], row["credits_used"], row["request_count"]) for row in top] == [
        ("Bob", 7, 2),
        ("Alice", 5, 1),
    ]
    assert len(reports.top_members(funded.pk, limit=1)) == 1


def test_an_allocation_is_low_at_a_fifth_until_its_reset_is_due(funded, alice, bob):
    spend(funded, bob, 399)
    assert not low_allocations(funded.pk)
    spend(funded, bob, 1)
    assert [row.user_id for row in low_allocations(funded.pk)] == [bob.pk]
    CreditPool.objects.filter(org=funded).update(spending_until=FOREVER)
    assert count_queries(lambda: list(low_allocations(funded.pk))) == 1


# --- Refusals ----------------------------------------------------------------------------------------


def test_refusals_of_several_days_are_one_group(funded, bob):
    values = {"user_id": bob.pk, "service_name": "company_enrichment", "count": 3}
    refusal(funded, minutes_ago=2 * 24 * 60, **values, requested_credits=9, remaining_credits=4)
    newest = refusal(funded, minutes_ago=1, **values)
    refusal(funded, minutes_ago=5)
    refusal(funded, minutes_ago=8 * 24 * 60, **values)
    one, other = reports.recent_refusals(funded.pk)
    assert (one.user_id, one.name, one.email) == (bob.pk, "Bob", "bob@example.com")
    assert (one.count, one.last_at, one.code) == (6, newest.last_at, "insufficient_credits")
    assert one.reason == "Insufficient credits"
    assert (one.requested_credits, one.remaining_credits) == (9, 4)
    assert (other.user_id, other.name, other.service_name) == (None, "", "")
    assert reports.recent_refusals(funded.pk, limit=1) == [one]
    assert reports.recent_refusals(funded.pk, user_id=bob.pk) == [one]


def test_others_are_the_rows_that_stand_for_everybody(funded):
    refusal(funded, user_id=OTHERS, service_name=OTHER_SERVICES)
    assert reports.recent_refusals(funded.pk)[0].user_id is None


# --- Cost --------------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_members(funded, alice):
    works = {
        3: lambda: reports.members(funded.pk, search="e"),
        1: lambda: reports.top_members(funded.pk),
        2: lambda: reports.daily_by_service(funded.pk),
    }
    before = {number: count_queries(work) for number, work in works.items()}
    for _ in range(20):
        give(funded, make_member(funded).user, 10)
    spend(funded, alice, 1)
    assert before == {number: number for number in works}
    assert {number: count_queries(work) for number, work in works.items()} == before
    refusal(funded)
    assert count_queries(lambda: reports.recent_refusals(funded.pk)) == 2
    assert Usage.objects.filter(created_at__gte=datetime(2020, 1, 1, tzinfo=UTC)).count() == 1
