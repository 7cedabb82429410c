"""The audit, searched."""

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from billing.models import AuditEntry


def audit_entries(
    org_ids: Collection[uuid.UUID] | None,
    *,
    actor: str | None = None,
    subject: uuid.UUID | None = None,
    action: str | None = None,
    request_id: str | None = None,
    text: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Entries of the audit, newest first: slice it, or page by `(created_at, id)`.

    Read by the tables' indexes of time as far as a page goes. What is rare (a person, a request, a
    word) is looked for in all that the window holds: give one for large organizations.

    Args:
        org_ids: whose; None: everybody's, and what concerns no organization.
        actor: ``user:<id>``, ``key:<id>`` or ``system``.
        subject: the user it was done to.
        action: as entries have it, such as ``credits_allocation`` or ``member_added``.
        text: a part of the reason, or of a name or address of who did it or to whom, in any case.
        start, end: from the first, up to but without the second.
    """
    rows: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-created_at", "-id")
    if org_ids is not None:
        # One by itself is an equality, by which PostgreSQL reads an index in its order.
        rows = (
            rows.filter(org_id=next(iter(org_ids)))
            if len(org_ids) == 1
            else rows.filter(org_id__in=org_ids)
        )
    exact = {
        "actor": actor,
        "subject_user_id": subject,
        "action": action,
        "request_id": request_id,
        "created_at__gte": start,
        "created_at__lt": end,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    if text:
        rows = rows.filter(
            Q(reason__icontains=text)
            | Q(subject__icontains=text)
            | Q(subject_email__icontains=text)
            | Q(actor_name__icontains=text)
        )
    return rows
