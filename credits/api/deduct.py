"""The hot path: one deduction, one round trip to the ledger."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import REPLAYED, key_of, respond
from credits.api.rendering import render_receipt
from credits.api.serializers import DeductSerializer, UsageSerializer
from credits.deducting import OPERATION, Receipt, deduct
from credits.functions import Charge, Origin
from credits.idempotency import hash_body
from organizations.access import MEMBER, Rule
from organizations.api.base import BodyOrgView, find_organization, org_id_of
from organizations.choices import Role, Scope
from orgbilling.lib.errors import PermissionRefused
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response
from orgbilling.web.views import parse_id


class DeductView(BodyOrgView):
    """Charges a member's allocation."""

    service_budget = True
    rules = {"POST": Rule(MEMBER, Scope.CREDITS_DEDUCT)}

    @operation(
        summary="Deduct credits",
        description="Charges a member's allocation, atomically. Send `credits`, charged as sent, or `quantity`, "
        "priced by the catalogue under the organization's plan. With an Idempotency-Key header, or else the "
        "body's `request_id`, a retry never charges twice: it answers 200 with the first charge.",
        request=DeductSerializer,
        request_example=examples.DEDUCT,
        responses={201: (UsageSerializer, examples.USAGE), 200: (UsageSerializer, examples.USAGE)},
        errors=(
            "insufficient_credits",
            "not_found",
            "no_allocation",
            "no_credit_pool",
            "not_a_member",
            "allocation_inactive",
            "subscription_inactive",
            "organization_suspended",
            "unknown_service",
        ),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request) -> HttpResponse:
        """201 with the usage row; 200 when the same request was charged before."""
        body = self.authorized_body(request)
        org_id = org_id_of(body)
        self._require_own(body, org_id)
        charge = self._charge(request, body, org_id)
        outcome = deduct(charge)
        if isinstance(outcome, Receipt):
            return self._receipt(outcome)
        return respond(outcome)

    def _require_own(self, body: dict[str, Any], org_id: UUID) -> None:
        """A plain member spends their own credits only.

        Raises:
            PermissionRefused: the body names somebody else.
        """
        caller = self.principal
        if caller.is_service or caller.is_system_admin or caller.role_in(org_id) != Role.MEMBER:
            return
        named = body.get("user_id")
        if not isinstance(named, str) or parse_id(named) != caller.actor_user_id:
            raise PermissionRefused(
                "A member may spend their own credits; org billing roles anybody's."
            )

    def _charge(self, request: Request, body: dict[str, Any], org_id: UUID) -> Charge:
        try:
            wanted = self.validated(request, DeductSerializer)
            key = key_of(request) or wanted.get("request_id")
        except Exception:
            # 404 comes before 400, and the ordinary charge needn't pay for looking.
            find_organization(org_id)
            raise
        origin = Origin(
            actor=self.principal.actor,
            request_id=wanted.get("request_id") or current_request_id(),
            idempotency_key=key,
            body_hash=hash_body(OPERATION, {}, body) if key is not None else None,
        )
        return Charge(
            org_id=org_id,
            user_id=wanted["user_id"],
            service_name=wanted["service_name"],
            credits=wanted.get("credits"),
            quantity=wanted.get("quantity"),
            service_type=wanted.get("service_type"),
            metadata=wanted.get("metadata") or {},
            origin=origin,
        )

    @staticmethod
    def _receipt(receipt: Receipt) -> HttpResponse:
        document = render_receipt(receipt)
        if receipt.replayed:
            return json_response(document, 200, {REPLAYED: "true"})
        return json_response(document, 201)
