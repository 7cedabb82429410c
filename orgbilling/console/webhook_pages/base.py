"""What the pages about webhooks share: who may see them, and the rows that their addresses name."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse

from organizations.access import MANAGERS, Rule
from organizations.choices import EndpointStatus
from organizations.models import WebhookDelivery, WebhookEndpoint
from orgbilling.console.pages import OrgPage
from orgbilling.console.webhook_pages import wording
from orgbilling.console.webhook_pages.forms import LogFilter
from orgbilling.web.paginating import BoundedPaginator

#: Owners and admins.
LEAD: Final = Rule(MANAGERS)
PER_PAGE: Final = 50


class WebhookPage(OrgPage):
    """A page about an organization's webhooks."""

    rule: ClassVar[Rule] = LEAD

    @property
    def zone(self) -> ZoneInfo:
        """Where the organization's days are."""
        return ZoneInfo(self.organization.timezone)

    def url_of(self, name: str, *more: uuid.UUID) -> str:
        """The address of a page of the organization."""
        return reverse(f"admin:{name}", args=[self.org_id, *more])

    def crumb(self, title: str, name: str, *more: uuid.UUID) -> dict[str, str]:
        """A page that leads here."""
        return {"title": title, "url": self.url_of(name, *more)}

    def endpoint(self) -> WebhookEndpoint:
        """The endpoint of the address, a deleted one too; looked up once.

        Raises:
            Http404: the organization has no such endpoint.
        """
        if not hasattr(self, "_endpoint"):
            rows = WebhookEndpoint.objects.filter(org_id=self.org_id)
            found = rows.filter(pk=self.kwargs["webhook_endpoint_id"]).first()
            if found is None:
                raise Http404
            self._endpoint: WebhookEndpoint = found
        return self._endpoint

    def living_endpoint(self) -> WebhookEndpoint:
        """The same.

        Raises:
            Http404: it was deleted, too.
        """
        found = self.endpoint()
        if found.status == EndpointStatus.DELETED:
            raise Http404
        return found

    def delivery(self) -> WebhookDelivery:
        """The delivery of the address, with its event and its endpoint; looked up once.

        Raises:
            Http404: the organization has no such delivery.
        """
        if not hasattr(self, "_delivery"):
            found = self.deliveries().filter(pk=self.kwargs["webhook_delivery_id"]).first()
            if found is None:
                raise Http404
            self._delivery = found
        return self._delivery

    def deliveries(self) -> QuerySet[WebhookDelivery]:
        """The organization's deliveries with their events and endpoints, newest first."""
        mine = {
            "org_id": self.org_id,
            "event__org_id": self.org_id,
            "endpoint__org_id": self.org_id,
        }
        rows: QuerySet[WebhookDelivery] = WebhookDelivery.objects.filter(**mine)
        return rows.select_related("event", "endpoint").order_by("-created_at", "-id")

    def rows_of(self, deliveries: Any) -> list[dict[str, Any]]:
        """Deliveries as tables show them."""
        return [
            {
                "delivery": delivery,
                "badge": wording.delivery_badge(delivery),
                "answer": wording.answer_of(delivery),
                "next": wording.next_of(delivery, self.organization),
            }
            for delivery in deliveries
        ]

    def log(self, form: LogFilter, rows: QuerySet[Any]) -> dict[str, Any]:
        """One page of a log, filtered by the form, as `console/money/pages.html` reads it."""
        found = rows.filter(**form.lookups(self.zone))
        page = BoundedPaginator(found, PER_PAGE).get_page(self.request.GET.get("page"))
        query = self.request.GET.copy()
        query.pop("page", None)
        return {
            "form": form,
            "page": page,
            "query": query.urlencode(),
            "filtered": any(query.values()),
        }
