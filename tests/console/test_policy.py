"""Every kind of answer has a content security policy, and none lets anything inline run."""

import pytest
from django.test import Client

from tests.ledger import fund

pytestmark = pytest.mark.django_db

ANSWERS = (
    ("/health", 200),
    ("/api/docs", 200),
    ("/api/schema", 200),
    ("/problems/not_found", 200),
    ("/api/v1/org-billing/billing/user", 200),
    ("/api/v1/org-billing/nothing", 404),
    ("/nothing", 404),
    ("/", 302),
    ("/admin", 302),
    ("/admin/", 302),
    ("/admin/logout/", 405),
    ("/admin/password_change/", 200),
    ("/admin/system/", 200),
    ("/admin/jsi18n/", 200),
    ("/admin/credits/creditpool/", 200),
    ("/admin/organizations/user/add/", 200),
    ("/admin/nothing/", 404),
    ("/admin/org/01890000-0000-7000-8000-000000000000/", 404),
    ("/static/console/console.css", 200),
)


@pytest.fixture
def client(system_admin, alpha):
    """A system admin's browser."""
    fund(alpha, 1_000)
    client = Client(raise_request_exception=False)
    client.force_login(system_admin)
    return client


def policy(answer):
    """The directives of an answer's policy."""
    header = answer.headers["Content-Security-Policy"]
    parts = [part.split() for part in header.split(";") if part.strip()]
    return {name: values for name, *values in parts}


@pytest.mark.parametrize(("path", "status"), ANSWERS)
def test_an_answer_has_a_strict_policy(client, path, status):
    answer = client.get(path)
    # A static file is open until then.
    answer.close()
    assert answer.status_code == status
    said = policy(answer)
    assert said["default-src"] == ["'none'"]
    assert said["frame-ancestors"] == ["'none'"]
    if path == "/api/docs":
        # The documentation's own script writes style attributes; no script of anybody's is inline.
        said.pop("style-src")
    everything = {value for values in said.values() for value in values}
    assert {value for value in everything if "unsafe" in value or value == "*"} == set()
    assert {value for value in everything if value.startswith(("http", "https"))} == set()
    if path.startswith("/admin/"):
        assert said["script-src"] == said["style-src"] == ["'self'"]


def test_a_refusal_and_a_failed_form_have_it_too(alice, alpha, globex):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for answer in (
        Client().get("/admin/login/"),
        client.get(f"/admin/org/{globex.pk}/"),
        client.post("/admin/login/", {"username": "x"}),
        client.get("/admin/organizations/user/"),
    ):
        assert answer.status_code in {200, 403}
        assert policy(answer)["script-src"] == ["'self'"]


def test_a_failure_has_it_too(client, monkeypatch):
    def fail(request):
        raise RuntimeError

    monkeypatch.setattr("orgbilling.console.site.navigation_of", fail)
    answer = client.get("/admin/system/")
    assert answer.status_code == 500
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
