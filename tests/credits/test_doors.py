"""Both doors answer, log and count alike: the short one differs in what it costs alone."""

import io
import json
import re
from contextlib import contextmanager

import pytest
from django.core import signals
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, transaction
from django.http import HttpResponse
from django.test import override_settings

from credits.models import Usage
from orgbilling.lib.metrics import REGISTRY
from orgbilling.web import doors
from tests.factories import make_key

BASE = "/api/v1/org-billing"
DEDUCT = f"{BASE}/credits/deduct"
#: What two charges differ in, and what a moment later reads differently.
OWN = re.compile(r'"(?:id|created_at|updated_at)":"[^"]*"|[rt]=\d+|[0-9a-f]{32}')
COUNTED = ("orgbilling_http_requests_total", "orgbilling_http_refusals_total")


@pytest.fixture(scope="module")
def short():
    return doors.Doors()


@pytest.fixture(scope="module")
def full():
    with override_settings(API_SHORT_DOOR=False):
        return doors.Doors()


@pytest.fixture(autouse=True)
def connected(monkeypatch):
    """The test's transaction goes on after a request, as it does with Django's own test client."""
    monkeypatch.setattr(doors, "give_back", lambda: None)
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def limited(settings):
    """Counted, as in production."""
    settings.RATE_LIMIT_SERVICE = settings.RATE_LIMIT_READS = settings.RATE_LIMIT_WRITES = "1000/m"


def environ(method, path, key, body=b"", **more):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_REQUEST_ID": "one-and-the-same",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **more,
    }


def called(door, asked):
    """Status, headers and body of an answer."""
    started = []
    answer = door(asked, lambda status, headers, _exc=None: started.append((status, headers)))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    ((status, headers),) = started
    kept = sorted((name, OWN.sub("", _ordered(value))) for name, value in headers)
    return status, kept, OWN.sub("", body.decode())


def _ordered(value):
    """A policy's directives, which are a set."""
    return "; ".join(sorted(value.split("; ")))


@contextmanager
def undone():
    """What happens inside leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def order(organization, user, **more):
    return {
        "org_id": str(organization.pk),
        "user_id": str(user.pk),
        "service_name": "contact_lookup",
        "credits": 7,
        **more,
    }


def calls(funded, bob, globex, key):
    """Ordinary calls, and a refusal of every kind, each as (method, path, body, further members)."""
    good = order(funded, bob)
    yield "POST", DEDUCT, good, {}
    yield "POST", DEDUCT, good, {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    yield "POST", DEDUCT, good, {"HTTP_ACCEPT": "text/html"}
    yield "POST", DEDUCT, good, {"CONTENT_TYPE": "text/plain"}
    yield "POST", DEDUCT, good, {"HTTP_IDEMPOTENCY_KEY": "a b"}
    yield "POST", DEDUCT, good, {"HTTP_HOST": "elsewhere.example"}
    yield "POST", DEDUCT, good, {"HTTP_X_REQUEST_ID": "no such\x01id"}
    yield "POST", DEDUCT, {**good, "credits": 10**6}, {}
    yield "POST", DEDUCT, {**good, "credits": -1, "more": 2}, {}
    yield "POST", DEDUCT, {**good, "credits": "7"}, {}
    yield "POST", DEDUCT, {**good, "service_name": "no_such", "quantity": 1}, {}
    yield "POST", DEDUCT, order(globex, bob), {}
    yield "POST", f"{DEDUCT}?dry_run=1", good, {}
    yield "POST", DEDUCT, b"{", {}
    yield "POST", DEDUCT, b"", {}
    yield "POST", DEDUCT, b"[1]", {}
    yield "POST", DEDUCT, b"x" * 300_000, {}
    yield "POST", DEDUCT, good, {"CONTENT_LENGTH": "none"}
    yield "POST", f"{DEDUCT}/", good, {}
    yield "GET", DEDUCT, b"", {}
    yield "HEAD", f"{BASE}/organizations", b"", {}
    yield "TRACE", DEDUCT, b"", {}
    yield "GET", f"{BASE}/organizations", b"", {}
    yield "GET", f"{BASE}/organizations?page_size=0", b"", {}
    yield "GET", f"{BASE}/no/such/address", b"", {}
    yield "GET", f"{BASE}/organizations/{funded.pk}/members", b"", {}
    yield "GET", f"{BASE}/organizations/{globex.pk}/members", b"", {}
    yield "GET", f"{BASE}/organizations/no-uuid/members", b"", {}
    yield "POST", DEDUCT, good, {"HTTP_AUTHORIZATION": "Bearer nonsense"}
    yield "POST", DEDUCT, good, {"HTTP_AUTHORIZATION": "Bearer "}
    yield "POST", DEDUCT, good, {"HTTP_AUTHORIZATION": f"bearer {key}"}
    yield "POST", DEDUCT, good, {"HTTP_AUTHORIZATION": "Bearer a.b.c"}
    yield "POST", DEDUCT, good, {"HTTP_AUTHORIZATION": "Basic YTpi"}
    yield "POST", DEDUCT, good, {"HTTP_COOKIE": "sessionid=none"}
    yield "POST", DEDUCT, good, {"HTTP_ORIGIN": "https://elsewhere.example"}
    yield "OPTIONS", DEDUCT, b"", {"HTTP_ORIGIN": "https://elsewhere.example"}


def counted():
    """Every answer and refusal counted so far."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name in COUNTED
    }


