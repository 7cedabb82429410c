"""Members over HTTP: list, add, change, remove."""

import uuid

import pytest

from organizations.choices import Role, Scope
from organizations.models import Member, Organization, User
from tests.api_client import ApiClient, ok, problem
from tests.factories import make_key, make_member, make_user

pytestmark = pytest.mark.django_db


def members(org: Organization, user: User | None = None) -> str:
    path = f"organizations/{org.id}/members"
    return path if user is None else f"{path}/{user.id}"


def role_of(org: Organization, user: User) -> str | None:
    return Member.objects.filter(org=org, user=user).values_list("role", flat=True).first()


def test_members_are_listed_in_the_order_of_joining(
    alpha: Organization, globex: Organization, alice: User, bob: User, client_for
):
    page = ok(client_for(bob).get(members(alpha)))
    assert [row["email"] for row in page["results"]] == ["alice@example.com", "bob@example.com"]
    first = page["results"][0]
    assert first.keys() == {"user_id", "email", "name", "role", "joined_at"}
    assert (first["user_id"], first["name"], first["role"]) == (str(alice.id), "Alice", "owner")


def test_the_list_takes_as_many_queries_for_two_as_for_ten(
    alpha: Organization, alpha_key: str, client_for, django_assert_num_queries
):
    client = client_for(alpha_key)
    ok(client.get(members(alpha)))
    for _ in range(8):
        make_member(alpha)
    with django_assert_num_queries(3):
        assert len(ok(client.get(members(alpha)))["results"]) == 10


