"""The ledger's views, as models that can only be read."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class ReadOnlyManager(models.Manager[Any]):
    """Reads; every way to write raises ``TypeError``."""

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        message = f"{self.model.__name__} is a view and can't be written."
        raise TypeError(message)

    create = bulk_create = bulk_update = get_or_create = update_or_create = update = _refuse


class View(models.Model):
    """What the view models share."""

    objects = ReadOnlyManager()

    class Meta:
        abstract = True
        managed = False

    def save(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused.

        Raises:
            TypeError: always.
        """
        message = f"{type(self).__name__} is a view and can't be written."
        raise TypeError(message)

    def delete(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Refused.

        Raises:
            TypeError: always.
        """
        self.save()
        raise AssertionError


class UserCreditStatus(View):
    """One row an allocation: what a person may still spend, and where."""

    allocation_id = models.UUIDField(primary_key=True)
    org_id = models.UUIDField()
    org_name = models.TextField()
    user_id = models.UUIDField()
    user_email = models.TextField()
    budget_credits = models.BigIntegerField()
    allocated_credits = models.BigIntegerField()
    used_credits = models.BigIntegerField()
    held_credits = models.BigIntegerField()
    remaining_credits = models.BigIntegerField()
    lifetime_used_credits = models.BigIntegerField()
    reset_period = models.TextField()
    next_reset_date = models.DateTimeField(null=True)
    is_active = models.BooleanField()

    class Meta(View.Meta):
        db_table = "v_user_credit_status"

    def __str__(self) -> str:
        """Whose, and how much."""
        return f"{self.user_email} in {self.org_name}: {self.remaining_credits} remaining"


class MemberAllocation(View):
    """One row a member of an organization, with the allocation if there is one."""

    member_id = models.UUIDField(primary_key=True)
    org_id = models.UUIDField()
    user_id = models.UUIDField()
    user_email = models.TextField()
    user_name = models.TextField()
    role = models.TextField()
    allocation_id = models.UUIDField(null=True)
    allocated_credits = models.BigIntegerField()
    used_credits = models.BigIntegerField()
    held_credits = models.BigIntegerField()
    remaining_credits = models.BigIntegerField()
    percent_used = models.DecimalField(max_digits=5, decimal_places=1, null=True)

    class Meta(View.Meta):
        db_table = "v_org_member_allocations"

    def __str__(self) -> str:
        """Whose, and how much."""
        return f"{self.user_email}: {self.remaining_credits} remaining"


class ElapsedHolds(View):
    """One row an allocation with holds past their expiry that nobody has settled yet."""

    allocation_id = models.UUIDField(primary_key=True)
    org_id = models.UUIDField()
    held_credits = models.BigIntegerField()
    overage_credits = models.BigIntegerField()

    class Meta(View.Meta):
        db_table = "v_elapsed_holds"

    def __str__(self) -> str:
        """Whose, and how much."""
        return f"{self.allocation_id}: {self.held_credits}"


class ServiceUsage(View):
    """One row an organization and service: what was spent on it."""

    row_id = models.TextField(primary_key=True)
    org_id = models.UUIDField()
    service_name = models.TextField()
    request_count = models.BigIntegerField()
    credits_used = models.BigIntegerField()
    credits_refunded = models.BigIntegerField()
    user_count = models.BigIntegerField()
    last_used_at = models.DateTimeField()

    class Meta(View.Meta):
        db_table = "v_credit_usage_by_service"

    def __str__(self) -> str:
        """Whose, and how much."""
        return f"{self.service_name}: {self.credits_used}"
