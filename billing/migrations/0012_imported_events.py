"""Events of another system in the billing history: they concern a subscription or none, and move no credits."""

from django.db import migrations, models
from django.db.models import Q

CREDIT_EVENTS = ("credit_grant", "credit_purchase")
OLD_TYPES = (
    "subscription_created",
    "subscription_upgraded",
    "downgrade_scheduled",
    "billing_cycle_changed",
    "cycle_change_scheduled",
    "schedule_cleared",
    "cancellation_scheduled",
    "cancellation_undone",
    "subscription_canceled",
    "subscription_activated",
    "subscription_renewed",
    "subscription_paused",
    "subscription_resumed",
    "payment_overdue",
    "subscription_recovered",
    "payment_received",
    "payment_voided",
    "overage_charge",
    "pool_settings_changed",
    *CREDIT_EVENTS,
)
TYPES = (*OLD_TYPES, "imported")
LABELS = {name: name.replace("_", " ").capitalize() for name in TYPES}
LABELS["schedule_cleared"] = "Scheduled change cleared"
LABELS["imported"] = "Imported from another system"
OLD_WITHOUT_SUBSCRIPTION = ("payment_received", "payment_voided", "pool_settings_changed")
WITHOUT_SUBSCRIPTION = (*OLD_WITHOUT_SUBSCRIPTION, "imported")


def in_list(values):
    return ", ".join(f"'{value}'" for value in values)


def replaced(constraint, condition):
    # Not validated here: no reader or writer waits for a scan, and the way back is open to rows of the new type too.
    return f"""
    -- squawk-ignore ban-drop-constraint
    ALTER TABLE org_billing_history DROP CONSTRAINT {constraint};
    ALTER TABLE org_billing_history ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID;
    """


def types_replaced(types):
    return replaced("org_billing_history_event_type_check", f"event_type IN ({in_list(types)})")


def credits_replaced(without):
    condition = f"""
        (event_type IN ({in_list(CREDIT_EVENTS)}) AND credits IS NOT NULL AND credits > 0)
        OR (event_type NOT IN ({in_list(CREDIT_EVENTS)}) AND credits IS NULL
            AND (subscription_id IS NOT NULL OR event_type IN ({in_list(without)})))
    """
    return replaced("org_billing_history_credits_check", condition)


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_backup_runs")]

    operations = [
        migrations.AlterField(
            model_name="billingevent",
            name="event_type",
            field=models.CharField(choices=list(LABELS.items()), max_length=32),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(types_replaced(TYPES), types_replaced(OLD_TYPES)),
                migrations.RunSQL(
                    credits_replaced(WITHOUT_SUBSCRIPTION),
                    credits_replaced(OLD_WITHOUT_SUBSCRIPTION),
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint("billingevent", "org_billing_history_event_type_check"),
                migrations.RemoveConstraint("billingevent", "org_billing_history_credits_check"),
                migrations.AddConstraint(
                    "billingevent",
                    models.CheckConstraint(
                        name="org_billing_history_event_type_check",
                        condition=Q(event_type__in=list(TYPES)),
                    ),
                ),
                migrations.AddConstraint(
                    "billingevent",
                    models.CheckConstraint(
                        name="org_billing_history_credits_check",
                        condition=Q(
                            event_type__in=CREDIT_EVENTS, credits__isnull=False, credits__gt=0
                        )
                        | (
                            ~Q(event_type__in=CREDIT_EVENTS)
                            & Q(credits__isnull=True)
                            & (
                                Q(subscription__isnull=False)
                                | Q(event_type__in=WITHOUT_SUBSCRIPTION)
                            )
                        ),
                    ),
                ),
            ],
        ),
    ]
