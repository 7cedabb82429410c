"""A session writes with its token only, everywhere; what carries its own credential needs none."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api_client import ApiClient, problem
from tests.authorization.calls import prepare, send
from tests.authorization.table import ROWS
from tests.authorization.tenants import undone, written
from tests.factories import make_key

UNSAFE = [row for row in ROWS if row.writes]
TOKEN = "a" * 32
#: Views outside the API that take a POST without a token: they check a signature instead.
SIGNED = {"webhooks/stripe"}


def by_session(user, **cookies):
    client = ApiClient(user=user, csrf=True)
    for name, value in cookies.items():
        client.client.cookies[name] = value
    return client


@pytest.mark.parametrize("row", UNSAFE, ids=str)
def test_a_session_without_its_token_is_403_and_changes_nothing(world, row):
    tenant = world.tenants["alpha"]
    prepare(row, tenant)
    before = written()
    for user in (tenant.owner, world.system_admin):
        for client in (by_session(user), by_session(user, csrftoken=TOKEN)):
            with undone():
                refused = problem(send(row, tenant, client), 403, "permission_denied")
                assert "CSRF" in refused["detail"]
                assert written() == before


@pytest.mark.parametrize("row", UNSAFE, ids=str)
def test_a_key_needs_none(world, row):
    tenant = world.tenants["alpha"]
    prepare(row, tenant)
    client = ApiClient(token=make_key(None, name="a service")[1], csrf=True)
    with undone():
        answer = send(row, tenant, client)
    assert answer.status_code == row.statuses["system_key"]


def test_a_key_is_not_helped_by_a_session_beside_it(world):
    """The key decides: a browser's cookie that travels along gives it nothing."""
    tenant = world.tenants["alpha"]
    row = next(row for row in UNSAFE if row.route == "credits/{org_id}/allocate")
    client = by_session(tenant.owner)
    client.token = make_key(world.tenants["globex"].org, name="of another")[1]
    problem(send(row, tenant, client), 403, "permission_denied")


def addresses(patterns, prefix=""):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


def test_no_page_is_exempt():
    exempt = {
        path
        for path, view in addresses(get_resolver().url_patterns)
        if getattr(view, "csrf_exempt", False)
        and not path.startswith(("api/", "health", "ready", "problems/", "metrics"))
    }
    assert exempt == SIGNED


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/logout/", "/admin/password_change/"])
def test_the_consoles_own_forms_want_it(world, path):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.tenants["alpha"].owner)
    assert browser.post(path, {"a": "b"}).status_code == 403
