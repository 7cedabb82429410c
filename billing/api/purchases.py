"""Adding credits to a pool over HTTP: endpoint 6."""

import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from billing.api import examples
from billing.api.rendering import render_event
from billing.api.serializers import AddCreditsSerializer, HistoryEventSerializer
from billing.choices import Operation
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from credits.api.keys import answer_once
from credits.api.rendering import render_pool
from credits.api.serializers import PoolSerializer
from credits.functions import Origin
from organizations.access import BILLING, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id


class CreditsAddedSerializer(serializers.Serializer[Any]):
    """The answer to added credits: the pool as it is now, and the history's event."""

    pool = PoolSerializer()
    event = HistoryEventSerializer()


class AddCreditsView(OrgView):
    """Where credits come from."""

    rules: ClassVar[dict[str, Rule]] = {"POST": Rule(BILLING, Scope.CREDITS_MANAGE)}

    @operation(
        summary="Add credits to an organization's pool",
        description="A system admin, or a key bound to all organizations, names the amount: "
        "`0.00`, the default, is a grant, more is a purchase that is paid already. Everybody else "
        "buys on account at the plan's credit price: the amount is computed, and what is unpaid "
        "may not pass the organization's on-account limit. Naming another price is refused.",
        request=AddCreditsSerializer,
        request_example=examples.ADD_CREDITS,
        responses={201: (CreditsAddedSerializer, examples.ADDED)},
        errors=(
            "not_found",
            "no_credit_pool",
            "account_limit_exceeded",
            "organization_suspended",
        ),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Endpoint 6."""
        organization = self.organization()
        fields = self.validated(request, AddCreditsSerializer)
        parcel = Parcel(
            credits=fields["credits"],
            amount=fields.get("purchase_amount"),
            reference=fields["reference"],
            notes=fields["notes"],
        )

        def work(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            origin = Origin(self.principal.actor, current_request_id(), key, body_hash)
            if self.may_name_price():
                pool, event = add_at_named_price(org_id=org_id, parcel=parcel, origin=origin)
            else:
                pool, event = buy_on_account(
                    organization=organization, parcel=parcel, origin=origin
                )
            return 201, {"pool": render_pool(pool), "event": render_event(event)}

        return answer_once(
            request,
            org_id=org_id,
            operation=Operation.ADD_CREDITS,
            path_ids={"org_id": org_id},
            body=self.body(request),
            work=work,
        )

    def may_name_price(self) -> bool:
        """Whether the caller decides what credits cost, or the catalogue does."""
        return self.principal.is_system_admin or self.principal.is_all_organizations_key
