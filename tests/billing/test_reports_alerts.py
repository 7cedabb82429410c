"""What an organization is warned of, and by which action it is mended."""

from datetime import timedelta

import pytest

from billing import cancellation, pausing
from billing.models import Subscription
from billing.reports import Severity, organization_alerts
from credits import suspension
from credits.choices import JournalKind
from credits.models import CreditPool, JournalEntry
from orgbilling.lib.clock import now, simulated
from tests.billing.clockwork import advance
from tests.billing.conftest import ORIGIN, count_queries
from tests.credits.test_api_refusals import refusal
from tests.credits.test_reports import spend
from tests.factories import make_member
from tests.ledger import fund, give


@pytest.fixture
def sound(alpha, alice, bob, subscribed):
    """Alpha, subscribed: 10,000 credits, 1,000 of them Alice's and 500 Bob's; nothing is amiss."""
    subscribed(alpha)
    fund(alpha, 10_000)
    give(alpha, alice, 1_000)
    give(alpha, bob, 500)
    assert organization_alerts(alpha.pk) == []
    return alpha


def said(org):
    return [(alert.code, alert.severity, alert.action) for alert in organization_alerts(org.pk)]


def test_without_a_subscription_nobody_spends(alpha):
    assert said(alpha) == [("no_subscription", Severity.CRITICAL, "subscribe")]


def test_a_suspended_organization_is_told_first(sound):
    suspension.suspend(sound.pk, by=None)
    assert said(sound) == [("organization_suspended", Severity.CRITICAL, "contact")]


def test_an_unpaid_subscription_is_past_due_and_overdue(alpha, subscribed):
    began = now() - timedelta(days=20)
    subscription = subscribed(alpha, at=began)
    until = advance(subscription, now()).past_due_until
    past_due, overdue = organization_alerts(alpha.pk)
    assert (past_due.code, past_due.action) == ("subscription_past_due", "pay")
    assert f"It ends on {until:%Y-%m-%d}" in past_due.detail
    assert (overdue.code, overdue.severity, overdue.action) == (
        "payments_overdue",
        Severity.WARNING,
        "pay",
    )
    assert overdue.title == "50.00 USD is overdue"
    assert f"1 charge unpaid after 14 days, the oldest of {began:%Y-%m-%d}." == overdue.detail


def test_a_paused_one_is_to_be_resumed(sound, alice):
    row = Subscription.objects.get(org=sound)
    pausing.pause(org_id=sound.pk, subscription_id=row.pk, origin=ORIGIN)
    assert said(sound) == [("subscription_paused", Severity.CRITICAL, "resume")]


@pytest.mark.parametrize(("days", "title"), [(7, "7 days"), (1, "1 day"), (8, None)])
def test_a_trial_that_ends_within_a_week_is_told(alpha, subscribed, days, title):
    subscribed(alpha, trial_days=days)
    alerts = organization_alerts(alpha.pk)
    if title is None:
        assert alerts == []
    else:
        (alert,) = alerts
        assert (alert.code, alert.action) == ("trial_ending", "upgrade")
        assert alert.title == f"The trial ends in {title}"
        assert "50.00 USD" in alert.detail


def test_a_scheduled_end_can_be_undone(sound):
    row = Subscription.objects.get(org=sound)
    cancellation.set_at_period_end(
        org_id=sound.pk, subscription_id=row.pk, ends=True, origin=ORIGIN
    )
    assert said(sound) == [("subscription_canceling", Severity.WARNING, "undo_cancellation")]


def test_a_pool_below_its_threshold_wants_credits(sound):
    def threshold(**values):
        CreditPool.objects.change_settings(org_id=sound.pk, **values)
        return said(sound)

    low = [("pool_low", Severity.WARNING, "add_credits")]
    assert threshold(alert_threshold_credits=8_500) == []
    assert threshold(alert_threshold_credits=8_501) == low
    assert threshold(alert_threshold_credits=None, alert_threshold_percent=85) == []
    assert threshold(alert_threshold_percent=86) == low


def test_the_percentage_is_of_what_is_there_to_be_used(sound, alice):
    spend(sound, alice, 1_000)
    give(sound, alice, 1_000)
    CreditPool.objects.change_settings(org_id=sound.pk, alert_threshold_percent=83)
    # 7,500 of the 9,000 that are left: 83.3 %.
    assert said(sound) == []


def test_a_member_with_little_left_is_given_more(sound, bob):
    spend(sound, bob, 400)
    (alert,) = organization_alerts(sound.pk)
    assert (alert.code, alert.severity) == ("allocation_low", Severity.INFO)
    assert (alert.action, alert.title) == (f"allocate:{bob.pk}", "Bob has 100 of 500 credits left")
    spend(sound, bob, 100)
    assert said(sound) == [("allocation_low", Severity.WARNING, f"allocate:{bob.pk}")]


def test_with_an_empty_pool_credits_are_added_first(sound, alice, bob):
    spend(sound, bob, 500)
    give(sound, alice, 8_500)
    assert said(sound) == [("allocation_low", Severity.WARNING, "add_credits")]


def test_a_member_who_was_refused_is_told_once(sound, bob):
    spend(sound, bob, 500)
    refusal(sound, user_id=bob.pk, service_name="company_enrichment", count=4)
    refusal(sound, user_id=bob.pk, service_name="x", code="not_a_member")
    (alert,) = organization_alerts(sound.pk)
    assert (alert.code, alert.action) == ("member_refused", f"allocate:{bob.pk}")
    assert alert.title == "Bob was refused 4 times"


def test_many_with_little_left_are_not_named_one_by_one(sound):
    for _ in range(12):
        person = make_member(sound).user
        give(sound, person, 10)
        spend(sound, person, 9)
    alerts = organization_alerts(sound.pk)
    assert [alert.code for alert in alerts] == ["allocation_low"] * 10 + ["allocations_low"]
    assert (alerts[-1].action, alerts[-1].detail.split(" ")[0]) == ("members", "2")


def test_a_reset_that_the_pool_could_not_pay_is_told(alpha, alice, subscribed):
    subscribed(alpha)
    fund(alpha, 100)
    with simulated(now() - timedelta(days=2)):
        give(alpha, alice, 100, reset_period="daily")
        spend(alpha, alice, 60, at=now() - timedelta(days=2))
    spend(alpha, alice, 1)
    assert JournalEntry.objects.get(kind=JournalKind.RESET).shortfall_credits == 60
    alert = next(one for one in organization_alerts(alpha.pk) if one.code == "reset_shortfall")
    assert (alert.title, alert.action) == ("Resets were 60 credits short", "add_credits")
    assert "1 member" in alert.detail


def test_the_most_severe_comes_first_and_queries_are_bounded(sound, bob):
    CreditPool.objects.change_settings(org_id=sound.pk, alert_threshold_percent=100)
    spend(sound, bob, 450)
    suspension.suspend(sound.pk, by=None)
    for _ in range(15):
        person = make_member(sound).user
        give(sound, person, 10)
        refusal(sound, user_id=person.pk)
    severities = [alert.severity for alert in organization_alerts(sound.pk)]
    assert severities == sorted(severities, key=list(Severity).index)
    assert severities[0] == Severity.CRITICAL
    assert count_queries(lambda: organization_alerts(sound.pk)) <= 9
