"""`make event-docs`: writes docs/webhook-events.md from the registry of event types."""

import json
from collections.abc import Iterator
from itertools import groupby

from organizations.event_types import REGISTRY, EventType, Field
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "webhook-events.md"
INTRODUCTION = """# Webhook events

Each type of event that an endpoint can be told of, with its fields and an example of the whole body, as the code has
them in `organizations/event_types.py`. `make event-docs` writes this page and a test compares it: don't edit it. How
events arrive, and how to receive them, is in [webhooks](webhooks.md). The [OpenAPI document](openapi.yaml) has the
same as JSON Schema, under `webhooks`.

All have `org_id` in `data`. Fields may be added to a type; none is taken away, and none changes its meaning.
"""
TITLES = {
    "credits": "Credits",
    "hold": "Holds",
    "subscription": "Subscriptions",
    "invoice": "Invoices",
    "member": "Members",
    "webhook": "Tests",
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for group, kinds in groupby(REGISTRY.values(), key=lambda kind: kind.group):
        parts.append(f"## {TITLES[group]}\n")
        for kind in kinds:
            parts.extend(_type(kind))
    return "\n".join(parts).rstrip() + "\n"


def _type(kind: EventType) -> Iterator[str]:
    yield f"### `{kind.name}`\n"
    yield f"{kind.summary}\n"
    yield "| field | type | |\n|---|---|---|"
    for field in kind.fields:
        yield f"| `{field.name}` | {_kind(field)} | {_about(field)} |"
    example = json.dumps(kind.example(), indent=2, ensure_ascii=False)
    yield f"\n```json\n{example}\n```\n"


def _kind(field: Field) -> str:
    return f"{field.kind}{' or null' if field.nullable else ''}"


def _about(field: Field) -> str:
    about = field.about.replace("|", "\\|").replace("<", "&lt;")
    values = ", ".join(f"`{value}`" for value in field.values)
    return f"{about} One of {values}" if values else about


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
