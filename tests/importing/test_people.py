"""Whose account an imported person's is: nobody gets into one on the source's word alone."""

from collections.abc import Iterator

import pytest

from organizations.models import Member, Organization, User
from orgbilling.importing import cleaning
from orgbilling.importing.people import UserRow
from tests.importing.conftest import B, Predecessor, predecessor, statements

pytestmark = pytest.mark.django_db

ISSUER = "https://sso.example/realms/ops"
ID = "22222222-2222-4222-8222-222222222222"
PETER = "peter@initech.example"


@pytest.fixture
def initech(running_system: Predecessor) -> Predecessor:
    running_system.execute(statements("story_running"))
    running_system.execute("UPDATE organization_members SET is_active = true")
    return running_system


@pytest.fixture
def elsewhere() -> Iterator[Predecessor]:
    """Another Ops-Center, with the same ids for other things."""
    with predecessor(B) as found:
        found.execute(statements("story_running"))
        yield found


def test_who_writes_anothers_address_into_the_source_is_not_that_person(
    initech: Predecessor,
) -> None:
    initech.execute("UPDATE users SET keycloak_id = 'kc-evil' WHERE keycloak_id = 'kc-peter'")
    initech.import_(issuer=ISSUER)

    evil = User.objects.sign_in_with(
        f"{ISSUER}|kc-evil", verified_email="evil@elsewhere.example", name="Evil"
    )
    assert evil is not None
    assert evil.email == "evil@elsewhere.example"
    assert not Member.objects.filter(user=evil).exists()
    # Without a verified address of their own they are nobody here.
    unverified = User.objects.sign_in_with(f"{ISSUER}|kc-other", verified_email="", name="Other")
    assert unverified is None
    peter = User.objects.sign_in_with(f"{ISSUER}|kc-peter", verified_email=PETER, name="Peter")
    assert peter is not None
    assert Member.objects.filter(org=ID, user=peter).exists()


def test_what_the_provider_vouches_for_is_linked(initech: Predecessor) -> None:
    peter = "b0000000-0000-4000-8000-000000000001"
    known = UserRow(peter, PETER, "Peter", peter, None, is_verified=True)
    initech.import_(issuer=ISSUER, users=(known,))
    # By the subject of who vouches, not by that of the source.
    assert User.objects.get(email=PETER).external_id == f"{ISSUER}|{peter}"


def test_who_has_no_address_signs_in_by_the_identity(initech: Predecessor) -> None:
    initech.execute("UPDATE users SET keycloak_id = 'kc-samir' WHERE email IS NULL")
    initech.import_(issuer=ISSUER)
    samir = User.objects.sign_in_with(f"{ISSUER}|kc-samir", verified_email="", name="Samir")
    assert samir is not None
    assert samir.email == "b0000000-0000-4000-8000-000000000004@opscenter.invalid"


def test_a_placeholder_is_nobodys_address(initech: Predecessor) -> None:
    taken = "b0000000-0000-4000-8000-000000000004@opscenter.invalid"
    initech.execute("UPDATE users SET email = %s WHERE keycloak_id = 'kc-peter'", [taken])
    outcome = initech.import_(issuer=ISSUER)
    assert outcome.mends.rows["user_without_email"] == 2
    peter = User.objects.get(external_id=f"{ISSUER}|kc-peter")
    assert peter.email == "b0000000-0000-4000-8000-000000000001@opscenter.invalid"


def test_equal_ids_of_two_sources_stay_apart(initech: Predecessor, elsewhere: Predecessor) -> None:
    for source in (initech, elsewhere):
        for table, column in (
            ("organizations", "id"),
            ("organization_members", "organization_id"),
            ("organization_credit_pools", "org_id"),
            ("user_credit_allocations", "org_id"),
            ("credit_usage_attribution", "org_id"),
            ("org_billing_history", "org_id"),
        ):
            source.execute(f"UPDATE {table} SET {column} = '17' WHERE {column} = %s", [ID])
        for table in ("user_credit_allocations", "credit_usage_attribution", "org_billing_history"):
            source.execute(f"ALTER TABLE {table} ALTER id DROP DEFAULT, ALTER id TYPE text")
            source.execute(f"UPDATE {table} SET id = right(id, 2)")
    elsewhere.execute("UPDATE users SET email = 'p@east.example' WHERE keycloak_id = 'kc-peter'")
    west = initech.import_(source="west", only=frozenset({"17"}))
    east = elsewhere.import_(source="east", only=frozenset({"17"}))

    assert [one.source_id for one in west.organizations] == ["17"]
    assert [one.source_id for one in east.organizations] == ["17"]
    names = Organization.objects.filter(name__startswith="initech").values_list("name", flat=True)
    assert sorted(names) == ["initech-ltd", "initech-ltd-2"]
    samirs = User.objects.filter(email__endswith=".opscenter.invalid").values_list("email")
    assert {email.partition("@")[2] for (email,) in samirs} == {"west.opscenter.invalid"}
    again = elsewhere.import_(source="east")
    assert "17" in again.already


def test_a_name_is_one_line(initech: Predecessor) -> None:
    initech.execute(
        "UPDATE users SET full_name = E'Pe\\x1bter\\r\\nG. \u202eevil' WHERE keycloak_id = 'kc-peter'"
    )
    initech.execute("UPDATE organizations SET name = E'Initech\\nLtd'")
    initech.execute(
        "UPDATE credit_usage_attribution SET service_name = E'gpt\\x074' WHERE service_name IS NOT NULL"
    )
    outcome = initech.import_()
    assert outcome.mends.rows["text_controls"] == 3
    assert Organization.objects.get(pk=ID).display_name == "Initech Ltd"
    assert User.objects.get(email=PETER).name == "Pe ter G. evil"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Ann  Lee", "Ann  Lee"),
        ("\x00A\x1b[31m\u2028B\t", "A [31m B"),
        ("nim\u200cfasele", "nim\u200cfasele"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\ud800", ""),
    ],
)
def test_what_a_line_keeps(text: str, line: str) -> None:
    assert cleaning.line(text) == line
