"""Views that know their caller and the organization they act on."""

import uuid
from functools import cached_property
from typing import Any, ClassVar, cast

from rest_framework import serializers
from rest_framework.request import Request

from organizations.access import Principal, Rule
from organizations.api.authentication import ServiceUser
from organizations.models import Organization, User
from orgbilling.lib.errors import NotFound
from orgbilling.web.request_log import note_organization
from orgbilling.web.views import ApiView, parse_id


def principal_of(request: Request) -> Principal:
    """Return the caller of an authenticated request."""
    if isinstance(request.user, ServiceUser):
        return Principal(key=request.user.key)
    return Principal(user=cast("User", request.user))


class OrgView(ApiView):
    """A view whose permission is decided by a rule for each method.

    `rules` maps HTTP methods to rules; a method without one (405 follows) is judged by the first.
    With `org_id` in the path the rule is applied to that organization, otherwise to the caller.
    """

    rules: ClassVar[dict[str, Rule]] = {}

    @cached_property
    def principal(self) -> Principal:
        """The caller; what it learns about roles is kept for this request."""
        return principal_of(self.request)

    def rule(self) -> Rule:
        """Return the rule of the request's method."""
        method = "GET" if self.request.method == "HEAD" else str(self.request.method)
        return self.rules.get(method) or next(iter(self.rules.values()))

    def authorize(self, request: Request) -> None:
        """Raise PermissionRefused unless the rule lets the caller."""
        del request
        self.principal.require(self.rule(), self.kwargs.get("org_id"))

    def organization(self) -> Organization:
        """Return the organization of the path. Raises NotFound; to be called once authorized."""
        return find_organization(self.kwargs["org_id"])


class BodyOrgView(OrgView):
    """A view whose body names the organization: permission is decided by `org_id` alone."""

    def authorize(self, request: Request) -> None:
        """Decide nothing yet: the body is read by the handler, through `authorized_body`."""

    def authorized_body(self, request: Request) -> dict[str, Any]:
        """Return the parsed body of a caller who may act on its `org_id`.

        Raises what parsing raises and a ValidationError when `org_id` is no UUID (400), then
        PermissionRefused (403), before any other field is looked at.
        """
        body = self.body(request)
        org_id = org_id_of(body)
        note_organization(request, org_id)
        self.principal.require(self.rule(), org_id)
        return body


def org_id_of(body: dict[str, Any]) -> uuid.UUID:
    """Return the body's `org_id`. Raises ValidationError for a missing or malformed one."""
    if "org_id" not in body:
        raise serializers.ValidationError({"org_id": ["This field is required."]}, code="required")
    text = body["org_id"]
    org_id = parse_id(text) if isinstance(text, str) else None
    if org_id is None:
        raise serializers.ValidationError({"org_id": ["Must be a valid UUID."]}, code="invalid")
    return org_id


def find_organization(org_id: uuid.UUID) -> Organization:
    """Return the organization. Raises NotFound."""
    organization = Organization.objects.filter(id=org_id).first()
    if organization is None:
        raise NotFound("There is no organization with this id.")
    return organization
