"""The closed lists of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models

#: "No end": what a subscription that renews by itself may spend until.
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)

#: The most credits that one request may name.
MAX_AMOUNT = 10**15

#: The most credits that one balance may reach; below the largest BIGINT by a wide margin.
MAX_BALANCE = 9 * 10**18


class ResetPeriod(models.TextChoices):
    """How often an allocation is filled up to its budget."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    NEVER = "never"


class Bucket(models.TextChoices):
    """Where a credit can be. Every credit of an organization is in exactly one of them."""

    OUTSIDE = "outside"
    AVAILABLE = "available"
    REMAINING = "remaining"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Operation(models.TextChoices):
    """What wrote a usage row; the scope of its idempotency key inside the organization."""

    DEDUCT = "deduct"
    CAPTURE = "capture"
    REFUND = "refund"


class HoldStatus(models.TextChoices):
    """What became of a hold; all but pending are final."""

    PENDING = "pending"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class ShortageLevel(models.TextChoices):
    """How little is left: below the threshold, or nothing."""

    LOW = "low"
    EXHAUSTED = "exhausted"


class JournalKind(models.TextChoices):
    """Why credits moved, other than by usage and holds."""

    GRANT = "grant"
    PURCHASE = "purchase"
    REFRESH = "refresh"
    ALLOCATION = "allocation"
    RECLAIM = "reclaim"
    RESET = "reset"
    EXPIRY = "expiry"
    WITHDRAWAL = "withdrawal"


#: From which bucket to which each kind moves credits.
TRANSFERS: dict[JournalKind, tuple[Bucket, Bucket]] = {
    JournalKind.GRANT: (Bucket.OUTSIDE, Bucket.AVAILABLE),
    JournalKind.PURCHASE: (Bucket.OUTSIDE, Bucket.AVAILABLE),
    JournalKind.REFRESH: (Bucket.OUTSIDE, Bucket.AVAILABLE),
    JournalKind.ALLOCATION: (Bucket.AVAILABLE, Bucket.REMAINING),
    JournalKind.RESET: (Bucket.AVAILABLE, Bucket.REMAINING),
    JournalKind.RECLAIM: (Bucket.REMAINING, Bucket.AVAILABLE),
    JournalKind.EXPIRY: (Bucket.AVAILABLE, Bucket.EXPIRED),
    JournalKind.WITHDRAWAL: (Bucket.AVAILABLE, Bucket.WITHDRAWN),
}

#: The kinds that somebody puts new credits into a pool by; a refresh comes by itself.
FILLS = (JournalKind.GRANT, JournalKind.PURCHASE)


class Grain(models.TextChoices):
    """How long a cell of summed-up usage is."""

    HOUR = "hour"
    DAY = "day"
