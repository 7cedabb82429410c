"""401 before anything else about a request is looked at, on every route."""

import pytest

from orgbilling.lib.ids import uuid7
from tests.api_client import ApiClient, problem
from tests.authorization.routes import METHODS, api_methods
from tests.factories import make_key

JSON = "application/json"
BODIES = {
    "no body": (b"", JSON),
    "an empty object": (b"{}", JSON),
    "broken JSON": (b'{"credits": ', JSON),
    "no object": (b'["a"]', JSON),
    "300 KB": (b'{"notes": "' + b"a" * 300_000 + b'"}', JSON),
    "NUL": (b'{"notes": "\\u0000"}', JSON),
    "a raw NUL": (b"\x00", JSON),
    "no UTF-8": (b"\xff\xfe", JSON),
    "deep": (b"[" * 10_000, JSON),
    "a form": (b"a=b", "application/x-www-form-urlencoded"),
    "no media type": (b"{}", "nonsense"),
}
ROUTES = sorted(api_methods().items())
ENDPOINTS = [(method, route) for route, methods in ROUTES for method in sorted(methods)]


class Anyone(dict):
    """An id for every parameter of a route."""

    def __missing__(self, name):
        return str(uuid7())


def refused(response, code="not_authenticated"):
    problem(response, 401, code)
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sent", BODIES)
@pytest.mark.parametrize(("method", "route"), ENDPOINTS, ids=" ".join)
def test_whatever_is_sent(db, method, route, sent):
    raw, media_type = BODIES[sent]
    path = route.format_map(Anyone())
    headers = {"Content-Type": media_type}
    refused(ApiClient().request(method, path, raw=raw, **headers))
    refused(ApiClient().request(method, path, raw=raw, Accept="text/html", **headers))


@pytest.mark.parametrize(("method", "route"), ENDPOINTS, ids=" ".join)
def test_with_ids_and_parameters_that_are_none(db, method, route):
    path = route.replace("{", "nonsense-").replace("}", "%00")
    refused(ApiClient().request(method, f"{path}?cursor=%00&page_size=-1&nope=1"))


@pytest.mark.parametrize(
    ("route", "methods"), ROUTES, ids=lambda one: one if isinstance(one, str) else ""
)
def test_with_methods_that_the_route_lacks(db, route, methods):
    for method in {*METHODS, "BREW"} - methods:
        refused(ApiClient().request(method, route.format_map(Anyone())))


@pytest.mark.parametrize(("method", "route"), ENDPOINTS, ids=" ".join)
def test_with_wrong_credentials(db, method, route):
    genuine = make_key(None)[1]
    path = route.format_map(Anyone())
    wrong = [genuine[:-1] + ("A" if genuine[-1] != "A" else "B"), "nonsense", "a.b.c", "obk_", "é"]
    for token in wrong:
        refused(ApiClient(token=token).request(method, path), "authentication_failed")
    refused(ApiClient().request(method, path, Authorization="Bearer"), "authentication_failed")
    # Schemes that aren't ours are nobody's credentials.
    refused(ApiClient().request(method, path, Authorization=f"Token {genuine}"))
    refused(ApiClient().request(method, path, Authorization="Basic YTpi"))
    refused(ApiClient().request(method, path, Cookie="sessionid=nonsense"))
