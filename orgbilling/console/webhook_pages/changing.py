"""Adding an endpoint, changing it, giving it another secret, switching it, deleting it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from credits.functions import Origin
from organizations.choices import DeliveryStatus
from organizations.event_types import EVERYTHING
from organizations.models import WebhookEndpoint
from orgbilling.console.actions import ActionPage, Change, Preview
from orgbilling.console.credit_pages.confirming import ConfirmPage
from orgbilling.console.webhook_pages.base import WebhookPage
from orgbilling.console.webhook_pages.forms import EndpointForm, RotateForm
from orgbilling.console.webhook_pages.secrets import keep, kept_for


class EndpointAction(ActionPage, WebhookPage):
    """An action on endpoints, which leads back to where it was begun."""

    rule = WebhookPage.rule

    def after_url(self) -> str:
        """The endpoint's page."""
        return self.url_of("org_webhook", self.kwargs["webhook_endpoint_id"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the ways back."""
        crumbs = [self.crumb("Webhooks", "org_webhooks")]
        if "webhook_endpoint_id" in self.kwargs:
            endpoint = self.living_endpoint()
            crumbs.append(self.crumb(str(endpoint), "org_webhook", endpoint.pk))
        return super().get_context_data(crumbs=crumbs, **kwargs)


class SavingPage(EndpointAction):
    """An action with the endpoint's form, which is done at once: it can be changed again."""

    form_class = EndpointForm
    template_name = "console/webhooks/endpoint_form.html"

    @staticmethod
    def values(form: Any) -> dict[str, Any]:
        """What the form says, as the manager takes it."""
        given = form.cleaned_data
        return {
            "url": given["url"],
            "description": given["description"],
            "events": form.events,
            "looked": True,
        }


class AddEndpoint(SavingPage):
    """Add an endpoint; its secret is shown next, once."""

    title = "Add endpoint"
    operation = "add_webhook"
    verb = "Add endpoint"

    def after_url(self) -> str:
        """Where the secret is shown; the list while there is none."""
        made = kept_for(self.request)
        return self.url_of("org_webhook_secret", made) if made else self.url_of("org_webhooks")

    def perform(self, form: Any, origin: Origin) -> str:
        """Add it.

        Raises:
            OrgBillingError: what forbids it.
        """
        endpoint, _secret = WebhookEndpoint.objects.open(
            self.organization, **self.values(form), by=self.principal
        )
        keep(self.request, endpoint)
        return f"{endpoint.url} is told of events from now on. Send it a test next."


class EditEndpoint(SavingPage):
    """Change an endpoint's address, description or events."""

    title = "Edit endpoint"
    operation = "edit_webhook"

    def initial(self) -> dict[str, Any]:
        """What there is."""
        endpoint = self.living_endpoint()
        return {
            "url": endpoint.url,
            "description": endpoint.description,
            "everything": EVERYTHING in endpoint.events,
            "chosen": [name for name in endpoint.events if name != EVERYTHING],
        }

    def perform(self, form: Any, origin: Origin) -> str:
        """Change it.

        Raises:
            OrgBillingError: what forbids it.
        """
        endpoint = WebhookEndpoint.objects.edit(
            self.org_id,
            self.kwargs["webhook_endpoint_id"],
            **self.values(form),
            by=self.principal,
        )
        return f"{endpoint} is saved."


class RotateSecret(EndpointAction):
    """Give an endpoint another secret, which is shown next, once."""

    title = "Rotate secret"
    form_class = RotateForm
    operation = "rotate_webhook"
    verb = "Make a new secret"
    introduction = (
        "The endpoint gets a new secret, which is shown once and signs from then on. For a while the former one can "
        "sign too, so that the receiver may change over without missing anything."
    )

    def after_url(self) -> str:
        """Where the secret is shown; the endpoint while there is none."""
        mine = self.kwargs["webhook_endpoint_id"]
        name = "org_webhook_secret" if kept_for(self.request) == mine else "org_webhook"
        return self.url_of(name, mine)

    def preview(self, form: Any) -> Preview:
        """What becomes of the former secret."""
        endpoint, hours = self.living_endpoint(), int(form.cleaned_data["overlap"])
        warnings = []
        if hours == 0:
            warnings.append(
                "Events that are sent before the receiver has the new secret fail there, and are tried again."
            )
        if endpoint.previous_secret:
            warnings.append("The secret before the present one signs no more at once.")
        until = (
            f"Signs too for {hours} hour{'' if hours == 1 else 's'}" if hours else "Signs no more"
        )
        return Preview(
            f"{endpoint.url} gets a new secret.",
            [Change("The present secret", "Signs", until)],
            warnings,
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Make it.

        Raises:
            OrgBillingError: what forbids it.
        """
        endpoint, _secret = WebhookEndpoint.objects.rotate_secret(
            self.org_id,
            self.kwargs["webhook_endpoint_id"],
            overlap=timedelta(hours=int(form.cleaned_data["overlap"])),
            by=self.principal,
        )
        keep(self.request, endpoint)
        return "The new secret signs from now on."


class EndpointConfirm(ConfirmPage, EndpointAction):
    """An action on an endpoint that asks for nothing."""

    def waiting(self) -> int:
        """Deliveries that wait for the endpoint; looked at no further than 10,000."""
        rows = self.deliveries().filter(
            endpoint_id=self.endpoint().pk, status=DeliveryStatus.PENDING
        )
        return rows.select_related(None).order_by()[:10_000].count()

    def given_up(self) -> list[Change]:
        """What waits, before and after."""
        return [Change("Deliveries that wait", f"{self.waiting():,}", "0")]


class DisableEndpoint(EndpointConfirm):
    """Send an endpoint nothing for a while."""

    title = "Disable endpoint"
    operation = "disable_webhook"
    verb = "Disable"

    def preview(self, form: Any) -> Preview:
        """What it means."""
        return Preview(
            f"Nothing is sent to {self.living_endpoint().url} until it is enabled. What happens meanwhile is not kept "
            "for it; what waits is discarded, and can be replayed then.",
            [Change("Status", "Enabled", "Disabled"), *self.given_up()],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Disable it.

        Raises:
            OrgBillingError: what forbids it.
        """
        where = self.kwargs["webhook_endpoint_id"]
        return (
            f"{WebhookEndpoint.objects.disable(self.org_id, where, by=self.principal)} is disabled."
        )


class EnableEndpoint(EndpointConfirm):
    """Send to a disabled endpoint again."""

    title = "Enable endpoint"
    operation = "enable_webhook"
    verb = "Enable"

    def preview(self, form: Any) -> Preview:
        """What it means."""
        return Preview(
            f"{self.living_endpoint().url} is told of events from now on. What failed or was discarded can be "
            "replayed.",
            [Change("Status", "Disabled", "Enabled")],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Enable it.

        Raises:
            OrgBillingError: what forbids it.
        """
        where = self.kwargs["webhook_endpoint_id"]
        return (
            f"{WebhookEndpoint.objects.enable(self.org_id, where, by=self.principal)} is enabled."
        )


class DeleteEndpoint(EndpointConfirm):
    """Delete an endpoint."""

    title = "Delete endpoint"
    operation = "delete_webhook"
    verb = "Delete"
    button = "ob-button-danger"

    def preview(self, form: Any) -> Preview:
        """What is lost."""
        return Preview(
            f"{self.living_endpoint().url} is told of nothing any more, for good. "
            "Its secret is forgotten; the log of its deliveries stays until it is purged.",
            self.given_up(),
        )

    def after_url(self) -> str:
        """The list."""
        return self.url_of("org_webhooks")

    def perform(self, form: Any, origin: Origin) -> str:
        """Delete it.

        Raises:
            OrgBillingError: what forbids it.
        """
        endpoint = self.living_endpoint()
        WebhookEndpoint.objects.remove(self.org_id, endpoint.pk, by=self.principal)
        return f"{endpoint} is deleted."
