"""The views of the billing app, as models that can only be read."""

from django.db import models

from credits.models.reports import View


class BillingSummary(View):
    """One row an organization: its live subscription, its pool and what it was billed."""

    org_id = models.UUIDField(primary_key=True)
    org_name = models.TextField()
    org_status = models.TextField()
    subscription_id = models.UUIDField(null=True)
    subscription_plan = models.TextField(null=True)  # noqa: DJ001 - null: no live subscription
    subscription_status = models.TextField(null=True)  # noqa: DJ001
    billing_cycle = models.TextField(null=True)  # noqa: DJ001
    monthly_price = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    current_period_end = models.DateTimeField(null=True)
    monthly_revenue = models.DecimalField(max_digits=30, decimal_places=16)
    total_credits = models.BigIntegerField()
    allocated_credits = models.BigIntegerField()
    available_credits = models.BigIntegerField()
    used_credits = models.BigIntegerField()
    event_count = models.BigIntegerField()
    billed_amount = models.DecimalField(max_digits=20, decimal_places=2)
    purchased_amount = models.DecimalField(max_digits=20, decimal_places=2)
    paid_amount = models.DecimalField(max_digits=20, decimal_places=2)
    pending_amount = models.DecimalField(max_digits=20, decimal_places=2)
    last_event_at = models.DateTimeField(null=True)

    class Meta(View.Meta):
        """The view."""

        db_table = "v_org_billing_summary"
        verbose_name = "billing summary"
        verbose_name_plural = "billing summaries"

    def __str__(self) -> str:
        return self.org_name
