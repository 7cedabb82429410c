"""What the people who run an organization are told when an endpoint needs them."""

from __future__ import annotations

from typing import Final

import structlog

from organizations.choices import DisabledReason, NoticeKind
from organizations.models import WebhookEndpoint
from organizations.noticing import Message, managers_of, tell
from orgbilling.lib.after_commit import after_commit

logger = structlog.stdlib.get_logger(__name__)

#: The console's page that mends it.
PAGE: Final = "org_webhooks"
_WHY: Final = {
    DisabledReason.GONE: "Its receiver answered 410 Gone, which says that it wants no more events.",
    DisabledReason.FAILING: "Every attempt to reach it has failed for five days.",
}


def tell_of_disabled(endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    """Tell owners and admins that nothing is sent any more, in the caller's transaction."""
    why = _WHY[reason]
    _tell(
        endpoint,
        key=f"{endpoint.pk}:disabled:{endpoint.disabled_at}",
        title=f"The webhook endpoint {endpoint} was disabled",
        detail=(
            f"{why} Nothing is sent to it any more. "
            "Mend the receiver, enable the endpoint, and replay what it has missed."
        ),
    )
    after_commit(
        logger.warning,
        "webhook.endpoint_disabled",
        org_id=endpoint.org_id,
        endpoint_id=endpoint.pk,
        reason=reason.value,
    )


def tell_of_secret(endpoint: WebhookEndpoint) -> None:
    """Tell owners and admins that its events can't be signed, once for a secret, in the caller's transaction."""
    _tell(
        endpoint,
        key=f"{endpoint.pk}:secret:{endpoint.updated_at}",
        title=f"The secret of the webhook endpoint {endpoint} can't be read",
        detail=(
            "The service's SECRET_KEY was changed, and the former one is not among its fallbacks: nothing can be "
            "signed, and so nothing is sent. Rotate the endpoint's secret, and give the new one to its receiver."
        ),
    )
    after_commit(
        logger.error,
        "webhook.secret_unreadable",
        org_id=endpoint.org_id,
        endpoint_id=endpoint.pk,
    )


def _tell(endpoint: WebhookEndpoint, *, key: str, title: str, detail: str) -> None:
    tell(
        managers_of(endpoint.org_id),
        Message(NoticeKind.WEBHOOK_TROUBLE, key[:200], title, detail, PAGE, endpoint.org_id),
    )
