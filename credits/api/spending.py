"""Views that spend a member's credits: who may, and the charge that a body asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from credits.api.keys import key_of
from credits.functions import Charge, Origin
from credits.idempotency import hash_body
from organizations.access import MEMBER, Principal, Rule
from organizations.api.base import BodyOrgView, find_organization, org_id_of
from organizations.choices import Role, Scope
from orgbilling.lib.errors import PermissionRefused
from orgbilling.web.request_id import current_request_id
from orgbilling.web.views import parse_id

SPEND = Rule(MEMBER, Scope.CREDITS_DEDUCT)
#: What may forbid a charge or a hold, for the OpenAPI document.
SPENDING_ERRORS = (
    "insufficient_credits",
    "not_found",
    "no_allocation",
    "no_credit_pool",
    "not_a_member",
    "allocation_inactive",
    "subscription_inactive",
    "organization_suspended",
    "unknown_service",
)


class SpendingView(BodyOrgView):
    """A view whose body names an organization and the member whose credits are spent."""

    service_budget = True
    rules: ClassVar[dict[str, Rule]] = {"POST": SPEND}

    def spender_body(self, request: Request) -> tuple[dict[str, Any], UUID]:
        """The parsed body of a caller who may spend what it names, and its organization.

        Raises:
            MalformedJson, ValidationError: no JSON object, or its `org_id` is no UUID.
            PermissionRefused: a stranger to the organization, or a plain member who names somebody else.
        """
        body = self.authorized_body(request)
        org_id = org_id_of(body)
        require_own(self.principal, org_id, body.get("user_id"))
        return body, org_id

    def checked(
        self, request: Request, org_id: UUID, serializer: type[BaseSerializer[Any]]
    ) -> tuple[dict[str, Any], str | None]:
        """The body as ``serializer`` validates it, and the Idempotency-Key header.

        Raises:
            NotFound: there is no such organization; comes before 400.
            ValidationError, UnknownField, InvalidRequest: 400.
        """
        try:
            return self.validated(request, serializer), key_of(request)
        except Exception:
            # The ordinary charge needn't pay for looking.
            find_organization(org_id)
            raise


def sees_only_own(caller: Principal, org_id: UUID) -> bool:
    """Whether the caller is a plain member of the organization, who sees and spends their own only."""
    return (
        not caller.is_service
        and not caller.is_system_admin
        and caller.role_in(org_id) == Role.MEMBER
    )


def require_own(caller: Principal, org_id: UUID, user_id: Any) -> None:
    """A plain member spends their own credits only. ``user_id`` is what the body names; no UUID is for 400.

    Raises:
        PermissionRefused: it names somebody else.
    """
    if not sees_only_own(caller, org_id):
        return
    named = parse_id(user_id) if isinstance(user_id, str) else None
    if named is not None and named != caller.actor_user_id:
        raise PermissionRefused(
            "A member may spend their own credits; org billing roles anybody's."
        )


def charge_of(
    actor: str,
    wanted: Mapping[str, Any],
    *,
    operation: str,
    key: str | None,
    body: Mapping[str, Any],
) -> Charge:
    """The charge that a validated body asks for.

    Args:
        actor: who asks for it, as ledger rows remember.
        operation: the scope of the key inside the organization.
        key: the Idempotency-Key header; the body's ``request_id`` serves when it is None.
        body: as it was parsed, for the hash.
    """
    key = key or wanted.get("request_id")
    return Charge(
        org_id=wanted["org_id"],
        user_id=wanted["user_id"],
        service_name=wanted["service_name"],
        credits=wanted.get("credits"),
        quantity=wanted.get("quantity"),
        service_type=wanted.get("service_type"),
        metadata=wanted.get("metadata") or {},
        origin=Origin(
            actor=actor,
            request_id=wanted.get("request_id") or current_request_id(),
            idempotency_key=key,
            body_hash=hash_body(operation, {}, body) if key is not None else None,
        ),
    )
