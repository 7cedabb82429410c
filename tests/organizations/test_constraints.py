"""What PostgreSQL itself refuses, whoever writes."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from organizations.models import Organization, User
from orgbilling.lib.ids import uuid7

pytestmark = pytest.mark.django_db

USER = (
    "INSERT INTO users (id, email, name, password, external_id, is_active, is_staff, is_superuser, "
    "created_at) VALUES (%s, %s, '', '!', %s, true, false, false, now())"
)
ORGANIZATION = (
    "INSERT INTO organizations (id, name, display_name, status, timezone, created_at, updated_at) "
    "VALUES (%s, %s, %s, %s, %s, now(), now())"
)
MEMBER = (
    "INSERT INTO organization_members (id, org_id, user_id, role, joined_at) "
    "VALUES (%s, %s, %s, %s, now())"
)
KEY = (
    "INSERT INTO api_keys (id, org_id, name, prefix, key_hash, scopes, expires_at, created_at) "
    "VALUES (%s, NULL, 'k', %s, %s, %s::varchar[], {expires}, now())"
)


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def refused(constraint: str, sql: str, *values: object) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        execute(sql, *values)
    assert caught.value.__cause__.diag.constraint_name == constraint


def test_an_email_is_stored_in_lower_case_only():
    execute(USER, uuid7(), "a@example.com", None)
    refused("users_email_lower_check", USER, uuid7(), "A@example.com", None)


def test_an_email_is_one_users():
    execute(USER, uuid7(), "a@example.com", None)
    refused("users_email_key", USER, uuid7(), "a@example.com", None)


def test_an_identity_is_one_users_but_many_have_none():
    execute(USER, uuid7(), "a@example.com", "iss|1")
    execute(USER, uuid7(), "b@example.com", None)
    execute(USER, uuid7(), "c@example.com", None)
    refused("users_external_id_key", USER, uuid7(), "d@example.com", "iss|1")
    refused("users_external_id_not_empty_check", USER, uuid7(), "e@example.com", "")


@pytest.mark.parametrize("name", ["", "a", "-ab", "Ab", "a_b", "a b", "ab\n", "é-org"])
def test_a_name_is_a_slug(name: str):
    refused("organizations_name_slug_check", ORGANIZATION, uuid7(), name, "Shown", "active", "UTC")


def test_a_name_is_at_most_63_long():
    execute(ORGANIZATION, uuid7(), "a" * 63, "Shown", "active", "UTC")
    with pytest.raises(DataError), transaction.atomic():
        execute(ORGANIZATION, uuid7(), "a" * 64, "Shown", "active", "UTC")


def test_a_name_is_one_organizations():
    execute(ORGANIZATION, uuid7(), "acme", "Shown", "active", "UTC")
    refused("organizations_name_key", ORGANIZATION, uuid7(), "acme", "Shown", "active", "UTC")


def test_a_status_is_known():
    refused("organizations_status_check", ORGANIZATION, uuid7(), "acme", "Shown", "gone", "UTC")


def test_a_display_name_is_not_empty():
    refused(
        "organizations_display_name_not_empty_check",
        ORGANIZATION, uuid7(), "acme", "", "active", "UTC",
    )  # fmt: skip


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "Europe/Berlin; DROP"])
def test_a_time_zone_is_one_that_postgresql_knows(zone: str):
    execute(ORGANIZATION, uuid7(), "good", "Shown", "active", "America/St_Johns")
    with pytest.raises(DataError, match="not recognized"), transaction.atomic():
        execute(ORGANIZATION, uuid7(), "acme", "Shown", "active", zone)


def test_a_person_is_a_member_once(alpha: Organization, bob: User):
    refused("organization_members_org_id_user_id_key", MEMBER, uuid7(), alpha.id, bob.id, "admin")


def test_a_role_is_known(alpha: Organization, charlie: User):
    refused("organization_members_role_check", MEMBER, uuid7(), alpha.id, charlie.id, "ADMIN")


def test_an_organization_with_members_cannot_be_deleted(alpha: Organization):
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("DELETE FROM organizations WHERE id = %s", alpha.id)


def test_a_user_with_memberships_cannot_be_deleted(alpha: Organization, bob: User):
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("DELETE FROM users WHERE id = %s", bob.id)


@pytest.mark.parametrize(
    ("constraint", "prefix", "key_hash", "scopes", "expires"),
    [
        ("api_keys_hash_check", "obk_abcd1234", "x" * 64, ["credits:read"], "NULL"),
        ("api_keys_hash_check", "obk_abcd1234", "a" * 63, ["credits:read"], "NULL"),
        ("api_keys_prefix_check", "sk_abcd12345", "a" * 64, ["credits:read"], "NULL"),
        ("api_keys_scopes_not_empty_check", "obk_abcd1234", "a" * 64, [], "NULL"),
        ("api_keys_scopes_known_check", "obk_abcd1234", "a" * 64, ["credits:mint"], "NULL"),
        ("api_keys_scopes_known_check", "obk_abcd1234", "a" * 64, [None], "NULL"),
        ("api_keys_expiry_check", "obk_abcd1234", "a" * 64, ["credits:read"], "now()"),
    ],
)
def test_a_key_is_well_formed(
    constraint: str, prefix: str, key_hash: str, scopes: list[str], expires: str
):
    refused(constraint, KEY.format(expires=expires), uuid7(), prefix, key_hash, scopes)


def test_a_hash_is_one_keys():
    sql = KEY.format(expires="NULL")
    execute(sql, uuid7(), "obk_abcd1234", "a" * 64, ["credits:read"])
    refused("api_keys_key_hash_key", sql, uuid7(), "obk_abcd1234", "a" * 64, ["credits:read"])
