"""Members from the console: the list, adding by e-mail, roles, removing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.models import Allocation, CreditPool
from organizations.choices import Role
from organizations.models import Member, User
from tests.console.actions import Action, signed_in, text_of
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def members(funded):
    return f"/admin/org/{funded.pk}/members/"


def role_of(organization, user):
    return Member.objects.filter(org=organization, user=user).values_list("role", flat=True).first()


def test_the_list_is_searched_and_paged_in_few_queries(funded, alice, members):
    for _number in range(60):
        make_member(funded)
    client = signed_in(alice)
    client.get(members)
    with CaptureQueriesContext(connection) as shown:
        page = text_of(client.get(members))
    assert "Page 1 of 2, 62 members" in page
    assert len(shown) <= 14
    found = text_of(client.get(members, {"q": "BOB"}))
    assert "bob@example.com" in found
    assert "user1@" not in found
    assert "Nobody is called that" in text_of(client.get(members, {"q": "no such"}))


def test_a_billing_admin_sees_members_and_changes_none(funded, bob, members):
    client = signed_in(make_member(funded, Role.BILLING_ADMIN).user)
    page = text_of(client.get(members))
    assert "bob@example.com" in page
    assert "Remove" not in page
    for tail in ("add/", f"{bob.pk}/role/", f"{bob.pk}/remove/"):
        assert client.get(members + tail).status_code == 403
        assert client.post(members + tail, {"confirmed": "1"}).status_code == 403


def test_somebody_new_is_added_by_address(funded, alice, members):
    action = Action(signed_in(alice), f"{members}add/", email="Dana@Example.com", role="admin")
    page = text_of(action.review())
    assert "an account is made" in page
    assert not User.objects.filter(email="dana@example.com").exists()
    for _time in range(2):
        assert "dana@example.com is admin now" in text_of(action.confirm())
    assert role_of(funded, User.objects.get(email="dana@example.com")) == "admin"


def test_what_adding_refuses(funded, alice, charlie, members):
    client = signed_in(alice)
    twice = Action(client, f"{members}add/", email="bob@example.com", role="member")
    assert "member of the organization already" in text_of(twice.review())
    charlie.is_active = False
    charlie.save(update_fields=["is_active"])
    off = Action(client, f"{members}add/", email="charlie@example.com", role="member")
    assert "switched off" in text_of(off.review())
    wrong = Action(client, f"{members}add/", email="no address", role="member")
    assert "valid email" in text_of(wrong.review())
    assert Member.objects.filter(org=funded).count() == 2


def test_only_an_owner_makes_an_owner(funded, alice, bob, members):
    admin = make_member(funded, Role.ADMIN).user
    action = Action(signed_in(admin), f"{members}{bob.pk}/role/", role="owner")
    assert 'value="owner"' not in text_of(action.opened)
    action.confirm()
    assert role_of(funded, bob) == "member"
    action = Action(signed_in(alice), f"{members}{bob.pk}/role/", role="owner")
    assert "Bob (bob@example.com) becomes owner" in text_of(action.review())
    action.confirm()
    assert role_of(funded, bob) == "owner"


def test_the_last_owner_stays_one(funded, alice, members):
    action = Action(signed_in(alice), f"{members}{alice.pk}/role/", role="member")
    assert "make somebody else an owner first" in text_of(action.review())
    page = signed_in(alice).get(f"{members}{alice.pk}/remove/")
    assert "make somebody else an owner first" in text_of(page)
    assert role_of(funded, alice) == "owner"


def test_removing_says_what_comes_back_and_does_it_once(funded, alice, bob, members):
    action = Action(signed_in(alice), f"{members}{bob.pk}/remove/")
    page = text_of(action.opened)
    assert "Comes back to the pool" in page
    for number in ("500", "8,500", "9,000"):
        assert f">{number}<" in page
    assert role_of(funded, bob) == "member"
    for _time in range(2):
        assert "500 credits came back to the pool" in text_of(action.confirm())
    assert role_of(funded, bob) is None
    assert CreditPool.objects.get(org=funded).available_credits == 9_000
    assert not Allocation.objects.get(org=funded, user=bob).is_active
    assert signed_in(alice).get(f"{members}{bob.pk}/remove/").status_code == 404


def test_who_removes_themself_is_led_out(funded, alice, members):
    other = make_member(funded, Role.OWNER).user
    action = Action(signed_in(other), f"{members}{other.pk}/remove/")
    assert "you lose access at once" in text_of(action.opened)
    done = action.confirm()
    assert done.status_code == 200
    assert done.redirect_chain[0][0] == "/admin/"


def test_members_and_strangers_are_refused(funded, alice, bob, charlie, globex, members):
    for person in (bob, charlie):
        client = signed_in(person)
        for tail in ("", "add/", f"{alice.pk}/role/", f"{alice.pk}/remove/"):
            assert client.get(members + tail).status_code == 403
    other = f"/admin/org/{globex.pk}/members/{alice.pk}/remove/"
    assert signed_in(charlie).get(other).status_code == 404
