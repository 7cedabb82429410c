"""A run of the ledger's proof: when, how much of it, and what it found."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from billing.managers.ledger_checks import LedgerCheckManager
from orgbilling.lib.ids import uuid7


class LedgerCheck(models.Model):
    """One run over all organizations. Without `finished_at` it goes on, or was ended half-way.

    It belongs to no organization: the proof is of the ledger as a whole.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="The instant of the ledger that was judged."
    )
    asked_by = models.CharField(max_length=64, help_text="user:<id>, key:<id> or system.")
    checked = models.IntegerField(default=0, help_text="How many equations.")
    violations = models.BigIntegerField(default=0, help_text="How many rows break one.")
    milliseconds = models.BigIntegerField(default=0)
    details = models.JSONField(
        default=list, blank=True, help_text="Broken equations: the first violations of each."
    )

    objects: ClassVar[LedgerCheckManager] = LedgerCheckManager()

    class Meta:
        """Table and constraints."""

        db_table = "ledger_checks"
        ordering = ("-started_at", "-id")
        constraints = (
            models.CheckConstraint(
                name="ledger_checks_finished_check",
                condition=Q(finished_at__isnull=True, as_of__isnull=True)
                | Q(
                    finished_at__isnull=False,
                    finished_at__gte=F("started_at"),
                    as_of__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="ledger_checks_counts_check",
                condition=Q(checked__gte=0, violations__gte=0, milliseconds__gte=0),
            ),
        )
        indexes = (models.Index(fields=("-started_at", "-id"), name="ledger_checks_newest"),)

    def __str__(self) -> str:
        if self.finished_at is None:
            return "not finished"
        return f"{self.checked} equations, {self.violations} violations"

    @property
    def is_sound(self) -> bool:
        """Whether every equation held."""
        return self.finished_at is not None and self.violations == 0

    @property
    def seconds(self) -> float:
        """How long it took, in seconds."""
        return self.milliseconds / 1000
