"""May an endpoint have this address? Asked when it is saved; when it is connected to, it is asked again."""

from __future__ import annotations

from typing import Final

import structlog
from django.conf import settings

from organizations.webhooks import resolving
from organizations.webhooks.addresses import Allowance, first_refused, leads_inside
from organizations.webhooks.urls import Target, UnsafeUrl, read

logger = structlog.stdlib.get_logger(__name__)

#: Seconds that whoever saves an endpoint waits for the name's look-up.
PATIENCE: Final = 2.0


def allowance() -> Allowance:
    """What the operator allows."""
    hosts, networks = settings.WEBHOOKS_ALLOWED_HOSTS
    return Allowance(hosts=hosts, networks=networks, http=settings.WEBHOOKS_ALLOW_HTTP)


def look(url: str) -> Target:
    """The parts of a receiver's address, if it may be one as things are now. Raises UnsafeUrl.

    A name that can't be looked up is let pass: its receiver may come later, and each connection asks again.
    """
    allowed = allowance()
    target = read(url, allowed)
    if target.literal is not None:
        return target
    try:
        found = resolving.resolve(target.host, target.port, seconds=PATIENCE)
    except resolving.NotResolved:
        return target
    refused = first_refused(allowed, target.host, target.port, found)
    if refused is not None:
        logger.warning("webhook.address_refused", address=str(refused))
        raise UnsafeUrl(leads_inside(target.host))
    return target
