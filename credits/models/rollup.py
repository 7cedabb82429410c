"""Usage summed up by hour and day: derived from usage rows, and made again from them at any time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from credits.choices import Grain
from credits.managers import RollupManager
from organizations.models import Organization


class Rollup(models.Model):
    """How far an organization's usage has been summed up.

    Cells hold the rows before ``rolled_until`` but for those that are noted as late; readers add the rest. No row is
    missed: the candidate becomes the horizon when every transaction up to its number has ended.
    """

    org = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="+", primary_key=True
    )
    rolled_until = models.DateTimeField(null=True, help_text="Null: nothing was summed up yet.")
    candidate_at = models.DateTimeField(help_text="When a transaction of that number began.")
    candidate_xid = models.BigIntegerField(help_text="Its number, as pg_current_xact_id gives it.")
    safe_until = models.DateTimeField(
        null=True, help_text="No row before it can appear any more without a note that it is late."
    )

    objects = RollupManager()

    class Meta:
        db_table = "credit_usage_rollups"

    def __str__(self) -> str:
        """How far."""
        return f"{self.org_id} until {self.rolled_until}"


class Cell(models.Model):
    """What cells of both tables share. Hours and days are of UTC; credits are net of refunds, as the rows say."""

    org = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    grain = models.CharField(max_length=4, choices=Grain)
    starts_at = models.DateTimeField()
    credits = models.BigIntegerField(help_text="Below zero where more was refunded than charged.")
    requests = models.BigIntegerField(help_text="Charges; refunds don't count.")

    class Meta:
        abstract = True


class ServiceCell(Cell):
    """One organization's usage of one service in one hour or day."""

    pk = models.CompositePrimaryKey("org_id", "grain", "starts_at", "service_name")
    service_name = models.CharField(max_length=100)

    class Meta:
        db_table = "credit_usage_by_service"
        constraints = (
            models.CheckConstraint(
                condition=Q(grain__in=Grain.values, requests__gte=0), name="service_cell_possible"
            ),
        )
        indexes = (
            # What reports across organizations read, in one piece: cells are written in no order of time.
            models.Index(
                fields=["grain", "starts_at"],
                include=["org", "service_name", "credits", "requests"],
                name="service_cell_time_idx",
            ),
        )

    def __str__(self) -> str:
        """How much, on what, when."""
        return f"{self.credits} for {self.service_name} in the {self.grain} of {self.starts_at}"


class UserCell(Cell):
    """One member's usage in one hour or day."""

    pk = models.CompositePrimaryKey("org_id", "grain", "starts_at", "user_id")
    user_id = models.UUIDField()

    class Meta:
        db_table = "credit_usage_by_user"
        constraints = (
            models.CheckConstraint(
                condition=Q(grain__in=Grain.values, requests__gte=0), name="user_cell_possible"
            ),
        )
        indexes = (
            # A crowd's days in one piece, likewise.
            models.Index(
                fields=["org", "grain", "starts_at"],
                include=["user_id", "credits", "requests"],
                name="user_cell_time_idx",
            ),
        )

    def __str__(self) -> str:
        """How much, by whom, when."""
        return f"{self.credits} by {self.user_id} in the {self.grain} of {self.starts_at}"


class LateUsage(models.Model):
    """A usage row that was written with a moment of the past, until it is summed up with the others."""

    pk = models.CompositePrimaryKey("org_id", "created_at", "usage_id")
    org = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    created_at = models.DateTimeField(help_text="The row's.")
    usage_id = models.UUIDField()

    class Meta:
        db_table = "credit_usage_late"

    def __str__(self) -> str:
        """Which row."""
        return f"{self.usage_id} of {self.created_at}"
