"""Opening an organization and removing a member: the two that touch the ledger beside the membership."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.departure import remove_member
from credits.onboarding import open_organization
from organizations.api.rendering import render_organization
from organizations.api.serializers import (
    ORGANIZATION_EXAMPLE,
    OrganizationCreateSerializer,
    OrganizationSerializer,
)
from organizations.api.views import MemberView as OrganizationsMemberView
from organizations.api.views import OrganizationsView as OrganizationsListView
from organizations.choices import Role
from orgbilling.lib.transactions import run
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response, no_content


class OrganizationsView(OrganizationsListView):
    """The caller's organizations; a new one comes with its pool."""

    @operation(
        summary="Open an organization",
        description="A person becomes its owner. A key of all organizations opens one without members: "
        "add the owner next. The credit pool is made with it, empty.",
        request=OrganizationCreateSerializer,
        responses={201: (OrganizationSerializer, ORGANIZATION_EXAMPLE)},
        tags=["organizations"],
    )
    def post(self, request: Request) -> HttpResponse:
        """201 with the organization."""
        wanted = self.validated(request, OrganizationCreateSerializer)
        owner = self.principal.user
        caller = self.principal
        organization = run(lambda: open_organization(**wanted, owner=owner, by=caller))
        role = Role.OWNER if owner is not None else None
        return json_response(
            render_organization(organization, role, 0 if owner is None else 1), 201
        )


class MemberView(OrganizationsMemberView):
    """One member of an organization; what a leaving one hasn't spent goes back to the pool."""

    @operation(
        summary="Remove a member",
        description="Unspent credits return to the pool; usage stays. The last owner can't go.",
        responses={204: None},
        errors=("not_found", "last_owner"),
        tags=["organizations"],
    )
    def delete(self, request: Request, org_id: UUID, user_id: UUID) -> HttpResponse:
        """204 once the member is gone."""
        self.organization()
        remove_member(
            org_id=org_id, user_id=user_id, by=self.principal, request_id=current_request_id()
        )
        return no_content()
