"""The client: everything that the service offers, as methods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orgbilling_client._sync.billing import Billing
from orgbilling_client._sync.charging import Charging
from orgbilling_client._sync.organizations import Organizations
from orgbilling_client._sync.pools import Pools
from orgbilling_client._sync.reports import Reports
from orgbilling_client._sync.webhooks import Webhooks
from orgbilling_client.context import request_context


class Client(Charging, Pools, Reports, Billing, Organizations, Webhooks):
    """A client of an org-billing service.

    Whatever it sends again, it sends with the same key, so that nothing is charged twice. ``RetryPolicy`` says
    when; the exceptions of ``orgbilling_client.errors`` say what was refused, and why.
    """

    @contextmanager
    def request_context(self, request_id: str | None = None) -> Iterator[str]:
        """Send one X-Request-ID with every call made inside; see ``orgbilling_client.request_context``."""
        with request_context(request_id) as chosen:
            yield chosen
