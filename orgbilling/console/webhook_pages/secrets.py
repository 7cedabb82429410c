"""A new secret on its way to the page that shows it: encrypted, in the session of who made it, until it is seen."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from organizations.models import WebhookEndpoint
from organizations.webhooks.secrets import SecretUnreadable, decrypted

#: Where the session keeps it: the endpoint's id, and the secret as the database has it.
SHOWN_ONCE = "webhook_secret"


def keep(request: HttpRequest, endpoint: WebhookEndpoint) -> None:
    """Keep the endpoint's secret for the next page."""
    request.session[SHOWN_ONCE] = [str(endpoint.pk), endpoint.secret]


def kept_for(request: HttpRequest) -> UUID | None:
    """Whose secret waits to be shown."""
    found = request.session.get(SHOWN_ONCE)
    return UUID(found[0]) if found else None


def taken(request: HttpRequest, endpoint_id: UUID) -> str | None:
    """The endpoint's secret, and it is shown no more; None when none waits."""
    if kept_for(request) != endpoint_id:
        return None
    _, token = request.session.pop(SHOWN_ONCE)
    try:
        return decrypted(token)
    except SecretUnreadable:
        return None
