"""The errors that every app may raise; each has a stable ``code`` and says what would fix it.

Nothing here knows HTTP: ``orgbilling.web.errors`` is the one place that maps a code to a status.
"""

from __future__ import annotations

from typing import Any, ClassVar


class OrgBillingError(Exception):
    """A refusal with a stable code.

    Args:
        detail: one sentence for the caller; the class default when omitted.
        extra: members added beside the standard ones of the problem document.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    default_detail: ClassVar[str] = "The request could not be completed."
    #: True when the outcome is final for an idempotency key although nothing was moved.
    stored: ClassVar[bool] = False
    #: Seconds after which the same request may be sent again; None when retrying can't help.
    retry_after: ClassVar[int | None] = None

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or self.default_detail
        self.extra = extra
        super().__init__(self.detail)


class LimitReached(OrgBillingError):
    """A refusal by one of the limits that a request is held against. Extra: ``why``.

    ``why`` has the same members in every refusal: ``evaluated`` (the limits in the order in which they were looked
    at, each with ``passed``), ``refused_by``, ``resets_at`` (when the limit changes by itself; null: never),
    ``raised_by`` (who can change it) and ``fix``.
    """

    #: The limits looked at, in order; the last one refuses.
    limits: ClassVar[tuple[str, ...]] = ()
    raised_by: ClassVar[tuple[str, ...]] = ()
    fix: ClassVar[str] = ""

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail, **{**extra, "why": extra.get("why") or self.why()})

    def why(self) -> dict[str, Any]:
        """What the class alone can say."""
        *passed, refused_by = self.limits
        evaluated = [{"limit": name, "passed": True} for name in passed]
        return {
            "evaluated": [*evaluated, {"limit": refused_by, "passed": False}],
            "refused_by": refused_by,
            "resets_at": None,
            "raised_by": list(self.raised_by),
            "fix": self.fix,
        }


class NotFound(OrgBillingError):
    """The thing named in the request does not exist for this caller."""

    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing here under that id."


class PermissionRefused(OrgBillingError):
    """The caller is known, but may not do this."""

    code = "permission_denied"
    title = "Permission denied"
    default_detail = "You may not do this."


class InvalidRequest(OrgBillingError):
    """A rule on one field that only the domain can check.

    Args:
        field: the body field or header that broke the rule.
        rule: the short code of the rule, ``invalid`` when nothing fits better.
    """

    code = "validation_error"
    title = "Invalid request"
    default_detail = "The request has a field that can't be accepted."

    def __init__(self, field: str, detail: str, rule: str = "invalid") -> None:
        super().__init__(errors=[{"field": field, "code": rule, "detail": detail}])


class IdempotencyKeyReused(LimitReached):
    """The key was used before with another body."""

    limits = ("idempotency_key",)
    raised_by = ("caller",)
    fix = "Send the request with a new key; or, to repeat the first one, send exactly what was sent then."

    code = "idempotency_key_reused"
    title = "Idempotency key reused"
    default_detail = "This idempotency key was used before with a different request. Use a new key for a new request."


class RequestInProgress(OrgBillingError):
    """The first request with this key has not finished."""

    code = "request_in_progress"
    title = "Request in progress"
    default_detail = "A request with this idempotency key is still being processed. Retry shortly with the same key."
    retry_after = 1


class DatabaseUnavailable(OrgBillingError):
    """The database can't serve the request now; nothing was changed."""

    code = "database_unavailable"
    title = "Database unavailable"
    default_detail = (
        "The database can't serve the request at the moment. Nothing was changed; "
        "retry with the same idempotency key."
    )
    retry_after = 1


class OutcomeUnknown(OrgBillingError):
    """The connection was lost while committing: the change may or may not have happened."""

    code = "outcome_unknown"
    title = "Outcome unknown"
    default_detail = (
        "The connection to the database was lost while committing. The change may have happened: "
        "retry with the same idempotency key to find out without doing it twice."
    )
    retry_after = 1
