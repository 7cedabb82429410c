"""Every problem of the service has its class, and what isn't known the class of its status."""

import json
import pickle

import orgbilling_client
import pytest
from orgbilling_client import errors
from orgbilling_client.problems import BY_CODE, BY_STATUS, problem_of

from orgbilling.web.problems import PROBLEMS


def test_every_code_of_the_service_has_a_class_and_no_other():
    assert BY_CODE.keys() == PROBLEMS.keys()


@pytest.mark.parametrize("code", PROBLEMS)
def test_a_code_is_of_its_status(code):
    status = PROBLEMS[code].status
    kind = BY_CODE[code]

    assert issubclass(kind, BY_STATUS.get(status, errors.ServerError))
    assert getattr(orgbilling_client, kind.__name__) is kind


@pytest.mark.parametrize("code", PROBLEMS)
def test_a_problem_document_becomes_its_class(code):
    status = PROBLEMS[code].status
    body = {
        "code": code,
        "title": "A title",
        "detail": "A sentence.",
        "status": status,
        "request_id": "r",
        "errors": [{"field": "credits", "code": "min_value", "detail": "Too small."}],
        "requested": 50,
        "why": {"refused_by": "allocation"},
    }
    error = problem_of(status, json.dumps(body).encode(), request_id="other", retry_after=3)

    assert type(error) is BY_CODE[code]
    assert (error.status, error.code, error.title) == (status, code, "A title")
    assert str(error) == f"A sentence. ({status} {code})"
    assert error.errors == (errors.FieldError("credits", "min_value", "Too small."),)
    assert error.extra == {"requested": 50, "why": {"refused_by": "allocation"}}
    assert (error.request_id, error.retry_after) == ("r", 3)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (422, errors.Unprocessable),
        (429, errors.RateLimited),
        (418, errors.ApiError),
        (500, errors.ServerError),
        (599, errors.ServerError),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\x00",
        b"[]",
        b'{"error": "no code"}',
        b'{"code": 7}',
        b'{"code": "new"}',
    ],
)
def test_whatever_is_answered_becomes_the_class_of_its_status(status, kind, body):
    error = problem_of(status, body, request_id="r", retry_after=None)

    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)


def test_what_a_document_gets_wrong_is_left_out():
    body = {
        "code": "insufficient_credits",
        "why": 7,
        "requested": True,
        "errors": [1, {}],
        "detail": None,
    }
    error = problem_of(402, json.dumps(body).encode(), request_id=None, retry_after=None)

    assert isinstance(error, errors.InsufficientCredits)
    assert (error.why, error.requested, error.remaining) == ({}, None, None)
    assert error.errors == (errors.FieldError(None, "", ""),)
    assert error.detail


def test_errors_can_be_handed_to_another_process():
    refused = problem_of(
        402, b'{"code": "insufficient_credits", "remaining": 3}', request_id="r", retry_after=None
    )
    lost = errors.TimedOut("Too slow.", sent=True)
    lost.idempotency_key, lost.may_have_acted = "k", True

    for error in (refused, lost):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), vars(copy)) == (str(error), vars(error))
