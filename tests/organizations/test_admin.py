"""The console's pages about who is who."""

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.urls import reverse

from organizations.choices import Role
from organizations.models import ApiKey, Member, Organization, User
from tests.factories import make_key, make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(system_admin: User) -> Client:
    client = Client()
    client.force_login(system_admin)
    return client


def page(model: str, action: str = "changelist", *args: object) -> str:
    return reverse(f"admin:organizations_{model}_{action}", args=args)


def act(console: Client, model: str, action: str, *rows: Member | ApiKey) -> str:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    response = console.post(page(model), chosen, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("model", ["user", "organization", "member", "apikey"])
def test_lists_open_for_system_admins_only(
    console: Client, alpha: Organization, alpha_key: str, model: str
):
    shown = console.get(page(model) + "?q=alpha")
    assert shown.status_code == 200
    staff = Client()
    staff.force_login(make_user(is_staff=True))
    assert staff.get(page(model)).status_code == 403
    assert Client().get(page(model)).status_code == 302


def test_a_user_is_added_with_a_folded_address(console: Client):
    response = console.post(
        page("user", "add"),
        {
            "email": "Dana@Example.com",
            "name": "Dana",
            "usable_password": "true",
            "password1": "a long pass phrase",
            "password2": "a long pass phrase",
        },
    )
    assert response.status_code == 302, response.content
    dana = User.objects.get(email="dana@example.com")
    assert authenticate(username=dana.email, password="a long pass phrase") == dana
    assert not dana.is_superuser


def test_a_taken_address_is_shown_as_an_error(console: Client, alice: User):
    response = console.post(
        page("user", "add"), {"email": "ALICE@example.com", "usable_password": "false"}
    )
    assert response.status_code == 200
    assert "There is a user with this e-mail address already." in response.content.decode()


def test_a_user_is_switched_off_and_keeps_an_empty_identity(
    console: Client, alice: User, bob: User
):
    for user in (alice, bob):
        response = console.post(
            page("user", "change", user.pk),
            {"email": user.email.upper(), "name": "Somebody", "external_id": ""},
        )
        assert response.status_code == 302
        user.refresh_from_db()
        assert (user.is_active, user.external_id, user.name) == (False, None, "Somebody")
        assert user.email == user.email.lower()


def test_nothing_can_be_deleted(console: Client, alpha: Organization, alice: User, alpha_key: str):
    rows = [alice, alpha, Member.objects.get(user=alice), ApiKey.objects.get()]
    for row in rows:
        model = row._meta.model_name
        assert console.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_organizations_and_keys_are_not_added_here(console: Client):
    assert console.get(page("organization", "add")).status_code == 403
    assert console.get(page("apikey", "add")).status_code == 403


def test_an_organization_gets_a_display_name_but_keeps_its_slug_and_status(
    console: Client, alpha: Organization
):
    before = alpha.updated_at
    sent = {
        "display_name": "Alpha",
        "timezone": "Europe/Berlin",
        "name": "x",
        "status": "suspended",
    }
    assert console.post(page("organization", "change", alpha.pk), sent).status_code == 302
    alpha.refresh_from_db()
    assert (alpha.display_name, alpha.timezone) == ("Alpha", "Europe/Berlin")
    assert (alpha.name, alpha.status) == ("test-org-alpha", "active")
    assert alpha.updated_at > before


def test_an_unknown_time_zone_is_shown_as_an_error(console: Client, alpha: Organization):
    sent = {"display_name": "Alpha", "timezone": "Mars/Phobos"}
    response = console.post(page("organization", "change", alpha.pk), sent)
    assert "not the name of an IANA time zone" in response.content.decode()


def test_a_member_is_added_once(console: Client, alpha: Organization, charlie: User):
    sent = {"org": str(alpha.pk), "user": str(charlie.pk), "role": "owner"}
    assert console.post(page("member", "add"), sent).status_code == 302
    assert Member.objects.get(org=alpha, user=charlie).role == Role.OWNER
    again = console.post(page("member", "add"), sent)
    assert "This person is a member already." in again.content.decode()
    assert Member.objects.filter(org=alpha, user=charlie).count() == 1


@pytest.mark.parametrize(
    ("action", "role"),
    [
        ("make_owner", Role.OWNER),
        ("make_admin", Role.ADMIN),
        ("make_billing_admin", Role.BILLING_ADMIN),
        ("make_member", Role.MEMBER),
    ],
)
def test_roles_change_by_actions(console: Client, alpha: Organization, action: str, role: Role):
    member = make_member(alpha, Role.OWNER)
    assert f"is {role.label.lower()} now" in act(console, "member", action, member)
    member.refresh_from_db()
    assert member.role == role


def test_the_last_owner_stays_one(console: Client, alpha: Organization, alice: User):
    member = Member.objects.get(org=alpha, user=alice)
    assert "needs an owner" in act(console, "member", "make_member", member)
    member.refresh_from_db()
    assert member.role == Role.OWNER


def test_members_and_keys_are_shown_not_edited(
    console: Client, alpha: Organization, alice: User, alpha_key: str
):
    member, key = Member.objects.get(user=alice), ApiKey.objects.get()
    for model, row in (("member", member), ("apikey", key)):
        shown = console.get(page(model, "change", row.pk))
        assert shown.status_code == 200
        assert key.key_hash not in shown.content.decode()
        assert console.post(page(model, "change", row.pk), {"role": "admin"}).status_code == 403


def test_keys_are_revoked(console: Client, alpha: Organization, client_for):
    first, second = make_key(alpha), make_key(None)
    assert "are revoked" in act(console, "apikey", "revoke", first[0], second[0])
    assert ApiKey.objects.filter(revoked_at=None).count() == 0
    assert client_for(second[1]).get("organizations").status_code == 401
