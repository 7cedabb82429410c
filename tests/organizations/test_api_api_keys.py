"""API keys over HTTP: issued once, listed without the key, revoked at once."""

import datetime
import json
import uuid

import pytest

from organizations.choices import Role, Scope
from organizations.keys import hash_key, is_well_formed
from organizations.models import ApiKey, Organization, User
from orgbilling.lib.clock import now
from tests.api_client import ok, problem
from tests.factories import make_key, make_member

pytestmark = pytest.mark.django_db

KEY = {
    "id", "org_id", "name", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at",
    "created_by", "created_at",
}  # fmt: skip


def keys(org: Organization, key_id: object = None) -> str:
    path = f"organizations/{org.id}/api-keys"
    return path if key_id is None else f"{path}/{key_id}"


def body(**fields: object) -> dict[str, object]:
    return {"name": "worker", "scopes": ["organizations:read"], **fields}


def test_a_key_is_shown_once_and_works(alpha: Organization, alice: User, client_for):
    client = client_for(alice)
    issued = ok(client.post(keys(alpha), body()), 201)
    assert issued.keys() == KEY | {"key"}
    plaintext = issued.pop("key")
    assert is_well_formed(plaintext)
    assert issued["prefix"] == plaintext[:12]
    assert (issued["org_id"], issued["created_by"]) == (str(alpha.id), str(alice.id))
    assert issued["scopes"] == ["organizations:read"]
    assert [issued[name] for name in ("expires_at", "revoked_at", "last_used_at")] == [None] * 3

    listed = client.get(keys(alpha))
    assert ok(listed)["results"] == [issued]
    assert plaintext.encode() not in listed.content
    assert hash_key(plaintext).encode() not in listed.content

    assert ok(client_for(plaintext).get("organizations"))["results"][0]["id"] == str(alpha.id)
    assert ok(client.get(keys(alpha)))["results"][0]["last_used_at"] is not None


def test_a_revoked_key_is_refused_at_once(alpha: Organization, alice: User, client_for):
    client = client_for(alice)
    issued = ok(client.post(keys(alpha), body()), 201)
    service = client_for(issued["key"])
    ok(service.get("organizations"))
    assert ok(client.delete(keys(alpha, issued["id"])), 204) is None
    problem(service.get("organizations"), 401, "authentication_failed")
    assert ok(client.get(keys(alpha)))["results"][0]["revoked_at"] is not None
    assert ok(client.delete(keys(alpha, issued["id"])), 204) is None


def test_an_expiry_is_kept(alpha: Organization, alice: User, client_for):
    moment = (now() + datetime.timedelta(days=30)).replace(microsecond=0)
    text = moment.isoformat().replace("+00:00", "Z")
    issued = ok(client_for(alice).post(keys(alpha), body(expires_at=text)), 201)
    assert issued["expires_at"] == text
    assert ApiKey.objects.get().expires_at == moment


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"scopes": "credits:read"}, "scopes"),
        ({"scopes": {"credits:read": True}}, "scopes"),
        ({"scopes": ["credits:mint"]}, "scopes.0"),
        ({"scopes": [["credits:read"]]}, "scopes.0"),
        ({"scopes": ["credits:read", None]}, "scopes.1"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": 1893456000}, "expires_at"),
    ],
)
def test_a_wrong_body_issues_nothing(
    alpha: Organization, alice: User, client_for, wrong: dict, field: str
):
    response = client_for(alice).post(keys(alpha), body(**wrong))
    refused = problem(response, 400, "validation_error")
    assert [error["field"] for error in refused["errors"]] == [field]
    assert ApiKey.objects.count() == 0


@pytest.mark.parametrize("field", ["name", "scopes"])
def test_name_and_scopes_are_required(alpha: Organization, alice: User, client_for, field: str):
    sent = {name: value for name, value in body().items() if name != field}
    refused = problem(client_for(alice).post(keys(alpha), sent), 400, "validation_error")
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [(field, "required")]


def test_an_unknown_field_issues_nothing(alpha: Organization, alice: User, client_for):
    sent = body(org_id=None)
    problem(client_for(alice).post(keys(alpha), sent), 400, "unknown_field")
    assert ApiKey.objects.count() == 0


def test_a_scope_named_twice_is_had_once(alpha: Organization, alice: User, client_for):
    sent = body(scopes=["credits:read", "credits:read"])
    assert ok(client_for(alice).post(keys(alpha), sent), 201)["scopes"] == ["credits:read"]


@pytest.mark.parametrize("role", [Role.BILLING_ADMIN, Role.MEMBER])
def test_only_owners_and_admins_see_and_issue_keys(alpha: Organization, client_for, role: Role):
    key, plaintext = make_key(alpha)
    client = client_for(make_member(alpha, role).user)
    problem(client.get(keys(alpha)), 403, "permission_denied")
    problem(client.post(keys(alpha), body()), 403, "permission_denied")
    problem(client.delete(keys(alpha, key.id)), 403, "permission_denied")
    assert ApiKey.objects.authenticate(plaintext) == key


def test_an_admin_issues_a_key_of_every_scope(alpha: Organization, client_for):
    client = client_for(make_member(alpha, Role.ADMIN).user)
    issued = ok(client.post(keys(alpha), body(scopes=Scope.values)), 201)
    assert issued["scopes"] == Scope.values


def test_keys_manage_no_keys_whatever_their_scopes(
    alpha: Organization, alpha_key: str, system_key: str, client_for
):
    key = ApiKey.objects.get(org=alpha)
    for plaintext in (alpha_key, system_key):
        client = client_for(plaintext)
        problem(client.get(keys(alpha)), 403, "permission_denied")
        problem(client.post(keys(alpha), body()), 403, "permission_denied")
        refused = problem(client.delete(keys(alpha, key.id)), 403, "permission_denied")
        assert "people" in refused["detail"]
    assert ApiKey.objects.count() == 2
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


def test_a_stranger_sees_issues_and_revokes_nothing(
    alpha: Organization, globex: Organization, charlie: User, client_for
):
    key, plaintext = make_key(alpha)
    client = client_for(charlie)
    problem(client.get(keys(alpha)), 403, "permission_denied")
    problem(client.post(keys(alpha), body()), 403, "permission_denied")
    problem(client.delete(keys(alpha, key.id)), 403, "permission_denied")
    problem(client.delete(keys(globex, key.id)), 404, "not_found")
    assert ApiKey.objects.authenticate(plaintext) == key


def test_a_system_admin_issues_keys_anywhere(alpha: Organization, system_admin: User, client_for):
    client = client_for(system_admin)
    issued = ok(client.post(keys(alpha), body(scopes=Scope.values)), 201)
    assert issued["org_id"] == str(alpha.id)
    path = f"organizations/{uuid.uuid4()}/api-keys"
    problem(client.post(path, body()), 404, "not_found")
    problem(client.get(path), 404, "not_found")


def test_an_unknown_key_is_404(alpha: Organization, alice: User, client_for):
    client = client_for(alice)
    problem(client.delete(keys(alpha, uuid.uuid4())), 404, "not_found")
    problem(client.delete(keys(alpha, "no-uuid")), 404, "not_found")


def test_a_key_of_all_organizations_is_not_in_an_organizations_list(
    alpha: Organization, alice: User, system_key: str, client_for
):
    client = client_for(alice)
    assert ok(client.get(keys(alpha)))["results"] == []
    system = ApiKey.objects.get(org=None)
    problem(client.delete(keys(alpha, system.id)), 404, "not_found")
    assert json.loads(client.get(keys(alpha)).content)["next"] is None
