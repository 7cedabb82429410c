"""Sending a test, and sending again what failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.timezone import localdate

from credits.functions import Origin
from organizations.managers.webhook_deliveries import REPLAY_MAX
from organizations.models import WebhookDelivery, WebhookEvent
from orgbilling.console.actions import ActionForm, ActionPage, Change, Preview
from orgbilling.console.webhook_pages.base import WebhookPage
from orgbilling.console.webhook_pages.changing import EndpointAction
from orgbilling.console.webhook_pages.forms import ReplayForm, midnight
from orgbilling.console.webhook_pages.health import DAYS


class SendTest(EndpointAction):
    """Send a test; what comes back is on the page of its delivery."""

    title = "Send a test"
    template_name = "console/webhooks/send.html"
    form_class = ActionForm
    operation = "test_webhook"
    verb = "Send a test"
    introduction = (
        "The endpoint is sent a webhook.test, whatever it asks for. Next you see what came back."
    )
    sent: WebhookDelivery | None = None

    def after_url(self) -> str:
        """The delivery just made."""
        if self.sent is not None:
            return self.url_of("org_webhook_delivery", self.sent.pk)
        return super().after_url()

    def perform(self, form: Any, origin: Origin) -> str:
        """Send it.

        Raises:
            OrgBillingError: what forbids it.
        """
        self.sent = WebhookEvent.objects.send_test(self.living_endpoint(), by=self.principal)
        return "The test is on its way."


class ReplayFailed(EndpointAction):
    """Send again what an endpoint missed."""

    title = "Replay what failed"
    form_class = ReplayForm
    operation = "replay_webhook"
    verb = "Replay"
    introduction = (
        "What failed, or was discarded while the endpoint was disabled, is sent again with the same event ids, the "
        "oldest first."
    )

    def initial(self) -> dict[str, Any]:
        """The days whose failures the endpoint's page counts."""
        return {"since": localdate(timezone=self.zone) - timedelta(days=DAYS)}

    def preview(self, form: Any) -> Preview:
        """How many."""
        given_up = WebhookDelivery.objects.replayable().filter(
            org_id=self.org_id,
            endpoint_id=self.living_endpoint().pk,
            created_at__gte=midnight(form.cleaned_data["since"], self.zone),
        )
        count = given_up.order_by()[: REPLAY_MAX + 1].count()
        warnings = []
        if count > REPLAY_MAX:
            warnings.append(f"There are more: replay again for what is left of the {REPLAY_MAX:,}.")
        if count == 0:
            warnings.append("Nothing of that time failed.")
        number = min(count, REPLAY_MAX)
        return Preview(
            f"{number:,} deliver{'y' if number == 1 else 'ies'} to {self.endpoint().url} "
            f"begin{'s' if number == 1 else ''} anew.",
            [Change("Failed or discarded", f"{count:,}", f"{count - number:,}")],
            warnings,
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Replay them.

        Raises:
            OrgBillingError: what forbids it.
        """
        count = WebhookDelivery.objects.replay_since(
            self.org_id,
            self.kwargs["webhook_endpoint_id"],
            midnight(form.cleaned_data["since"], self.zone),
            by=self.principal,
        )
        return f"{count:,} deliver{'y' if count == 1 else 'ies'} will be sent again."


class ReplayDelivery(ActionPage, WebhookPage):
    """Send one delivery again."""

    rule = WebhookPage.rule
    title = "Replay"
    template_name = "console/webhooks/send.html"
    form_class = ActionForm
    operation = "replay_delivery"
    verb = "Replay"
    introduction = "The event is sent again with the same id. Next you see what came back."

    def after_url(self) -> str:
        """The delivery."""
        return self.url_of("org_webhook_delivery", self.kwargs["webhook_delivery_id"])

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The button, for a delivery that is there.

        Raises:
            Http404: it isn't.
        """
        self.delivery()
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the way back."""
        delivery = self.delivery()
        crumbs = [
            self.crumb("Webhooks", "org_webhooks"),
            self.crumb(str(delivery.endpoint), "org_webhook", delivery.endpoint_id),
            self.crumb(delivery.event.type, "org_webhook_delivery", delivery.pk),
        ]
        return super().get_context_data(crumbs=crumbs, **kwargs)

    def perform(self, form: Any, origin: Origin) -> str:
        """Send it.

        Raises:
            OrgBillingError: what forbids it.
        """
        WebhookDelivery.objects.replay(
            self.org_id, self.kwargs["webhook_delivery_id"], by=self.principal
        )
        return "It is on its way again."
