"""GET and POST /organizations."""

import re
import uuid

import pytest

from organizations.choices import Role, Scope
from organizations.models import Member, Organization, User
from tests.api_client import ok, problem
from tests.factories import make_key, make_organization

pytestmark = pytest.mark.django_db

ORGANIZATION = {
    "id", "name", "display_name", "status", "timezone", "role", "member_count", "created_at",
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def names(page: dict) -> list[str]:
    return [row["name"] for row in page["results"]]


def test_a_person_sees_their_organizations_with_their_role(
    alpha: Organization, globex: Organization, alice: User, bob: User, client_for
):
    page = ok(client_for(alice).get("organizations"))
    assert page["next"] is None
    assert page["previous"] is None
    (row,) = page["results"]
    assert row.keys() == ORGANIZATION
    assert MOMENT.fullmatch(row.pop("created_at"))
    assert row == {
        "id": str(alpha.id),
        "name": "test-org-alpha",
        "display_name": "Test Org Alpha",
        "status": "active",
        "timezone": "UTC",
        "role": "owner",
        "member_count": 2,
    }
    assert ok(client_for(bob).get("organizations"))["results"][0]["role"] == "member"


def test_a_person_without_an_organization_sees_none(alpha: Organization, charlie: User, client_for):
    assert ok(client_for(charlie).get("organizations"))["results"] == []


def test_a_system_admin_sees_all_of_them(
    alpha: Organization, globex: Organization, system_admin: User, client_for
):
    page = ok(client_for(system_admin).get("organizations"))
    assert names(page) == ["globex", "test-org-alpha"]
    assert [row["role"] for row in page["results"]] == [None, None]


def test_a_key_sees_what_it_is_bound_to(
    alpha: Organization, globex: Organization, alpha_key: str, system_key: str, client_for
):
    page = ok(client_for(alpha_key).get("organizations"))
    assert names(page) == ["test-org-alpha"]
    assert page["results"][0]["role"] is None
    assert names(ok(client_for(system_key).get("organizations"))) == ["globex", "test-org-alpha"]


def test_a_key_needs_the_scope(alpha: Organization, client_for):
    _, key = make_key(alpha, Scope.CREDITS_READ)
    refused = problem(client_for(key).get("organizations"), 403, "permission_denied")
    assert "organizations:read" in refused["detail"]


def test_nobody_sees_nothing(alpha: Organization, client_for):
    refused = client_for().get("organizations")
    problem(refused, 401, "not_authenticated")
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_the_list_takes_two_queries_whatever_its_length(
    alice: User, system_key: str, client_for, django_assert_num_queries
):
    for _ in range(7):
        make_organization(owner=alice)
    client = client_for(system_key)
    ok(client.get("organizations"))
    with django_assert_num_queries(2):
        assert len(ok(client.get("organizations"))["results"]) == 7


def test_pages_hold_while_organizations_are_opened(alice: User, client_for):
    made = [make_organization(f"org-{number}", owner=alice).name for number in range(5)]
    client = client_for(alice)
    first = ok(client.get("organizations?page_size=2"))
    assert names(first) == [made[4], made[3]]
    make_organization("late", owner=alice)
    second = ok(client.get(first["next"].removeprefix("http://testserver")))
    assert names(second) == [made[2], made[1]]
    third = ok(client.get(second["next"].removeprefix("http://testserver")))
    assert names(third) == [made[0]]
    assert third["next"] is None
    back = ok(client.get(second["previous"].removeprefix("http://testserver")))
    assert names(back) == [made[4], made[3]]


@pytest.mark.parametrize(
    "query", ["page_size=0", "page_size=501", "page_size=x", "cursor=tampered", "role=owner"]
)
def test_a_query_that_makes_no_sense_is_refused(alice: User, client_for, query: str):
    problem(client_for(alice).get(f"organizations?{query}"), 400, "validation_error")


def test_a_person_opens_an_organization_and_owns_it(alice: User, client_for):
    made = ok(
        client_for(alice).post(
            "organizations",
            {"name": "acme", "display_name": "Acme Inc.", "timezone": "Europe/Berlin"},
        ),
        201,
    )
    assert made.keys() == ORGANIZATION
    assert (made["name"], made["display_name"]) == ("acme", "Acme Inc.")
    assert (made["timezone"], made["status"]) == ("Europe/Berlin", "active")
    assert (made["role"], made["member_count"]) == ("owner", 1)
    member = Member.objects.get(org_id=made["id"])
    assert (member.user, member.role) == (alice, Role.OWNER)


def test_its_defaults_are_the_slug_and_utc(alice: User, client_for):
    made = ok(client_for(alice).post("organizations", {"name": "acme"}), 201)
    assert (made["display_name"], made["timezone"]) == ("acme", "UTC")


def test_a_key_of_all_organizations_opens_one_without_members(system_key: str, client_for):
    made = ok(client_for(system_key).post("organizations", {"name": "acme"}), 201)
    assert (made["role"], made["member_count"]) == (None, 0)
    assert not Member.objects.filter(org_id=made["id"]).exists()


def test_a_bound_key_and_one_without_the_scope_open_none(alpha_key: str, client_for):
    _, reader = make_key(None, Scope.ORGANIZATIONS_READ)
    for key in (alpha_key, reader):
        refused = client_for(key).post("organizations", {"name": "acme"})
        assert "all organizations" in problem(refused, 403, "permission_denied")["detail"]
    assert not Organization.objects.filter(name="acme").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "A"}, "name"),
        ({"name": "Acme"}, "name"),
        ({"name": "acme inc"}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"name": "acme", "timezone": "Mars/Phobos"}, "timezone"),
        ({"name": "acme", "timezone": ""}, "timezone"),
        ({"name": "acme", "display_name": "x" * 201}, "display_name"),
        ({"name": "acme", "display_name": None}, "display_name"),
    ],
)
def test_a_body_with_a_wrong_field_opens_nothing(alice: User, client_for, body: dict, field: str):
    refused = problem(client_for(alice).post("organizations", body), 400, "validation_error")
    assert {error["field"] for error in refused["errors"]} == {field}
    assert Organization.objects.count() == 0


def test_a_taken_name_is_a_wrong_field(alpha: Organization, charlie: User, client_for):
    refused = problem(
        client_for(charlie).post("organizations", {"name": "test-org-alpha"}),
        400,
        "validation_error",
    )
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("name", "unique")]


def test_an_unknown_field_opens_nothing(alice: User, client_for):
    body = {"name": "acme", "displayname": "Acme"}
    problem(client_for(alice).post("organizations", body), 400, "unknown_field")
    assert Organization.objects.count() == 0


def test_an_unknown_organization_is_denied_to_strangers_and_missing_for_admins(
    alpha: Organization, alice: User, system_admin: User, system_key: str, client_for
):
    path = f"organizations/{uuid.uuid4()}/members"
    problem(client_for(alice).get(path), 403, "permission_denied")
    problem(client_for(system_admin).get(path), 404, "not_found")
    problem(client_for(system_key).get(path), 404, "not_found")
    problem(client_for(alice).get("organizations/no-uuid/members"), 404, "not_found")
    problem(client_for().get("organizations/no-uuid/members"), 401, "not_authenticated")
