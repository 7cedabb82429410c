"""Storing what providers tell us of, and marking what became of it."""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import models, transaction
from django.db.models import F

from billing.choices import InboxStatus
from orgbilling.lib.jobs import defer_once

if TYPE_CHECKING:
    from billing.models.inbox import WebhookEvent

#: The task that processes an event.
PROCESS_TASK: Final = "billing.process_webhook"
#: Events that were processed are kept for this many days.
KEPT_DAYS: Final = 90
_ERROR_MAX: Final = 2_000


class WebhookEventManager(models.Manager["WebhookEvent"]):
    """The inbox."""

    def store(
        self, *, provider: str, event_id: str, event_type: str, body: bytes, moment: datetime
    ) -> bool:
        """Store an event and ask for its processing, in the caller's transaction; False: it is there already."""
        row = self.model(
            provider=provider,
            event_id=event_id,
            event_type=event_type,
            body=body,
            received_at=moment,
        )
        self.bulk_create([row], ignore_conflicts=True)
        if not self.filter(pk=row.pk).exists():
            return False
        defer_once(PROCESS_TASK, key=f"{PROCESS_TASK}:{row.pk}", at=moment, event=str(row.pk))
        return True

    def reopen(self, events: "models.QuerySet[WebhookEvent]", *, moment: datetime) -> int:
        """Let failed events be processed anew, and ask for it, in one transaction. Returns how many."""
        with transaction.atomic():
            failed = events.filter(status=InboxStatus.FAILED).order_by("id")
            keys = list(failed.select_for_update(no_key=True).values_list("pk", flat=True))
            self.filter(pk__in=keys).update(
                status=InboxStatus.RECEIVED, processed_at=None, attempts=0
            )
            for key in keys:
                defer_once(PROCESS_TASK, key=f"{PROCESS_TASK}:{key}", at=moment, event=str(key))
        return len(keys)

    def waiting(self, *, before: datetime) -> "models.QuerySet[WebhookEvent]":
        """Those that came before a moment and are not processed yet, the oldest first."""
        return self.filter(status=InboxStatus.RECEIVED, received_at__lt=before).order_by(
            "received_at", "id"
        )

    def count_attempt(self, pk: uuid.UUID, *, error: str) -> None:
        """Note that an event could not be processed yet, and why."""
        self.filter(pk=pk).update(attempts=F("attempts") + 1, error=error[:_ERROR_MAX])

    def close(
        self, pk: uuid.UUID, *, status: InboxStatus, moment: datetime, error: str = ""
    ) -> None:
        """Note what became of an event."""
        self.filter(pk=pk).update(
            status=status,
            attempts=F("attempts") + 1,
            error=error[:_ERROR_MAX],
            processed_at=moment,
        )

    def purge(self, moment: datetime) -> int:
        """Forget events whose processing ended `KEPT_DAYS` ago; failed ones stay. Returns how many."""
        done = self.filter(
            status__in=[InboxStatus.PROCESSED, InboxStatus.IGNORED],
            processed_at__lt=moment - timedelta(days=KEPT_DAYS),
        )
        return done.delete()[0]
