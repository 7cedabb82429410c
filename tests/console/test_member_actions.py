"""Reclaiming from a member, and another reset period, from the console."""

import pytest

from billing.models import BillingEvent
from credits.models import Allocation, CreditPool, JournalEntry
from tests.console.actions import Action, signed_in, text_of
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db


@pytest.fixture
def reclaim(funded, bob):
    return f"/admin/org/{funded.pk}/credits/reclaim/?user={bob.pk}"


@pytest.fixture
def period(funded, bob):
    return f"/admin/org/{funded.pk}/credits/reset-period/?user={bob.pk}"


def of(organization, user):
    return Allocation.objects.get(org=organization, user=user)


def available(organization):
    return CreditPool.objects.get(org=organization).available_credits


def test_an_amount_goes_back(funded, alice, bob, reclaim):
    action = Action(
        signed_in(alice), reclaim, user=bob.pk, what="some", credits="200", notes="Over"
    )
    page = text_of(action.review())
    assert "200 credits from Bob (bob@example.com) back to the pool" in page
    for number in ("500", "300", "8,500", "8,700"):
        assert f">{number}<" in page
    assert of(funded, bob).remaining_credits == 500
    for _time in range(2):
        assert "200 credits reclaimed from Bob" in text_of(action.confirm())
    assert (of(funded, bob).remaining_credits, of(funded, bob).budget_credits) == (300, 300)
    assert available(funded) == 8_700
    assert JournalEntry.objects.get(kind="reclaim").notes == "Over"


def test_all_goes_back_and_says_how_much(funded, alice, bob, reclaim):
    action = Action(signed_in(alice), reclaim, user=bob.pk, what="all")
    assert "Nothing is left to spend afterwards" in text_of(action.review())
    assert "500 credits reclaimed" in text_of(action.confirm())
    assert of(funded, bob).remaining_credits == 0
    assert available(funded) == 9_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"what": "some"}, "Say how many credits"),
        ({"what": "all", "credits": "5"}, "or empty this"),
        ({"what": "some", "credits": "501"}, "500 credits are left; 501 are needed"),
    ],
)
def test_what_reclaiming_refuses(funded, alice, bob, reclaim, fields, said):
    action = Action(signed_in(alice), reclaim, user=bob.pk, **fields)
    assert said in text_of(action.review())
    assert of(funded, bob).remaining_credits == 500


def test_another_reset_period(funded, alice, bob, period):
    action = Action(signed_in(alice), period, user=bob.pk, reset_period="never")
    page = text_of(action.review())
    assert "Every month" in page
    assert "Never" in page
    for _time in range(2):
        assert "resets never" in text_of(action.confirm())
    kept = of(funded, bob)
    assert (kept.reset_period, kept.next_reset_date, kept.remaining_credits) == ("never", None, 500)
    event = BillingEvent.objects.get(event_type="pool_settings_changed")
    assert event.actor == f"user:{alice.pk}"
    assert event.metadata["after"] == {"reset_period": "never"}


def test_the_period_there_is_changes_nothing(funded, alice, bob, period):
    action = Action(signed_in(alice), period, user=bob.pk, reset_period="monthly")
    assert "This is what it is now" in text_of(action.review())
    action.confirm()
    assert not BillingEvent.objects.filter(event_type="pool_settings_changed").exists()


@pytest.mark.parametrize("page", ["reclaim", "reset-period"])
def test_without_a_member_who_has_credits_it_leads_to_the_list(
    funded, alice, bob, charlie, globex, page
):
    client = signed_in(alice)
    Allocation.objects.close(org_id=funded.pk, user_id=bob.pk, origin=ORIGIN)
    for query in ("", "?user=x", f"?user={charlie.pk}", f"?user={bob.pk}"):
        answer = client.get(f"/admin/org/{funded.pk}/credits/{page}/{query}")
        assert answer.status_code == 302
        assert answer["Location"] == "/admin/credits/allocation/"


@pytest.mark.parametrize("page", ["reclaim", "reset-period"])
def test_members_and_strangers_are_refused(funded, bob, charlie, globex, page):
    address = f"/admin/org/{funded.pk}/credits/{page}/?user={bob.pk}"
    for person in (bob, charlie):
        client = signed_in(person)
        assert client.get(address).status_code == 403
        fields = {"user": bob.pk, "what": "all", "reset_period": "never", "confirmed": "1"}
        assert client.post(address, fields).status_code == 403
    assert of(funded, bob).remaining_credits == 500
