"""The predecessor checked the body before the caller: strangers were told what a call looks like."""

import json

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from orgbilling.web.views import ApiView
from tests.api_client import ApiClient
from tests.regressions.teeth import guarded_by, python

pytestmark = pytest.mark.django_db

API = "api/v1/org-billing/"
SOME_ID = "0193b1a0-0000-7000-8000-000000000001"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
BODIES = (
    b"",
    b"{",
    b"null",
    b'{"credits": "many"}',
    b'{"org_id": "nobody"}',
    b'{"a": "\\u0000"}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"notes": "' + b"x" * 300_000 + b'"}',
)


def routes():
    """Every path of the API, by the resolver: with an id that is one, and with one that is none."""
    found = []

    def walk(patterns, prefix):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, path)
            elif isinstance(pattern, URLPattern) and path.startswith(API):
                found.append(path)

    walk(get_resolver().url_patterns, "")
    paths = []
    for path in dict.fromkeys(found):
        for some_id in (SOME_ID, "nonsense"):
            filled = "/".join(some_id if part.startswith("<") else part for part in path.split("/"))
            paths.append(f"/{filled}")
    return list(dict.fromkeys(paths))


body_first = python(
    ApiView,
    "_answer",
    (
        "    self._authenticate(request)\n",
        "    self.body(request)\n    self._authenticate(request)\n",
    ),
)


@guarded_by(order=body_first)
def test_who_is_nobody_is_told_nothing_else():
    api, wrong = ApiClient(), {}
    for path in routes():
        for method in METHODS:
            bodies = BODIES if method in {"POST", "PUT", "PATCH"} else BODIES[:2]
            for body in bodies:
                answer = api.request(method, path, raw=body)
                told = (answer.status_code, answer.get("WWW-Authenticate"))
                if told != (401, 'Bearer realm="org-billing"'):
                    wrong[method, path, body[:20]] = told
    assert wrong == {}


@guarded_by(order=body_first)
def test_nor_is_who_brings_wrong_credentials():
    api, wrong = ApiClient(token="obk_" + "0" * 38), {}
    for path in routes():
        for body in BODIES:
            answer = api.request("POST", path, raw=body)
            if (answer.status_code, json.loads(answer.content)["code"]) != (
                401,
                "authentication_failed",
            ):
                wrong[path, body[:20]] = answer.status_code
    assert wrong == {}


def test_every_endpoint_of_the_mission_is_looked_at():
    assert {path.removeprefix(f"/{API}") for path in routes()} >= {
        "subscriptions",
        f"subscriptions/{SOME_ID}",
        f"subscriptions/org/{SOME_ID}",
        f"credits/{SOME_ID}",
        f"credits/{SOME_ID}/add",
        f"credits/{SOME_ID}/allocate",
        f"credits/{SOME_ID}/usage",
        f"credits/user/{SOME_ID}",
        "credits/deduct",
        "billing/user",
        "billing/system",
        f"billing/org/{SOME_ID}",
        "organizations",
        f"organizations/{SOME_ID}/members",
    }
