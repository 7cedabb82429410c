"""Where the payment provider tells us of what happened."""

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from billing import inbox
from orgbilling.web.body import read_raw
from orgbilling.web.responses import json_response
from orgbilling.web.views import ApiView


class StripeWebhookView(ApiView):
    """Takes Stripe's webhooks: no session, no key, no limit, but a signature.

    What isn't signed by Stripe is refused and not stored. What is stored is answered at once; a job
    processes it.
    """

    public = True
    limited = False

    @extend_schema(exclude=True)
    def post(self, request: Request, *args: Any) -> HttpResponseBase:
        """Answer 200 for an event that is stored, now or since earlier."""
        raw = read_raw(request._request, self.max_body_bytes)  # noqa: SLF001
        new = inbox.receive(raw, request.META.get("HTTP_STRIPE_SIGNATURE", ""))
        return json_response({"received": True, "new": new})
