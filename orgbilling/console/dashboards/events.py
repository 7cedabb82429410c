"""The audit in words: what kind of thing was done, by whom, and one sentence about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from billing.choices import EventType
from billing.models import AuditEntry
from billing.reports import audit_entries
from credits.choices import JournalKind
from organizations.choices import AuditAction
from organizations.models import ApiKey, Member, User

SYSTEM: Final = "system"
#: What organizations read instead of the names of whoever runs the service, and of their keys.
OPERATOR: Final = "Operator"
OPERATORS_KEY: Final = "Operator's API key"

#: What the journal tells of credits, the billing history tells again of money.
BILLED: Final[dict[str, str]] = {
    EventType.CREDIT_PURCHASE: "Purchase charged",
    EventType.CREDIT_GRANT: "Grant recorded",
}

#: The kinds of entries, put together as a menu of filters shows them.
KINDS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    (
        "Credits",
        {
            f"credits_{JournalKind.GRANT}": "Credits granted",
            f"credits_{JournalKind.PURCHASE}": "Credits bought",
            f"credits_{JournalKind.REFRESH}": "Monthly refresh",
            f"credits_{JournalKind.ALLOCATION}": "Credits allocated",
            f"credits_{JournalKind.RECLAIM}": "Credits reclaimed",
            f"credits_{JournalKind.RESET}": "Allocation reset",
            f"credits_{JournalKind.EXPIRY}": "Credits expired",
            f"credits_{JournalKind.WITHDRAWAL}": "Credits withdrawn",
            "usage_refunded": "Usage refunded",
        },
    ),
    ("Billing", {kind.value: BILLED.get(kind, kind.label) for kind in EventType}),
    ("People, keys and settings", {kind.value: kind.label for kind in AuditAction}),
)
LABELS: Final = {action: label for _, kinds in KINDS for action, label in kinds.items()}

#: Sentences of what happens often; the rest is told by its label.
SENTENCES: Final = {
    "credits_grant": "{who} granted {credits}",
    "credits_purchase": "{who} bought {credits}",
    "credits_refresh": "The monthly refresh brought {credits}",
    "credits_allocation": "{who} allocated {credits} to {subject}",
    "credits_reclaim": "{who} reclaimed {credits} from {subject}",
    "credits_expiry": "{credits} expired",
    "credits_withdrawal": "{who} withdrew {credits}",
    "usage_refunded": "{who} refunded {credits} to {subject}",
    "member_added": "{who} added {subject}",
    "member_removed": "{who} removed {subject}",
    "member_role_changed": "{who} changed the role of {subject}",
    "api_key_issued": "{who} issued the API key {subject}",
    "api_key_revoked": "{who} revoked the API key {subject}",
    "subscription_renewed": "The subscription was renewed",
    "payment_overdue": "A payment became overdue",
}

#: Left out of a dashboard's events: what the journal tells as well, and what comes by the calendar for everybody.
NOT_NEWS: Final = (
    EventType.CREDIT_GRANT,
    EventType.CREDIT_PURCHASE,
    f"credits_{JournalKind.RESET}",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of recent events; `id` is the audit entry's."""

    id: UUID
    at: datetime
    sentence: str


def recent(org_id: UUID, limit: int = 5, *, veiled: bool) -> list[Event]:
    """An organization's newest events; `veiled`: see `veil`. At most three queries."""
    rows = list(audit_entries([org_id]).exclude(action__in=NOT_NEWS)[:limit])
    if veiled:
        veil(rows, org_id)
    return [Event(row.pk, row.created_at, sentence(row)) for row in rows]


def veil(rows: Iterable[AuditEntry], org_id: UUID) -> None:
    """Name nobody who runs the service, nor their keys: what organizations see of them is what they did.

    Former members keep their names. At most two queries.
    """
    actors = {row.actor for row in rows}
    people, keys = _ids(actors, "user:"), _ids(actors, "key:")
    names: dict[str, str] = {}
    if people:
        persons = operators(org_id).filter(pk__in=people)
        names |= {f"user:{person.pk}": OPERATOR for person in persons}
    if keys:
        theirs = ApiKey.objects.filter(pk__in=keys, org=None)
        names |= {f"key:{key.pk}": OPERATORS_KEY for key in theirs}
    for row in rows:
        row.actor_name = names.get(row.actor, row.actor_name)


def operators(org_id: UUID) -> QuerySet[User]:
    """Who runs the service and is no member of the organization."""
    members = Member.objects.filter(org_id=org_id).values("user_id")
    found: QuerySet[User] = User.objects.filter(is_superuser=True).exclude(pk__in=members)
    return found


def _ids(actors: Iterable[str], prefix: str) -> list[str]:
    return [actor.removeprefix(prefix) for actor in actors if actor.startswith(prefix)]


def label(action: str) -> str:
    """A kind of entry in words."""
    return LABELS.get(action, action.replace("_", " ").capitalize())


def who(entry: AuditEntry) -> str:
    """Who did it: a person's or API key's name."""
    if entry.actor_name:
        return str(entry.actor_name)
    return "The system" if entry.actor == SYSTEM else "Somebody unknown"


def sentence(entry: AuditEntry) -> str:
    """What was done, in one sentence without a full stop."""
    told = SENTENCES.get(entry.action)
    subject = entry.subject or "the organization"
    if told is not None:
        number = entry.credits or 0
        counted = f"{number:,} credit{'' if number == 1 else 's'}"
        return told.format(who=who(entry), credits=counted, subject=subject)
    by = "" if entry.actor == SYSTEM else f" by {who(entry)}"
    return f"{label(entry.action)}{by}{f': {entry.subject}' if entry.subject else ''}"