def test_pages_of_members_continue_where_they_ended(alpha: Organization, alice: User, client_for):
    for _ in range(3):
        make_member(alpha)
    client, seen = client_for(alice), []
    path: str | None = members(alpha) + "?page_size=2"
    while path is not None:
        page = ok(client.get(path.removeprefix("http://testserver")))
        seen += [row["user_id"] for row in page["results"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_add_members(alpha: Organization, charlie: User, client_for, role: Role):
    caller = make_member(alpha, role).user
    body = {"user_id": str(charlie.id), "role": "billing_admin"}
    made = ok(client_for(caller).post(members(alpha), body), 201)
    assert made.keys() == {"user_id", "email", "name", "role", "joined_at"}
    assert (made["email"], made["role"]) == ("charlie@example.com", "billing_admin")
    assert role_of(alpha, charlie) == Role.BILLING_ADMIN


@pytest.mark.parametrize("role", [Role.BILLING_ADMIN, Role.MEMBER])
def test_other_roles_manage_no_members(
    alpha: Organization, bob: User, charlie: User, client_for, role: Role
):
    client = client_for(make_member(alpha, role).user)
    problem(client.post(members(alpha), {"email": "x@example.com"}), 403, "permission_denied")
    problem(client.patch(members(alpha, bob), {"role": "admin"}), 403, "permission_denied")
    problem(client.delete(members(alpha, bob)), 403, "permission_denied")
    assert not User.objects.filter(email="x@example.com").exists()
    assert role_of(alpha, bob) == Role.MEMBER


def test_a_stranger_gets_403_for_every_method_and_learns_nothing(
    alpha: Organization, globex: Organization, bob: User, charlie: User, client_for
):
    client = client_for(charlie)
    for path in (members(alpha), f"organizations/{uuid.uuid4()}/members"):
        seen = [
            problem(client.get(path), 403, "permission_denied")["detail"],
            problem(client.post(path, {"nonsense": 1}), 403, "permission_denied")["detail"],
        ]
        assert "Alpha" not in " ".join(seen)
    problem(client.patch(members(alpha, bob), {"role": "admin"}), 403, "permission_denied")
    problem(client.delete(members(alpha, bob)), 403, "permission_denied")
    problem(client.put(members(alpha), {}), 403, "permission_denied")


def test_a_key_of_another_organization_gets_403(
    alpha: Organization, bob: User, globex_key: str, client_for
):
    client = client_for(globex_key)
    problem(client.get(members(alpha)), 403, "permission_denied")
    problem(client.post(members(alpha), {"email": "x@example.com"}), 403, "permission_denied")
    problem(client.patch(members(alpha, bob), {"role": "admin"}), 403, "permission_denied")
    problem(client.delete(members(alpha, bob)), 403, "permission_denied")


def test_a_method_that_is_not_there_is_405_to_those_who_may(
    alpha: Organization, alice: User, client_for
):
    response = client_for(alice).put(members(alpha), {})
    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, POST, HEAD"


def test_an_unknown_address_is_invited(alpha: Organization, alice: User, client_for):
    made = ok(client_for(alice).post(members(alpha), {"email": "Dana@Example.com"}), 201)
    dana = User.objects.get(email="dana@example.com")
    assert (made["user_id"], made["email"], made["name"]) == (str(dana.id), dana.email, "")
    assert made["role"] == "member"
    assert not dana.has_usable_password()
    assert not dana.is_superuser


def test_a_known_address_is_found_in_any_case(
    alpha: Organization, alice: User, charlie: User, client_for
):
    made = ok(client_for(alice).post(members(alpha), {"email": "CHARLIE@example.com"}), 201)
    assert made["user_id"] == str(charlie.id)
    assert User.objects.filter(email__iexact="charlie@example.com").count() == 1


def test_a_member_is_not_added_twice(alpha: Organization, alice: User, bob: User, client_for):
    body = {"user_id": str(bob.id), "role": "admin"}
    problem(client_for(alice).post(members(alpha), body), 409, "already_member")
    assert role_of(alpha, bob) == Role.MEMBER


def test_a_refused_invitation_leaves_no_account(alpha: Organization, client_for):
    admin = make_member(alpha, Role.ADMIN).user
    body = {"email": "dana@example.com", "role": "owner"}
    problem(client_for(admin).post(members(alpha), body), 403, "permission_denied")
    assert not User.objects.filter(email="dana@example.com").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user_id"),
        ({"user_id": "nobody"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"email": "no address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": 7}, "email"),
        ({"email": "a@b.example\u0000"}, None),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"email": "dana@example.com", "role": "OWNER"}, "role"),
        ({"email": "dana@example.com", "role": None}, "role"),
        ({"email": "dana@example.com", "role": ["member"]}, "role"),
        ({"email": "d@example.com", "user_id": "0198a5c0-0000-7000-8000-000000000001"}, "user_id"),
    ],
)
def test_a_wrong_body_adds_nobody(
    alpha: Organization, alice: User, client_for, body: dict, field: str | None
):
    response = client_for(alice).post(members(alpha), body)
    if field is None:
        problem(response, 400, "malformed_json")
    else:
        refused = problem(response, 400, "validation_error")
        assert [error["field"] for error in refused["errors"]] == [field]
    assert Member.objects.filter(org=alpha).count() == 2
    assert User.objects.count() == 2


def test_an_unknown_id_adds_nobody(alpha: Organization, alice: User, client_for):
    body = {"user_id": str(uuid.uuid4())}
    refused = problem(client_for(alice).post(members(alpha), body), 404, "not_found")
    assert "user" in refused["detail"]
    assert Member.objects.filter(org=alpha).count() == 2


def test_an_unknown_field_adds_nobody(alpha: Organization, alice: User, client_for):
    body = {"email": "dana@example.com", "rôle": "admin"}
    problem(client_for(alice).post(members(alpha), body), 400, "unknown_field")
    assert User.objects.count() == 2


def test_an_account_switched_off_is_not_added(alpha: Organization, alice: User, client_for):
    gone = make_user("gone@example.com", is_active=False)
    for body, field in (({"user_id": str(gone.id)}, "user_id"), ({"email": gone.email}, "email")):
        refused = problem(client_for(alice).post(members(alpha), body), 400, "validation_error")
        assert [(e["field"], e["code"]) for e in refused["errors"]] == [(field, "inactive")]


