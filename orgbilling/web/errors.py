"""Every failure as a problem document (RFC 9457): the one door from an exception to an HTTP answer.

Nothing here repeats an exception's text unless it was written for the caller: database messages,
paths and stack traces stay in the log, under the request id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import psycopg
import psycopg_pool
import structlog
from django.conf import settings
from django.core import exceptions as django_exceptions
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf

from orgbilling.database.watch import WATCH, State
from orgbilling.lib import sqlstate
from orgbilling.lib.connections import discard_dead
from orgbilling.lib.errors import (
    DatabaseUnavailable,
    NotFound,
    OrgBillingError,
    OutcomeUnknown,
    PermissionRefused,
)
from orgbilling.web.problems import PROBLEMS
from orgbilling.web.refusals import (
    BodyTooLarge,
    CountersUnavailable,
    FieldError,
    MalformedJson,
    MethodNotAllowed,
    RateLimited,
    ValidationRefused,
)
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response

logger = structlog.stdlib.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
REALM = "org-billing"

#: The HTTP status of every code.
STATUS: dict[str, int] = {code: problem.status for code, problem in PROBLEMS.items()}

_UNREACHABLE = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg_pool.PoolTimeout,
)
#: What may mean that the server was restarted under our pooled connections.
_LOST = frozenset({DatabaseUnavailable.code, OutcomeUnknown.code})
#: What an operator has to mend, by SQLSTATE; each is an error of a statement, whose transaction is undone.
_REASONS: dict[str, str] = {
    "53100": "The database has no disk space left. Nothing was changed; retry with the same idempotency key.",
    "53200": "The database has no memory left. Nothing was changed; retry with the same idempotency key.",
    "53300": "The database takes no more connections. Nothing was changed; retry with the same idempotency key.",
    "57P03": "The database is starting or stopping. Nothing was changed; retry with the same idempotency key.",
}
_UNREADABLE = "The request has text or numbers that can't be stored."


class Trouble(NamedTuple):
    """What an exception comes to: a code, a sentence for the caller, further members and headers."""

    code: str
    detail: str
    extra: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}


def type_url(code: str) -> str:
    """The problem type (RFC 9457, 3.1.1): an address that explains the code to people."""
    return f"{settings.PUBLIC_URL}/problems/{code}"


def problem_document(trouble: Trouble) -> dict[str, Any]:
    """The members of the problem document for ``trouble``, in the order of the contract."""
    problem = PROBLEMS[trouble.code]
    return {
        "type": type_url(trouble.code),
        "title": problem.title,
        "status": problem.status,
        "code": trouble.code,
        "detail": trouble.detail,
        "request_id": current_request_id(),
        **trouble.extra,
    }


def problem_of(exc: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and problem document of an exception, for an item of a batch that failed by itself."""
    trouble = understand(exc)
    return STATUS[trouble.code], problem_document(trouble)


