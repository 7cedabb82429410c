"""Refunds: giving back what a usage row charged, or part of it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits import refunding
from credits.api import examples
from credits.api.keys import answer_at_once
from credits.api.rendering import render_usage
from credits.api.rows import Row, RowView
from credits.api.serializers import RefundSerializer, UsageSerializer
from credits.functions import Origin
from credits.models import Usage
from organizations.access import BILLING, NOBODY, Rule
from organizations.choices import Scope
from orgbilling.lib.errors import NotFound, PermissionRefused
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id

OPERATION = "refund"
ANY_USAGE = Rule(BILLING, Scope.CREDITS_MANAGE)
OWN_USAGE = Rule(NOBODY, Scope.CREDITS_DEDUCT)


class RefundView(RowView):
    """Refunds of one usage row."""

    named = "usage row"
    rules: ClassVar[dict[str, Rule]] = {"POST": ANY_USAGE}
    found: Usage | None = None

    def look_up(self) -> Usage | None:
        """The usage row, looked up once."""
        if self.found is None:
            self.found = refunding.find(self.kwargs["usage_id"])
        return self.found

    def permit(self, org_id: UUID | None) -> None:
        """Whoever manages credits; and a key that charges, for what it charged itself.

        Raises:
            PermissionRefused: neither.
        """
        if self.principal.is_service and self.principal.may(OWN_USAGE, org_id):
            return
        super().permit(org_id)

    def needs_row(self, org_id: UUID) -> bool:
        """Whether it has to be what the caller itself charged."""
        return self.own_actor(org_id) is not None

    def permit_row(self, row: Row) -> None:
        """What somebody else charged is for whoever manages credits.

        Raises:
            PermissionRefused: the key charges only, and didn't charge this.
        """
        own = self.own_actor(row.org_id)
        if own is not None and isinstance(row, Usage) and row.actor != own:
            raise PermissionRefused(
                f"A key refunds what it charged itself; with the scope {Scope.CREDITS_MANAGE} anything."
            )

    def own_actor(self, org_id: UUID) -> str | None:
        """The caller, when it may refund only what it charged itself."""
        return None if self.principal.may(ANY_USAGE, org_id) else self.principal.actor

    @operation(
        summary="Refund a usage row",
        description="Gives back `credits`, all that is left of the charge when they are not named, to the member's "
        "allocation, or to the pool when the member has left. The refunds of a charge never add up to more than "
        "it. For org billing roles and keys with `credits:manage`; a key with `credits:deduct` refunds what it "
        "charged itself. With `org_id` the request is one round trip to the ledger.",
        request=RefundSerializer,
        request_example=examples.REFUND,
        responses={201: (UsageSerializer, examples.REFUNDED)},
        errors=("refund_exceeds_usage",),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, usage_id: UUID) -> HttpResponse:
        """201 with the refund: a usage row with negative credits."""
        wanted, key = self.checked(request, RefundSerializer)
        org_id = self.org_id
        if org_id is None:
            raise self.missing()

        wish: dict[str, Any] = {
            "org_id": org_id,
            "usage_id": usage_id,
            "credits": wanted.get("credits"),
            "reason": wanted["reason"],
            "own_actor": self.own_actor(org_id),
        }

        def origin(key: str | None, body_hash: bytes) -> Origin:
            return Origin(self.principal.actor, current_request_id(), key, body_hash)

        def work(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            return 201, render_usage(refunding.refund(origin=origin(key, body_hash), **wish))

        def at_once(key: str, body_hash: bytes) -> tuple[int, Any, bool]:
            refund, replayed = refunding.refund_once(origin=origin(key, body_hash), **wish)
            return 201, render_usage(refund), replayed

        try:
            return answer_at_once(
                key,
                org_id=org_id,
                operation=OPERATION,
                path_ids={"usage_id": usage_id},
                body=self.body(request),
                work=work,
                at_once=at_once,
            )
        except NotFound:
            self.require_there()
            raise
