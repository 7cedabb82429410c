"""Who may read the metrics, and what anybody else is told."""

import pytest

from orgbilling.metrics import snapshot
from orgbilling.metrics.view import FORWARDED

TOKEN = "0123456789abcdef-metrics"


@pytest.fixture(autouse=True)
def no_database(monkeypatch):
    """Who may read is decided without it."""
    monkeypatch.setattr(snapshot, "current", lambda: None)


def problem(answer, status, code):
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    return answer.json()["detail"]


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_read(client, peer):
    answer = client.get("/metrics", REMOTE_ADDR=peer)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert b"\norgbilling_database_up 0.0\n" in answer.content


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.0.2.7", "2001:db8::1", "", "unix:", "localhost"])
def test_without_a_token_nobody_else_may(client, peer):
    detail = problem(client.get("/metrics", REMOTE_ADDR=peer), 403, "permission_denied")
    assert "METRICS_TOKEN" in detail


@pytest.mark.parametrize("header", FORWARDED)
def test_a_proxy_on_this_machine_is_no_program_of_it(client, header):
    answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1", **{header: "127.0.0.1"})
    assert "to no proxy" in problem(answer, 403, "permission_denied")


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.7"])
def test_with_a_token_only_its_holder_may_wherever_they_are(client, settings, peer):
    settings.METRICS_TOKEN = TOKEN
    detail = problem(client.get("/metrics", REMOTE_ADDR=peer), 401, "not_authenticated")
    assert "METRICS_TOKEN" in detail
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    assert client.get("/metrics", REMOTE_ADDR=peer, **bearer).status_code == 200


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("Bearer " + TOKEN[:-1], "authentication_failed"),
        ("Bearer " + TOKEN + "x", "authentication_failed"),
        ("Bearer", "authentication_failed"),
        ("Bearer ünï", "authentication_failed"),
        ("Basic " + TOKEN, "not_authenticated"),
        (TOKEN, "not_authenticated"),
    ],
)
def test_another_token_is_refused(client, settings, given, code):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", HTTP_AUTHORIZATION=given)
    problem(answer, 401, code)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="org-billing"')


def test_metrics_are_read_and_nothing_else(client):
    answer = client.post("/metrics")
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"
    head = client.head("/metrics")
    assert head.status_code == 200
    assert head.content == b""


def test_no_rate_limit_counts_a_monitor(client, settings):
    settings.RATE_LIMIT_READS = "1/h"
    assert {client.get("/metrics").status_code for _ in range(3)} == {200}
