"""What can go wrong, as classes: one for each code of the service's problem documents.

The hierarchy is by what a caller can do: :class:`ApiError` has an answer of the service and :class:`TransportError`
has none. A code that this version doesn't know becomes the class of its HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class OrgBillingError(Exception):
    """Anything that this package raises on purpose.

    Attributes:
        request_id: under which the service logged the call; the client's own when no answer came.
        idempotency_key: repeat the call with it, and nothing is done twice; None where the call had none.
        may_have_acted: whether the service may have done what was asked for although this was raised.
        attempts: how often the call was sent; 0 when it wasn't.
    """

    request_id: str | None = None
    idempotency_key: str | None = None
    may_have_acted: bool = False
    attempts: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their arguments, which here aren't those of __init__: pools of processes and
        # queues of tasks hand them over.
        return _rebuilt, (type(self), self.args, self.__dict__)

    @property
    def message(self) -> str:
        """What went wrong, without what to do about it."""
        return super().__str__()

    def __str__(self) -> str:
        text = self.message
        if not self.may_have_acted:
            return text
        if self.idempotency_key is None:
            return f"{text} It may have been done all the same: look before you repeat it."
        return f"{text} It may have been done all the same: repeat it with idempotency_key={self.idempotency_key!r}."


def _rebuilt(
    kind: type[OrgBillingError], arguments: tuple[Any, ...], state: dict[str, Any]
) -> OrgBillingError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class ConfigurationError(OrgBillingError, ValueError):
    """The client can't work as it was set up; the message says what would be right."""


class TransportError(OrgBillingError):
    """No answer of the service came."""

    #: Whether trying again may help.
    transient: ClassVar[bool] = True

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        #: Whether the request may have reached the service.
        self.sent = sent


class Unreachable(TransportError):
    """The service can't be connected to, or the connection broke."""


class Untrusted(Unreachable):
    """The service's certificate isn't valid for its address."""

    transient = False


class TimedOut(TransportError):
    """The service didn't answer in time."""


class BadAnswer(TransportError):
    """What answered is not the service, or what it said was cut or garbled on its way."""


class Redirected(BadAnswer):
    """The answer points elsewhere, and the API key is never carried there: correct ``base_url``."""

    transient = False


class AnswerTooLarge(BadAnswer):
    """The answer has more bytes than any answer of the service."""

    transient = False


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request; ``field`` is None where it is the whole."""

    field: str | None
    code: str
    detail: str


class ApiError(OrgBillingError):
    """The service refused, and says why.

    Attributes:
        status: the HTTP status.
        code: the problem's stable name, as ``insufficient_credits``; empty when something before the service answered.
        title: what the problem is called.
        detail: a sentence for people.
        errors: the fields that are wrong, for ``validation_error``.
        retry_after: seconds that the service asks to wait, or None.
        extra: every further member of the problem document.
    """

    problem: ClassVar[str] = ""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        request_id: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{detail} ({status} {code})" if code else f"{detail} ({status})")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.extra: Mapping[str, Any] = extra or {}


class BadRequest(ApiError):
    """400: the request breaks a rule; it can't succeed as it is."""


class ValidationFailed(BadRequest):
    """A field breaks a rule: see ``errors``."""

    problem = "validation_error"


class MalformedJson(BadRequest):
    """The body isn't strict JSON."""

    problem = "malformed_json"


class UnknownField(BadRequest):
    """The body has a field that the service doesn't know; perhaps it is older than the client."""

    problem = "unknown_field"


class InvalidSignature(BadRequest):
    """A payment provider's webhook isn't signed as it must be."""

    problem = "invalid_signature"


class Unauthenticated(ApiError):
    """401: who calls is not known."""


class NotAuthenticated(Unauthenticated):
    """The request carried no credentials."""

    problem = "not_authenticated"


class AuthenticationFailed(Unauthenticated):
    """The API key is unknown, expired or revoked."""

    problem = "authentication_failed"


class PaymentRequired(ApiError):
    """402: there are not enough credits."""


class InsufficientCredits(PaymentRequired):
    """The member can't pay for this. The refusal is final for its key: after a top-up use a new one."""

    problem = "insufficient_credits"

    @property
    def requested(self) -> int | None:
        """Credits that were asked for."""
        return _integer(self.extra.get("requested"))

    @property
    def remaining(self) -> int | None:
        """Credits that the member has left."""
        return _integer(self.extra.get("remaining"))

    @property
    def why(self) -> Mapping[str, Any]:
        """The limits in the order evaluated, which one refused, when it resets and who can raise it."""
        return _mapping(self.extra.get("why"))


