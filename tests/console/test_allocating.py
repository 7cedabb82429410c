"""Allocating from the console: one or many, three ways of saying how many, all or none."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.models import Allocation, CreditPool, JournalEntry
from orgbilling.console.credit_pages.shares import split_equally
from tests.console.actions import Action, signed_in, text_of
from tests.factories import make_member
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db
EACH = {"mode": "each", "recurring": "yes", "reset_period": ""}


@pytest.fixture
def address(funded):
    return f"/admin/org/{funded.pk}/credits/allocate/"


def remaining(organization, user):
    return Allocation.objects.get(org=organization, user=user).remaining_credits


def available(organization):
    return CreditPool.objects.get(org=organization).available_credits


def ids(*users):
    return [str(user.pk) for user in users]


def test_the_same_for_each_with_a_review_before_and_after(funded, alice, bob, address):
    action = Action(
        signed_in(alice), address, **EACH, members=ids(alice, bob), credits="200", notes="Q3"
    )
    page = text_of(action.review())
    assert "400 credits for 2 members, at every reset" in page
    for number in ("8,500", "8,100", "1,000", "1,200", "500", "700"):
        assert f">{number}<" in page
    assert remaining(funded, bob) == 500
    done = text_of(action.confirm())
    assert "400 credits allocated to 2 members: the pool has 8,100 available" in done
    assert remaining(funded, alice) == 1_200
    assert remaining(funded, bob) == 700
    assert available(funded) == 8_100
    assert Allocation.objects.get(org=funded, user=bob).budget_credits == 700
    assert set(JournalEntry.objects.filter(notes="Q3").values_list("actor", flat=True)) == {
        f"user:{alice.pk}"
    }


def test_sent_twice_it_happens_once(funded, alice, bob, address):
    action = Action(signed_in(alice), address, **EACH, members=ids(bob), credits="5000")
    for _time in range(2):
        assert "5,000 credits allocated" in text_of(action.confirm())
    assert remaining(funded, bob) == 5_500


def test_a_total_is_shared_and_the_first_get_the_remainder(funded, alice, bob, address):
    fields = {"mode": "split", "recurring": "no", "reset_period": "weekly"}
    action = Action(signed_in(alice), address, **fields, members=ids(alice, bob), credits="101")
    assert ">1,051<" in text_of(action.review())
    action.confirm()
    assert (remaining(funded, alice), remaining(funded, bob)) == (1_051, 550)
    kept = Allocation.objects.get(org=funded, user=bob)
    assert (kept.budget_credits, kept.reset_period) == (500, "weekly")


def test_own_amounts_are_asked_for_in_a_second_step(funded, alice, bob, address):
    fields = {"mode": "own", "recurring": "yes", "reset_period": ""}
    action = Action(signed_in(alice), address, **fields, members=ids(alice, bob))
    asked = text_of(action.review())
    assert "Credits for Alice (alice@example.com)" in asked
    assert "This field is required" not in asked
    action.fields |= {f"amount_{alice.pk}": "10", f"amount_{bob.pk}": ""}
    assert "Say how many credits." in text_of(action.review())
    action.fields[f"amount_{bob.pk}"] = "1,000"
    assert "1,010 credits for 2 members" in text_of(action.review())
    action.confirm()
    assert (remaining(funded, alice), remaining(funded, bob)) == (1_010, 1_500)


def test_too_few_in_the_pool_moves_nothing_and_leads_to_more(funded, alice, bob, address):
    action = Action(signed_in(alice), address, **EACH, members=ids(alice, bob), credits="4251")
    page = text_of(action.review())
    assert "The pool has 8500 credits available; 8502 are needed" in page
    assert f"/admin/org/{funded.pk}/credits/add/?credits=2" in page
    assert "2 credits short" in page
    action.confirm()
    assert (remaining(funded, alice), remaining(funded, bob)) == (1_000, 500)
    assert available(funded) == 8_500


def test_more_than_half_of_the_pool_is_pointed_out(funded, alice, bob, address):
    action = Action(signed_in(alice), address, **EACH, members=ids(bob), credits="4251")
    assert "more than half of the 8,500 credits" in text_of(action.review())
    action.fields["credits"] = "4250"
    assert "more than half" not in text_of(action.review())


def test_members_are_found_by_name_and_who_is_chosen_stays(funded, alice, bob, address):
    zoe = make_member(funded).user
    zoe.name = "Zoe"
    zoe.save(update_fields=["name"])
    client = signed_in(alice)
    found = text_of(client.post(address, {**EACH, "members": ids(bob), "q": "zo", "search": "1"}))
    assert "Zoe" in found
    assert f'value="{bob.pk}" checked' in found
    assert f'value="{alice.pk}"' not in found
    assert 'role="alert"' not in found
    none = text_of(client.post(address, {**EACH, "q": "nobody", "search": "1"}))
    assert "Nobody is called that" in none


def test_the_address_chooses(alice, bob, address):
    page = text_of(signed_in(alice).get(f"{address}?user={bob.pk}&user=nonsense"))
    assert f'value="{bob.pk}" checked' in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"credits": "5"}, "Choose at least one member"),
        ({"members": ["nonsense"], "credits": "5"}, "Choose members from the list"),
        ({"members": ["{bob}"]}, "Say how many credits"),
        ({"members": ["{charlie}"], "credits": "5"}, "no member any more"),
        ({"members": ["{bob}", "{alice}"], "mode": "split", "credits": "1"}, "fewer credits"),
        ({"members": ["{bob}"], "credits": "-1"}, "greater than or equal to 1"),
    ],
)
def test_what_the_form_refuses(funded, alice, bob, charlie, address, fields, said):
    names = {"{bob}": str(bob.pk), "{alice}": str(alice.pk), "{charlie}": str(charlie.pk)}
    chosen = {**EACH, **fields}
    chosen["members"] = [names.get(value, value) for value in fields.get("members", [])]
    assert said in text_of(Action(signed_in(alice), address, **chosen).review())
    assert available(funded) == 8_500


def test_members_and_strangers_are_refused(funded, bob, charlie, globex, address):
    for person in (bob, charlie):
        client = signed_in(person)
        assert client.get(address).status_code == 403
        assert client.post(address, {**EACH, "members": ids(bob)}).status_code == 403


def test_five_hundred_members_at_once(funded, alice, address):
    users = [make_member(funded).user for _number in range(500)]
    client = signed_in(alice)
    with CaptureQueriesContext(connection) as shown:
        page = client.get(address)
    assert page.content.count(b'name="members"') == 500
    assert "2 more members match" in text_of(page)
    assert len(shown) <= 16
    fields = {"mode": "own", "recurring": "yes", "reset_period": ""}
    action = Action(client, address, **fields, members=ids(*users))
    action.fields |= {f"amount_{user.pk}": "2" for user in users}
    assert "1,000 credits for 500 members" in text_of(action.review())
    action.confirm()
    assert available(funded) == 7_500
    assert Allocation.objects.filter(org=funded, remaining_credits=2).count() == 500


def test_a_former_member_is_not_offered_their_old_credits(funded, alice, bob, address):
    Allocation.objects.close(org_id=funded.pk, user_id=bob.pk, origin=ORIGIN)
    assert "No credits yet" in text_of(signed_in(alice).get(address))


@pytest.mark.parametrize(
    ("total", "count", "shares"), [(7, 3, [3, 2, 2]), (6, 3, [2, 2, 2]), (3, 3, [1, 1, 1])]
)
def test_shares(total, count, shares):
    assert split_equally(total, count) == shares


@pytest.mark.parametrize(("total", "count"), [(2, 3), (5, 0)])
def test_nobody_gets_nothing(total, count):
    with pytest.raises(ValueError, match="can't be shared"):
        split_equally(total, count)
