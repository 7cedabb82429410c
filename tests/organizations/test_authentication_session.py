"""Console sessions as credentials; CSRF is enforced."""

import pytest
from django.contrib.sessions.models import Session

from organizations.models import Member, Organization, User
from tests.api_client import ApiClient, ok, problem

pytestmark = pytest.mark.django_db

TOKEN = "a" * 32
BODY = {"email": "dana@example.com"}


@pytest.fixture
def members(alpha: Organization) -> str:
    return f"organizations/{alpha.id}/members"


@pytest.fixture
def console(alice: User) -> ApiClient:
    """Alice's browser, whose requests are checked as a browser's are."""
    client = ApiClient(user=alice, csrf=True)
    client.client.cookies["csrftoken"] = TOKEN
    return client


def test_reading_needs_no_csrf_token(console: ApiClient, members: str):
    assert len(ok(console.get(members))["results"]) == 2


def test_writing_without_the_header_is_403(console: ApiClient, alpha: Organization, members: str):
    refused = problem(console.post(members, BODY), 403, "permission_denied")
    assert "CSRF" in refused["detail"]
    problem(console.delete(f"{members}/{alpha.id}"), 403, "permission_denied")
    assert Member.objects.filter(org=alpha).count() == 2


def test_writing_with_the_header_passes(console: ApiClient, members: str):
    ok(console.post(members, BODY, X_CSRFToken=TOKEN), 201)


def test_writing_with_another_token_is_403(console: ApiClient, members: str):
    problem(console.post(members, BODY, X_CSRFToken="b" * 32), 403, "permission_denied")


def test_a_token_without_its_cookie_is_403(alice: User, members: str):
    client = ApiClient(user=alice, csrf=True)
    problem(client.post(members, BODY, X_CSRFToken=TOKEN), 403, "permission_denied")


def test_a_token_in_a_form_is_no_token(console: ApiClient, members: str):
    form = f"csrfmiddlewaretoken={TOKEN}".encode()
    response = console.request(
        "POST", members, raw=form, Content_Type="application/x-www-form-urlencoded"
    )
    problem(response, 403, "permission_denied")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=\u00e9", "text/plain"]
)
def test_a_body_of_another_kind_is_415_not_500(console: ApiClient, members: str, content_type: str):
    response = console.request(
        "POST", members, raw=b"--x\r\nnonsense", Content_Type=content_type, X_CSRFToken=TOKEN
    )
    problem(response, 415, "unsupported_media_type")


def test_a_page_of_another_site_cannot_write(console: ApiClient, members: str):
    response = console.post(members, BODY, X_CSRFToken=TOKEN, Origin="https://evil.example")
    problem(response, 403, "permission_denied")


def test_a_person_switched_off_is_out_at_once(alice: User, members: str):
    client = ApiClient(user=alice)
    ok(client.get(members))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    problem(client.get(members), 401, "not_authenticated")


def test_a_changed_password_ends_the_session(alice: User, members: str):
    client = ApiClient(user=alice)
    alice.set_password("another pass phrase")
    alice.save()
    problem(client.get(members), 401, "not_authenticated")


def test_a_session_that_is_gone_is_nobody(alice: User, members: str):
    client = ApiClient(user=alice)
    Session.objects.all().delete()
    problem(client.get(members), 401, "not_authenticated")


def test_a_made_up_session_cookie_is_nobody(members: str):
    client = ApiClient()
    client.client.cookies["sessionid"] = "x\u0000y"
    problem(client.get(members), 401, "not_authenticated")


def test_signing_in_by_password_works_in_any_case(alpha: Organization):
    User.objects.create_user("dana@example.com", "a long pass phrase")
    client = ApiClient()
    assert client.client.login(username="Dana@Example.com", password="a long pass phrase")
    assert ok(client.get("organizations"))["results"] == []
