"""Memberships, and the owner that an organization never loses."""

import pytest

from organizations.access import Principal
from organizations.choices import Role, Scope
from organizations.errors import AlreadyMember, LastOwner
from organizations.models import Member, Organization, User
from orgbilling.lib.errors import NotFound, PermissionRefused
from tests.factories import as_principal, make_key, make_member

pytestmark = pytest.mark.django_db


def role_of(org: Organization, user: User) -> str | None:
    return Member.objects.filter(org=org, user=user).values_list("role", flat=True).first()


def test_a_person_is_added_once(alpha: Organization, alice: User, charlie: User):
    added = Member.objects.add(alpha, charlie, role=Role.ADMIN, by=as_principal(alice))
    assert (added.org, added.user, added.role) == (alpha, charlie, Role.ADMIN)
    with pytest.raises(AlreadyMember):
        Member.objects.add(alpha, charlie, role=Role.MEMBER, by=as_principal(alice))
    assert role_of(alpha, charlie) == Role.ADMIN
    assert str(added) == "Charlie · Test Org Alpha · Admin"


@pytest.fixture
def admin(alpha: Organization) -> Principal:
    return as_principal(make_member(alpha, Role.ADMIN).user)


@pytest.fixture
def bound_key(alpha: Organization) -> Principal:
    return as_principal(make_key(alpha)[0])


@pytest.mark.parametrize("caller", ["admin", "bound_key"])
def test_only_owners_make_owners(
    alpha: Organization, bob: User, charlie: User, caller: str, request: pytest.FixtureRequest
):
    by = request.getfixturevalue(caller)
    with pytest.raises(PermissionRefused):
        Member.objects.add(alpha, charlie, role=Role.OWNER, by=by)
    with pytest.raises(PermissionRefused):
        Member.objects.change_role(alpha.id, bob.id, Role.OWNER, by=by)
    assert role_of(alpha, charlie) is None
    assert role_of(alpha, bob) == Role.MEMBER


@pytest.mark.parametrize("caller", ["admin", "bound_key"])
def test_only_owners_unmake_owners(
    alpha: Organization, alice: User, caller: str, request: pytest.FixtureRequest
):
    make_member(alpha, Role.OWNER)
    by = request.getfixturevalue(caller)
    with pytest.raises(PermissionRefused):
        Member.objects.change_role(alpha.id, alice.id, Role.MEMBER, by=by)
    with pytest.raises(PermissionRefused):
        Member.objects.remove(alpha.id, alice.id, by=by)
    assert role_of(alpha, alice) == Role.OWNER


def test_an_owner_a_system_admin_and_a_key_of_all_organizations_make_owners(
    alpha: Organization, alice: User, bob: User, charlie: User, system_admin: User
):
    Member.objects.change_role(alpha.id, bob.id, Role.OWNER, by=as_principal(alice))
    Member.objects.add(alpha, charlie, role=Role.OWNER, by=as_principal(system_admin))
    key = as_principal(make_key(None, Scope.ORGANIZATIONS_MANAGE)[0])
    Member.objects.change_role(alpha.id, charlie.id, Role.MEMBER, by=key)
    Member.objects.change_role(alpha.id, charlie.id, Role.OWNER, by=key)
    assert [role_of(alpha, user) for user in (alice, bob, charlie)] == [Role.OWNER] * 3


def test_a_key_of_all_organizations_without_the_scope_makes_no_owner(
    alpha: Organization, bob: User
):
    key = as_principal(make_key(None, Scope.CREDITS_MANAGE)[0])
    with pytest.raises(PermissionRefused):
        Member.objects.change_role(alpha.id, bob.id, Role.OWNER, by=key)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING_ADMIN, Role.MEMBER])
def test_the_last_owner_stays_one(alpha: Organization, alice: User, system_admin: User, role: Role):
    for by in (as_principal(alice), as_principal(system_admin)):
        with pytest.raises(LastOwner):
            Member.objects.change_role(alpha.id, alice.id, role, by=by)
        with pytest.raises(LastOwner):
            Member.objects.remove(alpha.id, alice.id, by=by)
    assert role_of(alpha, alice) == Role.OWNER


def test_an_owner_of_another_organization_does_not_count(
    alpha: Organization, globex: Organization, alice: User, charlie: User
):
    Member.objects.create(org=alpha, user=charlie, role=Role.ADMIN)
    with pytest.raises(LastOwner):
        Member.objects.change_role(alpha.id, alice.id, Role.ADMIN, by=as_principal(alice))


def test_one_of_two_owners_may_go(alpha: Organization, alice: User):
    other = make_member(alpha, Role.OWNER).user
    removed = Member.objects.remove(alpha.id, alice.id, by=as_principal(alice))
    assert removed.user == alice
    assert role_of(alpha, alice) is None
    assert role_of(alpha, other) == Role.OWNER


def test_the_same_role_again_changes_nothing(alpha: Organization, alice: User, admin: Principal):
    assert Member.objects.change_role(alpha.id, alice.id, Role.OWNER, by=admin).role == Role.OWNER


def test_a_stranger_is_not_found(
    alpha: Organization, globex: Organization, alice: User, charlie: User
):
    with pytest.raises(NotFound):
        Member.objects.change_role(alpha.id, charlie.id, Role.ADMIN, by=as_principal(alice))
    with pytest.raises(NotFound):
        Member.objects.remove(alpha.id, charlie.id, by=as_principal(alice))
    assert role_of(globex, charlie) == Role.OWNER


def test_removing_in_one_organization_leaves_the_other(
    alpha: Organization, globex: Organization, alice: User, charlie: User
):
    Member.objects.create(org=alpha, user=charlie, role=Role.MEMBER)
    Member.objects.remove(alpha.id, charlie.id, by=as_principal(alice))
    assert role_of(alpha, charlie) is None
    assert role_of(globex, charlie) == Role.OWNER
