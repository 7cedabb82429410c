"""What the web floor itself refuses, as errors with the codes of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from orgbilling.lib.errors import DatabaseUnavailable, OrgBillingError


class FieldError(TypedDict):
    """One broken rule. ``field`` is a dotted path (``items.3.credits``), None for the whole body."""

    field: str | None
    code: str
    detail: str


class ValidationRefused(OrgBillingError):
    """One or more fields, query parameters or headers break rules.

    Args:
        errors: every broken rule.
        detail: the sentence of the whole; made from the first rules when omitted.
    """

    code = "validation_error"
    title = "Invalid request"
    default_detail = "The request has values that can't be accepted."

    def __init__(self, errors: Iterable[FieldError] = (), detail: str | None = None) -> None:
        listed = list(errors)
        super().__init__(detail or _sentence(listed), errors=listed)


class UnknownField(OrgBillingError):
    """The body has fields that the operation doesn't know (or that are read-only).

    Args:
        names: the fields, as dotted paths.
    """

    code = "unknown_field"
    title = "Unknown field"

    def __init__(self, names: Iterable[str]) -> None:
        listed = sorted(names)
        # A megabyte of misspelt names is not worth repeating.
        shown = [name[:100] for name in listed[:20]]
        quoted = ", ".join(f"“{name}”" for name in shown)
        super().__init__(f"Unknown in the body: {quoted}. Nothing was done.", unknown_fields=shown)


class MalformedJson(OrgBillingError):
    """The body is not strict JSON."""

    code = "malformed_json"
    title = "Malformed JSON"
    default_detail = "The body is not strict JSON in UTF-8."


class BodyTooLarge(OrgBillingError):
    """The body is larger than the operation takes.

    Args:
        limit: the largest body in bytes.
    """

    code = "body_too_large"
    title = "Body too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have at most {limit} bytes.", max_bytes=limit)


class UnsupportedMediaType(OrgBillingError):
    """The body is not declared as plain JSON."""

    code = "unsupported_media_type"
    title = "Unsupported media type"
    default_detail = "Send the body as uncompressed application/json in UTF-8."


class NotAcceptable(OrgBillingError):
    """The Accept header excludes everything that could be answered."""

    code = "not_acceptable"
    title = "Not acceptable"

    def __init__(self, produces: str) -> None:
        super().__init__(f"This address answers with {produces} and application/problem+json.")


class MethodNotAllowed(OrgBillingError):
    """The address exists, but doesn't know the method.

    Args:
        method: what was asked for.
        allowed: the methods it knows, for the Allow header.
    """

    code = "method_not_allowed"
    title = "Method not allowed"

    def __init__(self, method: str | None, allowed: Iterable[str]) -> None:
        self.allow = ", ".join(allowed)
        super().__init__(f"{method} is not among the methods of this address: {self.allow}.")


class RateLimited(OrgBillingError):
    """The caller's budget for this window of time is spent.

    Args:
        policy: ``read``, ``write`` or ``service``.
        limit: requests in a window.
        window_seconds: the window's length.
        retry_after: seconds until the next window, at least 1.
    """

    code = "rate_limited"
    title = "Rate limited"

    def __init__(self, policy: str, limit: int, window_seconds: int, retry_after: int) -> None:
        self.seconds = retry_after
        extra: dict[str, Any] = {"policy": policy, "limit": limit, "window_seconds": window_seconds}
        super().__init__(
            f"More than {limit} {policy} requests in {window_seconds} seconds. "
            f"Retry in {retry_after} seconds.",
            **extra,
        )


class CountersUnavailable(DatabaseUnavailable):
    """The request can't be counted, and ``RATE_LIMIT_FAIL`` is ``closed``: it isn't served uncounted."""

    default_detail = (
        "Requests can't be counted at the moment, and none is served uncounted. Nothing was "
        "changed; retry with the same idempotency key."
    )


def _sentence(errors: list[FieldError]) -> str | None:
    if not errors:
        return None
    first = errors[0]
    place = f"{first['field']}: " if first["field"] else ""
    rest = f" ({len(errors) - 1} more in errors.)" if len(errors) > 1 else ""
    return f"{place}{first['detail']}{rest}"