class InsufficientPoolCredits(PaymentRequired):
    """The organization's pool has fewer credits available than were asked for."""

    problem = "insufficient_pool_credits"

    @property
    def requested(self) -> int | None:
        """Credits that were asked for."""
        return _integer(self.extra.get("requested"))

    @property
    def available(self) -> int | None:
        """Credits that the pool has available."""
        return _integer(self.extra.get("available"))


class PermissionDenied(ApiError):
    """403: the key's scopes or its organization don't allow this; ``detail`` names what would."""

    problem = "permission_denied"


class NotFound(ApiError):
    """404: there is nothing under this id."""

    problem = "not_found"


class NoAllocation(NotFound):
    """The member has no allocation in this organization: allocate first."""

    problem = "no_allocation"


class NoCreditPool(NotFound):
    """The organization has no credit pool: adding credits makes one."""

    problem = "no_credit_pool"


class MethodNotAllowed(ApiError):
    """405: the address doesn't know the method; perhaps the service is older than the client."""

    problem = "method_not_allowed"


class NotAcceptable(ApiError):
    """406: the service can't answer in a form that was asked for."""

    problem = "not_acceptable"


class Conflict(ApiError):
    """409: the state of things forbids this."""


class RequestInProgress(Conflict):
    """The first call with this key hasn't finished."""

    problem = "request_in_progress"


class SubscriptionExists(Conflict):
    """The organization has a live subscription already."""

    problem = "subscription_exists"


class SubscriptionCanceled(Conflict):
    """The subscription is canceled and can't be changed any more."""

    problem = "subscription_canceled"


class AlreadyMember(Conflict):
    """The person is a member of the organization already."""

    problem = "already_member"


class LastOwner(Conflict):
    """An organization must keep an owner."""

    problem = "last_owner"


class HoldNotPending(Conflict):
    """The hold was captured, released or has expired."""

    problem = "hold_not_pending"

    @property
    def hold_status(self) -> str | None:
        """What became of the hold."""
        status = self.extra.get("hold_status")
        return status if isinstance(status, str) else None


class HoldAmountExceeded(Conflict):
    """More was to be captured than the hold still reserves."""

    problem = "hold_amount_exceeded"

    @property
    def left(self) -> int | None:
        """Credits that the hold still reserves."""
        return _integer(self.extra.get("left"))


class RefundExceedsUsage(Conflict):
    """The refunds of a usage can't add up to more than it charged."""

    problem = "refund_exceeds_usage"

    @property
    def refundable(self) -> int | None:
        """Credits that can still be refunded."""
        return _integer(self.extra.get("refundable"))


class AccountLimitExceeded(Conflict):
    """The unpaid purchases would pass the organization's limit for buying on account."""

    problem = "account_limit_exceeded"


class EndpointLimitExceeded(Conflict):
    """The organization has as many webhook endpoints as it may have."""

    problem = "endpoint_limit_exceeded"


class EndpointDisabled(Conflict):
    """Nothing is sent to a webhook endpoint that is disabled."""

    problem = "endpoint_disabled"


class BodyTooLarge(ApiError):
    """413: the body is larger than the operation takes."""

    problem = "body_too_large"


class UnsupportedMediaType(ApiError):
    """415: the body isn't declared as JSON."""

    problem = "unsupported_media_type"


class Unprocessable(ApiError):
    """422: the request is well formed, and what it names forbids it."""


class IdempotencyKeyReused(Unprocessable):
    """The key was used before with another request."""

    problem = "idempotency_key_reused"


class NotAMember(Unprocessable):
    """The user named is not an active member of the organization."""

    problem = "not_a_member"


class SubscriptionInactive(Unprocessable):
    """The organization has no subscription that lets it spend."""

    problem = "subscription_inactive"


class AllocationInactive(Unprocessable):
    """The member's allocation is switched off."""

    problem = "allocation_inactive"


class OrganizationSuspended(Unprocessable):
    """The organization can be read, but not charged or changed."""

    problem = "organization_suspended"


class UnknownService(Unprocessable):
    """The price catalogue has no service of this name: use one of ``prices()``, or state the credits."""

    problem = "unknown_service"


class RateLimited(ApiError):
    """429: too many requests; ``retry_after`` says how many seconds to wait."""

    problem = "rate_limited"


class ServerError(ApiError):
    """5xx: the service, or what stands before it, failed."""


class InternalError(ServerError):
    """The service failed; report ``request_id``."""

    problem = "internal_error"


class DatabaseUnavailable(ServerError):
    """The service's database can't serve at the moment; nothing was changed."""

    problem = "database_unavailable"


class OutcomeUnknown(ServerError):
    """The service lost its database while committing: only a repetition with the same key finds out."""

    problem = "outcome_unknown"


class PaymentProviderUnavailable(ServerError):
    """The payment provider gave no answer."""

    problem = "payment_provider_unavailable"


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
