"""Organizations, their members and their API keys over HTTP."""

import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from organizations.access import MANAGERS, MEMBER, Rule
from organizations.api.base import OrgView
from organizations.api.rendering import render_api_key, render_member, render_organization
from organizations.api.serializers import (
    API_KEY_EXAMPLE,
    ISSUED_API_KEY_EXAMPLE,
    MEMBER_EXAMPLE,
    ORGANIZATION_EXAMPLE,
    ApiKeyIssueSerializer,
    ApiKeySerializer,
    IssuedApiKeySerializer,
    MemberAddSerializer,
    MemberChangeSerializer,
    MemberSerializer,
    OrganizationSerializer,
)
from organizations.choices import Scope
from organizations.models import ApiKey, Member, Organization, User
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.transactions import run
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response, no_content

LIST_ORGANIZATIONS = Rule(MEMBER, Scope.ORGANIZATIONS_READ)
OPEN_ORGANIZATION = Rule(MEMBER, Scope.ORGANIZATIONS_MANAGE, all_organizations_key=True)
READ_MEMBERS = Rule(MEMBER, Scope.ORGANIZATIONS_READ)
MANAGE_MEMBERS = Rule(MANAGERS, Scope.ORGANIZATIONS_MANAGE)
MANAGE_KEYS = Rule(MANAGERS)


class OrganizationsView(OrgView):
    """The caller's organizations."""

    rules: ClassVar[dict[str, Rule]] = {"GET": LIST_ORGANIZATIONS, "POST": OPEN_ORGANIZATION}

    @operation(
        summary="List the caller's organizations",
        description="A person sees the organizations they belong to, a system admin all of them; "
        "an API key sees what it is bound to. Newest first.",
        responses={200: (page(OrganizationSerializer), page_example(ORGANIZATION_EXAMPLE))},
        paginated=True,
        tags=["organizations"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Endpoint 15."""
        caller = self.principal
        rows = (
            Organization.objects.visible_in(caller.org_ids())
            .with_member_count()
            .with_role_of(caller.user)
        )
        return json_response(paginate(request, rows, _annotated))


class MembersView(OrgView):
    """Who belongs to an organization."""

    rules: ClassVar[dict[str, Rule]] = {"GET": READ_MEMBERS, "POST": MANAGE_MEMBERS}

    @operation(
        summary="List an organization's members",
        description="In the order in which they joined.",
        responses={200: (page(MemberSerializer), page_example(MEMBER_EXAMPLE))},
        paginated=True,
        errors=("not_found",),
        tags=["organizations"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Endpoint 16."""
        self.organization()
        rows = Member.objects.filter(org_id=org_id).select_related("user")
        return json_response(paginate(request, rows, render_member, ordering=("joined_at", "id")))

    @operation(
        summary="Add a member",
        description="By `user_id`, or by `email`: an address that nobody has yet makes an account "
        "that can hold credits at once and sign in once it has a password or uses single "
        "sign-on. Only an owner makes an owner.",
        request=MemberAddSerializer,
        request_example={"email": "dana@example.com", "role": "member"},
        responses={201: (MemberSerializer, MEMBER_EXAMPLE)},
        errors=("not_found", "already_member"),
        tags=["organizations"],
    )
    def post(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Endpoint 17."""
        organization = self.organization()
        fields = self.validated(request, MemberAddSerializer)

        def add() -> Member:
            person = _person(fields)
            return Member.objects.add(organization, person, role=fields["role"], by=self.principal)

        return json_response(render_member(run(add)), 201)


class MemberView(OrgView):
    """One member of an organization."""

    rules: ClassVar[dict[str, Rule]] = {"PATCH": MANAGE_MEMBERS, "DELETE": MANAGE_MEMBERS}

    @operation(
        summary="Change a member's role",
        description="Only an owner makes or unmakes an owner; the last owner stays one.",
        request=MemberChangeSerializer,
        request_example={"role": "admin"},
        responses={200: (MemberSerializer, {**MEMBER_EXAMPLE, "role": "admin"})},
        errors=("not_found", "last_owner"),
        tags=["organizations"],
    )
    def patch(self, request: Request, org_id: uuid.UUID, user_id: uuid.UUID) -> HttpResponse:
        """Give the member another role."""
        self.organization()
        self.member()
        fields = self.validated(request, MemberChangeSerializer)
        member = run(
            lambda: Member.objects.change_role(org_id, user_id, fields["role"], by=self.principal)
        )
        return json_response(render_member(member))

    def member(self) -> Member:
        """Return the member of the path. Raises NotFound; to be called once authorized."""
        path = {name: self.kwargs[name] for name in ("org_id", "user_id")}
        member = Member.objects.filter(**path).select_related("user").first()
        if member is None:
            raise NotFound("This user is not a member of the organization.")
        return member


class ApiKeysView(OrgView):
    """The keys of an organization's service accounts; for people only."""

    rules: ClassVar[dict[str, Rule]] = {"GET": MANAGE_KEYS, "POST": MANAGE_KEYS}

    @operation(
        summary="List an organization's API keys",
        description="Without the keys themselves, the revoked ones too. Newest first.",
        responses={200: (page(ApiKeySerializer), page_example(API_KEY_EXAMPLE))},
        paginated=True,
        errors=("not_found",),
        tags=["api keys"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """List the keys."""
        self.organization()
        rows = ApiKey.objects.filter(org_id=org_id)
        return json_response(paginate(request, rows, render_api_key))

    @operation(
        summary="Issue an API key",
        description="The answer holds the key, this once: only its hash is stored. A key is bound "
        "to the organization and can't have scopes beyond the role of whoever issues it.",
        request=ApiKeyIssueSerializer,
        request_example={"name": "enrichment worker", "scopes": ["credits:deduct"]},
        responses={201: (IssuedApiKeySerializer, ISSUED_API_KEY_EXAMPLE)},
        errors=("not_found",),
        tags=["api keys"],
    )
    def post(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Issue a key."""
        organization = self.organization()
        fields = self.validated(request, ApiKeyIssueSerializer)
        key, plaintext = ApiKey.objects.issue(organization, by=self.principal, **fields)
        return json_response({**render_api_key(key), "key": plaintext}, 201)


class ApiKeyView(OrgView):
    """One key of an organization; for people only."""

    rules: ClassVar[dict[str, Rule]] = {"DELETE": MANAGE_KEYS}

    @operation(
        summary="Revoke an API key",
        description="At once and for good; a key revoked before answers the same.",
        responses={204: None},
        errors=("not_found",),
        tags=["api keys"],
    )
    def delete(self, request: Request, org_id: uuid.UUID, key_id: uuid.UUID) -> HttpResponse:
        """Revoke a key."""
        self.organization()
        if not ApiKey.objects.revoke(org_id, key_id, by=self.principal):
            raise NotFound("The organization has no API key with this id.")
        return no_content()


def _annotated(organization: Any) -> dict[str, Any]:
    return render_organization(organization, organization.role, organization.member_count)


def _person(fields: dict[str, Any]) -> User:
    """Return whom the body names, inviting an address that nobody has.

    Raises NotFound for an unknown id, InvalidRequest for an account that is switched off.
    """
    if "email" in fields:
        person = User.objects.invite(fields["email"])
        field = "email"
    else:
        found = User.objects.filter(id=fields["user_id"]).first()
        if found is None:
            raise NotFound("There is no user with this id.")
        person, field = found, "user_id"
    if not person.is_active:
        raise InvalidRequest(field, "This account is switched off.", "inactive")
    return person