def test_a_role_is_changed(alpha: Organization, alice: User, bob: User, client_for):
    changed = ok(client_for(alice).patch(members(alpha, bob), {"role": "billing_admin"}))
    assert (changed["user_id"], changed["role"]) == (str(bob.id), "billing_admin")
    assert role_of(alpha, bob) == Role.BILLING_ADMIN


def test_an_admin_makes_and_unmakes_no_owner(
    alpha: Organization, alice: User, bob: User, client_for
):
    make_member(alpha, Role.OWNER)
    client = client_for(make_member(alpha, Role.ADMIN).user)
    for user, role in ((bob, "owner"), (alice, "member")):
        refused = client.patch(members(alpha, user), {"role": role})
        assert "owner" in problem(refused, 403, "permission_denied")["detail"]
    problem(client.delete(members(alpha, alice)), 403, "permission_denied")
    assert (role_of(alpha, alice), role_of(alpha, bob)) == (Role.OWNER, Role.MEMBER)


def test_the_last_owner_cannot_step_down_or_go(alpha: Organization, alice: User, client_for):
    client = client_for(alice)
    problem(client.patch(members(alpha, alice), {"role": "admin"}), 409, "last_owner")
    problem(client.delete(members(alpha, alice)), 409, "last_owner")
    assert role_of(alpha, alice) == Role.OWNER


def test_a_member_is_removed(alpha: Organization, alice: User, bob: User, client_for):
    assert ok(client_for(alice).delete(members(alpha, bob)), 204) is None
    assert role_of(alpha, bob) is None
    problem(client_for(bob).get(members(alpha)), 403, "permission_denied")
    problem(client_for(alice).delete(members(alpha, bob)), 404, "not_found")


def test_nobody_of_that_id_is_404_before_the_body_is_looked_at(
    alpha: Organization, alice: User, charlie: User, client_for
):
    client = client_for(alice)
    problem(client.patch(members(alpha, charlie), {"nonsense": 1}), 404, "not_found")
    problem(client.delete(members(alpha, charlie)), 404, "not_found")
    path = f"organizations/{alpha.id}/members/no-uuid"
    problem(client.patch(path, {"role": "admin"}), 404, "not_found")


@pytest.mark.parametrize("body", [{}, {"role": "chief"}, {"role": None}])
def test_a_change_needs_a_role(alpha: Organization, alice: User, bob: User, client_for, body: dict):
    refused = client_for(alice).patch(members(alpha, bob), body)
    assert problem(refused, 400, "validation_error")["errors"][0]["field"] == "role"


def test_a_bound_key_manages_members_but_no_owners(
    alpha: Organization, alice: User, bob: User, alpha_key: str, client_for
):
    client: ApiClient = client_for(alpha_key)
    ok(client.post(members(alpha), {"email": "dana@example.com", "role": "admin"}), 201)
    ok(client.patch(members(alpha, bob), {"role": "admin"}))
    problem(client.patch(members(alpha, bob), {"role": "owner"}), 403, "permission_denied")
    problem(client.patch(members(alpha, alice), {"role": "member"}), 403, "permission_denied")
    ok(client.delete(members(alpha, bob)), 204)


def test_a_reading_key_reads_only(alpha: Organization, bob: User, client_for):
    _, key = make_key(alpha, Scope.ORGANIZATIONS_READ)
    client = client_for(key)
    ok(client.get(members(alpha)))
    problem(client.post(members(alpha), {"email": "d@example.com"}), 403, "permission_denied")
    problem(client.patch(members(alpha, bob), {"role": "admin"}), 403, "permission_denied")


def test_a_key_of_all_organizations_and_a_system_admin_make_owners(
    alpha: Organization, bob: User, charlie: User, system_key: str, system_admin: User, client_for
):
    ok(client_for(system_key).patch(members(alpha, bob), {"role": "owner"}))
    body = {"user_id": str(charlie.id), "role": "owner"}
    ok(client_for(system_admin).post(members(alpha), body), 201)
    assert (role_of(alpha, bob), role_of(alpha, charlie)) == (Role.OWNER, Role.OWNER)