def problem_response(
    code: str,
    detail: str | None = None,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Answer with the problem ``code``; ``detail`` defaults to what the catalogue says it means."""
    problem = PROBLEMS[code]
    document = problem_document(Trouble(code, detail or problem.meaning, extra or {}))
    response = json_response(
        document,
        problem.status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        content_type=PROBLEM_JSON,
    )
    # For the request's line in the log, and what the refusal is counted under.
    response.problem_code = code  # type: ignore[attr-defined]
    return response


def handle(exc: Exception, context: Mapping[str, Any] | None = None) -> HttpResponse:  # noqa: ARG001 - DRF passes it
    """DRF's ``EXCEPTION_HANDLER``: any exception becomes a problem document, never a 500 page in HTML."""
    trouble = understand(exc)
    if isinstance(exc, CountersUnavailable):
        # Looked after, and logged once an outage, by orgbilling.web.counting.
        return _answer(trouble)
    discard_if_lost(trouble)
    if STATUS[trouble.code] >= 500:
        _log(trouble, exc)
    return _answer(trouble)


def _answer(trouble: Trouble) -> HttpResponse:
    return problem_response(
        trouble.code, trouble.detail, extra=trouble.extra, headers=trouble.headers
    )


def discard_if_lost(trouble: Trouble) -> None:
    """Drop the pools' dead connections when the failure may be one of theirs."""
    if trouble.code in _LOST:
        discard_dead()


def _log(trouble: Trouble, exc: Exception) -> None:
    if trouble.code in _LOST and WATCH.state is not State.ANSWERING:
        # Said once by the watch; each request would only repeat where it was when it happened.
        logger.warning("request.unavailable", code=trouble.code, database=WATCH.state.value)
        return
    logger.error("request.failed", code=trouble.code, exc_info=exc)


def understand(exc: BaseException) -> Trouble:
    """What ``exc`` means to the caller; ``internal_error`` for whatever nobody foresaw."""
    if isinstance(exc, OrgBillingError):
        return _ours(exc)
    if isinstance(exc, drf.APIException):
        return _from_drf(exc)
    if isinstance(exc, DatabaseError | psycopg.Error | InterfaceError):
        return _from_database(exc)
    return _from_python(exc)


def _ours(exc: OrgBillingError) -> Trouble:
    headers: dict[str, str] = {}
    if isinstance(exc, MethodNotAllowed):
        headers["Allow"] = exc.allow
    if isinstance(exc, RateLimited):
        headers["Retry-After"] = str(exc.seconds)
    elif exc.retry_after is not None:
        headers["Retry-After"] = str(exc.retry_after)
    return Trouble(exc.code, exc.detail, exc.extra, headers)


def _from_drf(exc: drf.APIException) -> Trouble:
    if isinstance(exc, drf.ValidationError):
        return _ours(ValidationRefused(flatten(exc.get_full_details())))
    if isinstance(exc, drf.AuthenticationFailed):
        challenge = f'Bearer realm="{REALM}", error="invalid_token"'
        return Trouble(
            "authentication_failed", str(exc.detail), headers={"WWW-Authenticate": challenge}
        )
    if isinstance(exc, drf.NotAuthenticated):
        return Trouble(
            "not_authenticated",
            PROBLEMS["not_authenticated"].meaning,
            headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'},
        )
    for kind, code in _DRF_CODES.items():
        if isinstance(exc, kind):
            return Trouble(code, str(exc.detail))
    return _unforeseen()


_DRF_CODES: dict[type[drf.APIException], str] = {
    drf.PermissionDenied: "permission_denied",
    drf.NotFound: "not_found",
    drf.ParseError: "malformed_json",
    drf.MethodNotAllowed: "method_not_allowed",
    drf.NotAcceptable: "not_acceptable",
    drf.UnsupportedMediaType: "unsupported_media_type",
}


def _from_database(exc: BaseException) -> Trouble:
    error = sqlstate.domain_error(exc)
    if error is not None:
        return _ours(error)
    if isinstance(exc, _UNREACHABLE):
        return _ours(DatabaseUnavailable(_REASONS.get(sqlstate.of(exc) or "")))
    if isinstance(exc, DataError | psycopg.DataError):
        # The backstop behind the fields: a number or a text that PostgreSQL refuses is the caller's.
        logger.warning("request.refused_by_database", exc_info=exc)
        return _ours(ValidationRefused(detail=_UNREADABLE))
    return _unforeseen()


def _from_python(exc: BaseException) -> Trouble:
    if isinstance(exc, django_exceptions.ValidationError):
        return _ours(
            ValidationRefused(flatten(drf.ValidationError(exc.messages).get_full_details()))
        )
    if isinstance(exc, UnicodeError) or (isinstance(exc, ValueError) and "NUL" in str(exc)):
        logger.warning("request.unstorable", exc_info=exc)
        return _ours(ValidationRefused(detail=_UNREADABLE))
    for kinds, refusal in _PYTHON_REFUSALS:
        if isinstance(exc, kinds):
            return _ours(refusal())
    return _unforeseen()


# RequestDataTooBig is a SuspiciousOperation: the order matters.
_PYTHON_REFUSALS: tuple[
    tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[], OrgBillingError]], ...
] = (
    (Http404, NotFound),
    (django_exceptions.PermissionDenied, PermissionRefused),
    (RequestDataTooBig, lambda: BodyTooLarge(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
    ((SuspiciousOperation, django_exceptions.BadRequest), ValidationRefused),
    (RecursionError, MalformedJson),
)


def _unforeseen() -> Trouble:
    return Trouble("internal_error", PROBLEMS["internal_error"].meaning)


def flatten(details: Any, path: tuple[str, ...] = ()) -> list[FieldError]:
    """The tree of ``ValidationError.get_full_details()`` as a flat list with dotted field paths."""
    if isinstance(details, Mapping) and isinstance(details.get("message"), str):
        names = [name for name in path if name != "non_field_errors"]
        return [
            {
                "field": ".".join(names) or None,
                "code": str(details.get("code", "invalid")),
                "detail": str(details["message"]),
            }
        ]
    if isinstance(details, Mapping):
        return [
            error for key, value in details.items() for error in flatten(value, (*path, str(key)))
        ]
    if isinstance(details, list) and any(_is_branch(item) for item in details):
        return [
            error
            for index, item in enumerate(details)
            for error in flatten(item, (*path, str(index)))
        ]
    return [error for item in details for error in flatten(item, path)]


def _is_branch(item: Any) -> bool:
    """Whether a list's item is the errors of a child (a dict keyed by field) and not one error."""
    return isinstance(item, list) or (
        isinstance(item, Mapping) and not isinstance(item.get("message"), str)
    )


def method_not_allowed(method: str | None, allowed: Iterable[str]) -> HttpResponse:
    """Answer 405 for a view that isn't an ``ApiView``."""
    return handle(MethodNotAllowed(method, allowed))
