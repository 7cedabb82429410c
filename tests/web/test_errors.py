"""Every failure is a problem document, inside our views and outside, and tells no secrets."""

import json
import logging

import pytest
from django.test import Client
from rest_framework import exceptions, serializers

from orgbilling.lib.errors import OrgBillingError
from orgbilling.web.errors import STATUS, flatten, problem_of
from orgbilling.web.problems import PROBLEMS
from tests.api_client import problem
from tests.web.urls import DomainError, ThingSerializer

#: What an exception comes to, whoever raises it where.
EXPECTED = {
    "domain": (402, "insufficient_credits"),
    "missing": (404, "not_found"),
    "forbidden": (403, "permission_denied"),
    "suspicious": (400, "validation_error"),
    "lost": (503, "database_unavailable"),
    "interface": (503, "database_unavailable"),
    "psycopg": (503, "database_unavailable"),
    "data": (400, "validation_error"),
    "nul": (400, "validation_error"),
    "unicode": (400, "validation_error"),
    "recursion": (400, "malformed_json"),
    "bug": (500, "internal_error"),
    "drf_404": (404, "not_found"),
    "drf_parse": (400, "malformed_json"),
}
SECRETS = ("hunter2", "10.0.0.7", "secret", "bigint", "Traceback", "0x00")


@pytest.mark.parametrize("kind", EXPECTED)
def test_inside_a_view(http, alice, kind):
    answer = http.get(f"/api/fail/{kind}", headers=alice)
    problem(answer, *EXPECTED[kind])
    assert not [secret for secret in SECRETS if secret in answer.content.decode()]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["missing", "forbidden", "suspicious", "lost", "psycopg", "bug"])
def test_outside_of_our_views(http, kind):
    answer = http.get(f"/plain?kind={kind}")
    problem(answer, *EXPECTED[kind])
    assert not [secret for secret in SECRETS if secret in answer.content.decode()]


@pytest.mark.parametrize(
    ("kind", "status"), [("missing", 404), ("forbidden", 403), ("suspicious", 400), ("bug", 500)]
)
def test_the_administration_site_keeps_pages(http, kind, status):
    answer = http.get(f"/admin/plain?kind={kind}")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert "hunter2" not in answer.content.decode()


def test_503_says_when_to_retry(http, alice):
    assert http.get("/api/fail/lost", headers=alice)["Retry-After"] == "1"
    assert http.get("/plain?kind=lost")["Retry-After"] == "1"


def test_extra_members_stand_beside_the_standard_ones(http, alice):
    answer = http.get("/api/fail/domain", headers={**alice, "X-Request-ID": "abc"})
    assert json.loads(answer.content) == {
        "type": "http://127.0.0.1:8084/problems/insufficient_credits",
        "title": "Insufficient credits",
        "status": 402,
        "code": "insufficient_credits",
        "detail": "Too few.",
        "request_id": "abc",
        "requested": 50,
        "remaining": 40,
    }


def test_an_unforeseen_error_is_logged_with_its_cause(http, alice, caplog):
    with caplog.at_level(logging.ERROR, logger="orgbilling.web.errors"):
        http.get("/api/fail/bug", headers=alice)
    (record,) = [item for item in caplog.records if item.name == "orgbilling.web.errors"]
    assert "hunter2" in str(record.exc_info[1])


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/v1/org-billing/", "/api/v1/org-billing/nothing", "/%00", "/%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_without_sign_in(http, method, path):
    problem(http.generic(method, path), 404, "not_found")


def test_a_foreign_host_is_400(http):
    problem(http.get("/api/public", headers={"Host": "evil.example"}), 400, "validation_error")