def watched(door, asked, caplog):
    """An answer, the events that it left and what was counted, all of it undone."""
    caplog.clear()
    before = counted()
    with undone():
        answer = called(door, asked)
    events = [
        {
            name: value
            for name, value in one.event_fields.items()
            if name not in {"duration_ms", "usage_id"}
        }
        | {"event": one.getMessage(), "level": one.levelname}
        for one in caplog.records
        if hasattr(one, "event_fields")
    ]
    grown = {name: value - before.get(name, 0) for name, value in counted().items()}
    return answer, events, {name: value for name, value in grown.items() if value}


@pytest.mark.django_db(databases=["default", "counters"])
@pytest.mark.usefixtures("limited")
def test_both_doors_answer_log_and_count_alike(short, full, funded, bob, globex, caplog):
    key = make_key(funded)[1]
    # Both know its counter and have noted its use.
    called(full, environ("GET", f"{BASE}/organizations", key))
    caplog.set_level("INFO")
    for method, path, body, more in calls(funded, bob, globex, key):
        by_short = watched(short, environ(method, path, key, body, **more), caplog)
        by_full = watched(full, environ(method, path, key, body, **more), caplog)
        assert by_short == by_full, (method, path, more)
        assert by_short[1], "each request has its line"
    assert not Usage.objects.exists()


@pytest.mark.django_db(databases=["default", "counters"])
def test_a_charge_takes_the_short_door(short, funded, bob, alpha_key, monkeypatch):
    taken = []
    monkeypatch.setattr(doors.WSGIHandler, "__call__", lambda *_args: taken.append("full") or [b""])
    status, headers, _body = called(short, environ("POST", DEDUCT, alpha_key, order(funded, bob)))
    assert (status, taken) == ("201 Created", [])
    assert dict(headers)["X-Request-ID"] == "one-and-the-same"
    assert Usage.objects.get().credits_used == 7


@pytest.mark.parametrize(
    "more",
    [
        {"HTTP_COOKIE": "a=b"},
        {"HTTP_ORIGIN": "https://app.example"},
        {"HTTP_AUTHORIZATION": "bearer obk_"},
        {"HTTP_AUTHORIZATION": "Basic YTpi"},
        {"PATH_INFO": "/admin/"},
        {"PATH_INFO": "/health"},
        {"REQUEST_METHOD": "OPTIONS"},
    ],
)
def test_what_is_unusual_takes_djangos_door(more):
    assert doors.takes_short_door(environ("POST", DEDUCT, "obk_x"))
    assert not doors.takes_short_door({**environ("POST", DEDUCT, "obk_x"), **more})


@pytest.mark.django_db(databases=["default", "counters"])
def test_a_stream_is_sent_whole_by_the_short_door(short, funded, alpha_key):
    path = f"{BASE}/credits/{funded.pk}/usage/export"
    status, headers, body = called(short, environ("GET", path, alpha_key))
    assert status == "200 OK"
    assert "text/csv" in dict(headers)["Content-Type"]
    assert body.startswith("id,")


def test_an_answer_that_varies_by_itself_says_both(short, monkeypatch):
    varying = HttpResponse(b"{}", headers={"Vary": "Accept"})
    monkeypatch.setattr(short.short, "_viewed", lambda _request: varying)
    _status, headers, _body = called(short, environ("GET", f"{BASE}/organizations", "obk_x"))
    assert [value for name, value in headers if name == "Vary"] == ["Accept, origin"]


def test_middleware_that_the_short_door_does_not_know_stops_the_start(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"]
    with pytest.raises(ImproperlyConfigured, match="GZipMiddleware"):
        doors.ShortDoor()
