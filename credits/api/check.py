"""What a call would cost and whether it would pass, before it is made."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.serializers import CheckSerializer, VerdictSerializer
from credits.api.spending import SpendingView
from credits.checking import check
from orgbilling.lib.transactions import call
from orgbilling.web.openapi import operation
from orgbilling.web.responses import json_response


class CheckView(SpendingView):
    """Asks without charging."""

    @operation(
        summary="Check whether a deduction would pass",
        description="The price of `quantity` under the organization's plan, or `credits` as sent, against what the "
        "member may spend now, overage included. Writes nothing and reserves nothing: reserve by a hold.",
        request=CheckSerializer,
        request_example=examples.CHECK,
        responses={200: (VerdictSerializer, examples.VERDICT)},
        errors=(
            "not_found",
            "no_allocation",
            "no_credit_pool",
            "not_a_member",
            "unknown_service",
        ),
        tags=["credits"],
    )
    def post(self, request: Request) -> HttpResponse:
        """200 whether or not it would pass."""
        _body, org_id = self.spender_body(request)
        wanted, _key = self.checked(request, org_id, CheckSerializer)
        verdict = call(
            lambda: check(
                org_id=org_id,
                user_id=wanted["user_id"],
                service_name=wanted.get("service_name"),
                credits=wanted.get("credits"),
                quantity=wanted.get("quantity"),
            )
        )
        return json_response(
            {
                "sufficient": verdict.sufficient,
                "credits": verdict.credits,
                "remaining_credits": verdict.remaining_credits,
                "why": verdict.why,
            }
        )
