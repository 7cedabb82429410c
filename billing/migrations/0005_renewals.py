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
    *CREDIT_EVENTS,
)
NEW_TYPES = (
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
)
TYPES = [*OLD_TYPES[:-2], *NEW_TYPES, *CREDIT_EVENTS]
LABELS = {name: name.replace("_", " ").capitalize() for name in TYPES}
LABELS["schedule_cleared"] = "Scheduled change cleared"
WITHOUT_SUBSCRIPTION = ("payment_received", "payment_voided", "pool_settings_changed")


def in_list(values):
    return ", ".join(f"'{value}'" for value in values)


def replaced(constraint, condition):
    # Not validated here: no reader or writer waits for a scan, and the way back is open to rows of the new types too.
    return f"""
    -- squawk-ignore ban-drop-constraint
    ALTER TABLE org_billing_history DROP CONSTRAINT {constraint};
    ALTER TABLE org_billing_history ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID;
    """


def credits_condition(without):
    return f"""
        (event_type IN ({in_list(CREDIT_EVENTS)}) AND credits IS NOT NULL AND credits > 0)
        OR (event_type NOT IN ({in_list(CREDIT_EVENTS)}) AND credits IS NULL AND ({without}))
    """


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_v_org_billing_summary")]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="past_due_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="billingevent",
            name="event_type",
            field=models.CharField(choices=list(LABELS.items()), max_length=32),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    replaced(
                        "org_billing_history_event_type_check", f"event_type IN ({in_list(TYPES)})"
                    ),
                    replaced(
                        "org_billing_history_event_type_check",
                        f"event_type IN ({in_list(OLD_TYPES)})",
                    ),
                ),
                migrations.RunSQL(
                    replaced(
                        "org_billing_history_credits_check",
                        credits_condition(
                            "subscription_id IS NOT NULL"
                            f" OR event_type IN ({in_list(WITHOUT_SUBSCRIPTION)})"
                        ),
                    ),
                    replaced(
                        "org_billing_history_credits_check",
                        credits_condition("subscription_id IS NOT NULL"),
                    ),
                ),
                migrations.RunSQL(
                    """
                    ALTER TABLE organization_subscriptions
                    ADD CONSTRAINT organization_subscriptions_past_due_check
                    CHECK (past_due_since IS NULL OR status = 'past_due') NOT VALID;
                    """,
                    """
                    -- squawk-ignore ban-drop-constraint
                    ALTER TABLE organization_subscriptions
                    DROP CONSTRAINT organization_subscriptions_past_due_check;
                    """,
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint("billingevent", "org_billing_history_event_type_check"),
                migrations.RemoveConstraint("billingevent", "org_billing_history_credits_check"),
                migrations.AddConstraint(
                    "billingevent",
                    models.CheckConstraint(
                        name="org_billing_history_event_type_check",
                        condition=Q(event_type__in=TYPES),
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
                migrations.AddConstraint(
                    "subscription",
                    models.CheckConstraint(
                        name="organization_subscriptions_past_due_check",
                        condition=Q(past_due_since__isnull=True) | Q(status="past_due"),
                    ),
                ),
            ],
        ),
    ]
