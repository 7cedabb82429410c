"""The client: everything that the service offers, as methods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orgbilling_client._async.billing import AsyncBilling
from orgbilling_client._async.charging import AsyncCharging
from orgbilling_client._async.organizations import AsyncOrganizations
from orgbilling_client._async.pools import AsyncPools
from orgbilling_client._async.reports import AsyncReports
from orgbilling_client._async.webhooks import AsyncWebhooks
from orgbilling_client.context import request_context


class AsyncClient(
    AsyncCharging, AsyncPools, AsyncReports, AsyncBilling, AsyncOrganizations, AsyncWebhooks
):
    """A client of an org-billing service.

    Whatever it sends again, it sends with the same key, so that nothing is charged twice. ``RetryPolicy`` says
    when; the exceptions of ``orgbilling_client.errors`` say what was refused, and why.
    """

    @contextmanager
    def request_context(self, request_id: str | None = None) -> Iterator[str]:
        """Send one X-Request-ID with every call made inside; see ``orgbilling_client.request_context``."""
        with request_context(request_id) as chosen:
            yield chosen
