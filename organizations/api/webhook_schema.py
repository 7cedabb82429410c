"""The `webhooks` of the OpenAPI document: what receivers are sent, from the registry of event types.

drf-spectacular takes each webhook by an import path of its own; a hook takes all of a registry.
"""

from __future__ import annotations

from typing import Any, Final

from organizations.event_types import REGISTRY, EventType

Json = dict[str, Any]


def _header(name: str, schema: Json, description: str) -> Json:
    return {
        "in": "header",
        "name": name,
        "required": True,
        "schema": schema,
        "description": description,
    }


_HEADERS: Final[dict[str, Json]] = {
    "WebhookId": _header(
        "webhook-id",
        {"type": "string", "format": "uuid"},
        "The event's id: the same in every attempt and replay. Take each once.",
    ),
    "WebhookTimestamp": _header(
        "webhook-timestamp",
        {"type": "string", "pattern": r"^\d+$"},
        "Unix seconds of this attempt.",
    ),
    "WebhookSignature": _header(
        "webhook-signature",
        {"type": "string", "pattern": "^v1,"},
        "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; two, with a space between them, while a secret is "
        "rotated. The libraries of Standard Webhooks verify it.",
    ),
}
_ANSWERS: Final[dict[str, Json]] = {
    "WebhookTaken": {"description": "Taken: it is not sent again."},
    "WebhookGone": {"description": "Gone: the endpoint is disabled at once."},
    "WebhookNotTaken": {
        "description": "Anything else, a redirect too, or nothing within 15 seconds: it is sent again later, up to ten "
        "times. `Retry-After` of a 429 or 503 is honoured."
    },
}
_STATUSES: Final = {"2XX": "WebhookTaken", "410": "WebhookGone", "default": "WebhookNotTaken"}


def add_webhooks(result: Json, **_: Any) -> Json:
    """Add the types to a document (a hook of drf-spectacular's)."""
    components = result["components"]
    _put(components, "schemas", {_name(kind): _body(kind) for kind in REGISTRY.values()})
    _put(components, "parameters", _HEADERS)
    _put(components, "responses", _ANSWERS)
    result["webhooks"] = {kind.name: {"post": _operation(kind)} for kind in REGISTRY.values()}
    return result


def _put(components: Json, section: str, more: Json) -> None:
    components[section] = dict(sorted({**components.get(section, {}), **more}.items()))


def _name(kind: EventType) -> str:
    """`credits.added` is a `CreditsAddedEvent`."""
    return "".join(word.title() for word in kind.name.replace("_", ".").split(".")) + "Event"


def _body(kind: EventType) -> Json:
    return {
        "type": "object",
        "description": kind.summary,
        "properties": {
            "type": {"type": "string", "const": kind.name},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, in UTC.",
            },
            "data": kind.schema(),
        },
        "required": ["type", "timestamp", "data"],
    }


def _operation(kind: EventType) -> Json:
    return {
        "operationId": f"webhook_{kind.name.replace('.', '_')}",
        "summary": kind.summary,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{_name(kind)}"},
                    "examples": {"event": {"value": kind.example()}},
                }
            },
        },
        "responses": {
            status: {"$ref": f"#/components/responses/{name}"} for status, name in _STATUSES.items()
        },
    }
