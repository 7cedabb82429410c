"""Holds: reserving a member's credits, and reading what became of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import REPLAYED, respond
from credits.api.rendering import render_hold, render_placed
from credits.api.rows import Row, RowView
from credits.api.serializers import HoldOrderSerializer, HoldSerializer
from credits.api.spending import (
    SPEND,
    SPENDING_ERRORS,
    SpendingView,
    charge_of,
    require_own,
    sees_only_own,
)
from credits.functions import HoldOwner
from credits.holding import OPERATION, HoldOrder, place
from credits.idempotency import Answer
from credits.models import Hold
from organizations.access import MEMBER, Rule
from organizations.choices import Scope
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import NotFound
from orgbilling.web.openapi import operation
from orgbilling.web.responses import json_response


class HoldsView(SpendingView):
    """Where holds are made."""

    @operation(
        summary="Reserve credits",
        description="Sets a member's credits aside for work whose cost is known later: capture what it cost, in "
        "one or several parts, or release it. After `ttl_seconds` it expires by itself and what was not captured "
        "can be spent again. Priced as a deduction, and idempotent as one.",
        request=HoldOrderSerializer,
        request_example=examples.HOLD_ORDER,
        responses={201: (HoldSerializer, examples.HOLD), 200: (HoldSerializer, examples.HOLD)},
        errors=SPENDING_ERRORS,
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request) -> HttpResponse:
        """201 with the hold; 200 when the same request made it before."""
        body, org_id = self.spender_body(request)
        wanted, key = self.checked(request, org_id, HoldOrderSerializer)
        charge = charge_of(self.principal.actor, wanted, operation=OPERATION, key=key, body=body)
        placed = place(HoldOrder(charge, wanted["ttl_seconds"]))
        if isinstance(placed, Answer):
            return respond(placed)
        document = render_placed(placed)
        if placed.replayed:
            return json_response(document, 200, {REPLAYED: "true"})
        return json_response(document, 201)


class HoldRowView(RowView):
    """A view of one hold: a plain member's own, anybody's of the organization for everyone else."""

    service_budget = True
    named = "hold"
    rules: ClassVar[dict[str, Rule]] = {"POST": SPEND}
    owner: HoldOwner | None = None

    def look_up(self) -> Row | None:
        """Whose the hold is, looked up once."""
        if self.owner is None:
            self.owner = Hold.objects.owner(self.kwargs["hold_id"])
        return self.owner

    def needs_row(self, org_id: Any) -> bool:
        """Whether it has to be the caller's own."""
        return sees_only_own(self.principal, org_id)

    def permit_row(self, row: Row) -> None:
        """A plain member's own only."""
        require_own(self.principal, row.org_id, str(row.user_id))


class HoldView(HoldRowView):
    """One hold."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(MEMBER, Scope.CREDITS_READ)}
    found: Hold | None = None

    def look_up(self) -> Row | None:
        """The hold itself, looked up once."""
        if self.found is None:
            self.found = Hold.objects.find(self.kwargs["hold_id"])
        return self.found

    @operation(
        summary="Read a hold",
        description="A member reads their own holds. A pending hold past `expires_at` has expired, to the second.",
        responses={200: (HoldSerializer, examples.HOLD)},
        tags=["credits"],
    )
    def get(self, request: Request, hold_id: Any) -> HttpResponse:
        """The hold as it is now."""
        if self.found is None:
            raise NotFound("There is no hold with this id.")
        return json_response(render_hold(self.found, database_now()))
