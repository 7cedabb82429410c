"""Alerts of low credits: once a crossing, armed again above the threshold, whatever moves the balance."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from credits import watching
from credits.choices import ShortageLevel
from credits.deducting import Receipt, deduct
from credits.departure import remove_member
from credits.models import Allocation, CreditPool, LowCreditEpisode, Usage
from credits.refunding import refund
from credits.thresholds import Level
from organizations.choices import NoticeKind, Role
from organizations.models import Notice
from orgbilling.lib.clock import now, simulated
from tests.factories import as_principal, make_member, make_user
from tests.ledger import ORIGIN, charge, fund, give

pytestmark = pytest.mark.django_db


def told(user, *kinds):
    """The titles of what the person was told, oldest first."""
    rows = Notice.objects.filter(user=user).order_by("created_at", "id")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return [row.title for row in rows]


def spend(org, user, credits):
    assert isinstance(deduct(charge(org, user, credits)), Receipt)


def test_a_member_is_told_once_at_a_fifth_and_once_at_nothing(funded, alice, bob):
    spend(funded, bob, 399)
    watching.watch()
    assert told(bob) == []
    spend(funded, bob, 1)
    for _time in range(3):
        watching.watch()
    assert told(bob) == ["You have 100 of 500 credits left in Test Org Alpha (20 %)"]
    assert told(alice) == ["Bob has 100 of 500 credits left in Test Org Alpha (20 %)"]
    spend(funded, bob, 60)
    watching.watch()
    assert len(told(bob)) == 1
    spend(funded, bob, 40)
    for _time in range(2):
        watching.watch()
    assert told(bob)[1:] == ["Your credits in Test Org Alpha are used up"]
    assert told(alice)[1:] == ["Bob has 0 of 500 credits left in Test Org Alpha (0 %)"]


def test_straight_to_nothing_is_one_notice(funded, bob):
    spend(funded, bob, 500)
    watching.watch()
    assert told(bob) == ["Your credits in Test Org Alpha are used up"]
    levels = LowCreditEpisode.objects.current().values_list("level", flat=True)
    assert sorted(levels) == ["exhausted", "low"]


def raise_by_allocating(org, user):
    give(org, user, 500)


def raise_by_refunding(org, user):
    row = Usage.objects.filter(org=org, user=user, credits_used__gt=0).first()
    refund(org_id=org.pk, usage_id=row.pk, reason="x", origin=ORIGIN)


def raise_by_a_reset(org, user):
    with simulated(now() + timedelta(days=40)):
        Allocation.objects.reset_if_due(org_id=org.pk, user_id=user.pk, origin=ORIGIN)


@pytest.mark.parametrize("raised", [raise_by_allocating, raise_by_refunding, raise_by_a_reset])
def test_it_is_armed_again_by_whatever_raises_the_balance(funded, bob, raised):
    spend(funded, bob, 450)
    watching.watch()
    raised(funded, bob)
    watching.watch()
    assert not LowCreditEpisode.objects.current().exists()
    left = Allocation.objects.get(org=funded, user=bob).remaining_credits
    spend(funded, bob, left - 1)
    watching.watch()
    assert len(told(bob)) == 2


def test_back_above_nothing_but_still_low_is_no_second_warning(funded, bob):
    spend(funded, bob, 500)
    watching.watch()
    give(funded, bob, 10)
    watching.watch()
    spend(funded, bob, 10)
    watching.watch()
    assert told(bob) == ["Your credits in Test Org Alpha are used up"] * 2


def test_what_came_back_between_two_sweeps_is_not_told(funded, bob):
    spend(funded, bob, 500)
    give(funded, bob, 500)
    watching.watch()
    assert told(bob) == []


def test_the_pool_is_told_to_billing_roles_alone(funded, alice, bob):
    biller = make_member(funded, Role.BILLING_ADMIN, make_user("bill@example.com", "Bill")).user
    CreditPool.objects.change_settings(org_id=funded.pk, alert_threshold_percent=50)
    watching.watch()
    assert told(alice) == []
    give(funded, alice, 4_000)
    watching.watch()
    title = "Test Org Alpha has 4,500 of 10,000 credits left in its pool (45 %)"
    assert (told(alice), told(biller), told(bob)) == ([title], [title], [])
    notice = Notice.objects.get(user=alice)
    assert notice.detail.startswith("That is below your threshold of 50 %.")
    assert notice.page == "org_add_credits"
    fund(funded, 5_000)
    watching.watch()
    give(funded, alice, 9_500)
    watching.watch()
    assert told(alice)[1:] == ["Test Org Alpha has no credits left in its pool"]
    assert Notice.objects.filter(user=alice, kind=NoticeKind.POOL_EXHAUSTED).count() == 1


def test_a_pool_is_low_by_credits_too(funded, alice):
    CreditPool.objects.change_settings(org_id=funded.pk, alert_threshold_credits=8_500)
    watching.watch()
    assert told(alice) == []
    give(funded, alice, 1)
    watching.watch()
    (notice,) = Notice.objects.filter(user=alice)
    assert notice.detail.startswith("That is below your threshold of 8,500 credits.")


def test_another_threshold_is_a_crossing_and_none_is_never_low(funded, bob):
    Allocation.objects.change_alert(org_id=funded.pk, user_id=bob.pk, percent=None, least=None)
    spend(funded, bob, 490)
    watching.watch()
    assert told(bob) == []
    Allocation.objects.change_alert(org_id=funded.pk, user_id=bob.pk, percent=None, least=10)
    watching.watch()
    assert told(bob) == ["You have 10 of 500 credits left in Test Org Alpha (2 %)"]
    Allocation.objects.change_alert(org_id=funded.pk, user_id=bob.pk, percent=1, least=None)
    watching.watch()
    assert not LowCreditEpisode.objects.current().exists()


def test_many_members_at_once_are_one_notice_to_billing_roles(funded, alice):
    for number in range(12):
        user = make_member(funded, user=make_user(name=f"Member {number:02}")).user
        give(funded, user, 100)
        spend(funded, user, 95)
    watching.watch()
    (notice,) = Notice.objects.filter(user=alice)
    assert notice.title == "12 members of Test Org Alpha have little left"
    lines = notice.detail.splitlines()
    assert lines[0] == "Member 00 has 5 of 100 credits left (5 %)."
    assert lines[10:] == ["And 2 more."]
    assert Notice.objects.filter(kind=NoticeKind.OWN_LOW).count() == 12


def test_a_member_who_left_is_not_watched(funded, alice, bob):
    spend(funded, bob, 450)
    watching.watch()
    remove_member(org_id=funded.pk, user_id=bob.pk, by=as_principal(alice), request_id="test")
    watching.watch()
    assert not LowCreditEpisode.objects.current().exists()
    assert not Notice.objects.visible_to(bob).exists()


def test_one_organization_in_trouble_does_not_stop_the_others(
    funded, bob, globex, charlie, monkeypatch
):
    fund(globex, 100)
    give(globex, charlie, 100)
    observe = watching.observe

    def stumble(org_id):
        if org_id == funded.pk:
            raise IntegrityError
        return observe(org_id)

    monkeypatch.setattr(watching, "observe", stumble)
    spend(funded, bob, 500)
    watching.watch()
    assert told(charlie) == ["Globex has no credits left in its pool"]
    assert told(bob) == []


def test_a_sweep_asks_as_much_of_a_thousand_members_as_of_two(
    funded, bob, django_assert_max_num_queries
):
    watching.watch()
    with django_assert_max_num_queries(6):
        watching.watch()


def test_the_second_of_two_sweeps_opens_nothing(funded, bob):
    allocation = Allocation.objects.get(org=funded, user=bob)
    told_of = {
        "org_id": funded.pk,
        "allocation_id": allocation.pk,
        "level": ShortageLevel.LOW,
        "left": 1,
        "whole": 10,
        "moment": now(),
    }
    assert LowCreditEpisode.objects.begin(**told_of) is not None
    assert LowCreditEpisode.objects.begin(**told_of) is None
    pool = {**told_of, "allocation_id": None}
    assert LowCreditEpisode.objects.begin(**pool) is not None
    assert LowCreditEpisode.objects.begin(**pool) is None
    with pytest.raises(IntegrityError):
        LowCreditEpisode.objects.begin(**{**told_of, "level": "nearly"})


@pytest.mark.parametrize(
    ("left", "whole", "percent", "least", "inclusive", "low"),
    [
        (20, 100, 20, None, True, True),
        (20, 100, 20, None, False, False),
        (21, 100, 20, None, True, False),
        (5, 100, None, 5, True, True),
        (5, 100, None, 5, False, False),
        (0, 100, None, None, True, False),
        (9 * 10**18 // 5, 9 * 10**18, 20, None, True, True),
    ],
)
def test_thresholds(left, whole, percent, least, inclusive, low):
    assert Level(left, whole, percent, least, inclusive).is_low is low


def test_balances_as_large_as_they_get_are_watched(funded, bob):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
        cursor.execute(
            "UPDATE user_credit_allocations SET remaining_credits = %s WHERE user_id = %s",
            [8 * 10**18, bob.pk],
        )
    watching.watch()
    assert told(bob) == []
