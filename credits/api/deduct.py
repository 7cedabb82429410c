"""The hot path: one deduction, one round trip to the ledger."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import REPLAYED, respond
from credits.api.rendering import render_receipt
from credits.api.serializers import DeductSerializer, UsageSerializer
from credits.api.spending import SPENDING_ERRORS, SpendingView, charge_of
from credits.deducting import OPERATION, Receipt, deduct
from orgbilling.web.openapi import operation
from orgbilling.web.responses import json_response


class DeductView(SpendingView):
    """Charges a member's allocation."""

    @operation(
        summary="Deduct credits",
        description="Charges a member's allocation, atomically. Send `credits`, charged as sent, or `quantity`, "
        "priced by the catalogue under the organization's plan. With an Idempotency-Key header, or else the "
        "body's `request_id`, a retry never charges twice: it answers 200 with the first charge.",
        request=DeductSerializer,
        request_example=examples.DEDUCT,
        responses={201: (UsageSerializer, examples.USAGE), 200: (UsageSerializer, examples.USAGE)},
        errors=SPENDING_ERRORS,
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request) -> HttpResponse:
        """201 with the usage row; 200 when the same request was charged before."""
        body, org_id = self.spender_body(request)
        wanted, key = self.checked(request, org_id, DeductSerializer)
        outcome = deduct(
            charge_of(self.principal.actor, wanted, operation=OPERATION, key=key, body=body)
        )
        if isinstance(outcome, Receipt):
            return self._receipt(outcome)
        return respond(outcome)

    @staticmethod
    def _receipt(receipt: Receipt) -> HttpResponse:
        document = render_receipt(receipt)
        if receipt.replayed:
            return json_response(document, 200, {REPLAYED: "true"})
        return json_response(document, 201)
