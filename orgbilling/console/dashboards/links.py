"""Where a dashboard leads: addresses of other pages by name, and the actions that warnings name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Link:
    """What a button says and where it leads."""

    text: str
    url: str


#: Name of an action -> what its button says, the name of the page's address.
ACTIONS: Final = {
    "add_credits": ("Add credits", "org_add_credits"),
    "allocate": ("Allocate credits", "org_allocate"),
    "members": ("See members", "org_members"),
    "plan": ("Manage", "org_subscription"),
    "settings": ("Settings", "org_settings"),
    "pay": ("Pay", "org_invoices"),
    "subscribe": ("Choose a plan", "org_subscription"),
    "resume": ("Resume", "org_subscription"),
    "upgrade": ("See the plan", "org_subscription"),
    "undo_cancellation": ("Keep the subscription", "org_subscription"),
}


def link_to(action: str, org_id: UUID) -> Link | None:
    """The button of an action, such as ``add_credits`` or ``allocate:<user id>``; None when nobody here can do it."""
    name, _, user_id = action.partition(":")
    if name not in ACTIONS:
        return None
    text, page = ACTIONS[name]
    url = address(page, org_id, **({"user": user_id} if user_id else {}))
    return Link(text, url) if url else None


def address(page: str, org_id: UUID, **query: str) -> str:
    """The address of a page of the organization; empty when the console has no such page."""
    try:
        url = reverse(f"admin:{page}", args=[org_id])
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode(query)}" if query else url
