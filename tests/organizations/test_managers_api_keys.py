"""Issuing, finding and revoking API keys."""

import datetime
import uuid

import pytest
import time_machine

from organizations.choices import Role, Scope
from organizations.keys import generate_key, hash_key
from organizations.models import ApiKey, Organization, User
from orgbilling.lib.clock import now
from orgbilling.lib.errors import PermissionRefused
from tests.factories import as_principal, make_key, make_member

pytestmark = pytest.mark.django_db

HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def test_only_the_hash_is_stored(alpha: Organization, alice: User):
    key, plaintext = ApiKey.objects.issue(
        alpha, name="worker", scopes={Scope.CREDITS_DEDUCT}, by=as_principal(alice)
    )
    key.refresh_from_db()
    assert key.key_hash == hash_key(plaintext)
    assert key.prefix == plaintext[:12]
    assert key.scopes == ["credits:deduct"]
    assert (key.org, key.name, key.created_by) == (alpha, "worker", alice)
    stored = ApiKey.objects.filter(pk=key.pk).values_list()[0]
    assert plaintext not in [str(value) for value in stored]
    assert plaintext not in str(key)


def test_scopes_are_kept_in_one_order(alpha: Organization):
    key, _ = make_key(alpha, Scope.BILLING_READ, Scope.CREDITS_READ)
    assert key.scopes == ["credits:read", "billing:read"]


def test_a_key_is_found_by_its_text_with_one_query(alpha: Organization, django_assert_num_queries):
    key, plaintext = make_key(alpha)
    with django_assert_num_queries(1):
        assert ApiKey.objects.authenticate(plaintext) == key


def test_a_made_up_key_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ApiKey.objects.authenticate("obk_" + "a" * 38) is None
        assert ApiKey.objects.authenticate("obk_é") is None
        assert ApiKey.objects.authenticate("") is None
    assert ApiKey.objects.authenticate(generate_key()) is None


def test_a_key_dies_at_its_expiry_to_the_second(alpha: Organization):
    with time_machine.travel(NOON, tick=False):
        key, plaintext = make_key(alpha, expires_at=NOON + HOUR)
    with time_machine.travel(NOON + HOUR - datetime.timedelta(microseconds=1), tick=False):
        assert ApiKey.objects.authenticate(plaintext) == key
    with time_machine.travel(NOON + HOUR, tick=False):
        assert ApiKey.objects.authenticate(plaintext) is None


def test_a_revoked_key_is_dead_at_once_and_stays_so(alpha: Organization):
    key, plaintext = make_key(alpha)
    assert ApiKey.objects.revoke(alpha.id, key.id, by=None) is True
    assert ApiKey.objects.authenticate(plaintext) is None
    key.refresh_from_db()
    first = key.revoked_at
    assert first is not None
    assert ApiKey.objects.revoke(alpha.id, key.id, by=None) is True
    key.refresh_from_db()
    assert key.revoked_at == first


def test_a_key_of_another_organization_is_not_revoked(alpha: Organization, globex: Organization):
    key, plaintext = make_key(globex)
    assert ApiKey.objects.revoke(alpha.id, key.id, by=None) is False
    assert ApiKey.objects.revoke(None, key.id, by=None) is False
    assert ApiKey.objects.revoke(globex.id, uuid.uuid4(), by=None) is False
    assert ApiKey.objects.authenticate(plaintext) == key


def test_a_key_of_all_organizations_is_revoked(db: None):
    key, plaintext = make_key(None)
    assert ApiKey.objects.revoke(None, key.id, by=None) is True
    assert ApiKey.objects.authenticate(plaintext) is None


def test_its_use_is_noted_once_a_minute(alpha: Organization, django_assert_num_queries):
    with time_machine.travel(NOON, tick=False) as clock:
        key, _ = make_key(alpha)
        with django_assert_num_queries(1):
            ApiKey.objects.note_use(key)
        key.refresh_from_db()
        assert key.last_used_at == NOON
        clock.shift(59)
        with django_assert_num_queries(0):
            ApiKey.objects.note_use(key)
        clock.shift(1)
        with django_assert_num_queries(1):
            ApiKey.objects.note_use(key)
        key.refresh_from_db()
        assert key.last_used_at == NOON + datetime.timedelta(minutes=1)


def test_a_use_noted_by_another_process_is_not_overwritten(alpha: Organization):
    with time_machine.travel(NOON, tick=False) as clock:
        stale, _ = make_key(alpha)
        ApiKey.objects.note_use(stale)
        clock.shift(30)
        ApiKey.objects.note_use(stale)
        stale.refresh_from_db()
        assert stale.last_used_at == NOON


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_give_every_scope(alpha: Organization, role: Role):
    by = as_principal(make_member(alpha, role).user)
    key, _ = ApiKey.objects.issue(alpha, name="k", scopes=set(Scope), by=by)
    assert set(key.scopes) == set(Scope.values)


def test_nobody_gives_more_than_they_have(alpha: Organization, charlie: User):
    billing = as_principal(make_member(alpha, Role.BILLING_ADMIN).user)
    member = as_principal(make_member(alpha, Role.MEMBER).user)
    service = as_principal(make_key(alpha)[0])
    manage, read = {Scope.ORGANIZATIONS_MANAGE}, {Scope.CREDITS_READ}
    for by, scopes in (
        (billing, manage), (member, read), (service, read), (as_principal(charlie), read),
    ):  # fmt: skip
        with pytest.raises(PermissionRefused) as caught:
            ApiKey.objects.issue(alpha, name="k", scopes=scopes, by=by)
        assert next(iter(scopes)).value in caught.value.detail


def test_only_a_system_admin_or_the_operator_makes_a_key_of_all_organizations(
    alpha: Organization, alice: User, system_admin: User
):
    with pytest.raises(PermissionRefused):
        ApiKey.objects.issue(None, name="k", scopes=set(Scope), by=as_principal(alice))
    key, _ = ApiKey.objects.issue(None, name="k", scopes=set(Scope), by=as_principal(system_admin))
    assert key.org is None
    operators, _ = ApiKey.objects.issue(None, name="k", scopes=set(Scope), by=None)
    assert operators.created_by is None
    assert operators.created_at <= now()
