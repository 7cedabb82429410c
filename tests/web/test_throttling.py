"""Rate limits: exact, per caller, and told in headers on every answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import Client

from orgbilling.web import counting
from orgbilling.web.counters import CountersCache
from orgbilling.web.throttling import parse_rate
from tests.api_client import problem

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])


NOW = 1_795_363_200.0


@pytest.fixture(autouse=True)
def _limits(settings, _own_views, monkeypatch):
    settings.RATE_LIMIT_READS = "5/h"
    settings.RATE_LIMIT_WRITES = "3/h"
    settings.RATE_LIMIT_SERVICE = "7/h"
    caches["counters"].clear()
    # Whatever another test's store went through.
    monkeypatch.setattr(counting, "_store", counting.Store())
    # One window for the whole test: a fixed window's edge may not pass between two requests.
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: NOW))


def post(http, headers, path="/api/things"):
    return http.post(path, b"{}", "application/json", headers=headers)


def test_headers_count_down_and_then_429(http, alice):
    left = []
    for _ in range(3):
        answer = post(http, alice)
        assert answer.status_code == 201
        assert answer["RateLimit-Policy"] == '"write";q=3;w=3600'
        left.append(answer["RateLimit"].split(";")[1])
    assert left == ["r=2", "r=1", "r=0"]
    refused = post(http, alice)
    document = problem(refused, 429, "rate_limited")
    assert (document["policy"], document["limit"], document["window_seconds"]) == ("write", 3, 3600)
    seconds = int(refused["Retry-After"])
    assert 1 <= seconds <= 3600
    assert refused["RateLimit"] == f'"write";r=0;t={seconds}'


def test_reads_writes_and_callers_have_their_own_budgets(http, alice):
    for _ in range(4):
        last = post(http, alice)
    assert last.status_code == 429
    assert http.get("/api/things", headers=alice)["RateLimit"].startswith('"read";r=4;')
    assert post(http, {"Authorization": "Bearer service-2"}).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_are_reads(http, alice, method):
    answer = http.generic(method, "/api/things", headers=alice)
    assert answer["RateLimit"].startswith('"read";r=4;')


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/fail/bug", 500),
        ("GET", "/api/fail/missing", 404),
        ("GET", "/api/things/nonsense", 404),
        ("GET", "/api/things?nope=1", 400),
        ("PUT", "/api/things", 405),
        ("GET", "/api/things", 401),
    ],
)
def test_refusals_carry_the_headers_too(http, alice, method, path, status):
    headers = {} if status == 401 else alice
    answer = http.generic(method, path, headers=headers)
    assert answer.status_code == status
    assert "RateLimit" in answer.headers
    assert "RateLimit-Policy" in answer.headers


def test_429_comes_before_403_and_the_body(http):
    bob = {"Authorization": "Bearer bob"}
    statuses = [http.post("/api/things", b"{", "a/b", headers=bob).status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]


def test_services_have_a_budget_where_the_view_gives_one(http, service):
    statuses = [post(http, service).status_code for _ in range(8)]
    assert statuses == [201] * 7 + [429]
    assert post(http, service)["RateLimit-Policy"] == '"service";q=7;w=3600'
    elsewhere = http.get("/api/users", headers=service)
    assert elsewhere["RateLimit"].startswith('"read";r=4;')


def test_a_person_never_uses_the_services_budget(http, alice):
    assert post(http, alice)["RateLimit-Policy"] == '"write";q=3;w=3600'


def test_wrong_credentials_count_per_address(http, alice):
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [post(http, wrong).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    # Another address, and who is known at the same one, are not held responsible.
    other = http.get("/api/things", headers=wrong, REMOTE_ADDR="203.0.113.9")
    assert other.status_code == 401
    assert http.get("/api/things", headers=alice).status_code == 200


def test_no_credentials_are_401_however_often(http):
    statuses = {http.get("/api/things").status_code for _ in range(12)}
    assert statuses == {401}
    assert http.get("/api/things")["RateLimit"].startswith('"read";r=5;')


def test_anonymous_calls_of_public_views_count_per_address(http):
    statuses = [http.get("/api/public").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert http.get("/api/public", REMOTE_ADDR="203.0.113.9").status_code == 200


def test_monitors_are_not_limited(http):
    assert {http.get("/health").status_code for _ in range(12)} == {200}


def test_a_forged_forwarded_address_changes_nothing(http):
    statuses = [
        http.get("/api/public", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
        for n in range(6)
    ]
    assert statuses == [200] * 5 + [429]


def test_an_empty_limit_is_none(http, alice, settings):
    settings.RATE_LIMIT_WRITES = ""
    answers = [post(http, alice) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    assert "RateLimit" not in answers[0].headers


def test_exact_under_threads(settings):
    settings.RATE_LIMIT_WRITES = "20/h"
    gate = threading.Barrier(8)

    def call(_):
        gate.wait()
        try:
            http = Client(raise_request_exception=False)
            headers = {"Authorization": "Bearer alice"}
            return [post(http, headers).status_code for _ in range(10)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for some in pool.map(call, range(8)) for status in some]
    assert statuses.count(201) == 20
    assert statuses.count(429) == 60


def test_counting_is_one_statement_in_the_steady_state(http, alice, django_assert_num_queries):
    post(http, alice)
    with django_assert_num_queries(1, using="counters"):
        post(http, alice)


def test_a_lost_database_is_503_and_not_a_free_pass(http, alice, monkeypatch):
    def lost(*_, **__):
        raise connections["counters"].Database.OperationalError

    monkeypatch.setattr("orgbilling.web.counters.CountersCache._one", lost)
    answer = post(http, alice)
    problem(answer, 503, "database_unavailable")
    assert answer["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [
        ("20/m", (20, 60)),
        ("6000/m", (6000, 60)),
        ("1/10s", (1, 10)),
        ("5/2h", (5, 7200)),
        ("", None),
    ],
)
def test_rates(rate, parsed):
    assert parse_rate(rate) == parsed


@pytest.mark.parametrize("rate", ["20", "m/20", "20/0m", "20/w", "-1/m", "1.5/m"])
def test_rates_that_mean_nothing(rate):
    with pytest.raises(ValueError, match="not a rate"):
        parse_rate(rate)


def test_a_limit_that_means_nothing_stops_the_start(settings):
    settings.RATE_LIMIT_SERVICE = "lots"
    with pytest.raises(ImproperlyConfigured, match="RATE_LIMIT_SERVICE: 'lots' is not a rate"):
        apps.get_app_config("web").ready()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_addresses_that_lead_nowhere_are_counted_too(http, method):
    policy, limit = ("read", 5) if method == "GET" else ("write", 3)
    answers = [http.generic(method, f"/api/v1/org-billing/none{n}") for n in range(limit + 1)]
    assert [answer.status_code for answer in answers] == [404] * limit + [429]
    problem(answers[0], 404, "not_found")
    assert answers[0]["RateLimit"].startswith(f'"{policy}";r={limit - 1};')


def test_nobody_has_to_sign_in_to_learn_that_an_address_leads_nowhere(http):
    answer = http.get("/api/nothing")
    problem(answer, 404, "not_found")
    assert answer["RateLimit"].startswith('"read";r=4;')


def test_the_seconds_told_are_those_until_the_window_ends(http, alice, monkeypatch):
    """A caller that waits exactly so long is served, one that comes a second earlier is not."""
    for _ in range(4):
        refused = post(http, alice)
    seconds = int(refused["Retry-After"])
    for later, status in ((seconds - 1, 429), (seconds, 201)):
        clock = SimpleNamespace(time=lambda later=later: NOW + later)
        monkeypatch.setattr("django_ratelimit.core.time", clock)
        assert post(http, alice).status_code == status


def test_a_lost_database_is_waved_through_if_limits_fail_open(http, alice, monkeypatch, settings):
    def lost(*_, **__):
        raise connections["counters"].Database.OperationalError

    settings.RATE_LIMIT_FAIL = "open"
    monkeypatch.setattr("orgbilling.web.counters.CountersCache._one", lost)
    answers = [post(http, alice) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    assert "RateLimit" not in answers[0].headers


def test_a_counter_that_is_lost_while_it_is_counted_begins_anew(http, alice, monkeypatch):
    """Somebody empties the store between the two questions."""
    monkeypatch.setattr("orgbilling.web.counters.KNOWN_KEYS_MAX", 0)
    post(http, alice)
    add = CountersCache.add
    lost = iter([True])

    def add_then_lose(self, key, *given, **options):
        made = add(self, key, *given, **options)
        if next(lost, False):
            self.delete(key)
        return made

    monkeypatch.setattr(CountersCache, "add", add_then_lose)
    answer = post(http, alice)
    assert answer.status_code == 201
    assert answer["RateLimit"].startswith('"write";r=2;')


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://localhost:6379/0", "redis://host:port/0"]
)
def test_a_store_that_means_nothing_stops_the_start(settings, url):
    settings.REDIS_URL = url
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL must look like redis://") as caught:
        apps.get_app_config("web").ready()
    assert url not in str(caught.value)
