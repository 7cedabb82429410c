"""Who may do what: every rule against every kind of caller."""

import uuid

import pytest

from organizations.access import (
    BILLING,
    MANAGERS,
    MEMBER,
    NOBODY,
    Principal,
    Rule,
)
from organizations.choices import Role, Scope
from organizations.models import Member, Organization, User
from orgbilling.lib.errors import PermissionRefused
from tests.factories import make_key, make_member

pytestmark = pytest.mark.django_db

READ = Rule(MEMBER, Scope.CREDITS_READ)
SPEND = Rule(BILLING, Scope.CREDITS_MANAGE)
MANAGE = Rule(MANAGERS, Scope.ORGANIZATIONS_MANAGE)
IN_PERSON = Rule(MANAGERS)
SYSTEM = Rule(NOBODY, Scope.BILLING_READ, system_only=True)
OPEN = Rule(MEMBER, Scope.ORGANIZATIONS_MANAGE, all_organizations_key=True)
RULES = {"read": READ, "spend": SPEND, "manage": MANAGE, "in_person": IN_PERSON}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.OWNER, {"read", "spend", "manage", "in_person"}),
        (Role.ADMIN, {"read", "spend", "manage", "in_person"}),
        (Role.BILLING_ADMIN, {"read", "spend"}),
        (Role.MEMBER, {"read"}),
    ],
)
def test_a_role_decides(alpha: Organization, globex: Organization, role: Role, allowed: set[str]):
    caller = Principal(user=make_member(alpha, role).user)
    assert {name for name, rule in RULES.items() if caller.may(rule, alpha.id)} == allowed
    assert not any(caller.may(rule, globex.id) for rule in RULES.values())
    assert not any(caller.may(rule, uuid.uuid4()) for rule in RULES.values())
    assert not caller.may(SYSTEM, None)


def test_a_system_admin_may_do_everything_even_where_nothing_is(
    alpha: Organization, system_admin: User
):
    caller = Principal(user=system_admin)
    assert caller.is_system_admin
    for rule in (*RULES.values(), OPEN):
        assert caller.may(rule, alpha.id)
        assert caller.may(rule, uuid.uuid4())
    assert caller.may(SYSTEM, None)


def test_a_bound_key_acts_on_its_organization_with_its_scopes(
    alpha: Organization, globex: Organization
):
    caller = Principal(key=make_key(alpha, Scope.CREDITS_READ, Scope.BILLING_READ)[0])
    assert caller.may(READ, alpha.id)
    assert caller.may(READ, None)
    assert not caller.may(READ, globex.id)
    assert not caller.may(READ, uuid.uuid4())
    assert not caller.may(SPEND, alpha.id)
    assert not caller.may(IN_PERSON, alpha.id)
    assert not caller.may(SYSTEM, None)


def test_a_bound_key_opens_no_organization(alpha: Organization):
    assert not Principal(key=make_key(alpha)[0]).may(OPEN, None)
    assert Principal(key=make_key(None)[0]).may(OPEN, None)


def test_a_key_of_all_organizations_needs_the_scope_too(alpha: Organization):
    caller = Principal(key=make_key(None, Scope.CREDITS_READ)[0])
    assert caller.is_all_organizations_key
    assert caller.may(READ, alpha.id)
    assert caller.may(READ, uuid.uuid4())
    assert not caller.may(SPEND, alpha.id)
    assert not caller.may(SYSTEM, None)
    assert Principal(key=make_key(None, Scope.BILLING_READ)[0]).may(SYSTEM, None)


def test_a_key_is_no_system_admin_whoever_made_it(alpha: Organization, system_admin: User):
    key = make_key(None)[0]
    key.created_by = system_admin
    caller = Principal(key=key)
    assert not caller.is_system_admin
    assert not caller.may(IN_PERSON, alpha.id)


def test_the_role_is_asked_once(alpha: Organization, alice: User, django_assert_num_queries):
    caller = Principal(user=alice)
    with django_assert_num_queries(1):
        assert caller.may(READ, alpha.id)
        assert caller.may(MANAGE, alpha.id)
        assert caller.role_in(alpha.id) is Role.OWNER
        assert caller.may_make_owner(alpha.id)


def test_a_stranger_is_asked_about_once(
    alpha: Organization, charlie: User, django_assert_num_queries
):
    caller = Principal(user=charlie)
    with django_assert_num_queries(1):
        assert caller.role_in(alpha.id) is None
        assert not caller.may(READ, alpha.id)


def test_a_key_costs_no_query(alpha: Organization, django_assert_num_queries):
    caller = Principal(key=make_key(alpha)[0])
    with django_assert_num_queries(0):
        assert caller.may(READ, alpha.id)
        assert caller.role_in(alpha.id) is None
        assert caller.org_ids() == {alpha.id}


def test_org_ids_are_those_that_may_be_seen(
    alpha: Organization, globex: Organization, charlie: User, system_admin: User
):
    Member.objects.create(org=alpha, user=charlie, role=Role.MEMBER)
    caller = Principal(user=charlie)
    assert caller.org_ids() == {alpha.id, globex.id}
    assert caller.role_in(globex.id) is Role.OWNER
    assert Principal(user=system_admin).org_ids() is None
    assert Principal(key=make_key(None)[0]).org_ids() is None


def test_the_actor_is_named_by_kind_and_id(alpha: Organization, alice: User):
    key = make_key(alpha)[0]
    assert Principal(user=alice).actor == f"user:{alice.id}"
    assert Principal(user=alice).actor_user_id == alice.id
    assert Principal(key=key).actor == f"key:{key.id}"
    assert Principal(key=key).actor_user_id is None
    assert Principal(key=key).is_service
    assert not Principal(user=alice).is_service


def test_a_principal_is_one_caller(alpha: Organization, alice: User):
    with pytest.raises(ValueError, match="either"):
        Principal()
    with pytest.raises(ValueError, match="either"):
        Principal(user=alice, key=make_key(alpha)[0])


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (SPEND, "owner or admin or billing_admin"),
        (MANAGE, "owner or admin."),
        (READ, "members of the organization"),
        (SYSTEM, "system admins"),
        (Rule(NOBODY, Scope.CREDITS_DEDUCT), "API keys that have the scope"),
    ],
)
def test_a_refusal_says_which_role_would_do(
    globex: Organization, alice: User, rule: Rule, says: str
):
    with pytest.raises(PermissionRefused) as caught:
        Principal(user=alice).require(rule, globex.id)
    assert says in caught.value.detail


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (SPEND, "scope credits:manage, bound to this organization"),
        (OPEN, "scope organizations:manage, bound to all organizations"),
        (SYSTEM, "scope billing:read, bound to all organizations"),
        (IN_PERSON, "for people"),
    ],
)
def test_a_refusal_says_which_scope_would_do(
    alpha: Organization, globex: Organization, rule: Rule, says: str
):
    with pytest.raises(PermissionRefused) as caught:
        Principal(key=make_key(alpha)[0]).require(rule, globex.id)
    assert says in caught.value.detail
