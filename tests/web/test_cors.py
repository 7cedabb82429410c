"""Scripts of other origins: those that are named may read, and nobody else is told anything."""

import pytest

NAMED = "https://app.example.com"
#: Everything that a careless comparison would let through.
FOREIGN = [
    "https://evil.example",
    "null",
    "",
    "*",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://evil.app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.co",
    "https://app-example.com",
    "https://example.com",
    "https://app.example.com%60.evil.example",
    "https://app.example.com, https://evil.example",
    "file://",
    "app.example.com",
]


@pytest.fixture(autouse=True)
def named(settings):
    settings.CORS_ALLOWED_ORIGINS = [NAMED]
    settings.CORS_ALLOW_CREDENTIALS = True


def headers(answer):
    return {name for name in answer.headers if name.lower().startswith("access-control-")}


def preflight(http, origin, method="POST"):
    return http.options(
        "/api/things",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization",
        },
    )


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_origin_gets_no_header_at_all(http, alice, origin):
    assert headers(preflight(http, origin)) == set()
    for method in ("GET", "POST"):
        answer = http.generic(method, "/api/things", headers={**alice, "Origin": origin})
        assert headers(answer) == set()


def test_the_named_origin_is_answered_by_its_name(http, alice):
    asked = preflight(http, NAMED)
    assert asked["Access-Control-Allow-Origin"] == NAMED
    assert "authorization" in asked["Access-Control-Allow-Headers"]
    answer = http.get("/api/things", headers={**alice, "Origin": NAMED})
    assert answer["Access-Control-Allow-Origin"] == NAMED
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert "X-Request-ID" in answer["Access-Control-Expose-Headers"]
    # A cache must not hand one origin's answer to another.
    assert "origin" in answer["Vary"].lower()


@pytest.mark.parametrize("path", ["/admin/login/", "/health", "/problems/not_found"])
def test_what_is_no_api_is_open_to_no_origin(http, path):
    assert headers(http.get(path, headers={"Origin": NAMED})) == set()


def test_by_default_there_is_none(http, alice, settings):
    settings.CORS_ALLOWED_ORIGINS = []
    settings.CORS_ALLOW_CREDENTIALS = False
    assert headers(preflight(http, NAMED)) == set()
    assert headers(http.get("/api/things", headers={**alice, "Origin": NAMED})) == set()


def test_no_pattern_and_no_wildcard_is_configured(settings):
    assert not getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False)
    assert not getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", [])
