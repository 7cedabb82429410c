"""How the lists of the ledger say moments, amounts, people and parts of a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from organizations.models import Organization, User

BADGES: Final = {
    "pending": "ob-badge-accent",
    "captured": "ob-badge-good",
    "released": "",
    "expired": "ob-badge-warn",
    "grant": "ob-badge-good",
    "purchase": "ob-badge-good",
    "refresh": "ob-badge-good",
    "allocation": "ob-badge-accent",
    "reclaim": "ob-badge-warn",
    "expiry": "ob-badge-bad",
    "withdrawal": "ob-badge-bad",
}


def moment(value: datetime | None, org: Organization) -> str:
    """The moment in the organization's time zone, without naming it: the list does, above."""
    if value is None:
        return "never"
    return f"{value.astimezone(ZoneInfo(org.timezone)):%-d %b %Y, %H:%M}"


def number(value: int | None) -> SafeString:
    """An amount, for a column of them."""
    shown = "-" if value is None else f"{value:,}"
    return format_html('<span class="ob-tabular">{}</span>', shown)


def badge(value: str, label: str) -> SafeString:
    """A word in the colour of what it says."""
    return format_html('<span class="ob-badge {}">{}</span>', BADGES.get(value, ""), label)


def person(user: User) -> SafeString:
    """The name, and the address below it."""
    if not user.name:
        return format_html('<span class="ob-who">{}</span>', user.email)
    return format_html(
        '<span class="ob-who">{}<span class="ob-subtle ob-small">{}</span></span>',
        user.name,
        user.email,
    )


def link(text: Any, name: str, *args: Any) -> SafeString:
    """A link to a page of the console."""
    return format_html('<a class="ob-link" href="{}">{}</a>', page(name, *args), text)


def page(name: str, *args: Any) -> str:
    """The address of a page of the console."""
    return reverse(f"admin:{name}", args=args)


def buttons(*rows: tuple[str, str, str]) -> SafeString:
    """Small buttons: what each says, where it leads, and the same in words for who can't see the row."""
    inside = format_html_join(
        "", '<a class="ob-button ob-button-small" href="{1}" aria-label="{2}">{0}</a>', rows
    )
    return format_html('<span class="ob-row-actions">{}</span>', inside)


def bar(used: int, held: int, remaining: int) -> SafeString:
    """Used, held and remaining as parts of one bar; the words are for who can't see it."""
    whole = max(1, used + held + remaining)
    share_used, share_held = used * 100 / whole, held * 100 / whole
    return format_html(
        '<svg class="ob-bar ob-bar-cell" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        'aria-label="{} used, {} held, {} unspent">'
        '<rect class="ob-fill-used" x="0" y="0" width="{}" height="8"></rect>'
        '<rect class="ob-fill-held" x="{}" y="0" width="{}" height="8"></rect></svg>',
        f"{used:,}",
        f"{held:,}",
        f"{remaining:,}",
        f"{share_used:.2f}",
        f"{share_used:.2f}",
        f"{share_held:.2f}",
    )
