"""From an answer of 4xx or 5xx to the exception that stands for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from orgbilling_client import errors
from orgbilling_client.errors import ApiError, FieldError

_STANDARD: Final = frozenset({"type", "title", "status", "code", "detail", "request_id", "errors"})
_SHOWN_CHARACTERS: Final = 200


def _subclasses(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


#: The class of every code that this version knows.
BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    kind.problem: kind for kind in _subclasses(ApiError) if kind.problem
}
#: The class of a status, for codes that this version doesn't know.
BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: errors.BadRequest,
    401: errors.Unauthenticated,
    402: errors.PaymentRequired,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    409: errors.Conflict,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
    422: errors.Unprocessable,
    429: errors.RateLimited,
}


def problem_of(
    status: int, body: bytes, *, request_id: str | None, retry_after: float | None
) -> ApiError:
    """Return the exception for an answer, whether it is a problem document or a page of something between."""
    document = _document(body)
    if document is None:
        # Of a proxy's page only the beginning helps, and no markup of it is anybody's to render.
        shown = body.decode("utf-8", "replace").strip()[:_SHOWN_CHARACTERS]
        kind = _of_status(status)
        detail = f"Something before the service answered: {shown!r}"
        return kind(
            status, "", _phrase(status), detail, request_id=request_id, retry_after=retry_after
        )
    return problem_from(document, status=status, request_id=request_id, retry_after=retry_after)


def problem_from(
    document: Mapping[str, Any],
    *,
    status: int,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> ApiError:
    """Return the exception for a problem document, of an answer or of an item of a batch."""
    code = document["code"]
    kind = BY_CODE.get(code) or _of_status(status)
    own_id = document.get("request_id")
    return kind(
        status,
        code,
        str(document.get("title") or _phrase(status)),
        str(document.get("detail") or document.get("title") or _phrase(status)),
        request_id=own_id if isinstance(own_id, str) else request_id,
        errors=tuple(_field_errors(document.get("errors"))),
        retry_after=retry_after,
        extra={name: value for name, value in document.items() if name not in _STANDARD},
    )


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict) and isinstance(document.get("code"), str):
        return document
    return None


def _field_errors(entries: Any) -> Iterator[FieldError]:
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            field = entry.get("field")
            yield FieldError(
                field=field if isinstance(field, str) else None,
                code=str(entry.get("code", "")),
                detail=str(entry.get("detail", "")),
            )


def _of_status(status: int) -> type[ApiError]:
    return BY_STATUS.get(status) or (errors.ServerError if status >= 500 else ApiError)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