def test_form_data_over_the_limit_is_413(http, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/plain", b"a=" + b"b" * 20, "application/x-www-form-urlencoded")
    problem(answer, 413, "body_too_large")


def test_a_write_without_its_csrf_token_is_403():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    problem(client.post("/plain"), 403, "permission_denied")
    assert client.post("/admin/plain")["Content-Type"].startswith("text/html")


def test_the_status_map_has_every_code_of_the_contract():
    assert {code: STATUS[code] for code in sorted(STATUS)} == {
        "account_limit_exceeded": 409,
        "allocation_inactive": 422,
        "already_member": 409,
        "authentication_failed": 401,
        "body_too_large": 413,
        "database_unavailable": 503,
        "endpoint_disabled": 409,
        "endpoint_limit_exceeded": 409,
        "hold_amount_exceeded": 409,
        "hold_not_pending": 409,
        "idempotency_key_reused": 422,
        "insufficient_credits": 402,
        "insufficient_pool_credits": 402,
        "internal_error": 500,
        "invalid_signature": 400,
        "last_owner": 409,
        "malformed_json": 400,
        "method_not_allowed": 405,
        "no_allocation": 404,
        "no_credit_pool": 404,
        "not_a_member": 422,
        "not_acceptable": 406,
        "not_authenticated": 401,
        "not_found": 404,
        "organization_suspended": 422,
        "outcome_unknown": 503,
        "payment_provider_unavailable": 503,
        "permission_denied": 403,
        "rate_limited": 429,
        "refund_exceeds_usage": 409,
        "request_in_progress": 409,
        "subscription_canceled": 409,
        "subscription_exists": 409,
        "subscription_inactive": 422,
        "unknown_field": 400,
        "unknown_service": 422,
        "unsupported_media_type": 415,
        "validation_error": 400,
    }


def _all_errors(kind=OrgBillingError):
    return {kind, *(below for child in kind.__subclasses__() for below in _all_errors(child))}


def test_every_error_class_has_a_status_and_the_catalogue_s_title():
    for error in _all_errors():
        assert error.code in STATUS, error
        assert error.title == PROBLEMS[error.code].title, error


def test_problem_of_serves_items_of_a_batch():
    status, document = problem_of(DomainError("Too few.", remaining=1))
    assert status == 402
    assert document["code"] == "insufficient_credits"
    assert document["remaining"] == 1


def test_paths_of_nested_errors():
    checked = ThingSerializer(
        data={"credits": 0, "inner": {}, "items": [{"credits": 1}, {"credits": "1"}]}
    )
    assert not checked.is_valid()
    errors = flatten(exceptions.ValidationError(checked.errors).get_full_details())
    assert [error["field"] for error in errors] == ["credits", "inner.credits", "items.1.credits"]


def test_errors_of_the_whole_body_have_no_field():
    class Picky(serializers.Serializer):
        def validate(self, values):
            raise serializers.ValidationError("Exactly one of them.", code="one_of")

    with pytest.raises(serializers.ValidationError) as caught:
        Picky(data={}).is_valid(raise_exception=True)
    assert flatten(caught.value.get_full_details()) == [
        {"field": None, "code": "one_of", "detail": "Exactly one of them."}
    ]


@pytest.mark.parametrize(
    ("body", "unknown"),
    [
        ({"credts": 1}, ["credts"]),
        ({"credits": "bad", "b": 1, "a": 2}, ["a", "b"]),
        ({"id": "1"}, ["id"]),
        ({"inner": {"credits": 1, "x": 2}}, ["inner.x"]),
        ({"items": [{"credits": 1}, {"y": 2}]}, ["items.y"]),
    ],
)
def test_unknown_fields(http, alice, body, unknown):
    answer = http.post("/api/things", json.dumps(body), "application/json", headers=alice)
    document = problem(answer, 400, "unknown_field")
    assert document["unknown_fields"] == unknown
    assert "errors" not in document


def test_many_unknown_fields_are_not_repeated_at_length(http, alice):
    body = {f"{number:03d}" + "x" * 500: 1 for number in range(300)}
    answer = http.post("/api/things", json.dumps(body), "application/json", headers=alice)
    assert len(problem(answer, 400, "unknown_field")["unknown_fields"]) == 20
    assert len(answer.content) < 8_000
