"""The dashboards over HTTP: endpoints 12 to 14."""

import uuid
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from billing.api import dashboard_shapes as shapes
from billing.api.assembling import org_dashboard, system_dashboard, user_dashboard
from organizations.access import BILLING, MEMBER, NOBODY, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.lib.errors import PermissionRefused
from orgbilling.lib.replica import from_replica
from orgbilling.web.openapi import operation
from orgbilling.web.responses import json_response


class UserDashboardView(OrgView):
    """A person's own dashboard."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(MEMBER)}

    @operation(
        summary="Read your own dashboard",
        description="The organizations of the person who calls, what they may spend in each, and "
        "their usage of the last 30 days. API keys have none.",
        responses={200: (shapes.UserDashboardSerializer, shapes.USER_DASHBOARD)},
        tags=["billing"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Endpoint 12."""
        if self.principal.user is None:
            raise PermissionRefused("API keys have no dashboard of their own.")
        return json_response(from_replica(user_dashboard)(self.principal.user))


class OrgDashboardView(OrgView):
    """An organization's dashboard."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(BILLING, Scope.BILLING_READ)}

    @operation(
        summary="Read an organization's dashboard",
        description="Its live subscription, pool, allocations, usage of the last 30 days and "
        "newest events. Allocations are those of the 500 members that used most in their period.",
        responses={200: (shapes.OrgDashboardSerializer, shapes.ORG_DASHBOARD)},
        errors=("not_found",),
        tags=["billing"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Endpoint 13."""
        dashboard = from_replica(org_dashboard)(self.organization(), self.principal)
        return json_response(dashboard)


class SystemDashboardView(OrgView):
    """The dashboard of whoever runs the service."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(NOBODY, Scope.BILLING_READ, system_only=True)}

    @operation(
        summary="Read the system's dashboard",
        description="All organizations by page, newest first; monthly and annual recurring "
        "revenue of active and past-due subscriptions, a year's price spread over its twelve "
        "months; credits and usage of all of them.",
        paginated=True,
        responses={200: (shapes.SystemDashboardSerializer, shapes.SYSTEM_DASHBOARD)},
        tags=["billing"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Endpoint 14."""
        return json_response(from_replica(system_dashboard)(request, self.principal))
