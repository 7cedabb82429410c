"""Views whose body names the organization: 400 for an unreadable one, then 403, then the rest."""

import uuid
from typing import ClassVar

import pytest
from django.http import HttpResponse
from django.urls import path
from pytest_django.fixtures import Settings
from rest_framework.request import Request

from organizations.access import BILLING, MEMBER, Rule
from organizations.api.base import BodyOrgView, OrgView, find_organization
from organizations.choices import Scope
from organizations.models import Organization, User
from orgbilling.web.responses import json_response
from tests.api_client import ApiClient, ok, problem

pytestmark = pytest.mark.django_db


class SpendView(BodyOrgView):
    """Takes `org_id` and nothing else."""

    rules: ClassVar[dict[str, Rule]] = {"POST": Rule(BILLING, Scope.CREDITS_MANAGE)}

    def post(self, request: Request) -> HttpResponse:
        body = self.authorized_body(request)
        organization = find_organization(uuid.UUID(body["org_id"]))
        return json_response({"name": organization.name, "actor": self.principal.actor})


class ReadView(OrgView):
    """Reads, and writes for fewer."""

    rules: ClassVar[dict[str, Rule]] = {
        "GET": Rule(MEMBER, Scope.CREDITS_READ),
        "POST": Rule(BILLING, Scope.CREDITS_MANAGE),
    }

    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        return json_response({"name": self.organization().name})

    def post(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        return self.get(request, org_id)


urlpatterns = [
    path("api/spend", SpendView.as_view()),
    path("api/read/<str:org_id>", ReadView.as_view()),
]


@pytest.fixture(autouse=True)
def urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def spend(client: ApiClient, **body: object) -> HttpResponse:
    return client.post("/api/spend", body)


def test_who_may_spend_spends(alpha: Organization, alice: User, alpha_key: str, client_for):
    by_alice = ok(spend(client_for(alice), org_id=str(alpha.id)))
    assert by_alice == {"name": "test-org-alpha", "actor": f"user:{alice.id}"}
    by_key = ok(spend(client_for(alpha_key), org_id=str(alpha.id)))
    assert by_key["actor"].startswith("key:")


@pytest.mark.parametrize("caller", ["bob", "charlie"])
def test_a_member_and_a_stranger_are_denied_before_other_fields_are_looked_at(
    alpha: Organization, client_for, caller: str, request: pytest.FixtureRequest
):
    client = client_for(request.getfixturevalue(caller))
    problem(spend(client, org_id=str(alpha.id), nonsense=1), 403, "permission_denied")


def test_existence_is_told_to_those_who_may_act_on_all(
    alice: User, system_admin: User, system_key: str, client_for
):
    nowhere = str(uuid.uuid4())
    problem(spend(client_for(alice), org_id=nowhere), 403, "permission_denied")
    problem(spend(client_for(system_admin), org_id=nowhere), 404, "not_found")
    problem(spend(client_for(system_key), org_id=nowhere), 404, "not_found")


def test_a_key_of_another_organization_is_denied(alpha: Organization, globex_key: str, client_for):
    problem(spend(client_for(globex_key), org_id=str(alpha.id)), 403, "permission_denied")


@pytest.mark.parametrize(
    ("org_id", "code"),
    [
        (None, "invalid"),
        (7, "invalid"),
        ("", "invalid"),
        ("nonsense", "invalid"),
        ([], "invalid"),
        ("{0198a5c0-0000-7000-8000-000000000001}", "invalid"),
        ("0198a5c0000070008000000000000001", "invalid"),
    ],
)
def test_an_org_id_that_is_no_uuid_is_400(charlie: User, client_for, org_id: object, code: str):
    refused = problem(spend(client_for(charlie), org_id=org_id), 400, "validation_error")
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("org_id", code)]


def test_a_body_without_an_org_id_is_400(charlie: User, client_for):
    refused = problem(spend(client_for(charlie)), 400, "validation_error")
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("org_id", "required")]


def test_an_unreadable_body_is_400_and_nobody_is_401(charlie: User, client_for):
    unreadable = client_for(charlie).request("POST", "/api/spend", raw=b"{")
    problem(unreadable, 400, "malformed_json")
    problem(client_for().request("POST", "/api/spend", raw=b"{"), 401, "not_authenticated")


def test_each_method_has_its_rule(alpha: Organization, alice: User, bob: User, client_for):
    path = f"/api/read/{alpha.id}"
    assert ok(client_for(bob).get(path)) == {"name": "test-org-alpha"}
    problem(client_for(bob).post(path, {}), 403, "permission_denied")
    ok(client_for(alice).post(path, {}))


def test_head_is_judged_as_get(alpha: Organization, bob: User, charlie: User, client_for):
    path = f"/api/read/{alpha.id}"
    assert client_for(charlie).request("HEAD", path).status_code == 403
    assert client_for(bob).request("HEAD", path).status_code == 200


def test_a_method_that_is_not_there_is_403_to_strangers_and_405_to_members(
    alpha: Organization, bob: User, charlie: User, client_for
):
    path = f"/api/read/{alpha.id}"
    problem(client_for(charlie).delete(path), 403, "permission_denied")
    problem(client_for(bob).delete(path), 405, "method_not_allowed")
