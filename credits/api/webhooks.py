"""What makes or sends something about webhooks: done once for an Idempotency-Key, which the ledger's tables keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api.keys import key_of, respond
from credits.idempotency import Answer, hash_body, run_once
from organizations.access import Rule
from organizations.api import webhook_examples as examples
from organizations.api.webhook_deliveries import MANAGE_WEBHOOKS, WebhookView
from organizations.api.webhook_endpoints import WebhookEndpointsView as EndpointsListView
from organizations.api.webhook_rendering import render_delivery, render_endpoint
from organizations.api.webhook_shapes import (
    NothingSerializer,
    ReplayedSerializer,
    ReplaySerializer,
    SecretRotationSerializer,
    SecretWebhookEndpointSerializer,
    WebhookDeliverySerializer,
    WebhookEndpointCreateSerializer,
)
from organizations.managers.webhook_deliveries import REPLAY_MAX
from organizations.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from organizations.webhooks.secrets import SecretUnreadable, decrypted
from orgbilling.lib.errors import InvalidRequest
from orgbilling.web.openapi import operation
from orgbilling.web.responses import encode

Work = Callable[[], tuple[int, dict[str, Any]]]


def answer_once(
    request: Request, operation_name: str, path: dict[str, UUID], body: dict[str, Any], work: Work
) -> Answer:
    """Do the work at most once for the request's key in the path's organization.

    Raises:
        InvalidRequest: the header is malformed.
        OrgBillingError: see ``credits.idempotency.run_once``.
    """
    return run_once(
        org_id=path["org_id"],
        operation=operation_name,
        key=key_of(request),
        body_hash=hash_body(operation_name, path, body),
        work=work,
    )


def with_secret(answer: Answer) -> Answer:
    """The answer with its secret in plain text.

    It is kept as the endpoint's row keeps it, encrypted, so that a replay has the secret of the first answer, and a
    dump of the database has none.

    Raises:
        InvalidRequest: SECRET_KEY was changed since, without a fallback.
    """
    if answer.status >= 400:
        return answer
    document = json.loads(answer.body)
    try:
        document["secret"] = decrypted(document["secret"])
    except SecretUnreadable as exc:
        detail = "The secret that this key was answered with can't be read any more: rotate it."
        raise InvalidRequest("Idempotency-Key", detail) from exc
    return Answer(answer.status, encode(document), replayed=answer.replayed)


class WebhookEndpointsView(EndpointsListView):
    """An organization's endpoints; a new one comes with its secret."""

    @operation(
        summary="Add a webhook endpoint",
        description="The answer holds the secret that signs what is sent to it, this once. The address has to be "
        "public and served by HTTPS; what a name leads to is looked at here and at every connection. An organization "
        "has at most 20 endpoints.",
        request=WebhookEndpointCreateSerializer,
        request_example=examples.CREATE,
        responses={201: (SecretWebhookEndpointSerializer, examples.WITH_SECRET)},
        errors=("endpoint_limit_exceeded",),
        idempotent=True,
        tags=["webhooks"],
    )
    def post(self, request: Request, org_id: UUID) -> HttpResponse:
        """201 with the endpoint and its secret."""
        organization = self.organization()
        wanted = self.validated(request, WebhookEndpointCreateSerializer)
        # Looked up before the transaction: a name server may take its time.
        WebhookEndpoint.objects.check_url(wanted["url"])

        def add() -> tuple[int, dict[str, Any]]:
            endpoint, _secret = WebhookEndpoint.objects.open(
                organization, **wanted, looked=True, by=self.principal
            )
            return 201, {**render_endpoint(endpoint), "secret": endpoint.secret}

        body = self.body(request)
        answer = answer_once(request, "webhook_endpoint", {"org_id": org_id}, body, add)
        return respond(with_secret(answer))


