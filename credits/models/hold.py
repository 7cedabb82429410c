"""The hold: credits reserved for work whose cost is not known yet."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from credits.choices import HoldStatus
from credits.managers import HoldManager
from credits.models.allocation import Allocation
from organizations.models import Organization, User
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class Hold(models.Model):
    """Credits of one allocation, set aside until they are captured, released or expire.

    What is reserved never changes; what became of it is counted beside it. A settled hold is never opened again:
    a trigger refuses it. Whether a pending one has expired is decided by the database's clock wherever it is
    read, and does not wait for the job that writes so.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    allocation = LedgerForeignKey(
        Allocation, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    credits = models.BigIntegerField(help_text="What was reserved.")
    overage_credits = models.BigIntegerField(
        default=0, help_text="The part of it drawn from overage."
    )
    captured_credits = models.BigIntegerField(default=0)
    released_credits = models.BigIntegerField(default=0)
    expired_credits = models.BigIntegerField(default=0)
    overage_returned = models.BigIntegerField(
        default=0, help_text="Overage that was given back when the hold was settled."
    )
    status = models.CharField(max_length=16, choices=HoldStatus, default=HoldStatus.PENDING)
    service_type = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - null: not said
    service_name = models.CharField(max_length=100)
    unit_price = models.BigIntegerField(
        null=True, blank=True, help_text="Credits for one, when priced by the catalogue."
    )
    quantity = models.BigIntegerField(null=True, blank=True)
    price_version = models.IntegerField(null=True, blank=True)
    request_id = models.CharField(max_length=255)
    metadata = models.JSONField(default=dict, blank=True)
    remaining_credits = models.BigIntegerField(
        help_text="What the allocation had left after reserving."
    )
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null: no key, outside the unique index
    body_hash = models.BinaryField(null=True, blank=True)
    settle_hash = models.BinaryField(
        null=True, blank=True, help_text="Of the request that settled it."
    )
    final_usage_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=64, help_text="Who reserved: user:<id> or key:<id>.")
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = HoldManager()

    class Meta:
        db_table = "credit_holds"
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="hold_org_id_uniq"),
            models.UniqueConstraint(
                fields=["org", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="hold_org_key_uniq",
            ),
            models.CheckConstraint(
                condition=Q(
                    captured_credits__gte=0,
                    released_credits__gte=0,
                    expired_credits__gte=0,
                    credits__gte=F("captured_credits")
                    + F("released_credits")
                    + F("expired_credits"),
                ),
                name="hold_parts_within_credits",
            ),
            models.CheckConstraint(
                condition=Q(
                    status=HoldStatus.PENDING,
                    released_credits=0,
                    expired_credits=0,
                    overage_returned=0,
                    settled_at__isnull=True,
                )
                | Q(
                    status__in=(HoldStatus.CAPTURED, HoldStatus.RELEASED, HoldStatus.EXPIRED),
                    settled_at__isnull=False,
                    credits=F("captured_credits") + F("released_credits") + F("expired_credits"),
                ),
                name="hold_settled_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    overage_returned__gte=0,
                    overage_returned__lte=F("overage_credits"),
                    overage_credits__lte=F("credits"),
                ),
                name="hold_overage_within_credits",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=True, price_version__isnull=True)
                | Q(
                    unit_price__isnull=False,
                    unit_price__gte=0,
                    price_version__isnull=False,
                    quantity__isnull=False,
                    quantity__gte=1,
                    credits=F("unit_price") * F("quantity"),
                ),
                name="hold_price_times_quantity",
            ),
            models.CheckConstraint(
                condition=Q(remaining_credits__gte=0), name="hold_remaining_not_negative"
            ),
            models.CheckConstraint(condition=~Q(service_name=""), name="hold_service_named"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="hold_expires_later"
            ),
            models.CheckConstraint(
                condition=Q(idempotency_key__isnull=True) | Q(body_hash__isnull=False),
                name="hold_key_has_body_hash",
            ),
        )
        indexes = (
            models.Index(
                fields=["org", "allocation", "expires_at"],
                name="hold_pending_idx",
                condition=Q(status=HoldStatus.PENDING),
            ),
            models.Index(
                fields=["expires_at"],
                name="hold_due_idx",
                condition=Q(status=HoldStatus.PENDING),
            ),
            models.Index(fields=["org", "-created_at", "-id"], name="hold_org_newest_idx"),
        )

    def __str__(self) -> str:
        """What is held for what."""
        return f"{self.credits} for {self.service_name}: {self.status}"

    def status_at(self, moment: datetime) -> HoldStatus:
        """The status that counts: a pending hold past its expiry has expired, whoever has written so."""
        if self.status == HoldStatus.PENDING and self.expires_at <= moment:
            return HoldStatus.EXPIRED
        return HoldStatus(self.status)
