"""Documentation and problem pages, and whether the service is well."""

import re

import pytest
from django.db import OperationalError

from orgbilling.web import health
from orgbilling.web.problems import PROBLEMS
from tests.api_client import ok, problem

databases = pytest.mark.django_db(databases=["default", "counters"])


def test_health_asks_nobody(http):
    """Runs without access to a database."""
    assert ok(http.get("/health")) == {"status": "ok"}


@databases
def test_ready(http):
    assert ok(http.get("/ready")) == {
        "status": "ready",
        "checks": {
            "database": {"status": "ok"},
            "migrations": {"status": "ok"},
            "counters": {"status": "ok"},
        },
    }


@databases
@pytest.mark.parametrize(
    ("failing", "named"),
    [
        # Nobody waits twice for a database that doesn't answer.
        ("database", ["database", "migrations"]),
        ("migrations", ["migrations"]),
        ("counters", ["counters"]),
    ],
)
def test_not_ready_names_what_fails(http, monkeypatch, failing, named):
    def lost():
        raise OperationalError("no route to 10.0.0.7")

    monkeypatch.setitem(health.CHECKS, failing, lost)
    answer = http.get("/ready")
    assert answer.status_code == 503
    document = answer.json()
    assert document["status"] == "not_ready"
    failed = [name for name, check in document["checks"].items() if check["status"] != "ok"]
    assert failed == named
    assert "10.0.0.7" not in answer.content.decode()


@databases
def test_a_missing_migration_is_not_ready(monkeypatch):
    assert health.migrations_applied()
    more = health._migrations_of_the_code() | {("credits", "9999_tomorrow")}
    monkeypatch.setattr(health, "_migrations_of_the_code", lambda: more)
    assert not health.migrations_applied()


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/api/schema", "/api/docs", "/problems/not_found"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_405(http, path, method):
    answer = http.generic(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"


def test_docs_come_from_here_alone_and_run_no_inline_script(http):
    page = http.get("/api/docs", headers={"Accept": "text/html"})
    html = page.content.decode()
    assert page.status_code == 200
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    assert all(
        re.search(r"<script src=\"/[^\"]+\"></script>", tag)
        for tag in re.findall(r"<script.*", html)
    )
    assert "<style" not in html
    assert "onload" not in html
    assert "script-src 'self';" in page["Content-Security-Policy"]
    assert "default-src 'none'" in page["Content-Security-Policy"]


def test_everything_that_docs_load_exists(http):
    html = http.get("/api/docs").content.decode()
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', html)
    assert len(loaded) >= 6
    for url in loaded:
        answer = http.get(url.replace("&amp;", "&"))
        assert answer.status_code == 200, url
        assert b"".join(answer) if answer.streaming else answer.content


def test_the_script_of_the_docs_loads_the_schema(http):
    script = http.get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert 'url: "/api/schema"' in script.content.decode()


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_a_page(http, code):
    page = http.get(f"/problems/{code}")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    html = page.content.decode()
    assert PROBLEMS[code].title in html
    assert "`" not in html
    assert "default-src 'none'" in page["Content-Security-Policy"]


@pytest.mark.parametrize("code", ["nothing", "%00", "NOT_FOUND", "<script>"])
def test_no_page_of_other_codes(http, code):
    problem(http.get(f"/problems/{code}"), 404, "not_found")
