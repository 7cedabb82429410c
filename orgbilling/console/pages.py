"""What the pages of our own share: the frame around them, and who may see them."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.generic import TemplateView

from credits.functions import Origin
from organizations.access import BILLING, MEMBER, NOBODY, Principal, Rule
from organizations.models import Organization
from organizations.scoping import CURRENT, principal_of
from orgbilling.lib import replica
from orgbilling.web.request_id import current_request_id

#: Every member of the organization.
OPEN = Rule(MEMBER)
#: Its billing roles.
MANAGE = Rule(BILLING)
#: Whoever runs the service.
SYSTEM = Rule(NOBODY, system_only=True)


class Page(TemplateView):
    """A page in the console's frame, for whoever is signed in."""

    title: ClassVar[str] = ""

    @property
    def principal(self) -> Principal:
        """Who looks."""
        return principal_of(self.request)

    @property
    def origin(self) -> Origin:
        """Who acts, in which request, as ledger rows remember it."""
        return Origin(self.principal.actor, current_request_id())

    def page_title(self) -> str:
        """The heading; `title` unless it depends on what is shown."""
        return self.title

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The frame's values, the heading, and of which moment the figures are when a replica told them."""
        frame = admin.site.each_context(self.request)
        own = {"title": self.page_title(), "as_of": replica.as_of()}
        return {**frame, **own, **super().get_context_data(**kwargs)}


class SystemPage(Page):
    """A page for system admins, which looks at no single organization."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse others.

        Raises:
            PermissionDenied: the person is no system admin.
        """
        if not principal_of(request).may(SYSTEM, None):
            raise PermissionDenied
        request.session.pop(CURRENT, None)
        return super().dispatch(request, *args, **kwargs)


class OrgPage(Page):
    """A page of one organization, named in its address; to look at it makes it the current one."""

    rule: ClassVar[Rule] = MANAGE
    organization: Organization

    @property
    def org_id(self) -> UUID:
        """The organization's id."""
        return self.organization.pk

    @property
    def manages(self) -> bool:
        """Whether the person has a billing role here, or is a system admin."""
        return self.principal.may(MANAGE, self.org_id)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse strangers, whether or not the organization exists.

        Raises:
            PermissionDenied: the rule doesn't let the person.
            Http404: a system admin asks for an organization that doesn't exist.
        """
        org_id: UUID = kwargs["org_id"]
        if not principal_of(request).may(self.rule, org_id):
            raise PermissionDenied
        organization = Organization.objects.filter(pk=org_id).first()
        if organization is None:
            raise Http404
        self.organization = organization
        if request.session.get(CURRENT) != str(org_id):
            request.session[CURRENT] = str(org_id)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the organization, and whether the person runs it."""
        return super().get_context_data(
            organization=self.organization, manages=self.manages, **kwargs
        )
