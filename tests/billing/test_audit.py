"""The audit shows everything that somebody did, newest first, and only of whom it is asked about."""

from datetime import timedelta

import pytest

from billing import pool_settings
from billing.models import AuditEntry
from billing.purchase import Parcel, buy_on_account
from billing.reports import audit_entries
from credits.departure import remove_member
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from credits.refunding import refund
from organizations.choices import Role
from organizations.models import Member
from orgbilling.lib.clock import now, simulated
from tests.billing.conftest import count_queries
from tests.credits.test_reports import spend
from tests.factories import as_principal, make_key
from tests.ledger import fund, give

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_alice(alice):
    return Origin(f"user:{alice.pk}", "request-9")


def one(**wanted):
    return audit_entries(None, **wanted).get()


def test_an_allocation_is_shown_with_both_balances(funded, alice, bob, by_alice):
    Allocation.objects.allocate(
        org_id=funded.pk, user_id=bob.pk, credits=40, origin=by_alice, notes="For the fair"
    )
    entry = one(request_id="request-9")
    assert (entry.source, entry.action, entry.credits) == ("journal", "credits_allocation", 40)
    assert (entry.org_id, entry.org_name) == (funded.pk, "Test Org Alpha")
    assert (entry.actor, entry.actor_name) == (f"user:{alice.pk}", "Alice")
    assert (entry.subject_user_id, entry.subject, entry.subject_email) == (
        bob.pk,
        "Bob",
        "bob@example.com",
    )
    assert (entry.available_before, entry.available_after) == (8_500, 8_460)
    assert (entry.remaining_before, entry.remaining_after) == (500, 540)
    assert (entry.reason, entry.before, entry.after) == ("For the fair", None, None)


def test_refunds_are_shown_and_charges_are_not(funded, bob, by_alice):
    usage = spend(funded, bob, 50)
    refund(org_id=funded.pk, usage_id=usage.pk, credits=20, reason="It failed", origin=by_alice)
    entry = audit_entries([funded.pk]).get(source="usage")
    assert (entry.action, entry.credits, entry.reason) == ("usage_refunded", 20, "It failed")
    assert (entry.remaining_before, entry.remaining_after) == (450, 470)
    assert (entry.subject_user_id, entry.after["refund_of"]) == (bob.pk, str(usage.pk))


def test_a_former_members_refund_says_no_balance_before(funded, alice, bob, by_alice):
    usage = spend(funded, bob, 50)
    remove_member(org_id=funded.pk, user_id=bob.pk, by=as_principal(alice), request_id="r")
    refund(org_id=funded.pk, usage_id=usage.pk, reason="Late", origin=by_alice)
    entry = one(action="usage_refunded")
    assert (entry.remaining_before, entry.remaining_after) == (None, 0)
    assert one(action="member_removed").subject_user_id == bob.pk


def test_billing_events_are_shown_with_what_was_before(alpha, by_alice, subscribed):
    subscribed(alpha)
    fund(alpha, 10)
    pool_settings.change(org_id=alpha.pk, values={"alert_threshold_credits": 5}, origin=by_alice)
    changed = one(action="pool_settings_changed")
    assert (changed.source, changed.actor_name) == ("billing", "Alice")
    assert (changed.before, changed.after) == (
        {"alert_threshold_credits": None},
        {"alert_threshold_credits": 5},
    )
    buy_on_account(organization=alpha, parcel=Parcel(100), origin=by_alice._replace())
    bought = one(action="credit_purchase")
    assert (bought.credits, bought.after["amount"], bought.after["currency"]) == (
        100,
        "1.00",
        "USD",
    )
    assert CreditPool.objects.get(org=alpha).total_credits == 110


def test_members_and_keys_are_shown_with_who_did_it(alpha, alice, bob, globex):
    Member.objects.change_role(alpha.pk, bob.pk, Role.ADMIN, by=as_principal(alice))
    entry = one(action="member_role_changed")
    assert (entry.source, entry.subject, entry.actor_name) == ("log", "bob@example.com", "Alice")
    assert (entry.before, entry.after) == ({"role": "member"}, {"role": "admin"})
    key, _plaintext = make_key(None, name="platform")
    Member.objects.change_role(alpha.pk, bob.pk, Role.MEMBER, by=as_principal(key))
    assert audit_entries([alpha.pk], actor=f"key:{key.pk}").get().actor_name == "platform"
    assert audit_entries([globex.pk], action="member_role_changed").count() == 0
    # A key of all organizations belongs to none of them.
    assert not audit_entries([alpha.pk, globex.pk], action="api_key_issued")
    assert one(action="api_key_issued").org_id is None


def test_an_actor_that_is_nobody_has_no_name(alpha, bob):
    fund(alpha, 100)
    for actor in ("system", "user:test", "key:", f"user:{bob.pk}x"):
        give_as(alpha, bob, actor)
        assert (
            audit_entries([alpha.pk], actor=actor, action="credits_allocation").get().actor_name
            is None
        )


def give_as(org, user, actor):
    Allocation.objects.allocate(
        org_id=org.pk, user_id=user.pk, credits=1, origin=Origin(actor, "r")
    )


def test_it_is_searched_by_each_of_its_columns(funded, alice, bob, by_alice):
    begun = now() + timedelta(hours=1)
    with simulated(begun):
        Allocation.objects.allocate(
            org_id=funded.pk, user_id=bob.pk, credits=1, origin=by_alice, notes="100% of it_"
        )
    found = {"request_id": "request-9"}
    for wanted in (
        {"actor": f"user:{alice.pk}"},
        {"subject": bob.pk, "start": begun},
        {"text": "100% OF it_"},
        {"text": "bob@", "start": begun},
        {"start": begun},
    ):
        assert audit_entries([funded.pk], **wanted).get().request_id == found["request_id"], wanted
    assert not audit_entries([funded.pk], start=begun, end=begun)
    assert audit_entries([funded.pk], end=begun).count() == audit_entries([funded.pk]).count() - 1
    assert not audit_entries([], request_id="request-9")
    assert not audit_entries([funded.pk], text="1000%")


def test_the_newest_comes_first(funded, bob):
    long_ago = now() - timedelta(days=400)
    with simulated(long_ago):
        fund(funded, 7)
    moments = list(audit_entries([funded.pk]).values_list("created_at", flat=True))
    assert moments == sorted(moments, reverse=True)
    assert moments[-1] == long_ago
    assert count_queries(lambda: list(audit_entries([funded.pk])[:50])) == 1


def test_nobody_writes_it(funded):
    entry = audit_entries([funded.pk])[0]
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        AuditEntry.objects.create(actor="x")


def test_another_organizations_rows_are_never_shown(funded, globex, charlie):
    fund(globex, 100)
    give(globex, charlie, 50)
    assert {entry.org_id for entry in audit_entries([funded.pk])} == {funded.pk}
    both = audit_entries([funded.pk, globex.pk])
    assert {entry.org_id for entry in both} == {funded.pk, globex.pk}