class RotateSecretView(WebhookView):
    """A new secret for an endpoint."""

    rules: ClassVar[dict[str, Rule]] = {"POST": MANAGE_WEBHOOKS}

    @operation(
        summary="Rotate a webhook endpoint's secret",
        description="The new secret signs at once, and the answer holds it, this once. For the overlap the former one "
        "signs too: `webhook-signature` then has both.",
        request=SecretRotationSerializer,
        request_example={"overlap_hours": 24},
        responses={
            200: (
                SecretWebhookEndpointSerializer,
                {
                    **examples.WITH_SECRET,
                    "previous_secret_until": "2026-11-29T09:30:00Z",  # pragma: allowlist secret
                },
            )
        },
        idempotent=True,
        tags=["webhooks"],
    )
    def post(self, request: Request, org_id: UUID, endpoint_id: UUID) -> HttpResponse:
        """200 with the endpoint and its new secret."""
        self.existing_endpoint()
        wanted = self.validated(request, SecretRotationSerializer)

        def rotate() -> tuple[int, dict[str, Any]]:
            endpoint, _secret = WebhookEndpoint.objects.rotate_secret(
                org_id,
                endpoint_id,
                overlap=timedelta(hours=wanted["overlap_hours"]),
                by=self.principal,
            )
            return 200, {**render_endpoint(endpoint), "secret": endpoint.secret}

        path = {"org_id": org_id, "endpoint_id": endpoint_id}
        answer = answer_once(request, "webhook_rotate", path, self.body(request), rotate)
        return respond(with_secret(answer))


class SendTestView(WebhookView):
    """An endpoint is tried."""

    rules: ClassVar[dict[str, Rule]] = {"POST": MANAGE_WEBHOOKS}

    @operation(
        summary="Send a test event",
        description="A `webhook.test`, whatever the endpoint asks for. The answer is its delivery: what came back is "
        "shown there within seconds.",
        request=NothingSerializer,
        request_example={},
        responses={202: (WebhookDeliverySerializer, examples.WAITING)},
        errors=("endpoint_disabled",),
        idempotent=True,
        tags=["webhooks"],
    )
    def post(self, request: Request, org_id: UUID, endpoint_id: UUID) -> HttpResponse:
        """202 with the delivery."""
        endpoint = self.existing_endpoint()
        self.validated(request, NothingSerializer)

        def send() -> tuple[int, dict[str, Any]]:
            sent = WebhookEvent.objects.send_test(endpoint, by=self.principal)
            return 202, render_delivery(sent)

        path = {"org_id": org_id, "endpoint_id": endpoint_id}
        return respond(answer_once(request, "webhook_test", path, self.body(request), send))


class ReplayView(WebhookView):
    """What an endpoint missed is sent again."""

    rules: ClassVar[dict[str, Rule]] = {"POST": MANAGE_WEBHOOKS}

    @operation(
        summary="Replay an endpoint's failed deliveries",
        description="Those that were recorded since a moment and are `failed` or `discarded`, the oldest first, at "
        "most 10,000. Each begins its schedule anew, with the same event id.",
        request=ReplaySerializer,
        request_example={"since": "2026-11-27T00:00:00Z"},
        responses={202: (ReplayedSerializer, {"replayed": 12, "more": False})},
        errors=("endpoint_disabled",),
        idempotent=True,
        tags=["webhooks"],
    )
    def post(self, request: Request, org_id: UUID, endpoint_id: UUID) -> HttpResponse:
        """202 with how many."""
        self.existing_endpoint()
        wanted = self.validated(request, ReplaySerializer)

        def replay() -> tuple[int, dict[str, Any]]:
            count = WebhookDelivery.objects.replay_since(
                org_id, endpoint_id, wanted["since"], by=self.principal
            )
            return 202, {"replayed": count, "more": count >= REPLAY_MAX}

        path = {"org_id": org_id, "endpoint_id": endpoint_id}
        return respond(answer_once(request, "webhook_replay", path, self.body(request), replay))


class ReplayDeliveryView(WebhookView):
    """One delivery is made again."""

    rules: ClassVar[dict[str, Rule]] = {"POST": MANAGE_WEBHOOKS}

    @operation(
        summary="Replay a delivery",
        description="With the same event id and a schedule that begins anew, whatever became of it before; one that is "
        "`pending` is tried at once.",
        request=NothingSerializer,
        request_example={},
        responses={202: (WebhookDeliverySerializer, examples.WAITING)},
        errors=("endpoint_disabled",),
        idempotent=True,
        tags=["webhooks"],
    )
    def post(
        self, request: Request, org_id: UUID, endpoint_id: UUID, delivery_id: UUID
    ) -> HttpResponse:
        """202 with the delivery."""
        self.existing_endpoint()
        self.delivery()
        self.validated(request, NothingSerializer)

        def replay() -> tuple[int, dict[str, Any]]:
            sent = WebhookDelivery.objects.replay(org_id, delivery_id, by=self.principal)
            return 202, render_delivery(sent)

        path = {"org_id": org_id, "endpoint_id": endpoint_id, "delivery_id": delivery_id}
        return respond(answer_once(request, "webhook_resend", path, self.body(request), replay))
