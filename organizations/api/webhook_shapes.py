"""Bodies and shapes of the webhooks' API."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from organizations.choices import DeliveryStatus, DisabledReason, EndpointStatus
from organizations.event_types import EVERYTHING, REGISTRY, SUBSCRIBABLE
from organizations.models.webhook_endpoint import DESCRIPTION_LENGTH, URL_LENGTH
from orgbilling.web.fields import (
    QueryDateTimeField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    UtcDateTimeField,
)

#: Hours for which a former secret signs too, unless told otherwise, and at most.
OVERLAP_HOURS: Final = 24
OVERLAP_HOURS_MAX: Final = 168

_EVENTS_HELP: Final = (
    "What it is told of: names, or `*` for all but `credits.refused`, which is asked for by name."
)

_NO_EVENT: Final = (
    '"{input}" is no event that can be asked for: the OpenAPI document lists them, and * stands for '
    "all but credits.refused."
)


def _events(**kwargs: Any) -> Any:
    choices = [EVERYTHING, *SUBSCRIBABLE]
    return serializers.ListField(
        child=serializers.ChoiceField(choices, error_messages={"invalid_choice": _NO_EVENT}),
        allow_empty=False,
        min_length=1,
        max_length=len(choices),
        help_text=_EVENTS_HELP,
        **kwargs,
    )


@extend_schema_field(
    {
        "type": "string",
        "format": "uri",
        "maxLength": URL_LENGTH,
        "description": "Public, by HTTPS; a name that leads elsewhere is refused.",
    }
)
class ReceiverUrlField(StrictCharField):
    """A receiver's address, as it was written; the manager reads and judges it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": URL_LENGTH, **kwargs})


class _EventsSerializer(StrictSerializer):
    """A body that may name events."""

    def validate_events(self, events: list[str]) -> list[str]:
        """Each once, in the order of the registry."""
        return [name for name in (EVERYTHING, *SUBSCRIBABLE) if name in events]


class WebhookEndpointCreateSerializer(_EventsSerializer):
    """Body of POST webhook-endpoints."""

    url = ReceiverUrlField()
    description = StrictCharField(
        max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True, default=""
    )
    events = _events(required=False, default=lambda: [EVERYTHING])


class WebhookEndpointChangeSerializer(_EventsSerializer):
    """Body of PATCH webhook-endpoints/{endpoint_id}."""

    url = ReceiverUrlField(required=False)
    description = StrictCharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
    events = _events(required=False)
    status = serializers.ChoiceField(
        [EndpointStatus.ENABLED, EndpointStatus.DISABLED],
        required=False,
        help_text="`disabled` discards what still waits; it can be replayed once enabled.",
    )


class SecretRotationSerializer(StrictSerializer):
    """Body of POST rotate-secret."""

    overlap_hours = StrictIntegerField(
        min_value=0,
        max_value=OVERLAP_HOURS_MAX,
        required=False,
        default=OVERLAP_HOURS,
        help_text="How long the former secret signs too; 0 if it may be known to others.",
    )


class NothingSerializer(StrictSerializer):
    """A body without fields: `{}`, or none."""


class ReplaySerializer(StrictSerializer):
    """Body of POST replay."""

    since = UtcDateTimeField(help_text="Of what was recorded since then.")


class DeliveriesQuerySerializer(StrictSerializer):
    """Which deliveries are listed."""

    status = serializers.ChoiceField(DeliveryStatus.choices, required=False)
    event_type = serializers.ChoiceField(list(REGISTRY), required=False)
    start = QueryDateTimeField(required=False, help_text="Recorded at or after.")
    end = QueryDateTimeField(required=False, help_text="Recorded before.")


class EventsQuerySerializer(StrictSerializer):
    """Which events are listed."""

    type = serializers.ChoiceField(list(REGISTRY), required=False)
    start = QueryDateTimeField(required=False, help_text="Happened at or after.")
    end = QueryDateTimeField(required=False, help_text="Happened before.")


class WebhookEndpointSerializer(serializers.Serializer[Any]):
    """Where an organization is told of events, and how it fares."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text=_EVENTS_HELP)
    status = serializers.ChoiceField(EndpointStatus.choices)
    disabled_reason = serializers.ChoiceField(
        DisabledReason.choices, allow_null=True, help_text="Null unless it is disabled."
    )
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(
        allow_null=True,
        help_text="The first failure after the last success; null if it fares well.",
    )
    last_success_at = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the former secret signs too."
    )
    created_by = serializers.UUIDField(allow_null=True, help_text="Null when a key made it.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SecretWebhookEndpointSerializer(WebhookEndpointSerializer):
    """An endpoint whose secret was just made: the only answers that ever hold it."""

    secret = serializers.CharField(help_text="It begins with `whsec_`; it is not shown again.")


class WebhookDeliverySerializer(serializers.Serializer[Any]):
    """An event on its way to one endpoint."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    endpoint_id = serializers.UUIDField()
    event_id = serializers.UUIDField(help_text="Sent as `webhook-id`.")
    event_type = serializers.CharField()
    status = serializers.ChoiceField(
        DeliveryStatus.choices,
        help_text="`failed`: the last attempt of the schedule failed. `discarded`: the endpoint was "
        "disabled or deleted first. Both can be replayed.",
    )
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(
        allow_null=True, help_text="The HTTP status of the last answer; null when there was none."
    )
    last_error = serializers.CharField(help_text="Why the last attempt failed; empty if it didn't.")
    created_at = serializers.DateTimeField()


class WebhookAttemptSerializer(serializers.Serializer[Any]):
    """One request, and what came back."""

    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    status_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    response = serializers.CharField(help_text="The beginning of the answer's body, at most 1 KiB.")


class WebhookBodySerializer(serializers.Serializer[Any]):
    """What is sent: the types' data are under `webhooks` in this document."""

    type = serializers.CharField()
    timestamp = serializers.DateTimeField(help_text="When it happened.")
    data = serializers.DictField()  # type: ignore[assignment]


class WebhookDeliveryDetailSerializer(WebhookDeliverySerializer):
    """A delivery with what is sent, and each attempt."""

    body = WebhookBodySerializer()
    attempt_log = WebhookAttemptSerializer(many=True, help_text="Oldest first.")


class WebhookEventSerializer(WebhookBodySerializer):
    """Something that happened, of which an endpoint wanted to be told."""

    id = serializers.UUIDField(help_text="Sent as `webhook-id`.")
    org_id = serializers.UUIDField()


class ReplayedSerializer(serializers.Serializer[Any]):
    """How much is sent again."""

    replayed = serializers.IntegerField(help_text="Deliveries that begin anew, at most 10,000.")
    more = serializers.BooleanField(help_text="Whether there are others: send it again.")
