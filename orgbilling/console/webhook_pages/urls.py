"""The pages about webhooks."""

from __future__ import annotations

from typing import Final

from orgbilling.console.pages import Page
from orgbilling.console.webhook_pages.changing import (
    AddEndpoint,
    DeleteEndpoint,
    DisableEndpoint,
    EditEndpoint,
    EnableEndpoint,
    RotateSecret,
)
from orgbilling.console.webhook_pages.endpoints import Endpoint, Endpoints, Secret
from orgbilling.console.webhook_pages.logs import Delivery, Event, Events
from orgbilling.console.webhook_pages.sending import ReplayDelivery, ReplayFailed, SendTest

HOOKS: Final = "org/<uuid:org_id>/webhooks"
HOOK: Final = f"{HOOKS}/<uuid:webhook_endpoint_id>"
DELIVERY: Final = f"{HOOKS}/deliveries/<uuid:webhook_delivery_id>"

#: Route below ``/admin/``, view, name.
PAGES: Final[tuple[tuple[str, type[Page], str], ...]] = (
    (f"{HOOKS}/", Endpoints, "org_webhooks"),
    (f"{HOOKS}/add/", AddEndpoint, "org_add_webhook"),
    (f"{HOOKS}/events/", Events, "org_webhook_events"),
    (f"{HOOKS}/events/<uuid:webhook_event_id>/", Event, "org_webhook_event"),
    (f"{DELIVERY}/", Delivery, "org_webhook_delivery"),
    (f"{DELIVERY}/replay/", ReplayDelivery, "org_replay_delivery"),
    (f"{HOOK}/", Endpoint, "org_webhook"),
    (f"{HOOK}/secret/", Secret, "org_webhook_secret"),
    (f"{HOOK}/edit/", EditEndpoint, "org_edit_webhook"),
    (f"{HOOK}/rotate-secret/", RotateSecret, "org_rotate_webhook"),
    (f"{HOOK}/disable/", DisableEndpoint, "org_disable_webhook"),
    (f"{HOOK}/enable/", EnableEndpoint, "org_enable_webhook"),
    (f"{HOOK}/delete/", DeleteEndpoint, "org_delete_webhook"),
    (f"{HOOK}/test/", SendTest, "org_test_webhook"),
    (f"{HOOK}/replay/", ReplayFailed, "org_replay_webhook"),
)
