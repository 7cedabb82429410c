"""The catalogue of problems: every ``code`` that an answer can carry, its status and what to do about it.

The one place where a code becomes an HTTP status. ``GET /problems/<code>`` shows an entry to people.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One entry: HTTP status, title (RFC 9457, 3.1.3), what it means and what the caller can do."""

    status: int
    title: str
    meaning: str
    remedy: str


_RETRY_SAME_KEY = "Retry after the seconds of Retry-After, with the same Idempotency-Key."

PROBLEMS: dict[str, Problem] = {
    "validation_error": Problem(
        400,
        "Invalid request",
        "A field of the body, a query parameter or a header breaks a rule.",
        "Correct what `errors` names; each entry has the field, a rule code and a sentence.",
    ),
    "malformed_json": Problem(
        400,
        "Malformed JSON",
        "The body is not strict JSON in UTF-8: RFC 8259 without duplicate keys, NaN, Infinity, "
        "NUL characters or lone surrogates, nested at most 32 deep.",
        "Serialize the body with a JSON library and send it as UTF-8 without a byte order mark.",
    ),
    "unknown_field": Problem(
        400,
        "Unknown field",
        "The body has a field that this operation doesn't know. "
        "Nothing was done: in billing a misspelt field must never be dropped silently.",
        "Remove or correct the fields listed in `unknown_fields`.",
    ),
    "invalid_signature": Problem(
        400,
        "Invalid signature",
        "A webhook is not signed by the payment provider with the secret of this service, or was signed more "
        "than 5 minutes ago. Nothing of it was kept.",
        "Only the payment provider calls this address. Compare its signing secret with STRIPE_WEBHOOK_SECRET, "
        "and both clocks.",
    ),
    "not_authenticated": Problem(
        401,
        "Not authenticated",
        "The request carries no credentials.",
        "Send `Authorization: Bearer` with an API key or a token of the identity provider, or sign in.",
    ),
    "authentication_failed": Problem(
        401,
        "Authentication failed",
        "The credentials are malformed, unknown, expired or revoked.",
        "Get a new key or token. Repeated failures from one address are limited.",
    ),
    "insufficient_credits": Problem(
        402,
        "Insufficient credits",
        "The member's allocation can't pay for this. `why` lists the limits in the order evaluated "
        "and names the one that refused.",
        "Ask whoever `why` names for more credits, or wait for the reset; then use a new Idempotency-Key.",
    ),
    "insufficient_pool_credits": Problem(
        402,
        "Insufficient pool credits",
        "The organization's pool has fewer available credits than the amount asked for.",
        "Add credits to the pool or reclaim some from members; then use a new Idempotency-Key.",
    ),
    "permission_denied": Problem(
        403,
        "Permission denied",
        "The caller is known, but its role or scopes don't allow this. "
        "An organization that the caller doesn't belong to answers so whether or not it exists.",
        "Use credentials with the role or the scope that `detail` names.",
    ),
    "not_found": Problem(
        404,
        "Not found",
        "There is nothing under this address or id.",
        "Check the path and the ids in it.",
    ),
    "no_allocation": Problem(
        404,
        "No allocation",
        "The member has no allocation in this organization.",
        "Allocate credits to the member first.",
    ),
    "no_credit_pool": Problem(
        404,
        "No credit pool",
        "The organization has no credit pool.",
        "Adding credits makes one.",
    ),
    "method_not_allowed": Problem(
        405,
        "Method not allowed",
        "This address doesn't know the method.",
        "Use one of the methods in the Allow header.",
    ),
    "not_acceptable": Problem(
        406,
        "Not acceptable",
        "The Accept header excludes every form in which this could be answered.",
        "Accept application/json and application/problem+json.",
    ),
    "body_too_large": Problem(
        413,
        "Body too large",
        "The body is larger than this operation takes: 256 KiB, 1 MiB for batches.",
        "Send less at a time.",
    ),
    "unsupported_media_type": Problem(
        415,
        "Unsupported media type",
        "The body is not declared as uncompressed application/json in UTF-8.",
        "Send `Content-Type: application/json` and no Content-Encoding.",
    ),
    "subscription_exists": Problem(
        409,
        "Subscription exists",
        "The organization has a live subscription already.",
        "Change that one, or cancel it first.",
    ),
    "subscription_canceled": Problem(
        409,
        "Subscription canceled",
        "The subscription is canceled and can't be changed any more.",
        "Make a new subscription.",
    ),
    "already_member": Problem(
        409,
        "Already a member",
        "The person is a member of the organization already.",
        "Change the member's role instead.",
    ),
    "last_owner": Problem(
        409,
        "Last owner",
        "An organization must keep at least one owner.",
        "Make another member an owner first.",
    ),
    "endpoint_limit_exceeded": Problem(
        409,
        "Endpoint limit exceeded",
        "The organization has 20 webhook endpoints, which is as many as it may have.",
        "Delete an endpoint that isn't used: one endpoint can be told of any number of events.",
    ),
    "endpoint_disabled": Problem(
        409,
        "Endpoint disabled",
        "Nothing is sent to a webhook endpoint that is disabled.",
        "Mend its receiver, then enable the endpoint: what it missed can be replayed.",
    ),
    "request_in_progress": Problem(
        409,
        "Request in progress",
        "The first request with this Idempotency-Key has not finished.",
        _RETRY_SAME_KEY,
    ),
    "hold_not_pending": Problem(
        409,
        "Hold not pending",
        "The hold was captured, released or has expired.",
        "`hold_status` says what became of it. Reserve again when it has expired.",
    ),
    "hold_amount_exceeded": Problem(
        409,
        "Hold amount exceeded",
        "More was to be captured than the hold still reserves.",
        "Capture at most what is `left`, and deduct the rest.",
    ),
    "refund_exceeds_usage": Problem(
        409,
        "Refund exceeds usage",
        "The refunds of a usage can't add up to more than it charged.",
        "Refund at most what is `refundable`.",
    ),
    "account_limit_exceeded": Problem(
        409,
        "Account limit exceeded",
        "The unpaid purchases would pass the organization's limit for buying on account.",
        "Settle unpaid purchases, buy less, or ask a system administrator to raise the limit.",
    ),
    "idempotency_key_reused": Problem(
        422,
        "Idempotency key reused",
        "The key was used before with another request.",
        "Use a new key for a new request, and the same request for the same key.",
    ),
    "not_a_member": Problem(
        422,
        "Not a member",
        "The user named is not an active member of the organization.",
        "Check the user's id, or add the user to the organization.",
    ),
    "subscription_inactive": Problem(
        422,
        "Subscription inactive",
        "The organization has no subscription that lets it spend.",
        "Subscribe, or settle what paused the subscription.",
    ),
    "allocation_inactive": Problem(
        422,
        "Allocation inactive",
        "The member's allocation is switched off.",
        "Ask an administrator of the organization to allocate again.",
    ),
    "organization_suspended": Problem(
        422,
        "Organization suspended",
        "The organization is suspended: it can be read, but not charged or changed.",
        "Ask a system administrator.",
    ),
    "unknown_service": Problem(
        422,
        "Unknown service",
        "The price catalogue has no service of this name, so a quantity can't be priced.",
        "Use a name of GET /prices, or state the credits.",
    ),
    "rate_limited": Problem(
        429,
        "Rate limited",
        "Too many requests in this window of time.",
        "Wait for the seconds of Retry-After. RateLimit-Policy and RateLimit on every answer say what is left.",
    ),
    "internal_error": Problem(
        500,
        "Internal error",
        "The service failed. The failure is logged under `request_id`.",
        "Report the request id. A request with an Idempotency-Key may be retried with the same key.",
    ),
    "payment_provider_unavailable": Problem(
        503,
        "Payment provider unavailable",
        "The payment provider gave no answer. Whatever it did is found out by itself; nothing is charged twice.",
        "Try again after the seconds of Retry-After.",
    ),
    "database_unavailable": Problem(
        503,
        "Database unavailable",
        "The database can't serve the request at the moment. Nothing was changed.",
        _RETRY_SAME_KEY,
    ),
    "outcome_unknown": Problem(
        503,
        "Outcome unknown",
        "The connection was lost while committing: the change may or may not have happened.",
        "Retry with the same Idempotency-Key to find out without doing it twice.",
    ),
}
