"""Usage: every credit spent, by whom, on what, for which request."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least
from django.db.models.lookups import Exact, LessThan

from credits.choices import Operation
from credits.managers import UsageManager
from credits.models.allocation import Allocation
from organizations.models import Organization, User
from orgbilling.lib.checks import Null, both_or_neither, one_of
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey

IS_REFUND = Exact(F("operation"), Operation.REFUND.value)
HAS_REFUNDED = Null(F("refund_of"), rhs=False)


class Usage(models.Model):
    """One deduction, or one refund of one. Never updated, never deleted.

    The foreign keys to the organization and the user hold through the allocation's; checking them again
    on every insert would lock the organization's row in every deduction.
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
    credits_used = models.BigIntegerField(help_text="Negative in a refund.")
    overage_credits = models.BigIntegerField(default=0, help_text="The part drawn from overage.")
    service_type = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - null: not said
    service_name = models.CharField(max_length=100)
    unit_price = models.BigIntegerField(
        null=True, blank=True, help_text="Credits for one, when priced by the catalogue."
    )
    quantity = models.BigIntegerField(null=True, blank=True)
    price_version = models.IntegerField(null=True, blank=True)
    request_id = models.CharField(max_length=255)
    metadata = models.JSONField(default=dict, blank=True)
    refund_of = LedgerForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="refunds",
        db_constraint=False,
        db_index=False,
    )
    hold_id = models.UUIDField(null=True, blank=True)
    remaining_credits = models.BigIntegerField(help_text="What the allocation had left afterwards.")
    operation = models.CharField(max_length=16, choices=Operation, default=Operation.DEDUCT)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null: no key, outside the unique index
    body_hash = models.BinaryField(null=True, blank=True)
    actor = models.CharField(max_length=64, help_text="Who charged: user:<id> or key:<id>.")
    created_at = models.DateTimeField()

    objects = UsageManager()

    class Meta:
        db_table = "credit_usage_attribution"
        base_manager_name = "objects"
        verbose_name = "usage"
        verbose_name_plural = "usage"
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="usage_org_id_uniq"),
            models.UniqueConstraint(
                fields=["org", "operation", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="usage_org_key_uniq",
            ),
            # Written in the fewest words: orgbilling/lib/checks.py says why.
            models.CheckConstraint(
                condition=one_of("operation", Operation.values)
                & both_or_neither(IS_REFUND, HAS_REFUNDED)
                & both_or_neither(LessThan(F("credits_used"), 0), HAS_REFUNDED),
                name="usage_sign_matches_operation",
            ),
            models.CheckConstraint(
                condition=Q(
                    overage_credits__range=(Least("credits_used", 0), Greatest("credits_used", 0))
                ),
                name="usage_overage_within_credits",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=True, price_version__isnull=True)
                # Parts of a hold and refunds keep the price that they were charged by; of a part that is no whole
                # number of units there is no quantity to say.
                | (
                    Q(unit_price__isnull=False, unit_price__gte=0, price_version__isnull=False)
                    & (
                        Q(
                            ~Q(operation=Operation.REFUND),
                            quantity__isnull=False,
                            quantity__gte=1,
                            credits_used=F("unit_price") * F("quantity"),
                        )
                        | Q(~Q(operation=Operation.DEDUCT), quantity__isnull=True)
                    )
                ),
                name="usage_price_times_quantity",
            ),
            models.CheckConstraint(
                condition=both_or_neither(
                    Exact(F("operation"), Operation.CAPTURE.value), Null(F("hold_id"), rhs=False)
                ),
                name="usage_capture_has_hold",
            ),
            models.CheckConstraint(
                condition=Q(remaining_credits__gte=0), name="usage_remaining_not_negative"
            ),
            models.CheckConstraint(condition=~Q(service_name=""), name="usage_service_named"),
            models.CheckConstraint(
                condition=Q(idempotency_key__isnull=True) | Q(body_hash__isnull=False),
                name="usage_key_has_body_hash",
            ),
        )
        indexes = (
            models.Index(fields=["org", "-created_at", "-id"], name="usage_org_newest_idx"),
            models.Index(
                fields=["org", "user", "-created_at", "-id"], name="usage_org_user_newest_idx"
            ),
            models.Index(
                fields=["org", "refund_of"],
                name="usage_refunds_idx",
                condition=Q(refund_of__isnull=False),
            ),
            # Refunds alone, by time: what the audit shows of usage, of one organization and of all.
            models.Index(
                fields=["org", "-created_at", "-id"],
                name="usage_refunds_org_newest_idx",
                condition=Q(refund_of__isnull=False),
            ),
            models.Index(
                fields=["-created_at", "-id"],
                name="usage_refunds_newest_idx",
                condition=Q(refund_of__isnull=False),
            ),
            models.Index(
                fields=["org", "hold_id"],
                name="usage_captures_idx",
                condition=Q(hold_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """What was spent on what."""
        return f"{self.credits_used} for {self.service_name}"
