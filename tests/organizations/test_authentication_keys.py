"""API keys as credentials."""

import datetime

import pytest
import time_machine

from organizations.api.authentication import ServiceUser
from organizations.choices import Scope
from organizations.keys import generate_key
from organizations.models import ApiKey, Organization, User
from tests.api_client import ApiClient, ok, problem
from tests.factories import make_key

pytestmark = pytest.mark.django_db

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def test_a_key_is_one_query_of_authentication(
    alpha: Organization, client_for, django_assert_num_queries
):
    client = client_for(make_key(alpha, Scope.ORGANIZATIONS_READ)[1])
    with django_assert_num_queries(3):  # the key, its first use, the page
        ok(client.get("organizations"))
    with django_assert_num_queries(2):
        ok(client.get("organizations"))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(alpha_key: str, scheme: str):
    ok(ApiClient().get("organizations", Authorization=f"{scheme} {alpha_key}"))


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer obk_",
        "Bearer obk_" + "0" * 38,
        "Bearer a.b.c",
        "Bearer obk_é",
        "Bearer two words",
    ],
)
def test_wrong_credentials_are_401(alpha: Organization, header: str):
    response = ApiClient().get("organizations", Authorization=header)
    problem(response, 401, "authentication_failed")
    assert "Bearer" in response["WWW-Authenticate"]


def test_another_scheme_is_no_credentials(alpha: Organization):
    response = ApiClient().get("organizations", Authorization="Basic YWxpY2U6c2VjcmV0")
    problem(response, 401, "not_authenticated")


def test_a_well_formed_key_that_nobody_was_given_is_401(alpha: Organization, client_for):
    problem(client_for(generate_key()).get("organizations"), 401, "authentication_failed")


def test_an_expired_key_is_401(alpha: Organization, client_for):
    with time_machine.travel(NOON, tick=False) as clock:
        client = client_for(make_key(alpha, expires_at=NOON + datetime.timedelta(hours=1))[1])
        ok(client.get("organizations"))
        clock.shift(datetime.timedelta(hours=1))
        problem(client.get("organizations"), 401, "authentication_failed")


def test_wrong_credentials_are_401_whatever_the_body_and_the_path(alpha: Organization, client_for):
    client = client_for("nonsense")
    path = f"organizations/{alpha.id}/members"
    problem(client.request("POST", path, raw=b"{"), 401, "authentication_failed")
    problem(client.post("organizations/no-uuid/members", {}), 401, "authentication_failed")
    problem(client.put(path, {}), 401, "authentication_failed")


def test_wrong_credentials_are_not_forgiven_for_a_good_session(alpha: Organization, alice: User):
    both = ApiClient(user=alice, token="nonsense")
    problem(both.get("organizations"), 401, "authentication_failed")


def test_a_key_needs_no_csrf_token_even_beside_a_session(
    alpha: Organization, bob: User, alpha_key: str
):
    client = ApiClient(user=bob, token=alpha_key, csrf=True)
    made = client.post(f"organizations/{alpha.id}/members", {"email": "dana@example.com"})
    ok(made, 201)


def test_a_revoked_key_says_the_same_as_an_unknown_one(alpha: Organization, client_for):
    key, plaintext = make_key(alpha)
    ApiKey.objects.revoke(alpha.id, key.id, by=None)
    revoked = problem(client_for(plaintext).get("organizations"), 401, "authentication_failed")
    unknown = problem(client_for(generate_key()).get("organizations"), 401, "authentication_failed")
    assert revoked["detail"] == unknown["detail"]


def test_a_service_is_nobody_in_person(alpha: Organization):
    key, _ = make_key(alpha)
    service = ServiceUser(key)
    assert (service.is_authenticated, service.is_anonymous) == (True, False)
    assert (service.is_staff, service.is_superuser) == (False, False)
    assert service.pk == service.id == key.id
    assert str(service) == str(key)
    assert key.is_service_key
    assert key.throttle_identity == f"key:{key.id}"
