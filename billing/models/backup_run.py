"""A run of a backup, a restore or a drill of one: when, of which file, and what became of it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from billing.choices import BackupKind, BackupOutcome
from billing.managers.backup_runs import BackupRunManager
from orgbilling.lib.ids import uuid7


class BackupRun(models.Model):
    """One run. It belongs to no organization: a backup is of the database as a whole."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=16, choices=BackupKind.choices)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=16, choices=BackupOutcome.choices, default=BackupOutcome.RUNNING
    )
    file_name = models.CharField(
        max_length=255, blank=True, default="", help_text="Without its folder."
    )
    bytes = models.BigIntegerField(default=0, help_text="How large the file is.")
    sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of the file.")
    ledger_position = models.JSONField(
        default=dict, blank=True, help_text="How far the ledger was: counts and newest ids."
    )
    milliseconds = models.BigIntegerField(default=0)
    detail = models.TextField(blank=True, default="", help_text="What was found, or went wrong.")

    objects: ClassVar[BackupRunManager] = BackupRunManager()

    class Meta:
        """Table and constraints."""

        db_table = "backup_runs"
        ordering = ("-started_at", "-id")
        constraints = (
            models.CheckConstraint(
                name="backup_runs_kind_check", condition=Q(kind__in=BackupKind.values)
            ),
            models.CheckConstraint(
                name="backup_runs_outcome_check",
                condition=Q(outcome=BackupOutcome.RUNNING, finished_at__isnull=True)
                | Q(
                    outcome__in=(BackupOutcome.SUCCEEDED, BackupOutcome.FAILED),
                    finished_at__isnull=False,
                    finished_at__gte=F("started_at"),
                ),
            ),
            models.CheckConstraint(
                name="backup_runs_counts_check", condition=Q(bytes__gte=0, milliseconds__gte=0)
            ),
            models.CheckConstraint(
                name="backup_runs_file_check",
                condition=~Q(kind=BackupKind.BACKUP, outcome=BackupOutcome.SUCCEEDED)
                | (~Q(file_name="") & Q(bytes__gt=0, sha256__regex=r"^[0-9a-f]{64}$")),
            ),
        )
        indexes = (models.Index(fields=("kind", "-started_at", "-id"), name="backup_runs_newest"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.outcome}"

    @property
    def seconds(self) -> float:
        """How long it took, in seconds."""
        return self.milliseconds / 1000
