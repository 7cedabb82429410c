"""Making, listing and suspending organizations."""

import uuid

import pytest

from organizations.choices import Role
from organizations.models import Member, Organization, User
from organizations.timezones import known_timezones
from orgbilling.lib.errors import InvalidRequest

pytestmark = pytest.mark.django_db


def make(**fields: str) -> Organization:
    return Organization.objects.create_with_owner(**{"name": "acme", **fields})


def refusal(**fields: str) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        make(**fields)
    (error,) = caught.value.extra["errors"]
    return error


def test_an_organization_has_its_owner_from_the_start(alice: User):
    made = Organization.objects.create_with_owner(
        name="acme", display_name="Acme Inc.", timezone="Europe/Berlin", owner=alice
    )
    assert (made.name, made.display_name, made.status) == ("acme", "Acme Inc.", "active")
    assert made.timezone == "Europe/Berlin"
    member = Member.objects.get(org=made)
    assert (member.user, member.role) == (alice, Role.OWNER)
    assert str(made) == "Acme Inc."


def test_the_display_name_defaults_to_the_name():
    assert make().display_name == "acme"


def test_a_taken_name_is_refused():
    make()
    error = refusal()
    assert (error["field"], error["code"]) == ("name", "unique")
    assert Organization.objects.count() == 1


@pytest.mark.parametrize("name", ["a", "Acme", "-acme", "acme\n", "a" * 64])
def test_a_name_that_is_no_slug_is_refused(name: str):
    assert refusal(name=name)["field"] == "name"


@pytest.mark.parametrize("zone", ["Mars/Phobos", "localtime", "europe/berlin", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone: str):
    assert refusal(timezone=zone)["field"] == "timezone"


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Etc/GMT+12"],
)
def test_a_known_time_zone_is_taken(zone: str):
    assert make(timezone=zone).timezone == zone
    assert zone in known_timezones()


def test_suspending_and_reactivating_tell_whether_they_did(alpha: Organization):
    before = alpha.updated_at
    assert Organization.objects.suspend(alpha.id, by=None) is True
    assert Organization.objects.suspend(alpha.id, by=None) is False
    alpha.refresh_from_db()
    assert alpha.is_suspended
    assert alpha.updated_at > before
    assert Organization.objects.reactivate(alpha.id, by=None) is True
    assert Organization.objects.reactivate(alpha.id, by=None) is False
    alpha.refresh_from_db()
    assert not alpha.is_suspended
    assert Organization.objects.suspend(uuid.uuid4(), by=None) is False


def test_the_list_knows_roles_and_counts_in_one_query(
    alpha: Organization, globex: Organization, bob: User, django_assert_num_queries
):
    rows = Organization.objects.visible_in(None).with_member_count().with_role_of(bob)
    with django_assert_num_queries(1):
        seen = {row.name: (row.role, row.member_count) for row in rows}
    assert seen == {"test-org-alpha": ("member", 2), "globex": (None, 1)}


def test_an_organization_without_members_counts_none():
    make()
    row = Organization.objects.with_member_count().with_role_of(None).get()
    assert (row.member_count, row.role) == (0, None)


def test_only_the_visible_ones_are_listed(alpha: Organization, globex: Organization):
    assert list(Organization.objects.visible_in({globex.id})) == [globex]
    assert list(Organization.objects.visible_in(set())) == []
